import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "#envoy/gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb";
import { CookieBasedSessionStateSchema } from "#envoy/gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb";
import { HeaderBasedSessionStateSchema } from "#envoy/gen/envoy/extensions/http/stateful_session/header/v3/header_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { ManualClock } from "#runtime/clock";
import { statefulSessionFilterCompiler } from "./stateful-session-filter.ts";

const registry = createRegistry(CookieBasedSessionStateSchema, HeaderBasedSessionStateSchema);
const state = (kind: "cookie" | "header", more: JsonObject): JsonObject => {
  const type = { cookie: "cookie.v3.CookieBasedSessionState", header: "header.v3.HeaderBasedSessionState" }[kind];
  return { name: "s", typedConfig: { "@type": `type.googleapis.com/envoy.extensions.http.stateful_session.${type}`, ...more } };
};
const cookie = (more: JsonObject = {}): JsonObject => state("cookie", { cookie: { name: "sticky", ...more } });
const compile = (json: JsonObject) =>
  statefulSessionFilterCompiler.compile("s", pack(StatefulSessionSchema, fromJson(StatefulSessionSchema, json, { registry })), "c");

interface Asked {
  readonly override: string | undefined;
  readonly set: string | undefined;
}

/** One exchange: what the router is told, and what the client is told once `host` has answered. */
function ask(
  json: JsonObject,
  request: Record<string, string>,
  port: number | undefined,
  route?: JsonObject,
  clock = new ManualClock(),
): Asked {
  const per =
    route === undefined ? undefined : pack(StatefulSessionPerRouteSchema, fromJson(StatefulSessionPerRouteSchema, route, { registry }));
  const filterConfig = FilterConfigs.of(per === undefined ? {} : { s: statefulSessionFilterCompiler.compileRouteConfig?.(per, "r") });
  const stream = new FakeFilterStream({ filterConfig }, clock);
  for (const [name, value] of Object.entries(request)) stream.headers.set(name, value);
  const filter = compile(json).create(stream);
  void filter?.onRequestHeaders?.(stream.headers, true);
  if (port !== undefined) stream.info.upstreamHost = { address: "10.0.0.1", port };
  const response = new PairResponseHeaderMap(200);
  void filter?.onResponseHeaders?.(response, true);
  const { overrideHost } = stream;
  return {
    override: overrideHost === undefined ? undefined : `${overrideHost.address}${overrideHost.strict ? " strict" : ""}`,
    set: response.get("set-cookie") ?? response.get("x-session"),
  };
}

test("a session begins with its first answer and leads back to that host", () => {
  const first = ask({ sessionState: cookie({ path: "/", ttl: "60s" }) }, {}, 80);
  assert.match(first.set ?? "", /^sticky="[A-Za-z0-9+/=]+"; Max-Age=60; Path=\/; HttpOnly$/);
  const brought = { cookie: first.set!.split(";")[0]! };
  assert.deepEqual(ask({ sessionState: cookie() }, brought, 80), { override: "10.0.0.1:80", set: undefined });
  assert.equal(ask({ sessionState: cookie(), strict: true }, brought, 80).override, "10.0.0.1:80 strict");
  assert.match(ask({ sessionState: cookie() }, brought, 81).set ?? "", /^sticky="/, "another host answered: the session moves");
});

test("Envoy's own cookies are understood, those of old versions too", () => {
  for (const value of ["Cg4xMjcuMC4wLjE6ODA4MA==", Buffer.from("127.0.0.1:8080").toString("base64")])
    assert.equal(ask({ sessionState: cookie() }, { cookie: `sticky="${value}"` }, undefined).override, "127.0.0.1:8080");
  assert.equal(ask({ sessionState: cookie() }, { cookie: "sticky=not base64!" }, undefined).override, undefined);
});

test("a session ends with its time to live", () => {
  const clock = new ManualClock();
  const json = { sessionState: cookie({ ttl: "60s" }) };
  const brought = { cookie: ask(json, {}, 80, undefined, clock).set!.split(";")[0]! };
  clock.advance(60_000);
  assert.equal(ask(json, brought, 80, undefined, clock).override, "10.0.0.1:80");
  clock.advance(1_000);
  const late = ask(json, brought, 80, undefined, clock);
  assert.equal(late.override, undefined);
  assert.match(late.set ?? "", /^sticky=/);
});

test("requests outside the cookie's path have no session", () => {
  const json = { sessionState: cookie({ path: "/a" }) };
  const path = (text: string): boolean => ask(json, { ":path": text }, 80).set !== undefined;
  assert.deepEqual(["/a", "/a/b", "/a?x", "/ab", "/"].map(path), [true, true, true, false, false]);
  assert.equal(ask({ sessionState: cookie({ path: "/a/" }) }, { ":path": "/a/b" }, 80).set !== undefined, true);
});

test("a header can carry the session", () => {
  const json = { sessionState: state("header", { name: "X-Session" }) };
  const { set } = ask(json, {}, 80);
  assert.equal(Buffer.from(set ?? "", "base64").toString(), "10.0.0.1:80");
  assert.deepEqual(ask(json, { "x-session": set! }, 80), { override: "10.0.0.1:80", set: undefined });
});

test("an answer of the proxy itself begins no session; a route can switch sessions off or have its own", () => {
  assert.equal(ask({ sessionState: cookie() }, {}, undefined).set, undefined);
  assert.equal(ask({ sessionState: cookie() }, {}, 80, { disabled: true }).set, undefined);
  const own = { statefulSession: { sessionState: state("header", { name: "x-session" }) } };
  assert.doesNotMatch(ask({ sessionState: cookie() }, {}, 80, own).set ?? "sticky", /sticky/);
  assert.equal(ask({}, {}, 80).set, undefined);
});

test("states that are not known, and cookies without a name, are refused", () => {
  assert.throws(() => compile({ sessionState: { name: "x" } }), /c\.session_state\.typed_config/);
  assert.throws(() => compile({ sessionState: state("cookie", {}) }), /c\.session_state\.typed_config\.cookie\.name/);
});
