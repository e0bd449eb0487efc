import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterReset } from "./counter-reset.ts";
import type { Stat } from "./stats-reader.ts";

const stat = (kind: "counter" | "gauge", name: string, value: number): Stat => ({ kind, name, parts: [name], value });

test("what counters had at a reset is taken off, gauges are left alone", () => {
  const reset = new CounterReset();
  const shown = (...stats: Stat[]): unknown[] => reset.shown(stats).map(({ value }) => value);
  assert.deepEqual(shown(stat("counter", "a", 3), stat("gauge", "g", 2)), [3, 2]);
  reset.reset([stat("counter", "a", 3), stat("gauge", "g", 2)]);
  assert.deepEqual(shown(stat("counter", "a", 3), stat("gauge", "g", 2), stat("counter", "new", 1)), [0, 2, 1]);
  assert.deepEqual(shown(stat("counter", "a", 5)), [2]);
  assert.deepEqual(shown(stat("counter", "a", 1)), [1], "it went and came again");
});
