// Bytes to latin1 strings, where the same few come again and again: a short text that was seen lately is the same string object, found
// without a call into the engine and with its hash known to every Map that it meets.

const SLOTS = 256;
/** Above, comparing costs more than making a new string. */
const MAX_CACHED_BYTES = 32;

export class TextCache {
  readonly #slots: string[] = Array.from({ length: SLOTS }, () => "");

  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > MAX_CACHED_BYTES) return bytes.toString("latin1", start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1);
    const cached = this.#slots[slot]!;
    if (cached.length === length) {
      let i = 0;
      while (i < length && cached.charCodeAt(i) === bytes[start + i]) i++;
      if (i === length) return cached;
    }
    const text = bytes.toString("latin1", start, end);
    this.#slots[slot] = text;
    return text;
  }
}
