// A stream handle as a Connection: reads, writes, both ends of both halves. It ends exactly once (`onClosed`).
import type { Clock, Timer } from "#runtime/clock";
import { invariant } from "#runtime/invariant";
import type { Connection, ConnectionHandler, ConnectionOwner, PauseCause, SocketAddress, TransportFailure } from "./connection.ts";
import { PausedPeers } from "./paused-peers.ts";
import type { PausedPeer } from "./paused-peers.ts";
import { ReadBuffer, SHARED_BYTES, Views, hold, isLent, own, release, stable } from "./read-buffer.ts";
import { RESET, isEndOfFile, newShutdown, readResult, systemError, writeFailure } from "./stream-handle.ts";
import type { StreamHandle, WriteRequest } from "./stream-handle.ts";
import { brokenConnection } from "./transport-failure.ts";
import type { Transport, TransportOwner } from "./transport.ts";

/** Where nothing is configured. Less than Envoy's 1 MiB: what fills the kernel's buffers keeps a fast peer busy already. */
export const HIGH_WATERMARK_BYTES = SHARED_BYTES;

/** A head with its body goes out from here up to this size: one buffer is written faster than a vector of two. */
const SCRATCH_BYTES = 20_480;
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
let scratchViews = new Views(scratch);

/** Up to here Node copies text to its stack and, where the kernel does not take all, the rest of it. */
const TEXT_BYTES = 16_384;

// Envoy's delayed_close_timeout: how long a closed connection waits for progress or the peer's FIN, because closing a socket that still holds unread
// bytes makes the kernel send RST, which can destroy the answer on its way.
const DELAYED_CLOSE_MS = 1000;

let lastId = 0;

const CAUSES: readonly PauseCause[] = ["backpressure", "pipelined", "filter", "upstream-not-ready"];

/** Bytes that come before anybody took the connection over are a bug of whoever accepted it. */
const nobody: ConnectionHandler = {
  onData: () => invariant(false, "bytes arrived on a connection without a handler"),
  onEnd: () => {},
  onDrain: () => {},
  onClose: () => {},
};

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A string is latin1. */
type Piece = string | Uint8Array;

/** Several pieces are one write. */
type Data = Piece | readonly Piece[];

export interface SocketConnectionOptions {
  readonly clock: Clock;
  readonly poison: boolean;
  readonly owner?: ConnectionOwner | undefined;
  /** What was read already. */
  readonly early?: Buffer | undefined;
}

export class SocketConnection implements Connection, TransportOwner, PausedPeer {
  readonly id = ++lastId;
  readonly startMs: number;
  handler: ConnectionHandler = nobody;
  bufferLimitBytes = HIGH_WATERMARK_BYTES;
  delayedCloseMs = DELAYED_CLOSE_MS;
  readonly #transport: Transport;
  readonly #handle: StreamHandle;
  readonly #options: SocketConnectionOptions;
  readonly #reads: ReadBuffer;
  /** What was read and not handed on: before this connection was made, or while reading was paused, for TLS hands out what it has decrypted. */
  #early: Buffer | undefined;
  /** The end came in a pause. */
  #endHeld = false;
  #received = 0;
  #sent = 0;
  /** Of writes that have not ended. */
  #pendingBytes = 0;
  #pendingWrites = 0;
  /** What waits for the write before it, where only one may run. */
  #queue: Piece[] | undefined;
  /** `write` said false: the handler waits for `onDrain`. */
  #over = false;
  #pauses: number[] | undefined;
  #paused = false;
  /** Its reset is looked for while it is paused. */
  #watched = false;
  #readEnded = false;
  /** Nothing more is to be written. */
  #ending = false;
  #writeEnded = false;
  #closing = false;
  #destroyed = false;
  #closed = false;
  #delayedCloseExpired = false;
  #failure: TransportFailure | undefined;
  #closeTimer: Timer | undefined;

