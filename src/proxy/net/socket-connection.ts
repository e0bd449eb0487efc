// A node:net socket as a Connection. The public socket API only: `data` events bring a fresh buffer per chunk, so that keeping a chunk
// costs nothing; poison mode makes it cost something, to find whoever keeps one without asking.
import type { Socket } from "node:net";
import type { Clock, Timer } from "#runtime/clock";
import { invariant } from "#runtime/invariant";
import type { Connection, ConnectionHandler, PauseCause, SocketAddress, TransportFailure } from "./connection.ts";
import { brokenConnection } from "./transport-failure.ts";

/** Where nothing is configured. Less than Envoy's 1 MiB: what fills the kernel's buffers keeps a fast peer busy already. */
export const HIGH_WATERMARK_BYTES = 65_536;

/** A body up to this size goes out as one string with its head: one write instead of a vector of two. */
const JOIN_BYTES = 4096;

// Envoy's delayed_close_timeout: how long a closed connection waits for progress or the peer's FIN, because closing a socket that still holds unread
// bytes makes the kernel send RST, which can destroy the answer on its way.
const DELAYED_CLOSE_MS = 1000;

const EMPTY = new Uint8Array(0);

const POISON = 0xdb;

let lastId = 0;

const CAUSES: readonly PauseCause[] = ["backpressure", "pipelined", "filter", "upstream-not-ready"];

/** Bytes that come before anybody took the connection over are a bug of whoever accepted it. */
const nobody: ConnectionHandler = {
  onData: () => invariant(false, "bytes arrived on a connection without a handler"),
  onEnd: () => {},
  onDrain: () => {},
  onClose: () => {},
};

