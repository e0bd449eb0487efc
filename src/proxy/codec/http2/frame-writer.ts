// What goes out, gathered until the end of the event: small frames are copied into one buffer, large DATA goes as it is. Buffers that
// were handed to the transport are not touched again.
import { FRAME_HEADER_BYTES } from "./frame.ts";

/** The buffer to write into grows with what one write takes: a connection that is idle, or slow, holds little. */
const FIRST_SLAB_BYTES = 1024;
const MAX_SLAB_BYTES = 32_768;
/** DATA up to this size is copied: less than what one more buffer in a write costs. */
const COPIED_BYTES = 4096;

export class FrameWriter {
  #slab: Buffer | undefined;
  #slabBytes = FIRST_SLAB_BYTES;
  /** The slab's bytes from here on are not among the pieces yet. */
  #start = 0;
  #at = 0;
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  /** The buffer to write into at `at`, with room for so many bytes; tell of them with `advance`. */
  reserve(bytes: number): Buffer {
    let slab = this.#slab;
    if (slab === undefined || slab.length - this.#at < bytes) {
      this.#cut();
      if (this.#pieceBytes * 2 >= this.#slabBytes && this.#slabBytes < MAX_SLAB_BYTES) this.#slabBytes *= 2;
      slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, bytes));
      this.#slab = slab;
      this.#start = 0;
      this.#at = 0;
    }
    return slab;
  }

  get at(): number {
    return this.#at;
  }

  advance(at: number): void {
    this.#at = at;
  }

  get bytes(): number {
    return this.#pieceBytes + this.#at - this.#start;
  }

  get empty(): boolean {
    return this.#pieces.length === 0 && this.#at === this.#start;
  }

  /** A frame's header; the payload is the caller's to write. Returns the buffer. */
  header(length: number, type: number, flags: number, streamId: number, payloadRoom: number): Buffer {
    const slab = this.reserve(FRAME_HEADER_BYTES + payloadRoom);
    writeFrameHeader(slab, this.#at, length, type, flags, streamId);
    this.#at += FRAME_HEADER_BYTES;
    return slab;
  }

  /** Part of `bytes` as payload: not changed by anybody from now on. */
  payload(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length === 0) return;
    if (length <= COPIED_BYTES) {
      const slab = this.reserve(length);
      slab.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#at);
      this.#at += length;
      return;
    }
    this.#cut();
    this.#pieceBytes += length;
    this.#pieces.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
  }

  uint16(value: number): void {
    const slab = this.reserve(2);
    slab[this.#at++] = value >>> 8;
    slab[this.#at++] = value;
  }

  uint32(value: number): void {
    const slab = this.reserve(4);
    writeUint32(slab, this.#at, value);
    this.#at += 4;
  }

  /** Everything so far, in order. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return pieces;
  }

  #cut(): void {
    if (this.#slab === undefined || this.#at === this.#start) return;
    this.#pieces.push(this.#slab.subarray(this.#start, this.#at));
    this.#pieceBytes += this.#at - this.#start;
    this.#start = this.#at;
  }
}

export function writeFrameHeader(out: Uint8Array, at: number, length: number, type: number, flags: number, streamId: number): void {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  writeUint32(out, at + 5, streamId);
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
