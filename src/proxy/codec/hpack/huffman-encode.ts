import { CODES, CODE_LENGTHS } from "./huffman-code.ts";

/** Bytes of the text's Huffman code. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_LENGTHS[text.charCodeAt(i) & 0xff]!;
  return (bits + 7) >>> 3;
}

/** Writes the code of a text whose characters are all below 256; returns where it ends. */
export function huffmanEncode(text: string, out: Uint8Array, at: number): number {
  // At most 7 bits wait before a symbol; a code has up to 30, so it goes in two parts, each of which leaves room in 32 bits.
  let waiting = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const code = CODES[symbol]!;
    let left = CODE_LENGTHS[symbol]!;
    while (left > 0) {
      const take = left > 16 ? left - 16 : left;
      left -= take;
      waiting = (waiting << take) | ((code >>> left) & ((1 << take) - 1));
      count += take;
      while (count >= 8) {
        count -= 8;
        out[at++] = (waiting >>> count) & 0xff;
      }
    }
  }
  if (count > 0) out[at++] = ((waiting << (8 - count)) | (0xff >>> count)) & 0xff;
  return at;
}
