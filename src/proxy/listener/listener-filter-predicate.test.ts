import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ListenerFilterChainMatchPredicateSchema } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { compilePredicate } from "./listener-filter-predicate.ts";

type Init = MessageInitShape<typeof ListenerFilterChainMatchPredicateSchema>;
const range = (start: number, end: number): Init => ({ rule: { case: "destinationPortRange", value: { start, end } } });

function compiled(init: Init): { matches: (port: number) => boolean; problems: string[] } {
  const problems: string[] = [];
  const matches = compilePredicate(create(ListenerFilterChainMatchPredicateSchema, init), "p", (path, message) =>
    problems.push(`${path}: ${message}`),
  );
  return { matches, problems };
}

test("a range ends below its end", () => {
  const { matches } = compiled(range(80, 82));
  assert.deepEqual([79, 80, 81, 82].map(matches), [false, true, true, false]);
});

test("or, and, not, any", () => {
  const or = compiled({ rule: { case: "orMatch", value: { rules: [range(1, 2), range(5, 6)] } } });
  assert.deepEqual([1, 3, 5].map(or.matches), [true, false, true]);
  const and = compiled({ rule: { case: "andMatch", value: { rules: [range(1, 6), range(5, 9)] } } });
  assert.deepEqual([1, 5, 8].map(and.matches), [false, true, false]);
  assert.deepEqual([1, 2].map(compiled({ rule: { case: "notMatch", value: range(1, 2) } }).matches), [false, true]);
  assert.equal(compiled({ rule: { case: "anyMatch", value: true } }).matches(1), true);
});

test("what can match nothing is refused", () => {
  assert.equal(compiled({}).problems.length, 1);
  assert.equal(compiled(range(5, 5)).problems.length, 1);
  assert.equal(compiled({ rule: { case: "orMatch", value: { rules: [range(1, 2)] } } }).problems.length, 1);
});
