import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./suggestion.ts";

test("a slip of the hand is recognised", () => {
  const names = ["weight", "destination", "headers", "uri", "timeout", "consecutive5xxErrors"];
  assert.equal(nearestName("wieght", names), "weight");
  assert.equal(nearestName("Weight", names), "weight");
  assert.equal(nearestName("destinaton", names), "destination");
  assert.equal(nearestName("url", names), "uri");
  assert.equal(nearestName("time_out", names), "timeout");
});

test("nothing is suggested for another word", () => {
  assert.equal(nearestName("replicas", ["weight", "uri"]), undefined);
  assert.equal(nearestName("x".repeat(10_000), ["weight"]), undefined);
  assert.equal(nearestName("", ["weight"]), undefined);
});
