// envoy.filters.network.tcp_proxy: bytes in both directions between a client and one host of a cluster, with backpressure and half-close.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { AccessLog } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { TcpProxySchema } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import type { TcpProxy } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import { checkFields, Violations } from "#proxy/field-check";
import { HONOURED_TCP_PROXY_FIELDS } from "#proxy/honoured/listener";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { ThreadContext } from "#proxy/thread-context";
import type { NetworkFilterCompiler, NetworkFilterFactory } from "./network-filter.ts";
import { makeTcpProxyStats, TcpProxyConnection } from "./tcp-proxy-connection.ts";

export interface TcpProxyConfig {
  readonly statPrefix: string;
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly totalWeight: number;
  /** 0: none. */
  readonly idleTimeoutMs: number;
  /** However busy it is; 0: for ever. */
  readonly maxDurationMs: number;
  /** hash_policy: the client's address chooses the host. */
  readonly hashesSource: boolean;
  readonly maxConnectAttempts: number;
}

/** What an access log of the connection needs; compiled by proxy/access-log. */
export interface TcpAccessLogCompiler {
  compile(
    configs: readonly AccessLog[],
    path: string,
  ): {
    open(sinks: ThreadContext["accessLogs"]): { log(info: StreamInfo): void };
  };
}

// Envoy's default: an hour.
const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;

export function tcpProxyCompiler(accessLogs: TcpAccessLogCompiler): NetworkFilterCompiler {
  return {
    configTypes: [TcpProxySchema.typeName],
    compile: (name, config, path, thread) => compileTcpProxy(name, config, path, thread, accessLogs),
  };
}

function compileTcpProxy(
  name: string,
  any: Any,
  path: string,
  thread: ThreadContext | undefined,
  accessLogs: TcpAccessLogCompiler,
): NetworkFilterFactory {
  const violations = new Violations();
  const wire = unpack(any, TcpProxySchema);
  if (wire === undefined) violations.add(path, `network filter "${name}" is no TcpProxy`);
  else checkFields(HONOURED_TCP_PROXY_FIELDS, TcpProxySchema, wire, path, violations);
  const config = wire === undefined ? undefined : readConfig(wire, path, violations);
  let log: ReturnType<TcpAccessLogCompiler["compile"]> | undefined;
  if (wire !== undefined && wire.accessLog.length > 0) {
    try {
      log = accessLogs.compile(wire.accessLog, `${path}.access_log`);
    } catch (error) {
      violations.addFrom(error, `${path}.access_log`);
    }
  }
  violations.throwIfAny("tcp proxy");
  if (config === undefined || thread === undefined) return { accept: () => {} };
  const scope = thread.stats.scope("tcp", { tag: "envoy.tcp_prefix", value: config.statPrefix });
  const stats = makeTcpProxyStats(scope);
  const logger = log?.open(thread.accessLogs);
  return {
    accept(context) {
      new TcpProxyConnection(context, config, thread, stats, logger).start();
    },
    release: () => scope.release(),
  };
}

function readConfig(wire: TcpProxy, path: string, violations: Violations): TcpProxyConfig {
  if (wire.statPrefix === "") violations.add(`${path}.stat_prefix`, "must not be empty");
  const clusters: { name: string; weight: number }[] = [];
  const specifier = wire.clusterSpecifier;
  if (specifier.case === "cluster") clusters.push({ name: specifier.value, weight: 1 });
  else if (specifier.case === "weightedClusters") {
    for (const [index, { name, weight, metadataMatch }] of specifier.value.clusters.entries()) {
      if (weight < 1) violations.add(`${path}.weighted_clusters.clusters[${index}].weight`, "must be at least 1");
      if (metadataMatch !== undefined)
        violations.add(`${path}.weighted_clusters.clusters[${index}].metadata_match`, "not served by this proxy");
      clusters.push({ name, weight });
    }
  }
  if (clusters.length === 0) violations.add(`${path}.cluster`, "cluster or weighted_clusters must be set");
  for (const [index, { policySpecifier }] of wire.hashPolicy.entries()) {
    if (policySpecifier.case !== "sourceIp") violations.add(`${path}.hash_policy[${index}]`, "not served, only source_ip");
    if (index > 0) violations.add(`${path}.hash_policy[${index}]`, "only one is allowed");
  }
  return Object.freeze({
    // Istio ends some stat prefixes with ";" for its tag rules; the statistics are named without it.
    statPrefix: wire.statPrefix.replace(/;$/, ""),
    clusters,
    totalWeight: clusters.reduce((sum, { weight }) => sum + weight, 0),
    maxDurationMs: durationMs(wire.maxDownstreamConnectionDuration) ?? 0,
    hashesSource: wire.hashPolicy[0]?.policySpecifier.case === "sourceIp",
    idleTimeoutMs: durationMs(wire.idleTimeout) ?? DEFAULT_IDLE_TIMEOUT_MS,
    maxConnectAttempts: wire.maxConnectAttempts ?? 1,
  });
}
