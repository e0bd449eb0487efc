// Bytes of a head that came in more than one read. Bounded by the head limit; the scan starts anew when a line end has come, so a head
// costs at most as many scans as it has lines, and none for a long line in small pieces.
import { LF } from "./characters.ts";

export class PartialHead {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes bytes over. Returns whether a line ends within them, so that scanning again can come further. */
  append(chunk: Buffer, start: number, end: number): boolean {
    const needed = this.#length + (end - start);
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length, start, end);
    this.#length = needed;
    const lineEnd = chunk.indexOf(LF, start);
    return lineEnd !== -1 && lineEnd < end;
  }
}
