import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#runtime/clock";
import { Debounce } from "./debounce.ts";

function start() {
  const clock = new ManualClock();
  let runs = 0;
  const debounce = new Debounce({ clock, quietMs: () => 100, maxMs: () => 1_000, run: () => runs++ });
  return { clock, debounce, runs: () => runs };
}

test("a burst is one run, once it is quiet", () => {
  const { clock, debounce, runs } = start();
  for (let index = 0; index < 5; index++) {
    debounce.request();
    clock.advance(50);
  }
  assert.equal(runs(), 0);
  clock.advance(50);
  assert.equal(runs(), 1);
  assert.equal(clock.pending, 0);
});

test("a stream of changes that never pauses runs at the latest after the limit", () => {
  const { clock, debounce, runs } = start();
  for (let index = 0; index < 20; index++) {
    debounce.request();
    clock.advance(60);
  }
  assert.equal(runs(), 1);
});

test("a flush runs what waits, and nothing when nothing waits", () => {
  const { clock, debounce, runs } = start();
  debounce.flush();
  assert.equal(runs(), 0);
  debounce.request();
  debounce.flush();
  assert.equal(runs(), 1);
  clock.advance(1_000);
  assert.equal(runs(), 1);
});
