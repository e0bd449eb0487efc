// Decodes four bits a step: a state is a place within the code's tree, and no code is shorter than five bits, so that a step yields at
// most one symbol. The table has one entry per state and four bits.
import { CODES, CODE_LENGTHS, END_OF_STRING } from "./huffman-code.ts";

/** An entry: the next state, SYMBOL with the symbol above, and FAILED. */
const STATE = 0xff;
const SYMBOL = 0x100;
const FAILED = 0x200;
const SYMBOL_SHIFT = 16;

// The tree: children of inner node n at 2n and 2n + 1; inner nodes are positive, leaves are -1 - symbol. Node 0 is the root.
const children: number[] = [0, 0];
for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
  let node = 0;
  for (let bit = CODE_LENGTHS[symbol]! - 1; bit >= 0; bit--) {
    const child = 2 * node + ((CODES[symbol]! >>> bit) & 1);
    if (bit === 0) children[child] = -1 - symbol;
    else if (children[child] === 0) {
      children[child] = children.length / 2;
      children.push(0, 0);
    }
    node = children[child]!;
  }
}

const STEPS = new Uint32Array((children.length / 2) * 16);
/** States in which a string may end: at most seven bits, all ones, since the last symbol (RFC 7541 5.2). */
const ACCEPTS = new Uint8Array(children.length / 2);

for (let state = 0; state < children.length / 2; state++) {
  for (let bits = 0; bits < 16; bits++) {
    let node = state;
    let entry = 0;
    for (let bit = 3; bit >= 0; bit--) {
      const child = children[2 * node + ((bits >>> bit) & 1)]!;
      if (child === -1 - END_OF_STRING) entry |= FAILED;
      else if (child < 0) entry |= SYMBOL | ((-1 - child) << SYMBOL_SHIFT);
      node = child < 0 ? 0 : child;
    }
    STEPS[state * 16 + bits] = entry | node;
  }
}
for (let node = 0, ones = 0; ones < 8; ones++) {
  ACCEPTS[node] = 1;
  node = children[2 * node + 1]!;
}

/** How many bytes may come of so many: no code is shorter than five bits. */
export function decodedBound(length: number): number {
  return Math.ceil((length * 8) / 5);
}

/** Writes what `bytes` from `start` to `end` mean to `out`, which has room for `decodedBound`. The number of bytes, or -1: not a Huffman coded string. */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    let step = STEPS[(state << 4) | (byte >>> 4)]!;
    if ((step & SYMBOL) !== 0) out[length++] = step >>> SYMBOL_SHIFT;
    if ((step & FAILED) !== 0) return -1;
    step = STEPS[((step & STATE) << 4) | (byte & 15)]!;
    if ((step & SYMBOL) !== 0) out[length++] = step >>> SYMBOL_SHIFT;
    if ((step & FAILED) !== 0) return -1;
    state = step & STATE;
  }
  return ACCEPTS[state] === 1 ? length : -1;
}
