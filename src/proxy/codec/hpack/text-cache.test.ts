import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { TextCache } from "./text-cache.ts";

test("gives the text of the bytes, whatever was asked for before", () => {
  const cache = new TextCache();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 5 }), (bytes, from) => {
      const buffer = Buffer.from(bytes);
      const start = Math.min(from, buffer.length);
      assert.equal(cache.text(buffer, start, buffer.length), buffer.toString("latin1", start));
    }),
    { numRuns: 3000 },
  );
});
