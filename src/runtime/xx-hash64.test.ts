import assert from "node:assert/strict";
import { test } from "node:test";
import { xxHash64 } from "./xx-hash64.ts";

/** Values of the reference implementation. */
const rows: readonly (readonly [text: string, seed: bigint, hash: bigint])[] = [
  ["", 0n, 0xef46_db37_51d8_e999n],
  ["a", 0n, 0xd24e_c4f1_a98c_6e5bn],
  ["abc", 0n, 0x44bc_2cf5_ad77_0999n],
  ["Nobody inspects the spammish repetition", 0n, 0xfbce_a83c_8a37_8bf1n],
  ["foo", 0n, 0x33bf_00a8_59c4_ba3fn],
];

test("the reference implementation's values", () => {
  for (const [text, seed, hash] of rows) assert.equal(xxHash64(text, seed), hash, text);
  assert.notEqual(xxHash64("abc", 1n), xxHash64("abc"));
});
