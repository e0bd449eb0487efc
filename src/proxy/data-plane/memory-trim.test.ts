import assert from "node:assert/strict";
import { platform } from "node:process";
import { test } from "node:test";
import { ManualClock } from "#runtime/clock";
import { glibcTrim, MemoryTrim } from "./memory-trim.ts";

test("changes that come together are followed by one trim, and later ones come regularly until the end", () => {
  const clock = new ManualClock();
  let trims = 0;
  const memory = new MemoryTrim(clock, () => trims++);
  memory.changed();
  clock.advance(1000);
  memory.changed();
  assert.equal(trims, 0);
  clock.advance(1000);
  assert.equal(trims, 1);
  clock.advance(29_999);
  assert.equal(trims, 1);
  clock.advance(1);
  assert.equal(trims, 2);
  memory.changed();
  clock.advance(2000);
  assert.equal(trims, 3);
  memory.close();
  clock.advance(90_000);
  assert.equal(trims, 3);
});

test("without the C library's function nothing happens", () => {
  const clock = new ManualClock();
  new MemoryTrim(clock, undefined).changed();
  assert.equal(clock.pending, 0);
  if (platform !== "linux") assert.equal(glibcTrim(), undefined);
  else glibcTrim()?.();
});
