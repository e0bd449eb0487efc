import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceiveWindow } from "./receive-window.ts";

test("gives back in steps of half the window, and never more than was taken", () => {
  const window = new ReceiveWindow(100);
  assert.equal(window.take(100), true);
  assert.equal(window.take(1), false);
  const other = new ReceiveWindow(100);
  let given = 0;
  for (let i = 0; i < 1000; i++) {
    assert.equal(other.take(7), true);
    given += other.consume(7);
  }
  assert.ok(given > 7000 - 50 && given <= 7000);
});

test("a smaller size by agreement leaves less to take", () => {
  const window = new ReceiveWindow(100);
  window.take(60);
  window.resize(-90);
  assert.equal(window.take(1), false);
});