  constructor(transport: Transport, options: SocketConnectionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.startMs = options.clock.monotonicMs();
    const { handle } = transport;
    this.#handle = handle;
    this.#reads = new ReadBuffer(options.poison);
    transport.attach(this);
    handle.useUserBuffer(this.#reads.bytes);
    this.#early = options.early?.length === 0 ? undefined : options.early;
    this.#received = this.#early?.length ?? 0;
    if (this.#early === undefined) handle.readStart();
    else process.nextTick(() => this.#takeEarly());
  }

  get local(): SocketAddress {
    return this.#transport.local;
  }

  get remote(): SocketAddress {
    return this.#transport.remote;
  }

  get bytesReceived(): number {
    return this.#received;
  }

  get bytesSent(): number {
    return this.#sent;
  }

  get delayedCloseExpired(): boolean {
    return this.#delayedCloseExpired;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  // ---- reading

  /** @internal of its transport */
  onRead(): Uint8Array | undefined {
    const length = readResult();
    if (length > 0) {
      this.#received += length;
      if (this.#closing) return undefined;
      if (!this.#paused && this.#early === undefined) return this.#reads.lend(length, this.handler);
      const chunk = Buffer.from(this.#reads.bytes.subarray(0, length));
      this.#early = this.#early === undefined ? chunk : Buffer.concat([this.#early, chunk]);
      return undefined;
    }
    if (length === 0) return undefined;
    if (isEndOfFile(length) && !this.#closing && (this.#paused || this.#early !== undefined)) this.#endHeld = true;
    else if (isEndOfFile(length)) this.#onEnd();
    else this.#fail(systemError(length, "read"));
    return undefined;
  }

  /** What waited comes first. */
  #takeEarly(): void {
    if (this.#paused || this.#destroyed) return;
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined && !this.#closing) this.handler.onData(early);
    if (this.#paused || this.#destroyed || this.#early !== undefined) return;
    if (this.#endHeld) {
      this.#endHeld = false;
      this.#onEnd();
    } else if (!this.#readEnded) this.#handle.readStart();
  }

  #onEnd(): void {
    this.#readEnded = true;
    if (!this.#closing) this.handler.onEnd();
    if (this.#writeEnded) this.#destroy();
  }

  pauseReading(cause: PauseCause): void {
    const index = CAUSES.indexOf(cause);
    const pauses = (this.#pauses ??= CAUSES.map(() => 0));
    pauses[index] = (pauses[index] ?? 0) + 1;
    if (this.#paused || this.#closing) return;
    this.#paused = true;
    this.#handle.readStop();
    if (this.handler.resetIsLoss !== true) return;
    this.#watched = true;
    PausedPeers.of(this.#options.clock).add(this);
  }

  #unwatch(): void {
    this.#watched = false;
    PausedPeers.of(this.#options.clock).delete(this);
  }

  get fd(): number {
    return this.#handle.fd;
  }

  onPeerReset(): void {
    // It may be a tunnel by now, whose bytes are delivered first.
    if (this.handler.resetIsLoss === true) this.#fail(systemError(RESET, "read"));
  }

  resumeReading(cause: PauseCause): void {
    const index = CAUSES.indexOf(cause);
    const count = this.#pauses?.[index] ?? 0;
    invariant(count > 0, `reading was resumed for ${cause} more often than paused`);
    this.#pauses![index] = count - 1;
    if (!this.#paused || this.#closing || this.#pauses!.some((left) => left > 0)) return;
    this.#paused = false;
    if (this.#watched) this.#unwatch();
    if (this.#early !== undefined || this.#endHeld) process.nextTick(() => this.#takeEarly());
    else if (!this.#readEnded) this.#handle.readStart();
  }

  // ---- writing

  write(data: string | Uint8Array): boolean {
    return this.#write(
      typeof data === "string" ? data : data.length <= TEXT_BYTES && isLent(data) ? text(data) : stable(data),
      data.length,
    );
  }

  writeBoth(head: string, body: Uint8Array): boolean {
    const length = head.length + body.byteLength;
    if (length > scratch.length || this.#ending || this.#closing) return this.#write([head, stable(body)], length);
    scratch.write(head, 0, "latin1");
    scratch.set(body, head.length);
    const joined = scratchViews.first(length);
    const flowing = this.#write(joined, length);
    // Somebody still reads it; OpenSSL does not.
    if (this.#queue !== undefined || (this.#pendingWrites > 0 && !this.#transport.oneWrite)) {
      scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
      scratchViews = new Views(scratch);
    }
    return flowing;
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    if (pieces.length === 1) return this.write(pieces[0]!);
    let length = 0;
    for (let i = 0; i < pieces.length; i++) length += pieces[i]!.length;
    return this.#write(pieces.map(stable), length);
  }

  #write(data: Data, length: number): boolean {
    if (this.#ending || this.#closing) return true;
    this.#sent += length;
    if (this.#transport.oneWrite && this.#pendingWrites > 0) {
      const pieces = typeof data === "string" || data instanceof Uint8Array ? [data] : data;
      (this.#queue ??= []).push(...pieces.map((piece) => (typeof piece === "string" ? piece : own(piece))));
      this.#pendingBytes += length;
    } else {
      const result = this.#send(data);
      if (result === 0) return !this.#over;
      if (typeof result === "number") {
        this.#fail(systemError(result, "write"));
        return true;
      }
      this.#pendingBytes += length;
      this.#await(result, data, length);
    }
    if (this.#pendingBytes >= this.bufferLimitBytes) this.#over = true;
    return !this.#over;
  }

  #send(data: Data): number | WriteRequest {
    const handle = this.#handle;
    if (typeof data === "string") {
      if (!this.#transport.oneWrite || data.length > scratch.length) return handle.writeLatin1String(null, data);
      // OpenSSL takes its bytes within the call; of text it would get a copy in memory of its own.
      return handle.writeBuffer(null, scratchViews.first(scratch.write(data, 0, "latin1")));
    }
    if (data instanceof Uint8Array) return handle.writeBuffer(null, data);
    if (typeof data[0] !== "string") return handle.writev(null, data, true);
    return handle.writev(null, [data[0], "latin1", data[1], "buffer"], false);
  }

  #await(request: WriteRequest, data: Data, length: number): void {
    const failure = writeFailure();
    if (failure !== 0) {
      this.#pendingBytes -= length;
      this.#fail(systemError(failure, "write"));
      return;
    }
    this.#pendingWrites++;
    request.data = data;
    const held = typeof data === "string" ? undefined : hold(data instanceof Uint8Array ? [data] : data);
    request.oncomplete = (status) => {
      if (held !== undefined) release(held);
      this.#onWritten(status, length);
    };
    const { writeStatus } = request;
    if (writeStatus === null) return;
    request.writeStatus = null;
    request.oncomplete(writeStatus);
  }

  #onWritten(status: number, length: number): void {
    this.#pendingWrites--;
    this.#pendingBytes -= length;
    if (this.#destroyed) return;
    if (status < 0) {
      this.#fail(systemError(status, "write"));
      return;
    }
    if (this.#pendingWrites > 0) return;
    if (this.#queue !== undefined) this.#sendQueue(this.#queue);
    if (this.#pendingWrites > 0 || this.#destroyed) return;
    if (this.#ending) this.#shutDown();
    if (!this.#over) return;
    this.#over = false;
    if (!this.#closing) this.handler.onDrain();
  }

  /** All that has waited, as one write. */
  #sendQueue(queue: readonly Piece[]): void {
    this.#queue = undefined;
    const pieces = queue.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece));
    const result = this.#handle.writev(null, pieces, true);
    if (typeof result !== "number") this.#await(result, pieces, this.#pendingBytes);
    else if (result === 0) this.#pendingBytes = 0;
    else this.#fail(systemError(result, "write"));
  }

  // ---- the end

  end(): void {
    if (!this.#closing) this.#end();
  }

  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#pendingWrites === 0) this.#shutDown();
  }

  #shutDown(): void {
    const request = newShutdown();
    request.oncomplete = () => this.#onShutDown();
    // Whatever it says: our half is over, now or later.
    if (this.#handle.shutdown(request) !== 0) this.#onShutDown();
  }

  #onShutDown(): void {
    this.#writeEnded = true;
    if (this.#readEnded || (this.#closing && this.delayedCloseMs === 0)) this.#destroy();
  }

  close(mode: "flush" | "now" | "reset"): void {
    if (this.#destroyed) return;
    const first = !this.#closing;
    this.#closing = true;
    if (this.#watched) this.#unwatch();
    if (mode !== "flush") this.#destroy(mode);
    else if (first) this.#closeAfterFlush();
  }

  #closeAfterFlush(): void {
    // Nobody waits for the peer: the kernel sends what it has, and the end. TLS has an end of its own.
    if (this.delayedCloseMs === 0 && this.#pendingWrites === 0 && !this.#transport.oneWrite) {
      this.#destroy();
      return;
    }
    if (this.#endHeld) this.#readEnded = true;
    this.#end();
    if (this.delayedCloseMs === 0) {
      if (this.#writeEnded) this.#destroy();
      return;
    }
    if (this.#destroyed) return;
    // What the peer still sends is read and thrown away, so that its FIN is seen.
    if (!this.#readEnded) this.#handle.readStart();
    this.#closeWhenStuck(this.#unsentBytes());
  }

  /** As Envoy: a peer that takes its time over the answer gets all of it as long as something moves. */
  #closeWhenStuck(unsentBefore: number): void {
    this.#closeTimer = this.#options.clock.setTimer(
      this.delayedCloseMs,
      () => {
        const unsent = this.#unsentBytes();
        if (unsent < unsentBefore) {
          this.#closeWhenStuck(unsent);
          return;
        }
        this.#delayedCloseExpired = true;
        this.#destroy();
      },
      true,
    );
  }

  /** Falls with whatever the kernel takes. One large write leaves our own count only as a whole; the handle knows better. */
  #unsentBytes(): number {
    return this.#pendingBytes + this.#handle.writeQueueSize;
  }

  /** @internal of its transport */
  onError(error: Error): void {
    this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#destroyed) return;
    this.#failure ??= brokenConnection(error);
    this.#destroy();
  }

  #destroy(mode: "now" | "reset" = "now"): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (this.#watched) this.#unwatch();
    this.#queue = undefined;
    this.#closeTimer?.cancel();
    if (mode === "reset") this.#transport.reset();
    else this.#transport.close();
  }

  /** @internal of its transport */
  onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#destroyed = true;
    this.#reads.giveBack();
    this.#closeTimer?.cancel();
    const failure = this.#closing ? undefined : this.#failure;
    this.#closing = true;
    this.handler.onClose(failure);
    this.#options.owner?.onConnectionClosed();
  }
}
