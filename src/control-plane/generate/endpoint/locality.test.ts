import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, isWithin, localityOf } from "./locality.ts";

test("a locality is region, zone and the rest", () => {
  assert.deepEqual(localityOf("r/z/s/t"), { region: "r", zone: "z", subZone: "s/t" });
  assert.deepEqual(localityOf(""), { region: "", zone: "", subZone: "" });
});

test("a rule takes what it does not name", () => {
  const place = localityOf("r/z/s");
  for (const rule of ["*", "r", "r/*", "r/z", "r/z/*", "r/z/s"]) assert.ok(isWithin(place, rule), rule);
  for (const rule of ["q", "r/y", "r/z/t"]) assert.ok(!isWithin(place, rule), rule);
});

test("distance grows from the sub-zone to the region", () => {
  const from = localityOf("r/z/s");
  assert.deepEqual(
    ["r/z/s", "r/z/t", "r/y/s", "q/z/s"].map((place) => distance(from, localityOf(place))),
    [0, 1, 2, 3],
  );
});
