import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOfRegex } from "./sample-regex.ts";

test("a sample matches the whole expression", () => {
  for (const expression of [
    "/users/[0-9]+(/.*)?",
    "^(.*?;)?(user=jason)(;.*)?$",
    "GET|POST",
    "[^/]+/x{2,3}",
    "a\\.b\\d+",
    "(?i)/Foo.*",
    "/(?:a|b)c?",
  ]) {
    const sample = sampleOfRegex(expression);
    assert.ok(sample !== undefined, expression);
    assert.match(sample, new RegExp(`^(?:${expression.replace("(?i)", "")})$`, "i"));
  }
});

test("an expression that is too clever gives none", () => {
  assert.equal(sampleOfRegex("(?=x)y"), undefined);
  assert.equal(sampleOfRegex("["), undefined);
});
