import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { sidecarRouteConfiguration } from "./sidecar-routes.ts";
import { service, viewOf, virtualHosts, virtualService, type Json } from "#control-plane/generate/testing";

const SERVICES =
  service("web", [["http", 80]]) +
  service(
    "api",
    [
      ["http", 8080],
      ["http-admin", 80],
    ],
    "shop",
  );

/** Each virtual host with the cluster (or name) of its routes. */
function table(view: ProxyView, name: string): Readonly<Record<string, readonly string[]>> {
  const target = (route: Json): string => route["route"]?.cluster ?? route["name"];
  return Object.fromEntries(
    virtualHosts(sidecarRouteConfiguration(view, name)).map((host) => [host.name, (host.routes ?? []).map(target)]),
  );
}

function domains(view: ProxyView, name: string, host: string): readonly string[] | undefined {
  return virtualHosts(sidecarRouteConfiguration(view, name)).find((candidate) => candidate.name === host)?.domains;
}

test("a port has a virtual host for each service that has the port, and one for all others", () => {
  const view = viewOf(SERVICES);
  assert.deepEqual(table(view, "80"), {
    "api.shop.svc.cluster.local:80": ["outbound|80||api.shop.svc.cluster.local"],
    "web.default.svc.cluster.local:80": ["outbound|80||web.default.svc.cluster.local"],
    allow_any: ["PassthroughCluster"],
  });
  assert.deepEqual(Object.keys(table(view, "8080")), ["api.shop.svc.cluster.local:8080", "allow_any"]);
});

test("names that are no ports, sockets or the HTTP proxy are nobody's", () => {
  assert.equal(sidecarRouteConfiguration(viewOf(SERVICES), "http.8080"), undefined);
  assert.equal(sidecarRouteConfiguration(viewOf(SERVICES), ""), undefined);
});

test("a service behind protocol detection has the configuration to itself", () => {
  const view = viewOf(service("auto", [["any", 7777]]) + service("other", [["http", 7777]]));
  const name = "auto.default.svc.cluster.local:7777";
  assert.deepEqual(table(view, name), { [name]: ["outbound|7777||auto.default.svc.cluster.local"] });
  assert.deepEqual(domains(view, name, name), ["*"]);
});

test("all ports share the HTTP proxy's configuration: names without a port mean port 80", () => {
  const hosts = virtualHosts(sidecarRouteConfiguration(viewOf(SERVICES), "http_proxy"));
  const of = (name: string): readonly string[] | undefined => hosts.find((host) => host.name === name)?.domains;
  assert.deepEqual(of("api.shop.svc.cluster.local:8080"), [
    "api.shop.svc.cluster.local:8080",
    "api.shop.svc.cluster.local.:8080",
    "api.shop:8080",
    "api.shop.svc:8080",
  ]);
  assert.ok(of("web.default.svc.cluster.local:80")?.includes("web"));
});

test("an exact host beats a wildcard, and a wildcard stands for the services that it matches", () => {
  const route = (host: string, mark: string): string => `{ hosts: ["${host}"], http: [{ name: ${mark}, redirect: { uri: / } }] }`;
  const view = viewOf(
    SERVICES +
      virtualService("wild", route("*.default.svc.cluster.local", "wild")) +
      virtualService("exact", route("web.default.svc.cluster.local", "exact")) +
      virtualService("shop", route("*.svc.cluster.local", "shop")),
  );
  assert.deepEqual(table(view, "80"), {
    "api.shop.svc.cluster.local:80": ["shop"],
    "web.default.svc.cluster.local:80": ["exact"],
    allow_any: ["PassthroughCluster"],
  });
});

test("a VirtualService's host that is no service is known on port 80, and beside its services", () => {
  const view = viewOf(SERVICES + virtualService("vs", `{ hosts: [web, foo.com], http: [{ route: [{ destination: { host: web } }] }] }`));
  assert.deepEqual(domains(view, "80", "foo.com:80"), ["foo.com"]);
  assert.equal(domains(view, "8080", "foo.com:8080"), undefined);
  const other = viewOf(
    SERVICES + virtualService("vs", `{ hosts: [api.shop.svc.cluster.local, foo.com], http: [{ redirect: { uri: / } }] }`),
  );
  assert.deepEqual(domains(other, "8080", "foo.com:8080"), ["foo.com"]);
});

test("of two VirtualServices of a host the first with a rule for the caller counts", () => {
  const first = virtualService(
    "first",
    `{ hosts: [web], http: [{ name: first, match: [{ sourceLabels: { app: other } }], redirect: { uri: / } }] }`,
  );
  const second = virtualService("second", `{ hosts: [web], http: [{ name: second, redirect: { uri: / } }] }`);
  const yaml = SERVICES + first + second;
  assert.deepEqual(table(viewOf(yaml), "80")["web.default.svc.cluster.local:80"], ["second"]);
  const other = viewOf(yaml, { metadata: { LABELS: { app: "other" } } });
  assert.deepEqual(table(other, "80")["web.default.svc.cluster.local:80"], ["first"]);
});

test("an ExternalName of a service is one more name of it", () => {
  const alias = `
---
apiVersion: v1
kind: Service
metadata: { name: alias, namespace: default }
spec: { type: ExternalName, externalName: web.default.svc.cluster.local, ports: [{ name: http, port: 80 }] }
`;
  const view = viewOf(SERVICES + alias);
  assert.ok(domains(view, "80", "web.default.svc.cluster.local:80")?.includes("alias"));
  assert.equal(domains(view, "80", "alias.default.svc.cluster.local:80"), undefined);
  const routed = viewOf(
    SERVICES + alias + virtualService("vs", `{ hosts: [alias], http: [{ route: [{ destination: { host: alias } }] }] }`),
  );
  assert.deepEqual(table(routed, "80")["alias.default.svc.cluster.local:80"], ["outbound|80||web.default.svc.cluster.local"]);
  assert.ok(!domains(routed, "80", "web.default.svc.cluster.local:80")?.includes("alias"));
});

test("a hash of the service's DestinationRule stands in its default route", () => {
  const rule = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: default }
spec: { host: web, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-user } } } }
`;
  const [host] = virtualHosts(sidecarRouteConfiguration(viewOf(service("web", [["http", 80]]) + rule), "80"));
  assert.deepEqual(host?.routes?.[0]?.["route"].hashPolicy, [{ header: { headerName: "x-user" } }]);
  assert.ok(host?.routes?.[0]?.["route"].retryPolicy.retryHostPredicate);
  const vs = virtualService("vs", `{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }`);
  const [routed] = virtualHosts(sidecarRouteConfiguration(viewOf(service("web", [["http", 80]]) + rule + vs), "80"));
  assert.equal(routed?.routes?.[0]?.["route"].retryPolicy.retryHostPredicate, undefined);
});

test("gRPC without a proxy compares ports and has its own field for timeouts", () => {
  const configuration = sidecarRouteConfiguration(viewOf(SERVICES, { metadata: { GENERATOR: "grpc" } }), "80");
  assert.equal(configuration?.ignorePortInHostMatching, false);
  const [host] = virtualHosts(configuration).filter(({ name }) => name.startsWith("web"));
  assert.ok(host?.domains.includes("web:80"));
  assert.equal(host?.routes?.[0]?.["route"].maxGrpcTimeout, undefined);
  assert.deepEqual(host?.routes?.[0]?.["route"].maxStreamDuration, { maxStreamDuration: "0s" });
});
