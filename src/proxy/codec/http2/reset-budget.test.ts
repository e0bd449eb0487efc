import assert from "node:assert/strict";
import { test } from "node:test";
import { ResetBudget } from "./reset-budget.ts";

test("a burst of a thousand, then thirty-three a second, and never more than a burst saved up", () => {
  let nowMs = 0;
  const budget = new ResetBudget(() => nowMs);
  const spend = (): number => {
    let spent = 0;
    while (budget.spend()) spent++;
    return spent;
  };
  assert.equal(spend(), 1000);
  nowMs += 2000;
  // One was spent that was not there.
  assert.equal(spend(), 65);
  for (let i = 0; i < 10; i++) budget.earn();
  assert.equal(spend(), 9); // one was owed
  nowMs += 1e9;
  assert.equal(spend(), 1000);
});
