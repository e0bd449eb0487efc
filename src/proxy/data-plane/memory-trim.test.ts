import assert from "node:assert/strict";
import { platform } from "node:process";
import { test } from "node:test";
import { ManualClock } from "#runtime/clock";
import { glibcTrim, MemoryTrim } from "./memory-trim.ts";

test("changes that come together are followed by one trim", () => {
  const clock = new ManualClock();
  let trims = 0;
  const memory = new MemoryTrim(clock, () => trims++);
  memory.changed();
  clock.advance(1000);
  memory.changed();
  assert.equal(trims, 0);
  clock.advance(1000);
  assert.equal(trims, 1);
  clock.advance(60_000);
  assert.equal(trims, 1, "nothing has changed since");
  memory.changed();
  clock.advance(2000);
  assert.equal(trims, 2);
});

test("without the C library's function nothing happens", () => {
  const clock = new ManualClock();
  new MemoryTrim(clock, undefined).changed();
  clock.advance(60_000);
  if (platform !== "linux") assert.equal(glibcTrim(), undefined);
  else glibcTrim()?.();
});
