import assert from "node:assert/strict";
import { test } from "node:test";
import { enterEvent, leaveEvent, realClock } from "./clock.ts";

/** Longer than the clock's resolution. */
function busy(): void {
  const start = performance.now();
  while (performance.now() === start);
}

test("monotonic time stands still within an event, and goes on behind it", () => {
  const before = realClock.monotonicMs();
  busy();
  enterEvent();
  const first = realClock.monotonicMs();
  busy();
  assert.equal(realClock.monotonicMs(), first);
  assert.ok(first > before, "an event begins with the time that it is");
  leaveEvent();
  busy();
  assert.ok(realClock.monotonicMs() > first);
});
