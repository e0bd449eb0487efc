import assert from "node:assert/strict";
import { test } from "node:test";
import { CurrentRuntime, NO_RUNTIME } from "./runtime.ts";
import { runtimeValues } from "./runtime.fake.ts";
import { runtimeValue } from "./runtime-value.ts";

test("a key without a value, or with one of another kind, leaves the decision to the configuration", () => {
  const runtime = new CurrentRuntime();
  runtime.set(new Map([["text", runtimeValue("x", "")]]));
  for (const [asked, key] of [
    [runtime, "text"],
    [runtime, "other"],
    [NO_RUNTIME, "text"],
  ] as const) {
    assert.equal(asked.share(key, 0.25), 0.25);
    assert.equal(asked.integer(key, 3), 3);
    assert.equal(asked.double(key, 1.5), 1.5);
    assert.equal(asked.flag(key, true), true);
  }
});

test("a share is a FractionalPercent or whole per cent, all from 100 upwards", () => {
  const runtime = new CurrentRuntime();
  const values = [{ numerator: 5, denominator: "TEN_THOUSAND" }, 30, 30.9, 100, 1000, -5];
  runtime.set(new Map(values.map((value, at) => [`k${at}`, runtimeValue(value, "")])));
  assert.deepEqual(
    values.map((_, at) => runtime.share(`k${at}`, 0.5)),
    [0.0005, 0.3, 0.3, 1, 1, 0.5],
  );
});

test("what the layers say is replaced as a whole", () => {
  const runtime = new CurrentRuntime();
  runtime.set(new Map([["a", runtimeValue(1, "")]]));
  runtime.set(new Map([["b", runtimeValue(2.5, "")]]));
  assert.equal(runtime.integer("a", 0), 0);
  assert.deepEqual([runtime.integer("b", 0), runtime.double("b", 0), runtime.flag("b", true)], [2, 2.5, true]);
});

test("a change says which keys are others now", () => {
  const runtime = new CurrentRuntime();
  const set = (values: Record<string, number>): readonly string[] => [...runtime.set(runtimeValues(values))].sort();
  assert.equal(runtime.empty, true);
  assert.deepEqual(set({ a: 1, b: 1 }), ["a", "b"]);
  assert.deepEqual(set({ a: 1, b: 2, c: 1 }), ["b", "c"]);
  assert.equal(runtime.empty, false);
  assert.deepEqual(set({ c: 1 }), ["a", "b"]);
});
