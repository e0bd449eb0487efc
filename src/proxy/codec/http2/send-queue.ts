// DATA on its way out: what windows and the transport allow goes at once, the rest waits in its stream, bounded by the answer of
// `sendData`. Streams that wait take turns, one frame each.
import { Flag, FrameType } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { Http2Stats } from "./http2-stats.ts";
import type { ProtocolConstraints } from "./protocol-constraints.ts";
import { DEFAULT_WINDOW, MAX_WINDOW } from "./settings.ts";
import { EMPTY_QUEUE } from "./stream.ts";
import type { Http2Stream } from "./stream.ts";

export interface SendQueueOwner {
  /** The stream's queue is empty: trailers that wait may go, and what ended locally is over. */
  onQueueEmpty(stream: Http2Stream): void;
}

export class SendQueue {
  readonly #writer: FrameWriter;
  readonly #constraints: ProtocolConstraints;
  readonly #stats: Http2Stats;
  readonly #owner: SendQueueOwner;
  readonly #streamBufferBytes: number;
  readonly #waiting = new Set<Http2Stream>();
  #window = DEFAULT_WINDOW;
  /** The transport is full: DATA stays here. */
  blocked = false;
  maxFrameSize: number;

  constructor(
    writer: FrameWriter,
    constraints: ProtocolConstraints,
    stats: Http2Stats,
    owner: SendQueueOwner,
    streamBufferBytes: number,
    maxFrameSize: number,
  ) {
    this.#writer = writer;
    this.#constraints = constraints;
    this.#stats = stats;
    this.#owner = owner;
    this.#streamBufferBytes = streamBufferBytes;
    this.maxFrameSize = maxFrameSize;
  }

  /** False: the stream is over its watermark. */
  add(stream: Http2Stream, chunk: Uint8Array, endStream: boolean): boolean {
    const { length } = chunk;
    if (stream.queue.length === 0 && !this.blocked && this.#fits(stream, length)) {
      // The common case: one frame, nothing to remember.
      if (length > 0 || endStream) this.#frame(stream, chunk, 0, length, endStream);
      if (endStream) this.#owner.onQueueEmpty(stream);
      return true;
    }
    if (length === 0 && !endStream) return stream.queuedBytes < this.#streamBufferBytes;
    if (stream.queue === EMPTY_QUEUE) stream.queue = [chunk];
    else stream.queue.push(chunk);
    stream.queuedBytes += length;
    this.#stats.pending_send_bytes.add(length);
    if (endStream) stream.endQueued = true;
    this.#waiting.add(stream);
    this.#pumpOne(stream);
    const below = stream.queuedBytes < this.#streamBufferBytes && !this.blocked;
    if (stream.queue.length > 0 && (!below || endStream)) stream.drainDue = true;
    return below;
  }

  /** Drops what a stream has waiting. */
  discard(stream: Http2Stream): void {
    if (stream.queue === EMPTY_QUEUE) return;
    if (stream.queuedBytes > 0) this.#stats.pending_send_bytes.add(-stream.queuedBytes);
    stream.queue = EMPTY_QUEUE;
    stream.queuedBytes = 0;
    stream.queueOffset = 0;
    this.#waiting.delete(stream);
  }

  /** The connection's window grows; false: above 2^31-1. */
  increase(increment: number): boolean {
    this.#window += increment;
    return this.#window <= MAX_WINDOW;
  }

  /** Sends what may go of one stream. */
  pumpStream(stream: Http2Stream): void {
    if (stream.queue.length > 0) this.#pumpOne(stream);
  }

  /** Sends what may go of all streams, in turns. */
  pump(): void {
    let progress = true;
    while (progress && !this.blocked) {
      progress = false;
      for (const stream of this.#waiting) {
        if (this.#step(stream)) progress = true;
        if (this.blocked) break;
      }
    }
  }

  #fits(stream: Http2Stream, length: number): boolean {
    return length === 0 || (length <= this.maxFrameSize && length <= stream.sendWindow && length <= this.#window);
  }

  #pumpOne(stream: Http2Stream): void {
    while (!this.blocked && this.#step(stream));
  }

  /** One frame of a stream; false: it cannot go on. */
  #step(stream: Http2Stream): boolean {
    const chunk = stream.queue[0];
    if (chunk === undefined) return false;
    const left = chunk.length - stream.queueOffset;
    // An empty frame needs no window, not even one that SETTINGS made negative.
    const length = left === 0 ? 0 : Math.min(left, this.maxFrameSize, stream.sendWindow, this.#window);
    if (length <= 0 && left > 0) return false;
    const start = stream.queueOffset;
    const last = length === left && stream.queue.length === 1;
    this.#frame(stream, chunk, start, start + length, last && stream.endQueued);
    stream.queuedBytes -= length;
    this.#stats.pending_send_bytes.add(-length);
    if (length < left) {
      stream.queueOffset += length;
      return true;
    }
    stream.queue.shift();
    stream.queueOffset = 0;
    if (!last) return true;
    this.#waiting.delete(stream);
    this.#owner.onQueueEmpty(stream);
    return false;
  }

  #frame(stream: Http2Stream, chunk: Uint8Array, start: number, end: number, endStream: boolean): void {
    const length = end - start;
    this.#writer.header(length, FrameType.DATA, endStream ? Flag.END_STREAM : 0, stream.id, 0);
    this.#writer.payload(chunk, start, end);
    stream.sendWindow -= length;
    this.#window -= length;
    this.#constraints.dataSent();
  }
}
