import assert from "node:assert/strict";
import { test } from "node:test";
import { realRandom } from "./random.ts";

test("UUIDs are version 4, in lower case, and never the same, over many refills", () => {
  const seen = new Set<string>();
  const variants = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const uuid = realRandom.uuid();
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    variants.add(uuid[19]!);
    seen.add(uuid);
  }
  assert.equal(seen.size, 5000);
  assert.equal(variants.size, 4);
});
