import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { nameOf, unpack } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { MatcherSchema } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { compileMatchTree } from "./match-tree.ts";
import type { MatchVocabulary } from "./match-tree.ts";

type Data = Readonly<Record<string, string | null>>;

// Inputs and actions of these tests are texts: the key to look under, and the word to answer.
const VOCABULARY: MatchVocabulary<Data, string> = {
  input(config, path, report) {
    const key = unpack(config, StringValueSchema)?.value;
    if (key === undefined) report(path, `no input ${nameOf(config.typeUrl)}`);
    return key === undefined ? undefined : (data): string | undefined | null => data[key];
  },
  action: (config) => unpack(config, StringValueSchema)?.value,
};

const extension = (type: string, config: JsonObject): JsonObject => ({
  name: "x",
  typed_config: { "@type": `type.googleapis.com/${type}`, ...config },
});
const text = (value: string): JsonObject => extension("google.protobuf.StringValue", { value });
const action = (value: string): JsonObject => ({ action: text(value) });
const single = (input: string, value_match: JsonObject): JsonObject => ({ single_predicate: { input: text(input), value_match } });
const branch = (predicate: JsonObject, on_match: JsonObject): JsonObject => ({ predicate, on_match });
const list = (...matchers: JsonObject[]): JsonObject => ({ matcher_list: { matchers } });
const tree = (input: string, rest: JsonObject): JsonObject => ({ matcher_tree: { input: text(input), ...rest } });
const ranges = (...range_matchers: JsonObject[]): JsonObject => ({
  custom_match: extension("xds.type.matcher.v3.IPMatcher", { range_matchers }),
});
const domains = (...domain_matchers: JsonObject[]): JsonObject => ({
  custom_match: extension("xds.type.matcher.v3.ServerNameMatcher", { domain_matchers }),
});
const range = (address_prefix: string, prefix_len: number): JsonObject => ({ address_prefix, prefix_len });

function compile(json: JsonValue): { match: (data: Data) => string | undefined | null; problems: string[] } {
  const problems: string[] = [];
  const wire = fromJson(MatcherSchema, json, { registry: configRegistry });
  return { match: compileMatchTree(wire, VOCABULARY, "m", (path, message) => problems.push(`${path}: ${message}`)), problems };
}

/** What each of the inputs comes to. */
function results(json: JsonValue, ...data: Data[]): (string | undefined | null)[] {
  const { match, problems } = compile(json);
  assert.deepEqual(problems, []);
  return data.map(match);
}

test("the first of matcher_list whose predicate holds is taken, else on_no_match", () => {
  const json = {
    ...list(branch(single("a", { prefix: "x" }), action("one")), branch(single("a", { exact: "XY", ignore_case: true }), action("two"))),
    on_no_match: action("none"),
  };
  assert.deepEqual(results(json, { a: "xy" }, { a: "XY" }, { a: "z" }, {}), ["one", "two", "none", "none"]);
  assert.deepEqual(results({ on_no_match: action("all") }, {}), ["all"], "a tree that asks nothing");
  assert.deepEqual(results({}, {}), [undefined]);
});

test("or_matcher, and_matcher and not_matcher put predicates together, and what is not there matches nothing", () => {
  const x = single("a", { contains: "x" });
  const y = single("b", { suffix: "y" });
  const data = [{ a: "x", b: "y" }, { a: "x" }, { b: "y" }, {}];
  assert.deepEqual(results(list(branch({ or_matcher: { predicate: [x, y] } }, action("m"))), ...data), ["m", "m", "m", undefined]);
  assert.deepEqual(results(list(branch({ and_matcher: { predicate: [x, y] } }, action("m"))), ...data), ["m", ...Array(3).fill(undefined)]);
  assert.deepEqual(results(list(branch({ not_matcher: x }, action("m"))), ...data), [undefined, undefined, "m", "m"]);
  assert.deepEqual(
    results(list(branch(single("a", { safe_regex: { google_re2: {}, regex: "x+" } }), action("m"))), { a: "xx" }, { a: "xxy" }),
    ["m", undefined],
  );
});

test("a predicate's custom_match holds an address against cidr_ranges", () => {
  const ip = extension("envoy.extensions.matching.input_matchers.ip.v3.Ip", { stat_prefix: "s", cidr_ranges: [range("10.0.0.0", 8)] });
  const json = list(branch({ single_predicate: { input: text("a"), custom_match: ip } }, action("in")));
  assert.deepEqual(results(json, { a: "10.1.2.3" }, { a: "11.1.2.3" }, { a: "no address" }, {}), ["in", undefined, undefined, undefined]);
});

test("a branch that comes to no action is left for the next one that matches", () => {
  const deeper = { matcher: list(branch(single("b", { exact: "1" }), action("deep"))) };
  const json = { ...list(branch(single("a", { exact: "x" }), deeper), branch(single("a", { prefix: "x" }), action("next"))) };
  assert.deepEqual(results(json, { a: "x", b: "1" }, { a: "x" }), ["deep", "next"]);
  const map = { ...tree("a", { exact_match_map: { map: { x: deeper } } }), on_no_match: action("none") };
  assert.deepEqual(results(map, { a: "x", b: "1" }, { a: "x" }, { a: "y" }, {}), ["deep", "none", "none", "none"]);
  const prefixes = tree("a", { prefix_match_map: { map: { x: action("short"), xyz: deeper } } });
  assert.deepEqual(results(prefixes, { a: "xyz1", b: "1" }, { a: "xyz1" }, { a: "xy" }, { a: "y" }, {}), [
    "deep",
    "short",
    "short",
    undefined,
    undefined,
  ]);
});

