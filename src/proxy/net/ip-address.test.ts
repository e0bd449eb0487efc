import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { test } from "node:test";
import * as fc from "fast-check";
import { ipBytes } from "./ip-address.ts";

test("literals become the bytes they stand for", () => {
  assert.deepEqual([...ipBytes("10.0.200.255")], [10, 0, 200, 255]);
  assert.deepEqual([...ipBytes("::ffff:1.2.3.4")], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]);
  fc.assert(
    fc.property(fc.ipV6(), (literal) => {
      fc.pre(isIPv6(literal));
      const bytes = ipBytes(literal);
      assert.equal(bytes.length, 16);
      let text = "";
      for (let i = 0; i < 16; i += 2) text += `${i === 0 ? "" : ":"}${(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16)}`;
      assert.equal(new URL(`http://[${text}]/`).hostname, new URL(`http://[${literal}]/`).hostname);
    }),
    { numRuns: 200 },
  );
});
