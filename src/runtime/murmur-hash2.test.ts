import assert from "node:assert/strict";
import { test } from "node:test";
import { murmurHash2 } from "./murmur-hash2.ts";

test("hashes what Envoy's own test hashes to the same values", () => {
  const rows: readonly (readonly [string, bigint])[] = [
    ["foo", 9631199822919835226n],
    ["bar", 11474628671133349555n],
    ["foo\nbar", 16306510975912980159n],
    ["lyft", 12847078931730529320n],
    ["", 6142509188972423790n],
  ];
  const differing = rows.filter(([text, hash]) => murmurHash2(text) !== hash).map(([text]) => [text, murmurHash2(text)]);
  assert.deepEqual(differing, []);
});
