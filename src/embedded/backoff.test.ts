import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { APPLICATION_BACKOFF, Backoff } from "./backoff.ts";

describe("the wait before a restart", () => {
  it("doubles up to the most, and starts over after a long run", () => {
    const backoff = new Backoff(APPLICATION_BACKOFF);
    const waits = Array.from({ length: 7 }, () => backoff.next(10));
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert.equal(backoff.next(10_000), 1_000);
    assert.equal(backoff.next(9_999), 2_000);
  });
});
