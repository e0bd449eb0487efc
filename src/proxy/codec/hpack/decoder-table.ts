// The dynamic table of a decoder (RFC 7541 2.3.2): a ring, newest entry first, whose size is bounded in bytes.
import { ENTRY_OVERHEAD, HeaderField } from "./header-field.ts";

export class DecoderTable {
  /** A power of two long. */
  #ring: (HeaderField | undefined)[] = Array.from({ length: 16 }, () => undefined);
  #newest = 0;
  #count = 0;
  #size = 0;
  #maxSize: number;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get count(): number {
    return this.#count;
  }

  get size(): number {
    return this.#size;
  }

  /** 0 is the newest. */
  at(position: number): HeaderField | undefined {
    if (position >= this.#count) return undefined;
    return this.#ring[(this.#newest - position) & (this.#ring.length - 1)];
  }

  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#evict(maxSize);
  }

  /** An entry larger than the table empties it, and is no error (RFC 7541 4.4). */
  add(name: string, value: string): HeaderField {
    const field = new HeaderField(name, value);
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#evict(this.#maxSize - size);
    if (size > this.#maxSize) return field;
    if (this.#count === this.#ring.length) this.#grow();
    this.#newest = (this.#newest + 1) & (this.#ring.length - 1);
    this.#ring[this.#newest] = field;
    this.#count++;
    this.#size += size;
    return field;
  }

  #evict(limit: number): void {
    while (this.#count > 0 && this.#size > limit) {
      const oldest = (this.#newest - this.#count + 1) & (this.#ring.length - 1);
      this.#size -= this.#ring[oldest]!.size;
      this.#ring[oldest] = undefined;
      this.#count--;
    }
  }

  #grow(): void {
    const ring: (HeaderField | undefined)[] = Array.from({ length: this.#ring.length * 2 }, () => undefined);
    for (let position = 0; position < this.#count; position++) ring[this.#count - 1 - position] = this.at(position);
    this.#newest = this.#count - 1;
    this.#ring = ring;
  }
}
