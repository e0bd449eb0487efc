import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { CorsPolicySchema, CorsSchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { pack } from "#envoy/any";
import type { HttpFilter } from "#proxy/http/filter";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { LOCAL_REPLIES } from "#proxy/http/local-reply";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { corsFilterCompiler } from "./cors-filter.ts";

const NAME = "envoy.filters.http.cors";
const POLICY = {
  allowOriginStringMatch: [{ exact: "http://ok.example" }, { safeRegex: { regex: "https://.*\\.ok\\.example" } }],
  allowMethods: "POST,GET",
  allowHeaders: "*",
  exposeHeaders: "x-a",
  maxAge: "86400",
  allowCredentials: true,
};

function filter(policy: JsonValue | undefined, reply = false, less?: JsonValue, layers: JsonObject = {}): HttpFilter | undefined {
  const level = (json: JsonValue | undefined): FilterConfigs =>
    FilterConfigs.of(
      json === undefined
        ? {}
        : { [NAME]: corsFilterCompiler.compileRouteConfig?.(pack(CorsPolicySchema, fromJson(CorsPolicySchema, json)), "p") },
    );
  const filterConfig = level(policy).over(level(less));
  const stream = new FakeFilterStream({
    filterConfig,
    reply: reply ? () => LOCAL_REPLIES.internalError : undefined,
  });
  stream.runtime.set(runtimeValues(layers));
  return corsFilterCompiler.compile(NAME, pack(CorsSchema, create(CorsSchema)), "c").create(stream);
}

function request(method: string, pairs: readonly (readonly [string, string])[]): PairRequestHeaderMap {
  return new PairRequestHeaderMap({ method, path: "/", authority: "a", scheme: "http", upgrade: undefined }, pairs);
}

const PREFLIGHT = [
  ["access-control-request-method", "DELETE"],
  ["access-control-request-headers", "x-b,x-c"],
] as const;

test("a preflight of an allowed origin is answered, even if the asked method is not allowed", () => {
  const reply = filter(POLICY)?.onRequestHeaders?.(request("OPTIONS", [["origin", "https://a.ok.example"], ...PREFLIGHT]), true);
  assert.ok(reply !== undefined && !(reply instanceof Promise));
  assert.equal(reply.status, 200);
  assert.equal(reply.details, "cors_response");
  assert.deepEqual(reply.headers, [
    ["access-control-allow-origin", "https://a.ok.example"],
    ["access-control-allow-credentials", "true"],
    ["access-control-allow-methods", "POST,GET"],
    ["access-control-allow-headers", "x-b,x-c"],
    ["access-control-max-age", "86400"],
  ]);
});

test("a preflight that asks for no headers may have any, where all are allowed", () => {
  const asked = request("OPTIONS", [["origin", "https://a.ok.example"], PREFLIGHT[0]]);
  const reply = filter(POLICY)?.onRequestHeaders?.(asked, true);
  assert.ok(reply !== undefined && !(reply instanceof Promise));
  assert.equal(reply.headers?.find(([name]) => name === "access-control-allow-headers")?.[1], "");
});

test("a preflight of another origin goes to the application, or is answered without an origin where it must not be forwarded", () => {
  const other = request("OPTIONS", [["origin", "http://evil.example"], ...PREFLIGHT]);
  assert.equal(filter(POLICY)?.onRequestHeaders?.(other, true), undefined);
  const reply = filter({ ...POLICY, forwardNotMatchingPreflights: false })?.onRequestHeaders?.(other, true);
  assert.ok(reply !== undefined && !(reply instanceof Promise));
  assert.equal(
    reply.headers?.some(([name]) => name === "access-control-allow-origin"),
    false,
  );
});

test("the answer names an allowed origin and nothing for another", () => {
  for (const [origin, expected] of [
    ["http://ok.example", "http://ok.example"],
    ["http://evil.example", undefined],
    [undefined, undefined],
  ] as const) {
    const instance = filter(POLICY);
    assert.equal(instance?.onRequestHeaders?.(request("GET", origin === undefined ? [] : [["origin", origin]]), true), undefined);
    const response = new PairResponseHeaderMap(200);
    void instance?.onResponseHeaders?.(response, true);
    assert.equal(response.get("access-control-allow-origin"), expected);
    assert.equal(response.get("access-control-expose-headers"), expected === undefined ? undefined : "x-a");
  }
});

test('an origin matcher that takes "*" allows every origin', () => {
  const instance = filter({ allowOriginStringMatch: [{ exact: "*" }] });
  void instance?.onRequestHeaders?.(request("GET", [["origin", "http://any.example"]]), true);
  const response = new PairResponseHeaderMap(200);
  void instance?.onResponseHeaders?.(response, true);
  assert.equal(response.get("access-control-allow-origin"), "http://any.example");
});

test("without a policy, on a redirect, or where the policy is off, nothing happens", () => {
  assert.equal(filter(undefined), undefined);
  assert.equal(filter(POLICY, true), undefined);
  const off = filter({ ...POLICY, filterEnabled: { defaultValue: { numerator: 0 } } });
  assert.equal(off?.onRequestHeaders?.(request("OPTIONS", [["origin", "http://ok.example"], ...PREFLIGHT]), true), undefined);
});

test("a broken origin matcher is refused with its path", () => {
  assert.throws(
    () => filter({ allowOriginStringMatch: [{ safeRegex: { regex: "(" } }] }),
    /p\.allow_origin_string_match\[0\]\.safe_regex\.regex/,
  );
});

test("what a route leaves out comes from its virtual host; whether the policy holds is said by the route alone", () => {
  const route = { allowMethods: "PUT", allowCredentials: false };
  const reply = filter(route, false, POLICY)?.onRequestHeaders?.(request("OPTIONS", [["origin", "http://ok.example"], ...PREFLIGHT]), true);
  assert.ok(reply !== undefined && !(reply instanceof Promise));
  assert.deepEqual(reply.headers, [
    ["access-control-allow-origin", "http://ok.example"],
    ["access-control-allow-methods", "PUT"],
    ["access-control-allow-headers", "x-b,x-c"],
    ["access-control-max-age", "86400"],
  ]);
  const off = filter({ filterEnabled: { defaultValue: { numerator: 0 } } }, false, POLICY);
  assert.equal(off?.onRequestHeaders?.(request("OPTIONS", [["origin", "http://ok.example"], ...PREFLIGHT]), true), undefined);
});

test("a page of the internet may ask for a private network where allow_private_network_access says so", () => {
  const ask = (allowPrivateNetworkAccess: boolean): unknown => {
    const asked = [["origin", "https://a.ok.example"], ...PREFLIGHT, ["access-control-request-private-network", "true"]] as const;
    const reply = filter({ ...POLICY, allowPrivateNetworkAccess })?.onRequestHeaders?.(request("OPTIONS", asked), true);
    assert.ok(reply !== undefined && !(reply instanceof Promise));
    return reply.headers?.find(([name]) => name === "access-control-allow-private-network")?.[1];
  };
  assert.deepEqual([ask(true), ask(false)], ["true", undefined]);
});

test("runtime layers say for which share a policy holds", () => {
  const keyed = { ...POLICY, filterEnabled: { defaultValue: { numerator: 0 }, runtimeKey: "k" } };
  const preflight = (layers: JsonObject): unknown =>
    filter(keyed, false, undefined, layers)?.onRequestHeaders?.(request("OPTIONS", [["origin", "http://ok.example"], ...PREFLIGHT]), true);
  assert.equal(preflight({}), undefined);
  assert.notEqual(preflight({ k: 100 }), undefined);
});
