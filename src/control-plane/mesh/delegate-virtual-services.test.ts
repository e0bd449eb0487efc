import assert from "node:assert/strict";
import test from "node:test";
import type { HTTPMatchRequest, HTTPRoute } from "#api/virtual-service";
import type { ApiObject } from "#api/object";
import { meshOf, object, proxyNode } from "./testing.ts";

const route = (name: string, more: object = {}): object => ({ name, route: [{ destination: { host: name } }], ...more });
const root = (http: readonly object[], more: object = {}): ApiObject =>
  object("VirtualService", "root", { hosts: ["shop.example.com"], http, ...more }, { namespace: "edge" });
const delegate = (http: readonly object[], more: object = {}, namespace = "team"): ApiObject =>
  object("VirtualService", "inner", { http, ...more }, { namespace });

function routes(objects: readonly ApiObject[]): readonly HTTPRoute[] {
  const seen = meshOf(objects).mesh.view(proxyNode({ namespace: "edge" })).meshVirtualServices;
  assert.equal(seen.length, 1);
  return seen[0]?.spec.http ?? [];
}

const to = { delegate: { name: "inner", namespace: "team" } };
const merge = (
  outer: readonly HTTPMatchRequest[] | undefined,
  inner: readonly HTTPMatchRequest[] | undefined,
): readonly (readonly HTTPMatchRequest[] | undefined)[] =>
  routes([root([{ match: outer, ...to }]), delegate([route("a", { match: inner })])]).map(({ match }) => match);

test("a route with a delegate becomes the delegate's routes, in its place", () => {
  const found = routes([root([route("first"), { name: "d", ...to }, route("last")]), delegate([route("a"), route("b")])]);
  assert.deepEqual(
    found.map(({ name }) => name),
    ["first", "d-a", "d-b", "last"],
  );
  // Short names are the delegate's own.
  assert.equal(found[1]?.route?.[0]?.destination.host, "a.team.svc.cluster.local");
});

test("what the delegate does not say the root says", () => {
  const outer = { timeout: 5_000, retries: { attempts: 3 }, headers: { request: { set: { a: "1" } } }, rewrite: { uri: "/" } };
  const [found] = routes([root([{ ...outer, ...to }]), delegate([route("a", { timeout: 1_000 })])]);
  assert.deepEqual([found?.timeout, found?.retries, found?.headers, found?.rewrite], [1_000, outer.retries, outer.headers, outer.rewrite]);
});

test("a delegate that is missing, or not exported to the root's namespace, leaves out that route alone", () => {
  assert.deepEqual(
    routes([root([to, route("last")])]).map(({ name }) => name),
    ["last"],
  );
  assert.deepEqual(routes([root([to]), delegate([route("a")], { exportTo: ["."] })]), []);
  assert.equal(routes([root([to]), delegate([route("a")], { exportTo: ["edge"] })]).length, 1);
  assert.equal(routes([root([{ delegate: { name: "inner" } }]), delegate([route("a")], {}, "edge")]).length, 1);
});

const uri = (match: object): HTTPMatchRequest => ({ uri: match }) as HTTPMatchRequest;
const merged: readonly [string, HTTPMatchRequest, HTTPMatchRequest, HTTPMatchRequest | undefined][] = [
  ["a longer prefix stays", uri({ prefix: "/a" }), uri({ prefix: "/a/b" }), uri({ prefix: "/a/b" })],
  ["a shorter prefix contradicts", uri({ prefix: "/a/b" }), uri({ prefix: "/a" }), undefined],
  ["an exact path within the prefix stays", uri({ prefix: "/a" }), uri({ exact: "/a/b" }), uri({ exact: "/a/b" })],
  ["an exact path allows no prefix", uri({ exact: "/a" }), uri({ prefix: "/a" }), undefined],
  ["of two expressions nobody can tell", uri({ regex: "/a.*" }), uri({ regex: "/a.*" }), undefined],
  [
    "conditions on other things add up",
    uri({ prefix: "/a" }),
    { method: { exact: "GET" } },
    { uri: { prefix: "/a" }, method: { exact: "GET" } },
  ],
  [
    "headers add up",
    { headers: { a: { exact: "1" } } },
    { headers: { b: { exact: "2" } } },
    { headers: { a: { exact: "1" }, b: { exact: "2" } } },
  ],
  ["two values of one header contradict", { headers: { a: { exact: "1" } } }, { headers: { a: { exact: "2" } } }, undefined],
  ["two ports contradict", { port: 80 }, { port: 81 }, undefined],
  ["two values of a source label contradict", { sourceLabels: { a: "1" } }, { sourceLabels: { a: "2" } }, undefined],
  ["the delegate must repeat the root's source namespace", { sourceNamespace: "x" }, { port: 80 }, undefined],
  ["letter case must be looked at alike", { ignoreUriCase: true }, { port: 80 }, undefined],
  ["gateways may be fewer, not others", { gateways: ["edge/a", "edge/b"] }, { gateways: ["edge/b"] }, { gateways: ["edge/b"] }],
  ["another gateway contradicts", { gateways: ["edge/a"] }, { gateways: ["edge/b"] }, undefined],
  ["names are joined", { name: "r", port: 80 }, { name: "d" }, { name: "r-d", port: 80 }],
];
for (const [what, outer, inner, expected] of merged) {
  test(`matches: ${what}`, () => {
    const found = merge([outer], [inner]).map((match) => match?.map((entry) => JSON.parse(JSON.stringify(entry)) as unknown));
    assert.deepEqual(found, expected === undefined ? [] : [[expected]]);
  });
}

test("without conditions on one side those of the other count", () => {
  assert.deepEqual(merge(undefined, [{ port: 80 }]), [[{ port: 80 }]]);
  assert.deepEqual(merge([{ port: 80 }], undefined), [[{ port: 80 }]]);
});

test("each condition of the delegate needs one of the root's that it does not contradict", () => {
  const outer = [uri({ prefix: "/a" }), uri({ prefix: "/b" })];
  const [found] = merge(outer, [uri({ prefix: "/a/1" }), uri({ prefix: "/b/1" })]);
  assert.deepEqual(
    found?.map((match) => match.uri),
    [{ prefix: "/a/1" }, { prefix: "/b/1" }],
  );
  assert.deepEqual(merge(outer, [uri({ prefix: "/a/1" }), uri({ prefix: "/c" })]), []);
});
