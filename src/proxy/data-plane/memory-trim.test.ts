import assert from "node:assert/strict";
import { platform } from "node:process";
import { test } from "node:test";
import { ManualClock } from "#runtime/clock";
import { garbageCollection, glibcTrim, MemoryTrim } from "./memory-trim.ts";

function counted() {
  const counts = { trims: 0, collections: 0 };
  const clock = new ManualClock();
  const memory = new MemoryTrim({ clock, trim: () => counts.trims++, collect: () => counts.collections++ });
  return { counts, clock, memory };
}

test("changes that come together are followed by one trim, and later ones come regularly until the end", () => {
  const { counts, clock, memory } = counted();
  memory.changed();
  clock.advance(1999);
  assert.equal(counts.trims, 0);
  clock.advance(1);
  assert.deepEqual(counts, { trims: 1, collections: 1 });
  clock.advance(29_999);
  assert.equal(counts.trims, 1);
  clock.advance(1);
  assert.equal(counts.trims, 2);
  memory.changed();
  clock.advance(2000);
  assert.equal(counts.trims, 3);
  memory.close();
  clock.advance(90_000);
  assert.equal(counts.trims, 3);
});

test("garbage is not collected while changes come", () => {
  const { counts, clock, memory } = counted();
  for (let second = 0; second < 10; second++) {
    memory.changed();
    clock.advance(1000);
  }
  assert.deepEqual(counts, { trims: 5, collections: 0 });
  clock.advance(2000);
  assert.deepEqual(counts, { trims: 6, collections: 1 });
});

test("other systems have no such function", () => {
  if (platform !== "linux") assert.equal(glibcTrim(), undefined);
  else glibcTrim()?.();
});

test("garbage is collected when there is enough of it", () => {
  const collect = garbageCollection();
  const usedMb = (): number => process.memoryUsage().heapUsed / 1e6;
  collect();
  const before = usedMb();
  let garbage: unknown[] | undefined = Array.from({ length: 100_000 }, (_, index) => ({ index, text: `number ${index}` }));
  assert.ok(garbage.length > 0 && usedMb() - before > 5);
  garbage = undefined;
  collect();
  assert.ok(usedMb() - before < 3);
});
