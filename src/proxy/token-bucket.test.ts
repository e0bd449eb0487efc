import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#runtime/clock";
import { TokenBucket } from "./token-bucket.ts";

test("a bucket is full at the start, fills in whole steps, and never over its size", () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ maxTokens: 3, tokensPerFill: 2, fillIntervalMs: 100 }, clock);
  const take = (): number => {
    let taken = 0;
    while (bucket.take()) taken++;
    return taken;
  };
  assert.equal(take(), 3);
  clock.advance(99);
  assert.equal(take(), 0);
  clock.advance(1);
  assert.equal(take(), 2);
  clock.advance(150);
  assert.equal(take(), 2);
  clock.advance(50);
  assert.equal(take(), 2, "time that was not used up counts for the next step");
  clock.advance(10_000);
  assert.equal(take(), 3);
});
