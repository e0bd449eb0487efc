import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { endpointOf, placeWith, serviceOf } from "#control-plane/generate/cluster/testing";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { loadAssignment, type LoadAssignmentInputs } from "./load-assignment.ts";

function assignment(endpoints: readonly Partial<ServiceEndpoint>[], over: Partial<LoadAssignmentInputs> = {}): any {
  const made = loadAssignment({
    clusterName: "outbound|80||web",
    service: serviceOf(),
    endpoints: endpoints.map(endpointOf),
    labels: {},
    preference: undefined,
    caller: placeWith(),
    clusterLocal: false,
    resolvedBy: "eds",
    mutualTls: () => false,
    ...over,
  });
  return toJson(ClusterLoadAssignmentSchema, made);
}

function addresses(endpoints: readonly Partial<ServiceEndpoint>[], over: Partial<LoadAssignmentInputs> = {}): readonly string[] {
  const groups: any[] = assignment(endpoints, over).endpoints ?? [];
  return groups.flatMap(({ lbEndpoints = [] }) =>
    lbEndpoints.map(({ endpoint: { address } }: any) => address.socketAddress?.address ?? address.pipe.path),
  );
}

test("endpoints stand in their localities, in order, with the sum of their weights", () => {
  const made = assignment([
    { locality: "r/z", address: "10.0.0.2", weight: 3 },
    { address: "10.0.0.1" },
    { locality: "r/z", address: "10.0.0.3", weight: 0 },
  ]);
  assert.deepEqual(
    made.endpoints.map((group: any) => [group.locality, group.loadBalancingWeight, group.lbEndpoints.length]),
    [
      [{}, 1, 1],
      [{ region: "r", zone: "z" }, 4, 2],
    ],
  );
});

test("an endpoint says who it is for telemetry, and whether it takes mutual TLS", () => {
  const labels = { "service.istio.io/canonical-name": "web", version: "v1" };
  const one = (over: Partial<ServiceEndpoint>, mutualTls: boolean) =>
    assignment([{ labels, ...over }], { mutualTls: () => mutualTls }).endpoints[0].lbEndpoints[0].metadata.filterMetadata;
  assert.deepEqual(one({ tlsMode: "istio" }, true), {
    istio: { workload: "web-1;default;web;v1;Kubernetes" },
    "envoy.transport_socket_match": { tlsMode: "istio" },
  });
  assert.deepEqual(Object.keys(one({ tlsMode: "istio" }, false)), ["istio"]);
  assert.deepEqual(Object.keys(one({ tlsMode: "disabled" }, true)), ["istio"]);
});

test("a revision of latest is none", () => {
  const labels = { "app.kubernetes.io/name": "n", "app.kubernetes.io/version": "latest" };
  const [group] = assignment([{ labels }]).endpoints;
  assert.equal(group.lbEndpoints[0].metadata.filterMetadata.istio.workload, "web-1;default;n;;Kubernetes");
});

test("unready endpoints are left out, unless the service's distribution counts them", () => {
  const two = [{ address: "10.0.0.1", health: "UNHEALTHY" as const }, { address: "10.0.0.2" }];
  assert.deepEqual(addresses(two), ["10.0.0.2"]);
  assert.deepEqual(addresses(two, { service: serviceOf({ trafficDistribution: "PreferClose" }) }), ["10.0.0.1", "10.0.0.2"]);
});

test("endpoints that drain stay for persistent sessions only", () => {
  const two = [{ address: "10.0.0.1", health: "DRAINING" as const }, { address: "10.0.0.2" }];
  assert.deepEqual(addresses(two), ["10.0.0.2"]);
  const persistent = serviceOf({ labels: { "istio.io/persistent-session-header": "x-session" } });
  assert.deepEqual(addresses(two, { service: persistent }), ["10.0.0.1", "10.0.0.2"]);
});

test("a subset has the endpoints that bear all of its labels", () => {
  const two = [
    { address: "10.0.0.1", labels: { version: "v1", app: "web" } },
    { address: "10.0.0.2", labels: { version: "v2", app: "web" } },
  ];
  assert.deepEqual(addresses(two, { labels: { app: "web", version: "v2" } }), ["10.0.0.2"]);
});

test("a service of the caller's node or cluster has no endpoints elsewhere", () => {
  const two = [
    { address: "10.0.0.1", nodeName: "node-1" },
    { address: "10.0.0.2", nodeName: "node-2", clusterId: "other" },
  ];
  assert.deepEqual(addresses(two, { service: serviceOf({ nodeLocal: true }), caller: placeWith({ nodeName: "node-1" }) }), ["10.0.0.1"]);
  assert.deepEqual(addresses(two, { clusterLocal: true }), ["10.0.0.1"]);
});

test("names are for clusters that look them up, sockets for both", () => {
  const three = [{ address: "api.example.com" }, { address: "unix:///run/x.sock", port: 0 }, { address: "fd00::1" }];
  assert.deepEqual(addresses(three), ["/run/x.sock", "fd00::1"]);
  assert.deepEqual(addresses(three, { resolvedBy: "dns" }), ["api.example.com", "/run/x.sock", "fd00::1"]);
});

test("a gateway that passes mutual TLS through has only endpoints that take it", () => {
  const two = [{ address: "10.0.0.1", tlsMode: "istio" as const }, { address: "10.0.0.2" }];
  assert.deepEqual(addresses(two, { onlyMutualTls: true, mutualTls: ({ tlsMode }) => tlsMode === "istio" }), ["10.0.0.1"]);
});

test("without endpoints there is an empty assignment", () => {
  assert.deepEqual(assignment([]), { clusterName: "outbound|80||web" });
});
