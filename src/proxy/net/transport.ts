// What is below a connection: a handle of its own, or a TLS session with what carries it.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { SocketAddress } from "./connection.ts";
import { closeHandle, disownHandle, isTcp, ownHandle, resetHandle } from "./stream-handle.ts";
import type { HandleOwner, StreamHandle } from "./stream-handle.ts";

export interface TransportOwner extends HandleOwner {
  /** Something failed beside reads and writes. */
  onError(error: Error): void;
}

export interface Transport {
  readonly handle: StreamHandle;
  /** A second write must wait for the first: OpenSSL's handle ends the process otherwise. */
  readonly oneWrite: boolean;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Once, before anything else. */
  attach(owner: TransportOwner): void;
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

  constructor(handle: StreamHandle) {
    this.handle = handle;
  }

  get local(): SocketAddress {
    return (this.#local ??= addressOf(this.handle, "getsockname"));
  }

  get remote(): SocketAddress {
    return (this.#remote ??= addressOf(this.handle, "getpeername"));
  }

  attach(owner: TransportOwner): void {
    ownHandle(this.handle, owner);
  }

  close(): void {
    closeHandle(this.handle);
  }

  reset(): void {
    resetHandle(this.handle);
  }
}

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

  attach(owner: TransportOwner): void {
    ownHandle(this.handle, owner);
    this.#tls.on("error", (error) => owner.onError(error));
    this.#tls.on("close", () => {
      disownHandle(this.handle);
      owner.onClosed();
    });
  }

  close(): void {
    this.#tls.destroy();
  }

  reset(): void {
    if (this.#carrier.localAddress === undefined) this.#tls.destroy();
    else this.#carrier.resetAndDestroy();
  }
}
