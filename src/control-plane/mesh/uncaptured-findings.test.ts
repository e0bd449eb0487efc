import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#api/object";
import type { ProxyNode } from "./proxy.ts";
import { httpService, meshOf, object, proxyNode } from "./testing.ts";
import { uncapturedFindings } from "./uncaptured-findings.ts";

const ANNOUNCED: Partial<ProxyNode> = { httpProxy: { bind: "127.66.0.2", port: 15001 } };

function fields(objects: readonly ApiObject[], over = ANNOUNCED): readonly string[] {
  const { mesh } = meshOf(objects);
  const view = mesh.view(proxyNode(over));
  return uncapturedFindings([view, view]).map((finding) => `${finding.object?.kind}/${finding.object?.name} ${finding.field}`);
}

const entry = (name: string, more: object): ApiObject =>
  object("ServiceEntry", name, {
    hosts: [`${name}.example.com`],
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    resolution: "NONE",
    ...more,
  });

test("a host that is reached where its caller meant to go is unreachable where nothing captures calls, and named once", () => {
  const objects = [
    entry("captured", {}),
    entry("named", { resolution: "DNS" }),
    entry("listed", { endpoints: [{ address: "10.0.0.1" }] }),
    entry("tcp", { ports: [{ number: 9000, name: "tcp", protocol: "TCP" }] }),
  ];
  assert.deepEqual(fields(objects), ["ServiceEntry/captured spec.resolution"]);
  assert.deepEqual(fields(objects, {}), []);
  assert.deepEqual(fields(objects, { ...ANNOUNCED, type: "router" }), []);
});

test("a balancer that sends requests where they were meant to go has nowhere to send them where nothing captures them", () => {
  const loadBalancer = { simple: "PASSTHROUGH" };
  const objects = [
    httpService("web"),
    object("DestinationRule", "web", {
      host: "web",
      trafficPolicy: { loadBalancer: { simple: "RANDOM" }, portLevelSettings: [{ port: { number: 80 }, loadBalancer }] },
      subsets: [{ name: "v1", trafficPolicy: { loadBalancer } }],
    }),
    object("DestinationRule", "nobody", { host: "nobody", trafficPolicy: { loadBalancer } }),
  ];
  assert.deepEqual(fields(objects), [
    "DestinationRule/web spec.trafficPolicy.portLevelSettings[0].loadBalancer.simple",
    "DestinationRule/web spec.subsets[0].trafficPolicy.loadBalancer.simple",
  ]);
  assert.deepEqual(fields(objects, {}), []);
});

test("routes of connections need a port that a Sidecar names, where nothing captures connections", () => {
  const route = [{ destination: { host: "db.example.com" } }];
  const objects = [
    httpService("web"),
    entry("db", { resolution: "DNS", ports: [{ number: 5432, name: "tcp", protocol: "TCP" }] }),
    object("VirtualService", "web", { hosts: ["web"], tcp: [{ route }] }),
    object("VirtualService", "db", { hosts: ["db.example.com"], tls: [{ match: [{ sniHosts: ["db.example.com"] }], route }] }),
    object("VirtualService", "http", { hosts: ["db.example.com"], http: [{ route }] }),
    object("VirtualService", "edge", { hosts: ["db.example.com"], gateways: ["gw"], tcp: [{ route }] }),
  ];
  assert.deepEqual(fields(objects).toSorted(), ["VirtualService/db spec.tls", "VirtualService/web spec.tcp"]);
  assert.deepEqual(fields(objects, {}), []);
  const port = { number: 5432, name: "tcp", protocol: "TCP" };
  const sidecar = object("Sidecar", "all", { egress: [{ port, bind: "127.66.0.2", hosts: ["./db.example.com"] }, { hosts: ["*/*"] }] });
  assert.deepEqual(fields([...objects, sidecar]), ["VirtualService/web spec.tcp"]);
});
