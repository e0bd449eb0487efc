import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { MetadataMatcherSchema } from "#envoy/gen/envoy/type/matcher/v3/metadata_pb";
import { compileMetadataMatcher } from "./metadata-matcher.ts";
import type { DynamicMetadata, MetadataMatcher } from "./metadata-matcher.ts";

const METADATA: DynamicMetadata = {
  "envoy.filters.http.jwt_authn": {
    claims: { sub: "ann", admin: true, level: 3, groups: ["dev", "ops"], nothing: null, deep: { city: "Zürich" } },
  },
};

function compile(json: JsonObject): { matcher: MetadataMatcher; problems: string[] } {
  const problems: string[] = [];
  const matcher = compileMetadataMatcher(fromJson(MetadataMatcherSchema, json), "m", (path, message) => {
    problems.push(`${path}: ${message}`);
  });
  return { matcher, problems };
}

function matches(keys: readonly string[], value: JsonValue, over: JsonObject = {}): boolean {
  const path = ["claims", ...keys].map((key) => ({ key }));
  const { matcher, problems } = compile({ filter: "envoy.filters.http.jwt_authn", path, value, ...over });
  assert.deepEqual(problems, []);
  return matcher.matches(METADATA);
}

test("a value matches by its kind and nothing else", () => {
  const table: [string[], JsonValue, boolean][] = [
    [["sub"], { stringMatch: { prefix: "an" } }, true],
    [["sub"], { stringMatch: { exact: "bob" } }, false],
    [["admin"], { stringMatch: { exact: "true" } }, false],
    [["admin"], { boolMatch: true }, true],
    [["admin"], { boolMatch: false }, false],
    [["level"], { doubleMatch: { exact: 3 } }, true],
    [["level"], { doubleMatch: { range: { start: 1, end: 3 } } }, false],
    [["level"], { doubleMatch: { range: { start: 3, end: 4 } } }, true],
    [["nothing"], { nullMatch: {} }, true],
    [["absent"], { nullMatch: {} }, false],
    [["nothing"], { presentMatch: true }, true],
    [["absent"], { presentMatch: true }, false],
    [["absent"], { presentMatch: false }, false],
    [["groups"], { listMatch: { oneOf: { stringMatch: { exact: "ops" } } } }, true],
    [["groups"], { listMatch: { oneOf: { stringMatch: { exact: "qa" } } } }, false],
    [["sub"], { listMatch: { oneOf: { stringMatch: { exact: "ann" } } } }, false],
    [["level"], { orMatch: { valueMatchers: [{ boolMatch: true }, { doubleMatch: { exact: 3 } }] } }, true],
    [["deep", "city"], { stringMatch: { suffix: "ürich" } }, true],
    [["sub", "deeper"], { presentMatch: true }, false],
    [["constructor"], { presentMatch: true }, false],
  ];
  for (const [keys, value, expected] of table) {
    assert.equal(matches(keys, value), expected, `${keys.join(".")} ${JSON.stringify(value)}`);
    assert.equal(matches(keys, value, { invert: true }), !expected, `not ${keys.join(".")} ${JSON.stringify(value)}`);
  }
});

test("without metadata only an inversion matches", () => {
  const json = { filter: "f", path: [{ key: "k" }], value: { presentMatch: true } };
  assert.equal(compile(json).matcher.matches(undefined), false);
  assert.equal(compile({ ...json, invert: true }).matcher.matches(undefined), true);
});

test("what Envoy refuses is reported with its place", () => {
  assert.deepEqual(compile({}).problems, ["m.filter: must not be empty", "m.path: must not be empty", "m.value: must be set"]);
  const of = (value: JsonObject): string[] => compile({ filter: "f", path: [{ key: "k" }], value }).problems;
  assert.match(of({})[0]!, /^m\.value: needs one of/);
  assert.deepEqual(of({ doubleMatch: {} }), ["m.value.double_match: needs one of range, exact"]);
  assert.deepEqual(of({ listMatch: {} }), ["m.value.list_match: needs one_of"]);
  assert.deepEqual(of({ orMatch: { valueMatchers: [{ boolMatch: true }] } }), ["m.value.or_match.value_matchers: needs at least 2"]);
  assert.deepEqual(compile({ filter: "f", path: [{}], value: { boolMatch: true } }).problems, ["m.path[0].key: must not be empty"]);
});
