import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#runtime/clock";
import { TokenBucket } from "./token-bucket.ts";

test("a bucket is full at the start, fills steadily, and never over its size", () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ maxTokens: 3, tokensPerFill: 2, fillIntervalMs: 100 }, clock);
  const take = (): number => {
    let taken = 0;
    while (bucket.take()) taken++;
    return taken;
  };
  assert.equal(take(), 3);
  assert.equal(bucket.nextTokenMs, 50);
  clock.advance(49);
  assert.equal(take(), 0);
  clock.advance(1);
  assert.equal(bucket.nextTokenMs, 0);
  assert.equal(take(), 1);
  clock.advance(75);
  assert.equal(take(), 1);
  clock.advance(25);
  assert.equal(take(), 1, "time that was not used up counts for the next token");
  clock.advance(10_000);
  assert.equal(take(), 3);
});

test("several tokens are taken together or not at all, or as many as there are", () => {
  const bucket = new TokenBucket({ maxTokens: 10, tokensPerFill: 1, fillIntervalMs: 100 }, new ManualClock());
  assert.equal(bucket.take(11), false);
  assert.equal(bucket.take(4), true);
  assert.equal(bucket.remaining, 6);
  assert.equal(bucket.takeUpTo(100), 6);
  assert.equal(bucket.takeUpTo(100), 0);
});
