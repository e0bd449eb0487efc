import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, Cluster_LbPolicy as LbPolicy, ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { generateResources } from "#control-plane/generate/resources";
import { service, viewOf, virtualService } from "#control-plane/generate/testing";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";

const ECHO = "outbound|7070||echo.default.svc.cluster.local";
const RULE = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo, namespace: default }
spec:
  host: echo
  trafficPolicy: { connectionPool: { http: { http2MaxRequests: 7 } }, loadBalancer: { simple: LEAST_REQUEST } }
  subsets: [{ name: v1, labels: { version: v1 } }]
`;
const view = viewOf(
  service("echo", [["grpc", 7070]]) +
    RULE +
    virtualService("echo", `{ hosts: [echo], http: [{ timeout: 2s, route: [{ destination: { host: echo, subset: v1 } }] }] }`),
  { metadata: { GENERATOR: "grpc", LABELS: { app: "echo" } } },
);
const resources = generateResources(view);

test("every name that a client may dial is an API listener that leads to the routes of the service", () => {
  const listeners = resources.get(LISTENER_TYPE)!;
  for (const name of ["echo:7070", "echo.default:7070", "echo.default.svc:7070", "echo.default.svc.cluster.local:7070"]) {
    const listener = fromBinary(ListenerSchema, listeners.get(name)!.value);
    assert.match(Buffer.from(listener.apiListener!.apiListener!.value).toString("latin1"), /outbound\|7070\|\|echo/u);
  }
  const routes = fromBinary(RouteConfigurationSchema, resources.get(ROUTE_TYPE)!.get(ECHO)!.value);
  assert.deepEqual(
    routes.virtualHosts.map(({ name }) => name),
    ["echo.default.svc.cluster.local:7070"],
  );
  assert.equal(routes.virtualHosts[0]?.routes[0]?.action.case, "route");
});

test("a server is offered a listener for each address that it may say, without anything that gRPC refuses", () => {
  const listener = fromBinary(ListenerSchema, resources.get(LISTENER_TYPE)!.get("xds.istio.io/grpc/lds/inbound/0.0.0.0:7070")!.value);
  assert.equal(listener.listenerFilters.length, 0);
  assert.equal(listener.useOriginalDst, undefined);
  assert.deepEqual(
    listener.filterChains.map(({ name }) => name),
    ["inbound-plaintext"],
  );
});

test("clusters keep to what gRPC knows, and have endpoints like every other", () => {
  const cluster = fromBinary(ClusterSchema, resources.get(CLUSTER_TYPE)!.get(ECHO)!.value);
  assert.equal(cluster.lbPolicy, LbPolicy.ROUND_ROBIN);
  assert.equal(cluster.circuitBreakers?.thresholds[0]?.maxRequests, 7);
  assert.deepEqual([...resources.get(ENDPOINT_TYPE)!.keys()], ["outbound|7070|v1|echo.default.svc.cluster.local", ECHO].sort());
});

test("a headless service is balanced over its endpoints, because gRPC keeps to no address that was dialled", () => {
  const headless = `
---
apiVersion: v1
kind: Service
metadata: { name: peers, namespace: default }
spec: { clusterIP: None, selector: { app: peers }, ports: [{ name: grpc, port: 7070 }] }
`;
  const made = generateResources(viewOf(headless, { metadata: { GENERATOR: "grpc", LABELS: { app: "echo" } } }));
  const name = "outbound|7070||peers.default.svc.cluster.local";
  assert.equal(fromBinary(ClusterSchema, made.get(CLUSTER_TYPE)!.get(name)!.value).clusterDiscoveryType.value, Cluster_DiscoveryType.EDS);
  assert.ok(made.get(ENDPOINT_TYPE)!.has(name));
});
