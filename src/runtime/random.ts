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

/** Random digits for UUIDs, many at a time: asking for those of one costs more than writing it. */
const DIGITS_OF_UUID = 32;
const batch = Buffer.alloc(512 * (DIGITS_OF_UUID / 2));
let digits = "";
let used = 0;

function uuid(): string {
  if (used === digits.length) {
    digits = randomFillSync(batch).toString("hex");
    used = 0;
  }
  const at = used;
  used += DIGITS_OF_UUID;
  // RFC 9562 5.4: the version is 4, and the variant two bits of the digit behind it.
  const variant = "89ab"[Number.parseInt(digits[at + 16]!, 16) & 3]!;
  return `${digits.slice(at, at + 8)}-${digits.slice(at + 8, at + 12)}-4${digits.slice(at + 13, at + 16)}-${variant}${digits.slice(at + 17, at + 20)}-${digits.slice(at + 20, at + 32)}`;
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
