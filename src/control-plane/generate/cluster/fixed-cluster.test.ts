import assert from "node:assert/strict";
import { test } from "node:test";
import { configRegistry } from "#envoy/config-registry";
import { messageToJson } from "#envoy/any";
import { ClusterSchema, type Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { allowAnyDynamicDnsCluster, blackHoleCluster, inboundPassthroughCluster, passthroughCluster } from "./fixed-cluster.ts";
import { callerWith } from "./testing.ts";

const json = (cluster: Cluster): any => messageToJson(configRegistry, ClusterSchema, cluster);

test("the black hole has no endpoint", () => {
  assert.deepEqual(json(blackHoleCluster({})), {
    name: "BlackHoleCluster",
    altStatName: "BlackHoleCluster;",
    type: "STATIC",
    connectTimeout: "10s",
  });
});

test("passing through keeps the destination and the caller's HTTP version", () => {
  const made = json(passthroughCluster({ connectTimeout: 3000 }, callerWith()));
  assert.deepEqual(
    [made.name, made.type, made.lbPolicy, made.connectTimeout],
    ["PassthroughCluster", "ORIGINAL_DST", "CLUSTER_PROVIDED", "3s"],
  );
  const options = made.typedExtensionProtocolOptions["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
  assert.equal(options.commonHttpProtocolOptions.idleTimeout, "300s");
  assert.ok(options.useDownstreamProtocolConfig);
});

test("inbound connections bear the mark of every family that the proxy has, and no exchange of metadata", () => {
  const made = json(inboundPassthroughCluster({}, callerWith({ families: "both", metadataExchange: true })));
  assert.deepEqual(made.upstreamBindConfig, {
    sourceAddress: { address: "127.0.0.6", portValue: 0 },
    extraSourceAddresses: [{ address: { address: "::6", portValue: 0 } }],
  });
  assert.equal(made.altStatName, "PassthroughCluster;");
  assert.equal(made.filters, undefined);
  assert.equal(json(inboundPassthroughCluster({}, callerWith({ families: "v6" }))).upstreamBindConfig.sourceAddress.address, "::6");
});

test("unknown hosts can be looked up as requests come", () => {
  const made = json(allowAnyDynamicDnsCluster({}, callerWith()));
  assert.equal(made.name, "AllowAnyDynamicDNSCluster");
  assert.equal(made.clusterType.name, "envoy.clusters.dynamic_forward_proxy");
});
