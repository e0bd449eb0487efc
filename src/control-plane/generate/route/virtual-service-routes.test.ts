import assert from "node:assert/strict";
import { test } from "node:test";
import { sidecarRouteConfiguration } from "./sidecar-routes.ts";
import { service, viewOf, virtualHosts, virtualService, type Json } from "#control-plane/generate/testing";

const SERVICES =
  service("web", [["http", 80]]) +
  service("api", [
    ["http", 8080],
    ["http-admin", 9090],
  ]);

/** The routes of the host web on port 80, with these rules. */
function routes(http: string): readonly Json[] {
  const view = viewOf(SERVICES + virtualService("vs", `{ hosts: [web], http: ${http} }`));
  const host = virtualHosts(sidecarRouteConfiguration(view, "80")).find(({ name }) => name === "web.default.svc.cluster.local:80");
  return host?.routes ?? [];
}

const toWeb = "route: [{ destination: { host: web } }]";

test("mirrors: all of the requests without a percentage, none with 0", () => {
  const [one] = routes(`[{ ${toWeb}, mirror: { host: web, subset: v2 } }]`);
  assert.deepEqual(one?.["route"].requestMirrorPolicies, [
    {
      cluster: "outbound|80|v2|web.default.svc.cluster.local",
      runtimeFraction: { defaultValue: { numerator: 100 } },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    },
  ]);
  const [several] = routes(`[{ ${toWeb}, mirrors: [
    { destination: { host: api, port: { number: 8080 } }, percentage: { value: 0.5 } }, { destination: { host: web }, percentage: { value: 0 } }] }]`);
  assert.deepEqual(
    several?.["route"].requestMirrorPolicies.map((policy: Json) => [policy["cluster"], policy["runtimeFraction"].defaultValue]),
    [["outbound|8080||api.default.svc.cluster.local", { numerator: 5000, denominator: "MILLION" }]],
  );
  const [none] = routes(`[{ ${toWeb}, mirror: { host: web }, mirrorPercentage: { value: 0 } }]`);
  assert.equal(none?.["route"].requestMirrorPolicies, undefined);
  const [whole] = routes(`[{ ${toWeb}, mirror: { host: web }, mirror_percent: 7 }]`);
  assert.deepEqual(whole?.["route"].requestMirrorPolicies[0].runtimeFraction, { defaultValue: { numerator: 7 } });
});

test("a prefix for statistics goes onto the route", () => {
  assert.equal(routes(`[{ match: [{ statPrefix: checkout }], ${toWeb} }]`)[0]?.["statPrefix"], "checkout");
});

test("a redirect leaves out the port that its scheme has anyway", () => {
  const port = (redirect: string): unknown => routes(`[{ redirect: ${redirect} }]`)[0]?.["redirect"].portRedirect;
  assert.equal(port("{ derivePort: FROM_REQUEST_PORT }"), undefined);
  assert.equal(port("{ derivePort: FROM_REQUEST_PORT, scheme: https }"), 80);
  assert.equal(port("{ port: 443, scheme: https }"), undefined);
  assert.equal(port("{ port: 8443, scheme: https }"), 8443);
});

test("a destination on another port is known only by its written port", () => {
  const cluster = (destination: string): unknown => routes(`[{ route: [{ destination: ${destination} }] }]`)[0]?.["route"].cluster;
  assert.equal(cluster("{ host: api, port: { number: 9090 } }"), "outbound|9090||api.default.svc.cluster.local");
  // api has no port 80: as in istiod the caller's port stands in for the one that is not written.
  assert.equal(cluster("{ host: api }"), "outbound|80||api.default.svc.cluster.local");
  assert.equal(cluster("{ host: nobody.com, subset: v1 }"), "outbound|80|v1|nobody.com");
});

test("hashes of several destinations all stand in the route", () => {
  const rule = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: default }
spec:
  host: web
  subsets:
  - { name: v1, labels: { version: v1 }, trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } } }
  - { name: v2, labels: { version: v2 }, trafficPolicy: { loadBalancer: { consistentHash: { httpQueryParameterName: q } } } }
`;
  const both = virtualService(
    "vs",
    `{ hosts: [web], http: [{ route: [{ destination: { host: web, subset: v1 }, weight: 1 }, { destination: { host: web, subset: v2 }, weight: 3 }] }] }`,
  );
  const [host] = virtualHosts(sidecarRouteConfiguration(viewOf(SERVICES + rule + both), "80"));
  const route = host?.routes?.[0]?.["route"];
  assert.deepEqual(route.hashPolicy, [{ connectionProperties: { sourceIp: true } }, { queryParameter: { name: "q" } }]);
  assert.ok(route.retryPolicy.retryHostPredicate);
});
