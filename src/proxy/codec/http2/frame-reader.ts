// Bytes to frames. DATA is passed on as it comes, in views of the chunk; every other frame is handed over whole, and header blocks with
// their CONTINUATION frames joined. What is held back is at most one frame that is not DATA, or one header block.
import type { Http2Error } from "./error-code.ts";
import { floodError, frameSizeError, protocolError } from "./error-code.ts";
import { DEFAULT_MAX_FRAME_SIZE, FRAME_HEADER_BYTES, Flag, FrameType, PREFACE, read31 } from "./frame.ts";
import type { FloodError, ProtocolConstraints } from "./protocol-constraints.ts";

export interface FrameHandler {
  /** Nothing is read any more. */
  readonly stopped: boolean;
  /** A DATA frame begins; `length` counts against the windows. False: what it holds is passed over. */
  onDataStart(streamId: number, length: number, endStream: boolean): boolean;
  /** Part of it, a view of the chunk; `last` comes exactly once, with an empty one where there is nothing else. */
  onData(streamId: number, chunk: Buffer, last: boolean, endStream: boolean): void;
  /** Bytes of it that are padding: consumed as they come. */
  onPadding(streamId: number, bytes: number): void;
  /** A header block, complete. `dependency`: the stream of its priority, -1 for none. */
  onHeaderBlock(streamId: number, endStream: boolean, dependency: number, bytes: Buffer, start: number, end: number): void;
  /** Any other frame of a known type, but PUSH_PROMISE and CONTINUATION, which never get here. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
  onFrameError(error: Http2Error): void;
  onFlood(flood: FloodError): void;
}

const EMPTY = Buffer.alloc(0);
/** What is kept for the pieces of the next frame; more only as long as a larger frame is coming. */
const SMALL_PARTIAL_BYTES = 512;
/** Beside the block's size: frames of a block that a peer may need whatever their size. */
const FREE_CONTINUATIONS = 8;

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #constraints: ProtocolConstraints;
  /** A block larger than this cannot be a head within the limits: Huffman coding never makes text longer than 30 bits a character. */
  readonly #maxBlockBytes: number;
  /** Bytes of the client's preface that have not come. */
  #prefaceLeft: number;
  #firstFrame = true;

  /** The beginning of a frame whose rest has not come. */
  #partial = EMPTY;
  #partialLength = 0;

  // The frame whose payload is being read.
  #dataStream = 0;
  /** Payload bytes of a DATA frame that have not come, without its padding. */
  #dataLeft = 0;
  #paddingLeft = 0;
  #dataEnd = false;
  #dataWanted = false;
  #inData = false;
  /** The padded DATA frame's first byte has not come. */
  #padLengthDue = false;

  // The header block that is not complete.
  #blockStream = 0;
  #blockEndStream = false;
  #blockDependency = -1;
  #blockParts: Buffer[] = [];
  #blockBytes = 0;
  #continuations = 0;

  constructor(handler: FrameHandler, constraints: ProtocolConstraints, expectPreface: boolean, maxHeadersBytes: number) {
    this.#handler = handler;
    this.#constraints = constraints;
    this.#prefaceLeft = expectPreface ? PREFACE.length : 0;
    this.#maxBlockBytes = 4 * maxHeadersBytes + DEFAULT_MAX_FRAME_SIZE;
  }

