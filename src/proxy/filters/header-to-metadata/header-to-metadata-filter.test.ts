import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { headerToMetadataFilterCompiler } from "./header-to-metadata-filter.ts";

const config = (json: JsonValue) => pack(ConfigSchema, fromJson(ConfigSchema, json));
const NAMESPACE = "envoy.filters.http.header_to_metadata";

function metadata(
  requestRules: JsonObject[],
  headers: readonly (readonly [string, string])[],
): { found: unknown; stream: FakeFilterStream } {
  const stream = new FakeFilterStream();
  for (const [name, value] of headers) stream.headers.add(name, value);
  void headerToMetadataFilterCompiler.compile("h", config({ requestRules }), "c").create(stream)?.onRequestHeaders?.(stream.headers, true);
  return { found: stream.info.dynamicMetadata, stream };
}

test("headers become metadata, and may be taken out", () => {
  const rules = [
    { header: "X-A", onHeaderPresent: { metadataNamespace: "n", key: "a" }, remove: true },
    { header: "x-b", onHeaderPresent: { key: "b", value: "fixed" } },
    { header: "x-c", onHeaderMissing: { key: "c", value: "none" } },
    { header: "x-d", onHeaderPresent: { key: "d" } },
  ];
  const { found, stream } = metadata(rules, [
    ["x-a", "1"],
    ["x-a", "2"],
    ["x-b", "x"],
  ]);
  assert.deepEqual(found, { n: { a: "1,2" }, [NAMESPACE]: { b: "fixed", c: "none" } });
  assert.equal(stream.headers.has("x-a"), false);
});

test("values can be cut out, decoded and converted", () => {
  const value = Buffer.from(toBinary(ValueSchema, create(ValueSchema, { kind: { case: "boolValue", value: true } }))).toString("base64");
  const rules = [
    { header: "path", onHeaderPresent: { key: "r", regexValueRewrite: { pattern: { regex: "^/(\\w+)/.*" }, substitution: "\\1" } } },
    { header: "n", onHeaderPresent: { key: "n", type: "NUMBER" } },
    { header: "bad", onHeaderPresent: { key: "bad", type: "NUMBER" } },
    { header: "p", onHeaderPresent: { key: "p", type: "PROTOBUF_VALUE", encode: "BASE64" } },
    { cookie: "session", onHeaderPresent: { key: "s" } },
  ];
  const headers = [
    ["path", "/cluster-a/x"],
    ["n", " 1.5e1 "],
    ["bad", "x"],
    ["p", value],
    ["cookie", 'a=b; session="id"'],
  ] as const;
  // \w does not take "-": the pattern does not match, and the value stays.
  assert.deepEqual(metadata(rules, headers).found, { [NAMESPACE]: { r: "/cluster-a/x", n: 15, p: true, s: "id" } });
});

test("responses have rules of their own, and a route's rules take the place of the filter's", () => {
  const stream = new FakeFilterStream({
    filterConfig: FilterConfigs.of({
      h: headerToMetadataFilterCompiler.compileRouteConfig?.(
        config({ responseRules: [{ header: "x", onHeaderPresent: { key: "route" } }] }),
        "r",
      ),
    }),
  });
  const own = config({ responseRules: [{ header: "x", onHeaderPresent: { key: "own" } }] });
  void headerToMetadataFilterCompiler
    .compile("h", own, "c")
    .create(stream)
    ?.onResponseHeaders?.(new PairResponseHeaderMap(200, [["x", "1"]]), true);
  assert.deepEqual(stream.info.dynamicMetadata, { [NAMESPACE]: { route: "1" } });
});

test("rules that say too much or too little are refused", () => {
  for (const [rule, expected] of [
    [{ header: "a", cookie: "b", onHeaderPresent: { key: "k" } }, /needs either header or cookie/],
    [{ header: "a" }, /needs on_header_present or on_header_missing/],
    [{ cookie: "a", remove: true, onHeaderPresent: { key: "k" } }, /remove: cannot be had of a cookie/],
    [{ header: "a", onHeaderMissing: { key: "k" } }, /on_header_missing\.value: must not be empty/],
    [
      { header: "a", onHeaderPresent: { key: "", value: "v", regexValueRewrite: { pattern: { regex: "(" } } } },
      /both value.*key: must.*regex/,
    ],
  ] as const) {
    assert.throws(() => metadata([rule], []), expected);
  }
  assert.throws(() => headerToMetadataFilterCompiler.compileRouteConfig?.(config({}), "r"), /r: needs request_rules or response_rules/);
});
