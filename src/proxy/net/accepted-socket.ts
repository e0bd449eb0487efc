// An accepted socket before anybody speaks on it: what the client sends can be looked at, and is there again for whoever takes it over.
import type { Socket } from "node:net";
import type { Clock } from "#runtime/clock";
import type { Connection, SocketAddress } from "./connection.ts";
import { originalDestination } from "./original-destination.ts";
import { plainAddress, resetSocket, SocketConnection } from "./socket-connection.ts";
import { serverHandshake } from "./tls-handshake.ts";
import type { HandshakeResult, ServerHandshakeOptions } from "./tls-handshake.ts";

export interface PeekHandler {
  /** All bytes so far, again with every new one. */
  onBytes(bytes: Buffer): void;
  /** The client ended or broke the connection. */
  onGone(failed: boolean): void;
}

export interface SecureCallbacks {
  /** One of the two, once. */
  onSecure(result: HandshakeResult, take: (onClosed: (connection: Connection) => void) => Connection): void;
  onFailed(detail: string): void;
}

export class AcceptedSocket {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #poison: boolean;
  #peeked: Buffer | undefined;
  #detach: (() => void) | undefined;
  #local: SocketAddress | undefined;
  #remote: SocketAddress | undefined;

  constructor(socket: Socket, clock: Clock, poison: boolean) {
    this.#socket = socket;
    this.#clock = clock;
    this.#poison = poison;
  }

  get local(): SocketAddress {
    return (this.#local ??= { address: plainAddress(this.#socket.localAddress), port: this.#socket.localPort ?? 0 });
  }

  get remote(): SocketAddress {
    return (this.#remote ??= { address: plainAddress(this.#socket.remoteAddress), port: this.#socket.remotePort ?? 0 });
  }

  /** Where the client meant to go before its connection was redirected here; undefined: it was not. */
  originalDestination(): SocketAddress | undefined {
    const handle = (this.#socket as Socket & { readonly _handle?: { readonly fd?: number } | null })._handle;
    return originalDestination(handle?.fd ?? -1, this.#socket.localFamily === "IPv6" && !this.#socket.localAddress?.startsWith("::ffff:"));
  }

  peek(handler: PeekHandler): void {
    const onData = (chunk: Buffer): void => {
      this.#peeked = this.#peeked === undefined ? chunk : Buffer.concat([this.#peeked, chunk]);
      handler.onBytes(this.#peeked);
    };
    const onEnd = (): void => handler.onGone(false);
    const onError = (): void => handler.onGone(true);
    this.#socket.on("data", onData).on("end", onEnd).on("error", onError);
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#detach = (): void => void this.#socket.off("data", onData).off("end", onEnd).off("error", onError);
  }

  stopPeeking(): void {
    if (this.#detach === undefined) return;
    this.#detach();
    this.#detach = undefined;
    this.#socket.pause();
  }

  /** Takes the first bytes away: nobody will read them. */
  consume(length: number): void {
    this.#peeked = this.#peeked?.subarray(length);
  }

  get peeked(): Buffer {
    return this.#peeked ?? EMPTY;
  }

  /** As a plaintext connection, which begins with what was peeked at. `onClosed`: it is gone, whoever closed it. */
  connection(onClosed: (connection: Connection) => void): Connection {
    this.#giveBack();
    const connection = new SocketConnection(this.#socket, this.#clock, this.#poison, onClosed);
    if (this.#socket.isPaused()) this.#socket.resume();
    return connection;
  }

  /** Answers the ClientHello that was peeked at. `take` makes the connection; without it the socket is closed by its owner. */
  secure(options: ServerHandshakeOptions, callbacks: SecureCallbacks): void {
    this.#giveBack();
    const raw = this.#socket;
    serverHandshake(raw, options, {
      onSecure: (tls, result) =>
        callbacks.onSecure(result, (onClosed) => new SocketConnection(tls, this.#clock, this.#poison, onClosed, raw)),
      onFailed: (detail) => callbacks.onFailed(detail),
    });
  }

  close(): void {
    this.stopPeeking();
    this.#socket.on("error", () => {});
    // Bytes that nobody took are unread as far as the client knows: then the kernel says RST, and so does Envoy, which leaves them there.
    if (this.peeked.length > 0) resetSocket(this.#socket);
    else this.#socket.destroy();
  }

  #giveBack(): void {
    this.stopPeeking();
    if (this.#peeked === undefined || this.#peeked.length === 0) return;
    this.#socket.unshift(this.#peeked);
    this.#peeked = undefined;
  }
}

const EMPTY = Buffer.alloc(0);
