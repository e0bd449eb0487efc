// What is below a connection: a handle of its own, or a TLS session with what carries it.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { SocketAddress } from "./connection.ts";
import { isTcp } from "./stream-handle.ts";
import type { StreamHandle } from "./stream-handle.ts";

export interface Transport {
  readonly handle: StreamHandle;
  /** A second write must wait for the first: OpenSSL's handle ends the process otherwise. */
  readonly oneWrite: boolean;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Once, before anything else. `onError`: of what fails beside reads and writes. */
  watch(onError: (error: Error) => void, onClosed: () => void): void;
  close(): void;
  /** With RST where the transport knows it. */
  reset(): void;
}

/** An IPv4 client of an IPv6 socket by its IPv4 address. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

function addressOf(handle: StreamHandle, end: "getsockname" | "getpeername"): SocketAddress {
  const out: { address?: string; port?: number } = {};
  // A unix socket has none.
  if (isTcp(handle)) handle[end](out);
  return { address: plainAddress(out.address), port: out.port ?? 0 };
}

export class PlainTransport implements Transport {
  readonly handle: StreamHandle;
  readonly oneWrite = false;
  #local: SocketAddress | undefined;
  #remote: SocketAddress | undefined;
  #onClosed: () => void = ignore;

  constructor(handle: StreamHandle) {
    this.handle = handle;
  }

  get local(): SocketAddress {
    return (this.#local ??= addressOf(this.handle, "getsockname"));
  }

  get remote(): SocketAddress {
    return (this.#remote ??= addressOf(this.handle, "getpeername"));
  }

  watch(_onError: (error: Error) => void, onClosed: () => void): void {
    this.#onClosed = onClosed;
  }

  close(): void {
    this.handle.close(() => this.#end());
  }

  reset(): void {
    const { handle } = this;
    const onClosed = (): void => this.#end();
    // It refuses where our end is on its way out already.
    if (!isTcp(handle) || handle.reset(onClosed) !== 0) handle.close(onClosed);
  }

  /** A closed handle stays for a while: what hangs on it would survive with it, and cost the collector more than the connection did. */
  #end(): void {
    const onClosed = this.#onClosed;
    this.#onClosed = ignore;
    this.handle.onread = ignore;
    onClosed();
  }
}

function ignore(): undefined {}

/** After the handshake. `carrier`: the socket below. */
export class TlsTransport implements Transport {
  readonly handle: StreamHandle;
  readonly oneWrite = true;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #tls: TLSSocket;
  readonly #carrier: Socket;

  constructor(tls: TLSSocket, carrier: Socket) {
    this.#tls = tls;
    this.#carrier = carrier;
    this.handle = (tls as TLSSocket & { readonly _handle: StreamHandle })._handle;
    this.local = { address: plainAddress(carrier.localAddress), port: carrier.localPort ?? 0 };
    this.remote = { address: plainAddress(carrier.remoteAddress), port: carrier.remotePort ?? 0 };
  }

  watch(onError: (error: Error) => void, onClosed: () => void): void {
    this.#tls.on("error", onError);
    this.#tls.on("close", onClosed);
  }

  close(): void {
    this.#tls.destroy();
  }

  reset(): void {
    if (this.#carrier.localAddress === undefined) this.#tls.destroy();
    else this.#carrier.resetAndDestroy();
  }
}
