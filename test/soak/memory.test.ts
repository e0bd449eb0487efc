import assert from "node:assert/strict";
import { test } from "node:test";
import { lowest, MemoryWatch, slope } from "./memory.ts";

test("a line through the last two thirds has the slope of what grows, whatever the beginning was", () => {
  const samples = Array.from({ length: 60 }, (_, i) => ({ atMs: i * 1000, mb: i < 20 ? i * 10 : 200 + i / 30 }));
  assert.ok(Math.abs(slope(samples, 0, 60_000)! - 2) < 0.01);
  assert.equal(slope(samples.slice(0, 3), 0, 60_000), undefined);
});

test("what counts of a process that breathes is the least of each window", () => {
  const samples = Array.from({ length: 40 }, (_, i) => ({ atMs: i * 1000, mb: 100 + (i % 10) }));
  assert.deepEqual(lowest(samples), [samples[0], samples[20]]);
});

test("heaps are what full collections leave, by isolate", () => {
  const watch = new MemoryWatch(process.pid, () => 5);
  watch.read(
    "[12:0x1f0000]      430 ms: Scavenge 9.1 (11.0) -> 8.2 (12.0) MB, pooled: 0.0 MB, 1.0 / 0.0 ms\n[12:0x2f0000] 1007 ms: Mark-Comp",
  );
  watch.read("act (reduce) 11.2 (13.6) -> 8.9 (13.1) MB, pooled: 0 MB, 12.3 / 0.1 ms  (average mu = 1.000)\n");
  watch.read("[12:0x2f0000]     2007 ms: Incremental Mark-Compact 12.0 (95.2) -> 9.1 (82.0) MB, pooled: 0.0 MB, 6.0 / 0.0 ms\n");
  assert.deepEqual(
    [...watch.heaps],
    [
      [
        "0x2f0000",
        [
          { atMs: 5, mb: 8.9 },
          { atMs: 5, mb: 9.1 },
        ],
      ],
    ],
  );
});