test("of range_matchers the longest range is asked first, and an exclusive one only where it is the longest", () => {
  const deeper = { matcher: list(branch(single("b", { exact: "1" }), action("deep"))) };
  const wide = (exclusive: boolean): JsonObject =>
    tree(
      "a",
      ranges(
        { ranges: [range("10.0.0.0", 8), range("fd00::", 8)], on_match: action("wide"), exclusive },
        { ranges: [range("10.1.0.0", 16)], on_match: deeper },
      ),
    );
  const data = [{ a: "10.1.0.1", b: "1" }, { a: "10.1.0.1" }, { a: "10.2.0.1" }, { a: "fd00::1" }, { a: "x" }, {}];
  assert.deepEqual(results(wide(false), ...data), ["deep", "wide", "wide", "wide", undefined, undefined]);
  assert.deepEqual(results(wide(true), ...data), ["deep", undefined, "wide", "wide", undefined, undefined]);
});

test("domain_matchers: the name itself, then the longest wildcard, then any name, but not none", () => {
  const json = tree(
    "a",
    domains(
      { domains: ["*"], on_match: action("any") },
      { domains: ["*.com", "*.example.com"], on_match: action("wildcard") },
      { domains: ["a.example.com"], on_match: action("exact") },
      { domains: ["*.deep.org"], on_match: { matcher: list(branch(single("b", { exact: "1" }), action("deep"))) } },
    ),
  );
  assert.deepEqual(
    results(json, { a: "a.example.com" }, { a: "b.example.com" }, { a: "example.com" }, { a: "com" }, { a: "" }, { a: "x.deep.org" }),
    ["exact", "wildcard", "wildcard", "any", undefined, "any"],
  );
});

test("an input that cannot be had ends the search", () => {
  const ask = (predicate: JsonObject): JsonObject => ({
    ...list(branch(predicate, action("m")), branch(single("b", { exact: "1" }), action("next"))),
    on_no_match: action("none"),
  });
  const [a, b] = [single("a", { exact: "x" }), single("b", { exact: "1" })];
  const data = { a: null, b: "1" };
  for (const predicate of [a, { not_matcher: a }, { or_matcher: { predicate: [a, b] } }, { and_matcher: { predicate: [b, a] } }])
    assert.deepEqual(results(ask(predicate), data), [null]);
  assert.deepEqual(results(ask({ or_matcher: { predicate: [b, a] } }), data), ["m"]);
  assert.deepEqual(results(ask({ and_matcher: { predicate: [{ not_matcher: b }, a] } }), data), ["next"]);
  const deeper = { matcher: ask(a) };
  for (const kind of [{ exact_match_map: { map: { 1: deeper } } }, { prefix_match_map: { map: { 1: deeper } } }])
    assert.deepEqual(results({ ...tree("b", kind), on_no_match: action("none") }, data), [null]);
  assert.deepEqual(results({ ...tree("a", { exact_match_map: { map: { x: action("m") } } }), on_no_match: action("none") }, data), [null]);
  const byDomain = tree("b", domains({ domains: ["*"], on_match: action("any") }, { domains: ["1"], on_match: deeper }));
  assert.deepEqual(results(byDomain, data), [null]);
});

test("what is wrong is named by its path", () => {
  const other = extension("google.protobuf.BoolValue", { value: true });
  assert.deepEqual(
    compile(
      list(
        branch({ single_predicate: { input: other, value_match: { prefix: "" } } }, action("a")),
        branch({ and_matcher: { predicate: [single("a", { exact: "x" })] } }, { matcher: tree("a", { exact_match_map: {} }) }),
        branch({ single_predicate: { input: text("a"), custom_match: other } }, {}),
      ),
    ).problems,
    [
      "m.matcher_list.matchers[0].predicate.single_predicate.input.typed_config: no input google.protobuf.BoolValue",
      "m.matcher_list.matchers[0].predicate.single_predicate.value_match.prefix: must not be empty: it would match everything",
      "m.matcher_list.matchers[1].predicate.and_matcher.predicate: must hold two or more",
      "m.matcher_list.matchers[1].on_match.matcher.matcher_tree.exact_match_map.map: must not be empty",
      "m.matcher_list.matchers[2].predicate.single_predicate.custom_match.typed_config: a matcher of type google.protobuf.BoolValue is not served by this proxy",
      "m.matcher_list.matchers[2].on_match: must hold a matcher or an action",
    ],
  );
  assert.deepEqual(compile(tree("a", ranges({ ranges: [range("10.0.0.0", 99)], on_match: action("a") }))).problems, [
    "m.matcher_tree.custom_match.typed_config.range_matchers[0].ranges[0]: prefix length 99 is too long for 10.0.0.0",
  ]);
  assert.deepEqual(compile(tree("a", domains({ domains: ["a.*", "b", "b"], on_match: action("a") }))).problems, [
    'm.matcher_tree.custom_match.typed_config.domain_matchers[0].domains[0]: "a.*": must be a name, "*.name" or "*"',
    'm.matcher_tree.custom_match.typed_config.domain_matchers[0].domains[2]: "b" is there twice',
  ]);
  assert.deepEqual(compile(tree("a", { custom_match: other })).problems, [
    "m.matcher_tree.custom_match.typed_config: a matcher of type google.protobuf.BoolValue is not served by this proxy",
  ]);
});
