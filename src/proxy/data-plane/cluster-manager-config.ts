// Bootstrap.cluster_manager: what is true for all clusters of a proxy. Plain data, which traffic threads are told when they begin.
import { create, toBinary } from "@bufbuild/protobuf";
import { decodeMessage } from "#envoy/decode";
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { BindConfigSchema } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { LocalCluster } from "#proxy/cluster/cluster-manager";
import { localityName } from "#proxy/cluster/load-assignment";
import { readSocketOptions } from "#proxy/cluster/socket-options-config";

export interface ClusterManagerConfig {
  /** Undefined: zones are not looked at. */
  readonly localCluster: LocalCluster | undefined;
  /** A BindConfig, for clusters without one of their own. */
  readonly upstreamBindConfig: Uint8Array | undefined;
  /** Of outlier detection. */
  readonly outlierEventLog: string | undefined;
}

const PATH = "cluster_manager";

export function readClusterManager(
  { clusterManager: wire, node, staticResources }: Bootstrap,
  refuse: (path: string, message: string) => void,
): ClusterManagerConfig {
  const localName = wire?.localClusterName ?? "";
  if (localName !== "" && staticResources?.clusters.every(({ name }) => name !== localName) !== false)
    refuse(`${PATH}.local_cluster_name`, `"${localName}" must be a cluster of static_resources`);
  const bind = wire?.upstreamBindConfig;
  if (bind !== undefined)
    readSocketOptions(create(ClusterSchema, { upstreamBindConfig: bind }), (path, message) => refuse(`${PATH}.${path}`, message));
  const outlierEventLog = wire?.outlierDetection?.eventLogPath ?? "";
  return {
    localCluster: localName === "" ? undefined : { name: localName, locality: localityName(node?.locality) },
    upstreamBindConfig: bind === undefined ? undefined : toBinary(BindConfigSchema, bind),
    outlierEventLog: outlierEventLog === "" ? undefined : outlierEventLog,
  };
}

/** The cluster with what it does not say itself. */
export function withDefaults(cluster: Cluster, { upstreamBindConfig: bind }: ClusterManagerConfig): Cluster {
  if (bind === undefined) return cluster;
  const general = decodeMessage(BindConfigSchema, bind);
  const own = cluster.upstreamBindConfig;
  if (own === undefined) return { ...cluster, upstreamBindConfig: general };
  // As Envoy: addresses are all of one or all of the other, options each for itself.
  const socketOptions = own.socketOptions.length > 0 ? own.socketOptions : general.socketOptions;
  const freebind = own.freebind ?? general.freebind;
  return { ...cluster, upstreamBindConfig: { ...own, socketOptions, ...(freebind === undefined ? {} : { freebind }) } };
}
