import assert from "node:assert/strict";
import test from "node:test";
import { StatusError } from "#control-plane/config/status-error";
import { parseLabelSelector } from "./label-selector.ts";

const LABELS = { app: "reviews", "example.com/tier": "web", weight: "10" };

test("takes every form that kubectl takes", () => {
  for (const [text, expected] of [
    ["", true],
    ["app=reviews", true],
    ["app==reviews, example.com/tier = web", true],
    ["app!=reviews", false],
    ["missing!=x", true],
    ["app in (ratings, reviews)", true],
    ["app notin (ratings)", true],
    ["missing notin (x)", true],
    ["missing in (x)", false],
    ["missing in ()", false],
    ["app", true],
    ["!app", false],
    ["!missing", true],
    ["weight>9", true],
    ["weight<10", false],
    ["missing>1", false],
    ["missing=", false],
  ] as const) {
    assert.equal(parseLabelSelector(text)?.(LABELS) ?? true, expected, text);
  }
});

test("refuses what is no selector, whatever its length", () => {
  const long = "a".repeat(64);
  for (const text of [
    "app=a b",
    "=a",
    "app in a",
    "app in (a",
    "app,,b",
    ",app",
    "a/b/c=d",
    `${long}=a`,
    `a=${long}`,
    "a>x",
    "a=(b)",
    "(".repeat(10_000),
  ]) {
    assert.throws(
      () => parseLabelSelector(text),
      (error: unknown) => error instanceof StatusError && error.reason === "BadRequest",
      text.slice(0, 40),
    );
  }
});

test("does not mistake what every object has for a label", () => {
  assert.equal(parseLabelSelector("constructor")?.({}), false);
  assert.equal(parseLabelSelector("constructor")?.(undefined), false);
});
