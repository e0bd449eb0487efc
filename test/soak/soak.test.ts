// The soak test for as long as CI has: whether it runs, and leaves nothing unexplained. Memory is judged in its ten minutes (`npm run soak`).
// Runs alone: its load is made for a machine of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { soak } from "./soak.ts";

test("20 seconds of mixed load under changes and deaths leave no failure unexplained", { timeout: 120_000 }, async (t) => {
  const { done, explained, unexplained, faults, leftovers } = await soak({ seconds: 20, seed: 1, say: (line) => t.diagnostic(line) });
  assert.deepEqual(unexplained, []);
  assert.deepEqual(leftovers, []);
  assert.equal(done.size, 11);
  for (const [name, count] of done) assert.ok(count > 20, `${name}: ${count}`);
  for (const what of ["hosts killed", "hosts ended in order"]) assert.ok((faults.get(what) ?? 0) >= 1, what);
  const felt = [...explained.values()].reduce((sum, count) => sum + count, 0);
  const all = [...done.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(felt < all / 100, `${felt} of ${all} felt the end of a host`);
});
