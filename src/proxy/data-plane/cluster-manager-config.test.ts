import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { BindConfig } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { readClusterManager, withDefaults } from "./cluster-manager-config.ts";
import type { ClusterManagerConfig } from "./cluster-manager-config.ts";

function read(json: JsonValue): { readonly config: ClusterManagerConfig; readonly refused: readonly string[] } {
  const refused: string[] = [];
  const config = readClusterManager(fromJson(BootstrapSchema, json), (path, message) => refused.push(`${path}: ${message}`));
  return { config, refused };
}

test("a bootstrap that says nothing of clusters leaves them as they are", () => {
  assert.deepEqual(read({}), {
    config: { localCluster: undefined, upstreamBindConfig: undefined, outlierEventLog: undefined },
    refused: [],
  });
  const cluster = create(ClusterSchema, { name: "c" });
  assert.equal(withDefaults(cluster, read({}).config), cluster);
});

test("the local cluster is one of the bootstrap's, and its locality the node's", () => {
  const bootstrap = (name: string): JsonValue => ({
    node: { id: "n", locality: { region: "r", zone: "z" } },
    clusterManager: { localClusterName: name, outlierDetection: { eventLogPath: "/dev/stdout" } },
    staticResources: { clusters: [{ name: "proxies" }] },
  });
  const { config, refused } = read(bootstrap("proxies"));
  assert.deepEqual(refused, []);
  assert.deepEqual(config.localCluster, { name: "proxies", locality: "r/z" });
  assert.equal(config.outlierEventLog, "/dev/stdout");
  assert.deepEqual(read(bootstrap("others")).refused, [
    'cluster_manager.local_cluster_name: "others" must be a cluster of static_resources',
  ]);
});

test("upstream_bind_config is that of clusters without one, and refused where a cluster's would be", () => {
  const manager = (bind: JsonValue): JsonValue => ({ clusterManager: { upstreamBindConfig: bind } });
  const { config } = read(manager({ sourceAddress: { address: "127.0.0.9", portValue: 0 } }));
  const source = (json: JsonValue): string | undefined =>
    withDefaults(fromJson(ClusterSchema, json), config).upstreamBindConfig?.sourceAddress?.address;
  assert.equal(source({ name: "c" }), "127.0.0.9");
  assert.equal(source({ name: "c", upstreamBindConfig: { sourceAddress: { address: "127.0.0.8", portValue: 0 } } }), "127.0.0.8");
  assert.deepEqual(read(manager({ sourceAddress: { address: "127.0.0.9", portValue: 1 } })).refused, [
    "cluster_manager.upstream_bind_config.source_address.port_value: must be 0",
  ]);
});

test("a cluster's own upstream_bind_config has the general freebind and socket_options, where it says nothing of them", () => {
  const { config } = read({
    clusterManager: { upstreamBindConfig: { freebind: true, socketOptions: [{ level: 1, name: 9, intValue: 1 }] } },
  });
  const bind = (json: JsonValue): BindConfig =>
    withDefaults(fromJson(ClusterSchema, { upstreamBindConfig: json }), config).upstreamBindConfig!;
  const source = { address: "127.0.0.8", portValue: 0 };
  const general = bind({ sourceAddress: source });
  assert.deepEqual([general.sourceAddress?.address, general.freebind, general.socketOptions.length], ["127.0.0.8", true, 1]);
  const own = bind({ freebind: false, socketOptions: [{ level: 6, name: 2, intValue: 600 }] });
  assert.deepEqual([own.freebind, own.socketOptions.map(({ level }) => level)], [false, [6n]]);
});