/** An IPv4 client of an IPv6 socket by its IPv4 address. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** A unix socket knows no RST: there its peer sees the end. */
export function resetSocket(socket: Socket): void {
  if (socket.localAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

export class SocketConnection implements Connection {
  readonly id = ++lastId;
  readonly startMs: number;
  handler: ConnectionHandler = nobody;
  bufferLimitBytes = HIGH_WATERMARK_BYTES;
  delayedCloseMs = DELAYED_CLOSE_MS;
  #delayedCloseExpired = false;
  /** `write` said false: the handler waits for `onDrain`. */
  #over = false;
  readonly #socket: Socket;
  /** Only a bare TCP socket can send RST. */
  readonly #raw: Socket;
  readonly #clock: Clock;
  readonly #poison: boolean;
  readonly #onClosed: ((connection: Connection) => void) | undefined;
  readonly #pauses: number[] = CAUSES.map(() => 0);
  #paused = false;
  #kept = false;
  #closing = false;
  #closed = false;
  #failure: TransportFailure | undefined;
  #closeTimer: Timer | undefined;
  #local: SocketAddress | undefined;
  #remote: SocketAddress | undefined;

  /** `onClosed` is for whoever keeps count; it comes after the handler's own `onClose`. `raw`: the socket below a TLS socket. */
  constructor(socket: Socket, clock: Clock, poison: boolean, onClosed?: (connection: Connection) => void, raw = socket) {
    this.#socket = socket;
    this.#raw = raw;
    this.#onClosed = onClosed;
    this.#clock = clock;
    this.#poison = poison;
    this.startMs = clock.monotonicMs();
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("drain", () => this.#onDrain());
    socket.on("error", (error) => {
      this.#failure ??= brokenConnection(error);
    });
    socket.on("close", () => this.#onClose());
  }

  get local(): SocketAddress {
    return (this.#local ??= { address: plainAddress(this.#socket.localAddress), port: this.#socket.localPort ?? 0 });
  }

  get remote(): SocketAddress {
    return (this.#remote ??= { address: plainAddress(this.#socket.remoteAddress), port: this.#socket.remotePort ?? 0 });
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten;
  }

  get delayedCloseExpired(): boolean {
    return this.#delayedCloseExpired;
  }

  keepChunk(): void {
    this.#kept = true;
  }

  write(data: string | Uint8Array): boolean {
    if (this.#closing) return true;
    const below = typeof data === "string" ? this.#socket.write(data, "latin1") : this.#socket.write(data);
    return this.#judge(below);
  }

  writeBoth(head: string, body: Uint8Array): boolean {
    if (this.#closing) return true;
    if (body.byteLength <= JOIN_BYTES) {
      const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
      return this.#judge(this.#socket.write(head + text, "latin1"));
    }
    this.#socket.cork();
    this.#socket.write(head, "latin1");
    const below = this.#socket.write(body);
    this.#socket.uncork();
    return this.#judge(below);
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    if (this.#closing) return true;
    const last = pieces.length - 1;
    if (last === 0) return this.#judge(this.#socket.write(pieces[0]!));
    this.#socket.cork();
    let below = true;
    for (let i = 0; i <= last; i++) below = this.#socket.write(pieces[i]!);
    this.#socket.uncork();
    return this.#judge(below);
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  /** `below` is about the stream's own watermark, which is not ours when a limit is configured; its drain event comes only above it. */
  #judge(below: boolean): boolean {
    if (this.#socket.writableLength < this.bufferLimitBytes) return !this.#over;
    if (this.#over) return false;
    this.#over = true;
    if (below) this.#socket.write(EMPTY, () => this.#onDrain());
    return false;
  }

  #onDrain(): void {
    if (!this.#over) return;
    this.#over = false;
    if (!this.#closing) this.handler.onDrain();
  }

  pauseReading(cause: PauseCause): void {
    const index = CAUSES.indexOf(cause);
    this.#pauses[index] = (this.#pauses[index] ?? 0) + 1;
    if (this.#paused || this.#closing) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resumeReading(cause: PauseCause): void {
    const index = CAUSES.indexOf(cause);
    const count = this.#pauses[index] ?? 0;
    invariant(count > 0, `reading was resumed for ${cause} more often than paused`);
    this.#pauses[index] = count - 1;
    if (!this.#paused || this.#closing || this.#pauses.some((left) => left > 0)) return;
    this.#paused = false;
    this.#socket.resume();
  }

  end(): void {
    if (!this.#closing) this.#socket.end();
  }

  close(mode: "flush" | "now" | "reset"): void {
    if (this.#closed) return;
    const first = !this.#closing;
    this.#closing = true;
    if (mode === "now") this.#socket.destroy();
    else if (mode === "reset") resetSocket(this.#raw);
    else if (first) this.#closeAfterFlush();
  }

  #closeAfterFlush(): void {
    if (this.#socket.destroyed) return;
    if (this.delayedCloseMs === 0) {
      this.#socket.end(() => this.#socket.destroy());
      return;
    }
    this.#socket.end();
    // What the peer still sends is read and thrown away, so that its FIN is seen.
    this.#socket.resume();
    this.#closeWhenStuck(this.#unsentBytes());
  }

  /** As Envoy: a peer that takes its time over the answer gets all of it as long as something moves. */
  #closeWhenStuck(unsentBefore: number): void {
    this.#closeTimer = this.#clock.setTimer(
      this.delayedCloseMs,
      () => {
        const unsent = this.#unsentBytes();
        if (unsent < unsentBefore) {
          this.#closeWhenStuck(unsent);
          return;
        }
        this.#delayedCloseExpired = true;
        this.#socket.destroy();
      },
      true,
    );
  }

  /** Falls with whatever the kernel takes. One large write leaves the stream's own count only as a whole; the handle knows better. */
  #unsentBytes(): number {
    const handle = (this.#socket as Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null })._handle;
    return this.#socket.writableLength + (handle?.writeQueueSize ?? 0);
  }

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    if (!this.#poison) {
      this.handler.onData(chunk);
      return;
    }
    const lent = Buffer.from(chunk);
    this.#kept = false;
    this.handler.onData(lent);
    if (!this.#kept) lent.fill(POISON);
  }

  #onEnd(): void {
    if (this.#closing) return;
    this.handler.onEnd();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeTimer?.cancel();
    const failure = this.#closing ? undefined : this.#failure;
    this.#closing = true;
    this.handler.onClose(failure);
    this.#onClosed?.(this);
  }
}
