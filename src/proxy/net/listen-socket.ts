// Listening sockets that outlive traffic threads. The main thread makes a bare descriptor and binds it, so that a taken port is known
// at once; traffic threads listen on duplicates of it. When a thread dies, the kernel's socket and its queue of connections live on.
// Made through the C library because node:net cannot bind without listening, and does not hand descriptors out.
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { constants } from "node:os";
import { isIPv4, isIPv6 } from "node:net";
import { platform } from "node:process";
import koffi from "koffi";
import type { SocketAddress } from "./connection.ts";
import { ipBytes } from "#proxy/codec/ip-address";
import { addressText, isPipe } from "./socket-address.ts";
import { int32, PLAIN_LISTEN_OPTIONS } from "./socket-option.ts";
import type { ListenOptions, SocketOption } from "./socket-option.ts";
import { meaningOf } from "./transport-failure.ts";

const darwin = platform === "darwin";

// Numbers of the system headers: <sys/socket.h>, <netinet/in.h>, <fcntl.h>.
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = darwin ? 30 : 10;
const SOCK_STREAM = 1;
const IPPROTO_MPTCP = 262;
const SOL_SOCKET = darwin ? 0xffff : 1;
const SO_REUSEADDR = darwin ? 4 : 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = darwin ? 27 : 26;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_DUPFD_CLOEXEC = darwin ? 67 : 1030;

interface LibC {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly listen: (fd: number, backlog: number) => number;
  readonly getsockname: (fd: number, address: Uint8Array, length: Uint8Array) => number;
  readonly close: (fd: number) => number;
  readonly fcntl: (fd: number, command: number, type: "int", argument: number) => number;
}

let loaded: LibC | undefined;

function libc(): LibC {
  if (loaded !== undefined) return loaded;
  const library = koffi.load(darwin ? "libSystem.B.dylib" : "libc.so.6");
  loaded = {
    socket: library.func("int socket(int, int, int)"),
    setsockopt: library.func("int setsockopt(int, int, int, const void *, uint32_t)"),
    bind: library.func("int bind(int, const void *, uint32_t)"),
    listen: library.func("int listen(int, int)"),
    getsockname: library.func("int getsockname(int, _Out_ void *, _Inout_ void *)"),
    close: library.func("int close(int)"),
    fcntl: library.func("int fcntl(int, int, ...)"),
  };
  return loaded;
}

// Envoy leaves the backlog to the system's maximum; a burst of connections must not meet a full queue while configuration is applied.
export const LISTEN_BACKLOG = 4096;

export interface BindFailure {
  /** EADDRINUSE, EACCES, EADDRNOTAVAIL ... */
  readonly code: string;
  /** Names the address and the cause, and says a likely fix. */
  readonly message: string;
}

export type BindResult = { readonly ok: true; readonly socket: ListenSocket } | { readonly ok: false; readonly failure: BindFailure };

