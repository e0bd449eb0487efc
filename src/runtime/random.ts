// Randomness arrives from outside, so that load balancing, percentages and back-off can be replayed in tests.
import { randomFillSync } from "node:crypto";

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  integer(below: number): number;
  /** A version 4 UUID in lower case. */
  uuid(): string;
}

const UUID_BYTES = 16;
const UUID_LENGTH = 36;
const HEX = Buffer.from("0123456789abcdef");
/** Dashes stand before these bytes. */
const DASHED = new Set([4, 6, 8, 10]);
const random = Buffer.alloc(512 * UUID_BYTES);
const written = Buffer.alloc(512 * UUID_LENGTH);
/** Many at a time, as one text: a slice of it costs less than asking for the digits of one, or joining its parts. */
let uuids = "";
let used = 0;

function writeUuids(): string {
  randomFillSync(random);
  let at = 0;
  for (let i = 0; i < random.length; i++) {
    const place = i % UUID_BYTES;
    let byte = random[i]!;
    // RFC 9562 5.4: the version is 4, and the variant two bits of the digit behind it.
    if (place === 6) byte = (byte & 0x0f) | 0x40;
    else if (place === 8) byte = (byte & 0x3f) | 0x80;
    if (DASHED.has(place)) written[at++] = 0x2d;
    written[at++] = HEX[byte >> 4]!;
    written[at++] = HEX[byte & 15]!;
  }
  return written.toString("latin1");
}

function uuid(): string {
  if (used === uuids.length) {
    uuids = writeUuids();
    used = 0;
  }
  const at = used;
  used += UUID_LENGTH;
  return uuids.slice(at, used);
}

export const realRandom: Random = {
  next: () => Math.random(),
  integer: (below) => Math.floor(Math.random() * below),
  uuid,
};

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const hex = (digits: number): string => {
    let text = "";
    for (let i = 0; i < digits; i++) text += Math.floor(next() * 16).toString(16);
    return text;
  };
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
  };
}

/** A secret of `bytes` random bytes as lower-case hexadecimal: tokens, never identifiers that are logged. */
export function secretToken(bytes = 32): string {
  return randomFillSync(Buffer.alloc(bytes)).toString("hex");
}
