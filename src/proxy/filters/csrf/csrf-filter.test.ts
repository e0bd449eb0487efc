import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { CsrfPolicySchema } from "#envoy/gen/envoy/extensions/filters/http/csrf/v3/csrf_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { FakeStats } from "#proxy/http/stats.fake";
import { FilterConfigs } from "#proxy/route/filter-config";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { csrfFilterCompiler } from "./csrf-filter.ts";

const policy = (json: JsonValue) => pack(CsrfPolicySchema, fromJson(CsrfPolicySchema, json));
const ALWAYS = { defaultValue: { numerator: 100 } };
const NEVER = { defaultValue: { numerator: 0 } };
const OWN = { filterEnabled: ALWAYS, additionalOrigins: [{ suffix: ".ok.example" }] };

function ask(
  own: JsonValue,
  method: string,
  headers: Record<string, string>,
  route?: JsonValue,
  layers: JsonObject = {},
): { refused: boolean; counted: string[] } {
  const stats = new FakeStats();
  const filterConfig = FilterConfigs.of(route === undefined ? {} : { c: csrfFilterCompiler.compileRouteConfig?.(policy(route), "r") });
  const stream = new FakeFilterStream({ filterConfig });
  stream.runtime.set(runtimeValues(layers));
  stream.headers.method = method;
  stream.headers.authority = "site.example:8080";
  for (const [name, value] of Object.entries(headers)) stream.headers.set(name, value);
  const filter = csrfFilterCompiler.compile("c", policy(own), "p").withStats?.(stats, stream.thread).create(stream);
  const reply = filter?.onRequestHeaders?.(stream.headers, true);
  assert.ok(!(reply instanceof Promise));
  if (reply !== undefined) assert.deepEqual([reply.status, reply.body, reply.details], [403, "Invalid origin", "csrf_origin_mismatch"]);
  return { refused: reply !== undefined, counted: [...stats.values].filter(([, { value }]) => value > 0).map(([name]) => name) };
}

test("requests of the site itself and of named origins pass", () => {
  for (const origin of ["http://site.example:8080", "ftp://site.example:8080", "site.example:8080", "https://a.ok.example"])
    assert.deepEqual(ask(OWN, "POST", { origin }), { refused: false, counted: ["csrf.request_valid"] });
  assert.equal(ask(OWN, "DELETE", { referer: "http://site.example:8080/page?x=1" }).refused, false);
});

test("other origins, and requests that name none, are refused", () => {
  assert.deepEqual(ask(OWN, "POST", { origin: "http://site.example" }), { refused: true, counted: ["csrf.request_invalid"] });
  assert.deepEqual(ask(OWN, "PUT", {}), { refused: true, counted: ["csrf.missing_source_origin"] });
  const noSite = { refused: true, counted: ["csrf.missing_source_origin"] };
  assert.deepEqual(ask(OWN, "PATCH", { origin: "null", referer: "http://site.example:8080/" }), noSite);
  assert.deepEqual(ask(OWN, "POST", { origin: "site.example" }), { refused: true, counted: ["csrf.request_invalid"] });
});

test("requests that change nothing are not looked at", () => {
  assert.deepEqual(ask(OWN, "GET", { origin: "http://evil.example" }), { refused: false, counted: [] });
});

test("a shadow policy counts and refuses nothing; a route's policy takes the place of the filter's", () => {
  const shadow = { filterEnabled: NEVER, shadowEnabled: ALWAYS };
  assert.deepEqual(ask(shadow, "POST", { origin: "http://x" }), { refused: false, counted: ["csrf.request_invalid"] });
  assert.deepEqual(ask(OWN, "POST", { origin: "http://x" }, { filterEnabled: NEVER }), { refused: false, counted: [] });
});

test("a policy must say for which share it holds", () => {
  assert.throws(() => ask({}, "GET", {}), /p\.filter_enabled\.default_value: must be set/);
});

test("runtime layers say for which share a policy holds, and for which it is shadowed", () => {
  const keyed = { filterEnabled: { ...NEVER, runtimeKey: "on" }, shadowEnabled: { ...NEVER, runtimeKey: "shadow" } };
  const bad = { origin: "http://evil.example" };
  assert.deepEqual(ask(keyed, "POST", bad), { refused: false, counted: [] });
  assert.deepEqual(ask(keyed, "POST", bad, undefined, { on: 100 }), { refused: true, counted: ["csrf.request_invalid"] });
  assert.deepEqual(ask(keyed, "POST", bad, undefined, { shadow: 100 }), { refused: false, counted: ["csrf.request_invalid"] });
});
