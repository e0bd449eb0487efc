// Listening sockets that outlive traffic threads. The main thread makes a bare descriptor and binds it, so that a taken port is known
// at once; traffic threads listen on duplicates of it. When a thread dies, the kernel's socket and its queue of connections live on.
// Made through the C library because node:net cannot bind without listening, and does not hand descriptors out.
import { constants } from "node:os";
import { isIPv4, isIPv6 } from "node:net";
import { platform } from "node:process";
import koffi from "koffi";
import type { SocketAddress } from "./connection.ts";
import { ipBytes } from "#proxy/codec/ip-address";
import { meaningOf } from "./transport-failure.ts";

const darwin = platform === "darwin";

// Numbers of the system headers: <sys/socket.h>, <netinet/in.h>, <fcntl.h>.
const AF_INET = 2;
const AF_INET6 = darwin ? 30 : 10;
const SOCK_STREAM = 1;
const SOL_SOCKET = darwin ? 0xffff : 1;
const SO_REUSEADDR = darwin ? 4 : 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = darwin ? 27 : 26;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_DUPFD_CLOEXEC = darwin ? 67 : 1030;

interface LibC {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
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
    getsockname: library.func("int getsockname(int, _Out_ void *, _Inout_ void *)"),
    close: library.func("int close(int)"),
    fcntl: library.func("int fcntl(int, int, ...)"),
  };
  return loaded;
}

export interface BindFailure {
  /** EADDRINUSE, EACCES, EADDRNOTAVAIL ... */
  readonly code: string;
  /** Names the address and the cause, and says a likely fix. */
  readonly message: string;
}

export type BindResult = { readonly ok: true; readonly socket: ListenSocket } | { readonly ok: false; readonly failure: BindFailure };

const FIX: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process or listener has it; stop that or choose another port",
  EACCES: "ports under 1024 need privileges; choose a higher port",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** A bound socket. It listens once the first traffic thread listens on a duplicate, and until the last one and this are closed. */
export class ListenSocket {
  readonly address: SocketAddress;
  #fd: number;

  constructor(fd: number, address: SocketAddress) {
    this.#fd = fd;
    this.address = address;
  }

  /** A descriptor of its own for one traffic thread, which closes it. */
  duplicate(): number {
    const copy = this.#fd < 0 ? -1 : libc().fcntl(this.#fd, F_DUPFD_CLOEXEC, "int", 0);
    if (copy < 0)
      throw new Error(`listening socket ${format(this.address)}: no descriptor left (${errnoName()}); raise the limit of open files`);
    return copy;
  }

  close(): void {
    if (this.#fd < 0) return;
    libc().close(this.#fd);
    this.#fd = -1;
  }
}

/** Closes a duplicate that no thread took over. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

function format({ address, port }: SocketAddress): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function errnoName(): string {
  const number = koffi.errno();
  for (const [name, value] of Object.entries(constants.errno)) if (value === number) return name;
  return `errno ${number}`;
}

function int32(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}

function encodeAddress({ address, port }: SocketAddress): Uint8Array | undefined {
  if (isIPv4(address)) {
    const bytes = new Uint8Array(16);
    writeFamily(bytes, AF_INET, port);
    address.split(".").forEach((part, index) => (bytes[4 + index] = Number(part)));
    return bytes;
  }
  if (isIPv6(address) && !address.includes("%")) {
    const bytes = new Uint8Array(28);
    writeFamily(bytes, AF_INET6, port);
    bytes.set(ipBytes(address) ?? new Uint8Array(16), 8);
    return bytes;
  }
  return undefined;
}

// BSD's sockaddr begins with its length and a family of one byte; Linux's with a family of two.
function writeFamily(bytes: Uint8Array, family: number, port: number): void {
  if (darwin) {
    bytes[0] = bytes.length;
    bytes[1] = family;
  } else {
    bytes[0] = family;
  }
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
}

/** Binds, does not listen. `port` 0: a free one, told by `socket.address`. */
export function bindListenSocket(target: SocketAddress): BindResult {
  const fail = (code: string, why = meaningOf(code)): BindResult => ({
    ok: false,
    failure: { code, message: `cannot bind ${format(target)}: ${why}${FIX[code] === undefined ? "" : ` (${FIX[code]})`}` },
  });
  const address = encodeAddress(target);
  if (address === undefined) return fail("EINVAL", "not an IP address");
  const v6 = address.length === 28;
  const c = libc();
  const fd = c.socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return fail(errnoName());
  c.fcntl(fd, F_SETFD, "int", FD_CLOEXEC);
  // A restarted data plane must get its port while connections of the old one linger in TIME_WAIT.
  c.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, int32(1), 4);
  // As Envoy by default: `::` does not take IPv4.
  if (v6) c.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, int32(1), 4);
  if (c.bind(fd, address, address.length) !== 0) {
    const code = errnoName();
    c.close(fd);
    return fail(code);
  }
  return { ok: true, socket: new ListenSocket(fd, { address: target.address, port: target.port === 0 ? boundPort(fd) : target.port }) };
}

function boundPort(fd: number): number {
  const bytes = new Uint8Array(28);
  libc().getsockname(fd, bytes, int32(28));
  return ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
}
