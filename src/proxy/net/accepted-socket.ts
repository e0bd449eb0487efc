// An accepted socket before anybody speaks on it: what the client sends can be looked at, and is there again for whoever takes it over.
import { Socket } from "node:net";
import type { Clock } from "#runtime/clock";
import type { Connection, ConnectionOwner, SocketAddress } from "./connection.ts";
import { originalDestination } from "./original-destination.ts";
import { SocketConnection } from "./socket-connection.ts";
import { disownHandle, isEndOfFile, ownHandle, readOffset, readResult } from "./stream-handle.ts";
import type { StreamHandle } from "./stream-handle.ts";
import { serverHandshake } from "./tls-handshake.ts";
import type { HandshakeFailure, HandshakeResult, ServerHandshakeOptions } from "./tls-handshake.ts";
import { PlainTransport, TlsTransport } from "./transport.ts";

export interface PeekHandler {
  /** All bytes so far, again with every new one. */
  onBytes(bytes: Buffer): void;
  /** The client ended or broke the connection. */
  onGone(failed: boolean): void;
}

export interface SecureCallbacks {
  /** One of the two, once. */
  onSecure(result: HandshakeResult, take: (owner: ConnectionOwner) => Connection): void;
  onFailed(failure: HandshakeFailure): void;
}

const EMPTY = Buffer.alloc(0);

export class AcceptedSocket {
  readonly #transport: PlainTransport;
  readonly #clock: Clock;
  readonly #poison: boolean;
  #peeked: Buffer | undefined;

  constructor(handle: StreamHandle, clock: Clock, poison: boolean) {
    this.#transport = new PlainTransport(handle);
    this.#clock = clock;
    this.#poison = poison;
  }

  get local(): SocketAddress {
    return this.#transport.local;
  }

  get remote(): SocketAddress {
    return this.#transport.remote;
  }

  /** Where the client meant to go before its connection was redirected here; undefined: it was not. */
  originalDestination(): SocketAddress | undefined {
    return originalDestination(this.#transport.handle.fd, this.local.address.includes(":"));
  }

  peek(handler: PeekHandler): void {
    const { handle } = this.#transport;
    ownHandle(handle, {
      onRead: (bytes) => {
        const length = readResult();
        if (length > 0 && bytes !== undefined) {
          const chunk = Buffer.from(bytes, readOffset(), length);
          this.#peeked = this.#peeked === undefined ? chunk : Buffer.concat([this.#peeked, chunk]);
          handler.onBytes(this.#peeked);
        } else if (length < 0) handler.onGone(!isEndOfFile(length));
        return undefined;
      },
      onClosed: () => {},
    });
    handle.readStart();
  }

  stopPeeking(): void {
    this.#transport.handle.readStop();
  }

  /** Takes the first bytes away: nobody will read them. */
  consume(length: number): void {
    this.#peeked = this.#peeked?.subarray(length);
  }

  get peeked(): Buffer {
    return this.#peeked ?? EMPTY;
  }

  /** As a plaintext connection, which begins with what was peeked at. */
  connection(owner: ConnectionOwner): Connection {
    return new SocketConnection(this.#transport, { clock: this.#clock, poison: this.#poison, owner, early: this.#peeked });
  }

  /** Answers the ClientHello that was peeked at. `take` makes the connection; without it the socket is closed by its owner. */
  secure(options: ServerHandshakeOptions, callbacks: SecureCallbacks): void {
    disownHandle(this.#transport.handle);
    const carrier = new Socket({ handle: this.#transport.handle, allowHalfOpen: true, pauseOnCreate: true } as object);
    if (this.peeked.length > 0) carrier.unshift(this.peeked);
    serverHandshake(carrier, options, {
      onSecure: (tls, result) =>
        callbacks.onSecure(result, (owner) => {
          const early = tls.read() as Buffer | null;
          const given = { clock: this.#clock, poison: this.#poison, owner, early: early ?? undefined };
          return new SocketConnection(new TlsTransport(tls, carrier), given);
        }),
      onFailed: (failure) => callbacks.onFailed(failure),
    });
  }

  close(): void {
    const { handle } = this.#transport;
    handle.readStop();
    // Bytes that nobody took are unread as far as the client knows: then the kernel says RST, and so does Envoy, which leaves them there.
    if (this.peeked.length > 0) this.#transport.reset();
    else this.#transport.close();
  }
}
