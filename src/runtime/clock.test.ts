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

test("a time longer than Node's timers know is waited for all the same, and may be cancelled", (t) => {
  const delays: number[] = [];
  const due: (() => void)[] = [];
  const cleared: unknown[] = [];
  t.mock.method(globalThis, "setTimeout", (task: () => void, delayMs: number) => {
    delays.push(delayMs);
    due.push(task);
    return { unref: () => {} };
  });
  t.mock.method(globalThis, "clearTimeout", (handle: unknown) => void cleared.push(handle));
  let ran = 0;
  const month = 30 * 86_400_000;
  const timer = realClock.setTimer(month, () => ran++, true);
  due.shift()!();
  assert.equal(ran, 0);
  due.shift()!();
  assert.equal(ran, 1);
  assert.deepEqual(delays, [2 ** 31 - 1, month - (2 ** 31 - 1)]);
  timer.cancel();
  assert.equal(cleared.length, 1);
});
