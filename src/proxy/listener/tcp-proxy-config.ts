// TcpProxy -> frozen TcpProxyConfig, with Envoy's defaults and limits.
import type { JsonObject } from "@bufbuild/protobuf";
import type { TcpProxy } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { durationMs } from "#envoy/duration";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { Violations } from "#proxy/field-check";
import { xxHash64 } from "#runtime/xx-hash64";
import { readTunneling } from "./tunneling-config.ts";
import type { TunnelingConfig } from "./tunneling-config.ts";

/** A cluster and, where it has subsets, what the metadata of its hosts must say. */
export interface TcpProxyCluster {
  readonly name: string;
  readonly weight: number;
  readonly metadataMatch: JsonObject | undefined;
}

export interface TcpProxyConfig {
  readonly statPrefix: string;
  readonly clusters: readonly TcpProxyCluster[];
  readonly totalWeight: number;
  /** Where an earlier filter chooses the cluster. */
  readonly metadataMatch: JsonObject | undefined;
  /** 0: none. */
  readonly idleTimeoutMs: number;
  /** However busy it is; 0: for ever. */
  readonly maxDurationMs: number;
  /** hash_policy: what of a connection chooses its host; undefined: nothing. */
  readonly hash: ((info: ConnectionInfo) => bigint | undefined) | undefined;
  readonly maxConnectAttempts: number;
  /** undefined: a connection of its own to the host. */
  readonly tunneling: TunnelingConfig | undefined;
  /** Log lines while the connection lasts; 0: none. */
  readonly accessLogFlushIntervalMs: number;
  readonly logsOnConnected: boolean;
}

// Envoy's default: an hour.
const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;
const NAMESPACE = "envoy.lb";

export function readTcpProxy(wire: TcpProxy, path: string, violations: Violations): TcpProxyConfig {
  const refuse = (field: string, message: string): void => violations.add(`${path}.${field}`, message);
  if (wire.statPrefix === "") refuse("stat_prefix", "must not be empty");
  const metadataMatch = wire.metadataMatch?.filterMetadata[NAMESPACE];
  const clusters = readClusters(wire, metadataMatch, refuse);
  if (wire.maxConnectAttempts === 0) refuse("max_connect_attempts", "must be at least 1");
  const tunneling = wire.tunnelingConfig;
  return Object.freeze({
    // Istio ends some stat prefixes with ";" for its tag rules; the statistics are named without it.
    statPrefix: wire.statPrefix.replace(/;$/, ""),
    clusters,
    totalWeight: clusters.reduce((sum, { weight }) => sum + weight, 0),
    metadataMatch,
    maxDurationMs: durationMs(wire.maxDownstreamConnectionDuration) ?? 0,
    hash: readHashPolicy(wire, refuse),
    idleTimeoutMs: durationMs(wire.idleTimeout) ?? DEFAULT_IDLE_TIMEOUT_MS,
    maxConnectAttempts: wire.maxConnectAttempts ?? 1,
    tunneling:
      tunneling === undefined
        ? undefined
        : readTunneling(tunneling, `${path}.tunneling_config`, (field, message) => violations.add(field, message)),
    ...readLogOptions(wire, refuse),
  });
}

type Refuse = (field: string, message: string) => void;

function readClusters({ clusterSpecifier }: TcpProxy, ofAll: JsonObject | undefined, refuse: Refuse): readonly TcpProxyCluster[] {
  const clusters: TcpProxyCluster[] = [];
  if (clusterSpecifier.case === "cluster") clusters.push({ name: clusterSpecifier.value, weight: 1, metadataMatch: ofAll });
  else if (clusterSpecifier.case === "weightedClusters") {
    for (const [index, { name, weight, metadataMatch }] of clusterSpecifier.value.clusters.entries()) {
      if (weight < 1) refuse(`weighted_clusters.clusters[${index}].weight`, "must be at least 1");
      const own = metadataMatch?.filterMetadata[NAMESPACE];
      clusters.push({ name, weight, metadataMatch: own === undefined ? ofAll : { ...ofAll, ...own } });
    }
  }
  if (clusters.length === 0) refuse("cluster", "cluster or weighted_clusters must be set");
  return clusters;
}

function readHashPolicy({ hashPolicy }: TcpProxy, refuse: Refuse): TcpProxyConfig["hash"] {
  const [policy, ...more] = hashPolicy;
  if (policy === undefined) return undefined;
  if (more.length > 0) refuse("hash_policy[1]", "only one is allowed");
  const { policySpecifier } = policy;
  switch (policySpecifier.case) {
    case "sourceIp":
      return ({ remote }) => xxHash64(remote.address);
    case "filterState": {
      const { key } = policySpecifier.value;
      if (key === "") refuse("hash_policy[0].filter_state.key", "must not be empty");
      return ({ filterState }) => {
        const text = filterState?.getHashable(key);
        return text === undefined ? undefined : xxHash64(text);
      };
    }
    case undefined:
      refuse("hash_policy[0]", "must say what is hashed");
      return undefined;
    default:
      return policySpecifier satisfies never;
  }
}

/** Two fields of old say the same, and only they or the message may. */
function readLogOptions(wire: TcpProxy, refuse: Refuse): Pick<TcpProxyConfig, "accessLogFlushIntervalMs" | "logsOnConnected"> {
  const options = wire.accessLogOptions;
  const { accessLogFlushInterval: old, flushAccessLogOnConnected: oldConnected } = wire;
  if (options !== undefined && (old !== undefined || oldConnected))
    refuse("access_log_options", "is set beside access_log_flush_interval or flush_access_log_on_connected");
  const intervalMs = durationMs(options === undefined ? old : options.accessLogFlushInterval);
  if (intervalMs !== undefined && intervalMs < 1)
    refuse(options === undefined ? "access_log_flush_interval" : "access_log_options.access_log_flush_interval", "must be at least 1ms");
  return { accessLogFlushIntervalMs: intervalMs ?? 0, logsOnConnected: options?.flushAccessLogOnConnected ?? oldConnected };
}