  /** The stream whose header block has begun to come, and is not complete; 0: none. */
  get openBlock(): number {
    if (this.#blockStream !== 0) return this.#blockStream;
    const headers = this.#partialLength >= FRAME_HEADER_BYTES && this.#partial[3] === FrameType.HEADERS;
    return headers ? read31(this.#partial, 5) : 0;
  }

  read(chunk: Buffer): void {
    let at = 0;
    const end = chunk.length;
    if (this.#prefaceLeft > 0) at = this.#preface(chunk);
    while (at < end && !this.#handler.stopped) {
      if (this.#inData) at = this.#data(chunk, at);
      else if (this.#partialLength > 0) at = this.#complete(chunk, at);
      else if (end - at < FRAME_HEADER_BYTES) at = this.#keep(chunk, at, end, FRAME_HEADER_BYTES);
      else at = this.#frame(chunk, at, end);
    }
  }

  #fail(error: Http2Error): number {
    this.#handler.onFrameError(error);
    return Infinity;
  }

  #preface(chunk: Buffer): number {
    const begin = PREFACE.length - this.#prefaceLeft;
    const length = Math.min(this.#prefaceLeft, chunk.length);
    for (let i = 0; i < length; i++)
      if (chunk[i] !== PREFACE[begin + i]) return this.#fail(protocolError("the connection does not begin with the preface of HTTP/2"));
    this.#prefaceLeft -= length;
    return length;
  }

  /** Holds back a part of a frame that needs so much room as a whole. */
  #keep(chunk: Buffer, at: number, end: number, room: number): number {
    if (this.#partial.length < room) {
      const larger = Buffer.allocUnsafeSlow(Math.max(room, SMALL_PARTIAL_BYTES));
      this.#partial.copy(larger, 0, 0, this.#partialLength);
      this.#partial = larger;
    }
    chunk.copy(this.#partial, this.#partialLength, at, end);
    this.#partialLength += end - at;
    return end;
  }

  /** Takes what is missing of a frame that came in pieces. */
  #complete(chunk: Buffer, at: number): number {
    if (this.#partialLength < FRAME_HEADER_BYTES) {
      at = this.#keep(chunk, at, Math.min(chunk.length, at + FRAME_HEADER_BYTES - this.#partialLength), FRAME_HEADER_BYTES);
      if (this.#partialLength < FRAME_HEADER_BYTES) return at;
    }
    const length = readLength(this.#partial, 0);
    // DATA is not held back, nor is what will be refused.
    const whole = FRAME_HEADER_BYTES + (this.#partial[3] === FrameType.DATA || length > DEFAULT_MAX_FRAME_SIZE ? 0 : length);
    if (this.#partialLength < whole) at = this.#keep(chunk, at, Math.min(chunk.length, at + whole - this.#partialLength), whole);
    if (this.#partialLength < whole) return at;
    const partial = this.#partial;
    this.#partialLength = 0;
    if (partial.length > SMALL_PARTIAL_BYTES) this.#partial = EMPTY;
    return this.#frame(partial, 0, whole) === Infinity ? Infinity : at;
  }

  /** A frame whose header is there. Returns where the next one begins. */
  #frame(bytes: Buffer, at: number, end: number): number {
    const length = readLength(bytes, at);
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const streamId = read31(bytes, at + 5);
    if (length > DEFAULT_MAX_FRAME_SIZE) return this.#fail(frameSizeError("a frame is larger than SETTINGS_MAX_FRAME_SIZE"));
    if (this.#firstFrame) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0) return this.#fail(protocolError("the first frame is not SETTINGS"));
      this.#firstFrame = false;
    }
    if (this.#blockStream !== 0 && (type !== FrameType.CONTINUATION || streamId !== this.#blockStream)) {
      return this.#fail(protocolError("a header block is interrupted by another frame"));
    }
    const start = at + FRAME_HEADER_BYTES;
    if (type === FrameType.DATA) return this.#dataHeader(start, flags, streamId, length);
    if (end - start < length) return this.#keep(bytes, at, end, FRAME_HEADER_BYTES + length);
    const stop = start + length;
    switch (type) {
      case FrameType.HEADERS:
        return this.#headers(bytes, start, stop, flags, streamId);
      case FrameType.CONTINUATION:
        return this.#continuation(bytes, start, stop, flags, streamId);
      case FrameType.PUSH_PROMISE:
        return this.#fail(protocolError("PUSH_PROMISE was not allowed"));
      default: {
        if (type > FrameType.CONTINUATION) return stop; // RFC 9113 5.5
        const flood = this.#constraints.trackInbound(type, flags, length);
        if (flood !== undefined) return this.#flood(flood);
        this.#handler.onFrame(type, flags, streamId, bytes, start, stop);
        return stop;
      }
    }
  }

  #flood(flood: FloodError): number {
    this.#handler.onFlood(flood);
    return Infinity;
  }

  #dataHeader(start: number, flags: number, streamId: number, length: number): number {
    if (streamId === 0) return this.#fail(protocolError("DATA on stream 0"));
    const padded = (flags & Flag.PADDED) !== 0;
    if (padded && length === 0) return this.#fail(frameSizeError("a padded frame has no room for the length of its padding"));
    this.#dataStream = streamId;
    this.#dataEnd = (flags & Flag.END_STREAM) !== 0;
    this.#dataLeft = padded ? length - 1 : length;
    this.#paddingLeft = 0;
    this.#padLengthDue = padded;
    this.#inData = true;
    this.#dataWanted = this.#handler.onDataStart(streamId, length, this.#dataEnd);
    if (!padded) {
      const flood = this.#constraints.trackInbound(FrameType.DATA, flags, length);
      if (flood !== undefined) return this.#flood(flood);
      if (length === 0) this.#dataDone();
    }
    return this.#handler.stopped ? Infinity : start;
  }

  #data(chunk: Buffer, at: number): number {
    if (this.#padLengthDue) {
      this.#padLengthDue = false;
      const padding = chunk[at++]!;
      if (padding > this.#dataLeft) return this.#fail(protocolError("a frame's padding is longer than the frame"));
      this.#dataLeft -= padding;
      this.#paddingLeft = padding;
      const flood = this.#constraints.trackInbound(FrameType.DATA, this.#dataEnd ? Flag.END_STREAM : 0, this.#dataLeft);
      if (flood !== undefined) return this.#flood(flood);
      if (this.#dataWanted) this.#handler.onPadding(this.#dataStream, padding + 1);
      if (this.#dataLeft === 0) this.#deliver(EMPTY, true);
    }
    const length = Math.min(this.#dataLeft, chunk.length - at);
    if (length > 0) {
      this.#dataLeft -= length;
      this.#deliver(length === chunk.length ? chunk : chunk.subarray(at, at + length), this.#dataLeft === 0);
      at += length;
    }
    if (this.#dataLeft > 0) return at;
    const padding = Math.min(this.#paddingLeft, chunk.length - at);
    this.#paddingLeft -= padding;
    if (this.#paddingLeft === 0) this.#inData = false;
    return at + padding;
  }

  #dataDone(): void {
    this.#inData = false;
    this.#deliver(EMPTY, true);
  }

  #deliver(chunk: Buffer, last: boolean): void {
    if (this.#dataWanted) this.#handler.onData(this.#dataStream, chunk, last, this.#dataEnd);
  }

  #headers(bytes: Buffer, start: number, stop: number, flags: number, streamId: number): number {
    if (streamId === 0) return this.#fail(protocolError("HEADERS on stream 0"));
    let from = start;
    let to = stop;
    if ((flags & Flag.PADDED) !== 0) {
      if (from >= to) return this.#fail(frameSizeError("a padded frame has no room for the length of its padding"));
      to -= bytes[from++]!;
    }
    let dependency = -1;
    if ((flags & Flag.PRIORITY) !== 0) {
      if (stop - from < 5) return this.#fail(frameSizeError("a HEADERS frame has no room for its priority"));
      dependency = read31(bytes, from);
      from += 5;
    }
    if (to < from) return this.#fail(protocolError("a frame's padding is longer than the frame"));
    const flood = this.#constraints.trackInbound(FrameType.HEADERS, flags, to - from);
    if (flood !== undefined) return this.#flood(flood);
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.#handler.onHeaderBlock(streamId, endStream, dependency, bytes, from, to);
      return stop;
    }
    this.#blockStream = streamId;
    this.#blockEndStream = endStream;
    this.#blockDependency = dependency;
    this.#continuations = 0;
    this.#blockBytes = 0;
    this.#blockParts = [];
    return this.#addPart(bytes, from, to) ? stop : Infinity;
  }

  #continuation(bytes: Buffer, start: number, stop: number, flags: number, streamId: number): number {
    if (this.#blockStream === 0 || streamId !== this.#blockStream)
      return this.#fail(protocolError("CONTINUATION without a header block to go on with"));
    const flood = this.#constraints.trackInbound(FrameType.CONTINUATION, flags, stop - start);
    if (flood !== undefined) return this.#flood(flood);
    this.#continuations++;
    if (!this.#addPart(bytes, start, stop)) return Infinity;
    if ((flags & Flag.END_HEADERS) === 0) return stop;
    const block = Buffer.concat(this.#blockParts, this.#blockBytes);
    this.#blockParts = [];
    this.#blockStream = 0;
    this.#handler.onHeaderBlock(streamId, this.#blockEndStream, this.#blockDependency, block, 0, block.length);
    return stop;
  }

  /** A flood of CONTINUATION is one by bytes or by frames that carry next to nothing. */
  #addPart(bytes: Buffer, start: number, stop: number): boolean {
    this.#blockBytes += stop - start;
    if (this.#blockBytes > this.#maxBlockBytes || this.#continuations > FREE_CONTINUATIONS + this.#blockBytes / 1024) {
      this.#fail(floodError("http2.continuation_flood", "a header block does not end"));
      return false;
    }
    this.#blockParts.push(Buffer.from(bytes.subarray(start, stop)));
    return true;
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}