const FIX: Readonly<Record<string, string>> = {
  ENOENT: "its folder is not there",
  EADDRINUSE: "another process or listener has it; stop that or choose another port",
  EACCES: "ports under 1024 need privileges; choose a higher port",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** A bound socket. It listens from `listen` on, until this and the duplicate of the last traffic thread are closed. */
export class ListenSocket {
  readonly address: SocketAddress;
  #fd: number;

  constructor(fd: number, address: SocketAddress) {
    this.#fd = fd;
    this.address = address;
  }

  /**
   * Before any traffic thread does, so that a failure is known here: between bind and listen, whoever also sets SO_REUSEADDR can take the
   * port. Doing it again changes nothing.
   */
  listen(): BindFailure | undefined {
    return libc().listen(this.#fd, LISTEN_BACKLOG) === 0 ? undefined : failureOf("listen on", this.address, errnoName());
  }

  /** A descriptor of its own for one traffic thread, which closes it. */
  duplicate(): number {
    const copy = this.#fd < 0 ? -1 : libc().fcntl(this.#fd, F_DUPFD_CLOEXEC, "int", 0);
    if (copy < 0)
      throw new Error(`listening socket ${addressText(this.address)}: no descriptor left (${errnoName()}); raise the limit of open files`);
    return copy;
  }

  close(): void {
    if (this.#fd < 0) return;
    libc().close(this.#fd);
    this.#fd = -1;
  }
}

/** A bare socket, without an address; negative: errno says why there is none. */
export function newSocket(family: "v4" | "v6" | "pipe"): number {
  const c = libc();
  const fd = c.socket(family === "pipe" ? AF_UNIX : family === "v6" ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  if (fd >= 0) c.fcntl(fd, F_SETFD, "int", FD_CLOEXEC);
  return fd;
}

/** False: errno says why not. */
export function setSocketOption(fd: number, { level, name, value }: SocketOption): boolean {
  return libc().setsockopt(fd, level, name, value, value.length) === 0;
}

/** Closes a descriptor that no handle took over. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

export function errnoName(): string {
  const number = koffi.errno();
  for (const [name, value] of Object.entries(constants.errno)) if (value === number) return name;
  return `errno ${number}`;
}

function encodeAddress(target: SocketAddress): Uint8Array | undefined {
  const { address, port } = target;
  if (isPipe(target)) {
    // "@": a name of the kernel's, without a file; its length says where it ends.
    const path = address.startsWith("@") ? Buffer.from(`\0${address.slice(1)}`) : Buffer.from(`${address}\0`);
    const bytes = new Uint8Array(2 + path.length);
    writeFamily(bytes, AF_UNIX);
    bytes.set(path, 2);
    return bytes;
  }
  if (isIPv4(address)) {
    const bytes = new Uint8Array(16);
    writeFamily(bytes, AF_INET);
    writePort(bytes, port);
    address.split(".").forEach((part, index) => (bytes[4 + index] = Number(part)));
    return bytes;
  }
  if (isIPv6(address) && !address.includes("%")) {
    const bytes = new Uint8Array(28);
    writeFamily(bytes, AF_INET6);
    writePort(bytes, port);
    bytes.set(ipBytes(address) ?? new Uint8Array(16), 8);
    return bytes;
  }
  return undefined;
}

// BSD's sockaddr begins with its length and a family of one byte; Linux's with a family of two.
function writeFamily(bytes: Uint8Array, family: number): void {
  if (darwin) {
    bytes[0] = bytes.length;
    bytes[1] = family;
  } else {
    bytes[0] = family;
  }
}

function writePort(bytes: Uint8Array, port: number): void {
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
}

function failureOf(what: "bind" | "listen on", target: SocketAddress, code: string, why = meaningOf(code), fix = FIX[code]): BindFailure {
  return { code, message: `cannot ${what} ${addressText(target)}: ${why}${fix === undefined ? "" : ` (${fix})`}` };
}

/** Binds, does not listen. `port` 0: a free one, told by `socket.address`. */
export function bindListenSocket(target: SocketAddress, wanted: ListenOptions = PLAIN_LISTEN_OPTIONS): BindResult {
  const fail = (code: string, why?: string, fix?: string): BindResult => ({
    ok: false,
    failure: failureOf("bind", target, code, why, fix),
  });
  const address = encodeAddress(target);
  if (address === undefined) return fail("EINVAL", "not an IP address");
  const pipe = isPipe(target);
  const v6 = !pipe && address.length === 28;
  const c = libc();
  const fd = c.socket(pipe ? AF_UNIX : v6 ? AF_INET6 : AF_INET, SOCK_STREAM, wanted.multipath ? IPPROTO_MPTCP : 0);
  if (fd < 0) return fail(errnoName());
  const giveUp = (why?: string, fix?: string): BindResult => {
    const code = errnoName();
    c.close(fd);
    return why === undefined ? fail(code) : fail(code, `${why}: ${meaningOf(code)}`, fix);
  };
  c.fcntl(fd, F_SETFD, "int", FD_CLOEXEC);
  // A restarted data plane must get its port while connections of the old one linger in TIME_WAIT.
  if (!pipe) c.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, int32(1), 4);
  // Accepted connections have it from here, without a call for each.
  if (!pipe) c.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, int32(1), 4);
  // As Envoy by default: `::` does not take IPv4.
  if (v6) c.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, int32(wanted.ipv4Compat ? 0 : 1), 4);
  const failedOption = (prebind: boolean): string | undefined =>
    wanted.options.find(
      (option) => option.prebind === prebind && c.setsockopt(fd, option.level, option.name, option.value, option.value.length) !== 0,
    )?.description;
  const before = failedOption(true);
  if (before !== undefined) return giveUp(`socket option ${before}`, "some need CAP_NET_ADMIN");
  if (pipe) removeSocketFile(target.address);
  if (c.bind(fd, address, address.length) !== 0) return giveUp();
  const after = failedOption(false);
  if (after !== undefined) return giveUp(`socket option ${after}`, "some need CAP_NET_ADMIN");
  if (pipe && wanted.mode !== 0 && !target.address.startsWith("@")) chmodSync(target.address, wanted.mode);
  return {
    ok: true,
    socket: new ListenSocket(fd, { address: target.address, port: pipe || target.port > 0 ? target.port : boundPort(fd) }),
  };
}

/** What a proxy before this one left there. Anything but a socket stays, and the path is then taken. */
function removeSocketFile(path: string): void {
  if (path.startsWith("@")) return;
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
}

function boundPort(fd: number): number {
  const bytes = new Uint8Array(28);
  libc().getsockname(fd, bytes, int32(28));
  return ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
}
