import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseDuration } from "./go-duration.ts";

test("durations are read in Go's notation, as milliseconds", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["7s", 7000],
    ["0.5s", 500],
    ["0.1s", 100],
    [".5s", 500],
    ["1h2m3.5s", 3_723_500],
    ["1.5h", 5_400_000],
    ["100ms", 100],
    ["250us", 0.25],
    ["1µs", 0.001],
    ["0", 0],
    ["0s", 0],
    ["-2s", -2000],
    ["+2s", 2000],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test("what is no duration is refused", () => {
  for (const text of ["", "-", "5", "s", "5 s", "1d", "1s2", "abc", "1..5s", "1e3s", "NaNs", "9".repeat(400) + "h"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("any text gives a finite number or nothing", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+]?[0-9.hmsuµn]{0,20}$/u)), (text) => {
      const ms = parseDuration(text);
      assert.ok(ms === undefined || Number.isFinite(ms));
    }),
    { numRuns: 300 },
  );
});
