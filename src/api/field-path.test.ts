import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parsePath, pathText } from "./field-path.ts";

test("a path reads like the field it names", () => {
  assert.equal(pathText(["spec", "http", 2, "route", 0, "weight"]), "spec.http[2].route[0].weight");
  assert.equal(pathText(["spec", "selector", "app.kubernetes.io/name"]), 'spec.selector["app.kubernetes.io/name"]');
});

test("a path can be read back", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat({ max: 1000 }), fc.string()), { minLength: 1 }), (path) => {
      assert.deepEqual(parsePath(pathText(path)), path);
    }),
    { numRuns: 200 },
  );
});
