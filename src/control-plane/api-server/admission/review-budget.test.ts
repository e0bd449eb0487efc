import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "#runtime/clock";
import { ReviewBudget } from "./review-budget.ts";

test("what takes long is followed by a rest of ten times as long", () => {
  const clock = new ManualClock();
  let takesMs = 20;
  let reviews = 0;
  const budget = new ReviewBudget(() => {
    reviews++;
    clock.advance(takesMs);
    return [];
  }, clock);
  for (let count = 0; count < 3; count++) budget.of({});
  assert.equal(reviews, 3, "a short one is never left out");
  takesMs = 100;
  budget.of({});
  clock.advance(999);
  budget.of({});
  assert.equal(reviews, 4);
  clock.advance(1);
  budget.of({});
  assert.equal(reviews, 5);
});
