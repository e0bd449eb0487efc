import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { HeaderMatcherSchema, QueryParameterMatcherSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { compileHeaderMatcher, compileQueryMatcher, queryParameters } from "./header-matcher.ts";
import type { MatchableHeaders } from "./header-matcher.ts";

const fail = (path: string, message: string): never => {
  throw new Error(`${path}: ${message}`);
};

function request(headers: Readonly<Record<string, string | readonly string[]>>): MatchableHeaders {
  const getAll = (name: string): readonly string[] => [headers[name] ?? []].flat();
  const getJoined = (name: string): string | undefined => (headers[name] === undefined ? undefined : getAll(name).join(","));
  return { method: "GET", path: "/a?x=1", authority: "reviews:9080", scheme: "http", getAll, getJoined };
}

function matches(matcher: JsonValue, headers: Readonly<Record<string, string>>): boolean {
  return compileHeaderMatcher(fromJson(HeaderMatcherSchema, matcher), "headers[0]", fail).matches(request(headers));
}

test("every kind of value matcher, deprecated forms too", () => {
  const v = { v: "Value-12" };
  assert.equal(matches({ name: "V", stringMatch: { exact: "Value-12" } }, v), true);
  assert.equal(matches({ name: "v", stringMatch: { exact: "value-12", ignoreCase: true } }, v), true);
  assert.equal(matches({ name: "v", stringMatch: { prefix: "VAL", ignoreCase: true } }, v), true);
  assert.equal(matches({ name: "v", stringMatch: { suffix: "12" } }, v), true);
  assert.equal(matches({ name: "v", stringMatch: { contains: "ue-" } }, v), true);
  assert.equal(matches({ name: "v", stringMatch: { safeRegex: { regex: "Value-\\d+" } } }, v), true);
  assert.equal(matches({ name: "v", exactMatch: "Value" }, v), false);
  assert.equal(matches({ name: "v", prefixMatch: "Value" }, v), true);
  assert.equal(matches({ name: "v", suffixMatch: "13" }, v), false);
  assert.equal(matches({ name: "v", containsMatch: "lue" }, v), true);
  assert.equal(matches({ name: "v", safeRegexMatch: { regex: "[A-Z].*" } }, v), true);
});

test("a range takes whole 64-bit numbers, the end excluded", () => {
  const range = { name: "n", rangeMatch: { start: "-10", end: "10" } };
  for (const [value, expected] of [
    ["-10", true],
    ["9", true],
    ["+5", true],
    ["10", false],
    ["1.5", false],
    ["", false],
    ["9x", false],
    ["99999999999999999999999", false],
  ] as const) {
    assert.equal(matches(range, { n: value }), expected, value);
  }
});

test("a missing header matches no value, inverted or not, unless it is treated as empty", () => {
  assert.equal(matches({ name: "v", stringMatch: { exact: "x" }, invertMatch: true }, {}), false);
  assert.equal(matches({ name: "v", stringMatch: { exact: "x" }, invertMatch: true, treatMissingHeaderAsEmpty: true }, {}), true);
  assert.equal(matches({ name: "v", stringMatch: { exact: "x" }, invertMatch: true }, { v: "y" }), true);
});

test("presence, absence and their inversions", () => {
  for (const [matcher, present, absent] of [
    [{ name: "v" }, true, false],
    [{ name: "v", presentMatch: true }, true, false],
    [{ name: "v", presentMatch: false }, false, true],
    [{ name: "v", presentMatch: true, invertMatch: true }, false, true],
    [{ name: "v", presentMatch: false, invertMatch: true }, true, false],
  ] as const) {
    assert.equal(matches(matcher, { v: "" }), present, JSON.stringify(matcher));
    assert.equal(matches(matcher, {}), absent, JSON.stringify(matcher));
  }
});

test("pseudo headers and Host are fields of the request", () => {
  assert.equal(matches({ name: ":method", stringMatch: { exact: "GET" } }, {}), true);
  assert.equal(matches({ name: ":path", stringMatch: { exact: "/a?x=1" } }, {}), true);
  assert.equal(matches({ name: ":authority", stringMatch: { prefix: "reviews" } }, {}), true);
  assert.equal(matches({ name: "Host", stringMatch: { exact: "reviews:9080" } }, {}), true);
});

test("text of configuration is compared as UTF-8 bytes", () => {
  assert.equal(matches({ name: "v", stringMatch: { exact: "é" } }, { v: Buffer.from("é").toString("latin1") }), true);
});

test("each line of a repeated header is a value, but of headers that have one place", () => {
  const matcher = (json: JsonValue) => compileHeaderMatcher(fromJson(HeaderMatcherSchema, json), "h", fail);
  const lines = request({ v: ["blue", "red"], via: ["a", "b"] });
  for (const [json, expected] of [
    [{ name: "v", stringMatch: { exact: "red" } }, true],
    [{ name: "v", stringMatch: { exact: "blue,red" } }, false],
    [{ name: "v", stringMatch: { exact: "red" }, invertMatch: true }, false],
    [{ name: "v", stringMatch: { exact: "green" }, invertMatch: true }, true],
    [{ name: "via", stringMatch: { exact: "b" } }, false],
    [{ name: "via", stringMatch: { exact: "a,b" } }, true],
  ] as const)
    assert.equal(matcher(json).matches(lines), expected, JSON.stringify(json));
});

test("what is wrong is reported with its path", () => {
  const report: string[] = [];
  const collect = (path: string, message: string): void => void report.push(`${path}: ${message}`);
  compileHeaderMatcher(fromJson(HeaderMatcherSchema, { name: "v", stringMatch: { safeRegex: { regex: "(" } } }), "headers[0]", collect);
  compileHeaderMatcher(fromJson(HeaderMatcherSchema, { name: "", stringMatch: { prefix: "" } }), "headers[1]", collect);
  assert.match(report[0] ?? "", /^headers\[0\]\.string_match\.safe_regex\.regex: regex "\(" is not valid RE2/);
  assert.deepEqual(report.slice(1), [
    "headers[1].name: must not be empty",
    "headers[1].string_match.prefix: must not be empty: it would match everything",
  ]);
});

test("query parameters: the first of a name counts, undecoded, without the fragment", () => {
  assert.deepEqual(
    [...queryParameters("/p?a=1&b&a=2&c=x=y#a=3")],
    [
      ["a", "1"],
      ["b", ""],
      ["c", "x=y"],
    ],
  );
  assert.deepEqual([...queryParameters("/p")], []);
  const matcher = (json: JsonValue) => compileQueryMatcher(fromJson(QueryParameterMatcherSchema, json), "q", fail);
  assert.equal(matcher({ name: "a", stringMatch: { exact: "1" } }).matches(queryParameters("/?a=1")), true);
  assert.equal(matcher({ name: "a", stringMatch: { exact: "" } }).matches(queryParameters("/")), false);
  assert.equal(matcher({ name: "a", presentMatch: true }).matches(queryParameters("/?a")), true);
  assert.equal(matcher({ name: "a", presentMatch: false }).matches(queryParameters("/?b")), true);
});
