import assert from "node:assert/strict";
import { test } from "node:test";
import { makeHostStats } from "./host-stats.ts";
import { PendingQueue } from "./pending-queue.ts";

function bench(): { queue: PendingQueue<string>; counts: () => number[] } {
  const total = { value: 0, inc: () => void total.value++, add: (by: number) => void (total.value += by) };
  const active = {
    value: 0,
    inc: () => void active.value++,
    dec: () => void active.value--,
    set: (to: number) => void (active.value = to),
  };
  const ejected = { value: 0, inc: () => void ejected.value++, add: (by: number) => void (ejected.value += by) };
  const host = makeHostStats();
  let left = 0;
  const stats = { rqPendingTotal: total, rqPendingActive: active, rqPendingFailureEject: ejected };
  const queue = new PendingQueue<string>(stats as never, host, () => left++);
  return { queue, counts: () => [queue.length, total.value, active.value, host.rqPendingActive, left, ejected.value] };
}

test("who waited longest is first, and each leaves once", () => {
  const { queue, counts } = bench();
  for (const item of ["a", "b", "c"]) queue.add(item);
  assert.deepEqual(counts(), [3, 3, 3, 3, 0, 0]);
  assert.equal(queue.take(), "a");
  assert.equal(queue.remove("c"), true);
  assert.equal(queue.remove("c"), false);
  assert.deepEqual(counts(), [1, 3, 1, 1, 2, 0]);
  assert.equal(queue.take(), "b");
  assert.equal(queue.take(), undefined);
  assert.deepEqual(counts(), [0, 3, 0, 0, 3, 0]);
});

test("what is added while all fail waits anew", () => {
  const { queue, counts } = bench();
  queue.add("a");
  queue.add("b");
  const told: string[] = [];
  queue.fail((item) => {
    told.push(item);
    if (item === "a") queue.add("again");
  });
  assert.deepEqual(told, ["a", "b"]);
  assert.deepEqual(counts(), [1, 3, 1, 1, 2, 2]);
});
