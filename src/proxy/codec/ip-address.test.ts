import assert from "node:assert/strict";
import { isIP, isIPv6 } from "node:net";
import { test } from "node:test";
import * as fc from "fast-check";
import { ipBytes, ipText } from "./ip-address.ts";

test("literals become the bytes they stand for, and back in their canonical form", () => {
  assert.deepEqual([...(ipBytes("10.0.200.255") ?? [])], [10, 0, 200, 255]);
  assert.equal(ipText(Uint8Array.of(10, 0, 200, 255)), "10.0.200.255");
  const mapped = ipBytes("::ffff:1.2.3.4");
  assert.deepEqual([...(mapped ?? [])], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]);
  assert.equal(ipText(mapped ?? new Uint8Array(16)), "1.2.3.4");
  fc.assert(
    fc.property(fc.ipV6(), (literal) => {
      fc.pre(isIPv6(literal) && !literal.includes("."));
      const bytes = ipBytes(literal);
      assert.equal(bytes?.length, 16);
      const text = ipText(bytes ?? new Uint8Array(16));
      if (!text.includes(".")) assert.equal(`[${text}]`, new URL(`http://[${literal}]/`).hostname);
    }),
    { numRuns: 300 },
  );
});

test("what is no literal is undefined, as for the system", () => {
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4:",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "::g",
    "12345::",
  ]) {
    assert.equal(ipBytes(text), undefined, text);
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom("0", "1", "f", ":", "::", ".", "255", "x"), { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      assert.equal(ipBytes(text) !== undefined, isIP(text) !== 0, text);
    }),
    { numRuns: 2000 },
  );
});
