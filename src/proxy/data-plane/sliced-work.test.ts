import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "#runtime/clock";
import { inSlices } from "./sliced-work.ts";

/** Each look at the clock is a millisecond later. */
function tickingClock(): Clock {
  let now = 0;
  return { wallMs: () => now, monotonicMs: () => now++, setTimer: () => ({ cancel() {} }) };
}

function* steps(count: number): Generator<void, string> {
  for (let i = 0; i < count; i++) yield;
  return `${count} steps`;
}

test("work that fits into one slice is done without a pause", async () => {
  let pauses = 0;
  const pause = async (): Promise<void> => void pauses++;
  assert.equal(await inSlices(steps(20), tickingClock(), pause), "20 steps");
  assert.equal(pauses, 0);
});

test("long work pauses again and again, and ends with its result", async () => {
  let pauses = 0;
  const pause = async (): Promise<void> => void pauses++;
  assert.equal(await inSlices(steps(1000), tickingClock(), pause), "1000 steps");
  // Three looks at the clock a slice, eight steps between two of them.
  assert.equal(pauses, Math.floor(1000 / 24));
});

test("what a step throws is the result", async () => {
  function* failing(): Generator<void, never> {
    yield;
    throw new Error("step 2");
  }
  await assert.rejects(
    inSlices(failing(), tickingClock(), async () => {}),
    /step 2/,
  );
});
