import assert from "node:assert/strict";
import { test } from "node:test";
import { configRegistry } from "#envoy/config-registry";
import { messageToJson } from "#envoy/any";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { InboundPort } from "#control-plane/mesh/mesh";
import { object } from "#control-plane/mesh/testing";
import { inboundCluster, type InboundClusterInputs } from "./inbound-cluster.ts";
import { callerWith, HTTP_PORT, serviceOf } from "./testing.ts";

const web = serviceOf();

function portOf(over: Partial<InboundPort> = {}): InboundPort {
  return {
    service: web,
    services: [web],
    hostname: web.hostname,
    port: HTTP_PORT,
    bind: "0.0.0.0",
    targetPort: 8080,
    defaultEndpoint: undefined,
    bindToPort: false,
    tls: undefined,
    connectionPool: undefined,
    ...over,
  } as InboundPort;
}

function cluster(over: Partial<InboundClusterInputs> = {}): any {
  const inputs = {
    port: portOf(),
    rule: undefined,
    connectionPool: undefined,
    mesh: {},
    caller: callerWith(),
    ipAddresses: ["10.1.0.1"],
    ...over,
  };
  return messageToJson(configRegistry, ClusterSchema, inboundCluster(inputs));
}

function endpointOf(address: string, port = 9080, over: Partial<InboundClusterInputs> = {}): any {
  const made = cluster({ port: portOf({ defaultEndpoint: { address, port } }), ...over });
  return made.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address;
}

function rule(trafficPolicy: object, more = {}): NonNullable<InboundClusterInputs["rule"]> {
  const spec = { host: "web", trafficPolicy, ...more };
  return { objects: [object("DestinationRule", "web", spec) as never], host: "web", spec };
}

test("captured connections go on to where they came, marked so that they are not captured again", () => {
  const made = cluster();
  assert.equal(made.name, "inbound|8080||");
  assert.deepEqual([made.type, made.lbPolicy, made.cleanupInterval], ["ORIGINAL_DST", "CLUSTER_PROVIDED", "9223372035s"]);
  assert.deepEqual(made.upstreamBindConfig, { sourceAddress: { address: "127.0.0.6", portValue: 0 } });
  assert.deepEqual(made.commonLbConfig, {});
  const v6 = cluster({ caller: callerWith({ families: "v6" }) });
  assert.equal(v6.upstreamBindConfig.sourceAddress.address, "::6");
});

test("LOCALHOST sends them to the application's port on localhost", () => {
  const mesh = { inboundTrafficPolicy: { mode: "LOCALHOST" } } as const;
  const made = cluster({ mesh });
  assert.equal(made.type, "STATIC");
  assert.equal(made.upstreamBindConfig, undefined);
  assert.deepEqual(made.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress, {
    address: "127.0.0.1",
    portValue: 8080,
  });
  const v6 = cluster({ mesh, caller: callerWith({ families: "v6" }) });
  assert.equal(v6.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress.address, "::1");
});

test("an endpoint of the Sidecar's is taken as written, with the workload's own addresses for those that stand for them", () => {
  assert.deepEqual(endpointOf("127.0.0.1").socketAddress, { address: "127.0.0.1", portValue: 9080 });
  assert.deepEqual(endpointOf("unix:///var/run/web.sock", 0).pipe, { path: "/var/run/web.sock" });
  assert.equal(endpointOf("0.0.0.0").socketAddress.address, "10.1.0.1");
  assert.equal(endpointOf("0.0.0.0", 1, { ipAddresses: ["fd00::1"] }).socketAddress.address, "127.0.0.1");
  assert.equal(endpointOf("::", 1, { ipAddresses: ["10.1.0.1", "fd00::1"] }).socketAddress.address, "fd00::1");
  assert.equal(endpointOf("127.0.0.1", 1, { caller: callerWith({ families: "v6" }) }).socketAddress.address, "::1");
  assert.equal(endpointOf("::1", 1, { caller: callerWith({ families: "v4" }) }).socketAddress.address, "127.0.0.1");
});

test("limits of a rule hold on the receiving side, too, and a Sidecar's count before them", () => {
  const limits = (over: Partial<InboundClusterInputs>): unknown => cluster(over).circuitBreakers.thresholds[0].maxConnections;
  const ofRule = rule({
    connectionPool: { tcp: { maxConnections: 1 } },
    portLevelSettings: [{ port: { number: 81 }, connectionPool: { tcp: { maxConnections: 2 } } }],
  });
  assert.equal(limits({ rule: ofRule }), 1);
  assert.equal(limits({ rule: ofRule, port: portOf({ port: { ...HTTP_PORT, number: 81 } }) }), 2);
  assert.equal(limits({ rule: ofRule, connectionPool: { tcp: { maxConnections: 3 } } }), 3);
  const chosen = rule({ connectionPool: { tcp: { maxConnections: 1 } } }, { workloadSelector: { matchLabels: { a: "b" } } });
  assert.equal(limits({ rule: chosen }), 4_294_967_295);
});

test("of a rule only limits count: neither its load balancing nor its TLS", () => {
  const made = cluster({ rule: rule({ tls: { mode: "SIMPLE" }, loadBalancer: { simple: "RANDOM" }, outlierDetection: {} }) });
  assert.equal(made.transportSocket, undefined);
  assert.equal(made.outlierDetection, undefined);
  assert.equal(made.lbPolicy, "CLUSTER_PROVIDED");
});

test("the application is spoken to in its port's protocol, which the mesh does not upgrade", () => {
  const options = (over: Partial<InboundClusterInputs>): any =>
    cluster(over).typedExtensionProtocolOptions?.["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
  assert.equal(options({ mesh: { h2UpgradePolicy: "UPGRADE" } }), undefined);
  assert.deepEqual(options({ port: portOf({ port: { ...HTTP_PORT, protocol: "GRPC" } }) }).explicitHttpConfig, {
    http2ProtocolOptions: {},
  });
  assert.ok(options({ port: portOf({ port: { ...HTTP_PORT, protocol: "AUTO" } }) }).useDownstreamProtocolConfig);
});

test("services of the same port are named, the deciding one first, and of no service there is nothing to say", () => {
  const other = serviceOf({ hostname: "other", name: "other" });
  const elsewhere = serviceOf({ hostname: "elsewhere", ports: [{ ...HTTP_PORT, number: 81 }] });
  const { istio } = cluster({ port: portOf({ services: [web, other, elsewhere] }) }).metadata.filterMetadata;
  assert.deepEqual(
    istio.services.map(({ host }: { host: string }) => host),
    ["web.default.svc.cluster.local", "other"],
  );
  assert.equal(cluster({ port: portOf({ service: undefined, services: [] }) }).metadata, undefined);
});
