// Cluster -> frozen ClusterConfig. The only place that knows the defaults of a cluster. What cannot be honoured is a violation with
// the field's path: a cluster that would behave otherwise than it says is worse than one that is refused by name.
import { readResourceSource } from "#proxy/resource-source";
import { create, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { CircuitBreakers_Thresholds_RetryBudget } from "#envoy/gen/envoy/config/cluster/v3/circuit_breaker_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { RoutingPriority } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { durationMs } from "#envoy/duration";
import { ipBytes } from "#proxy/codec/ip-address";
import { readDns } from "#proxy/dns/dns-config";
import type { DnsConfig } from "#proxy/dns/dns-config";
import { nameOfEndpoint, resolvedAssignment } from "#proxy/dns/resolved-assignment";
import { ConfigError } from "#proxy/config-error";
import type { ConfigViolation } from "#proxy/config-error";
import { compileTransportSockets } from "#proxy/transport-socket/transport-sockets";
import type { TransportSockets } from "#proxy/transport-socket/transport-sockets";
import type { HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import type { Http2Options } from "#proxy/http/http2-options";
import { readHttpProtocolOptions } from "./http-protocol-options.ts";
import type { UpstreamHttpOptions, UpstreamProtocol } from "./http-protocol-options.ts";
import { readAddressOrder } from "./address-order.ts";
import type { AddressOrder } from "./address-order.ts";
import type { HostMetadata } from "./cluster.ts";
import type { UpstreamSocketOptions } from "./host-connector.ts";
import type { HealthCheckConfig } from "./health/health-check-config.ts";
import { readHealthChecks } from "./health/health-check-config.ts";
import { readLoadBalancingPolicy } from "./load-balancing-policy.ts";
import type { BalancingConfig } from "./load-balancing-policy.ts";
import { readSubsets } from "./subset-config.ts";
import type { SubsetConfig } from "./subset-config.ts";
import { readLb } from "./lb-config.ts";
import type { LbConfig } from "./lb-config.ts";
import { readOutlierDetection } from "./outlier/outlier-config.ts";
import type { OutlierConfig } from "./outlier/outlier-config.ts";
import { readLocalities } from "./locality-config.ts";
import { readLoadAssignment } from "./load-assignment.ts";
import type { LoadAssignmentConfig } from "./load-assignment.ts";
import type { ZoneAwareConfig } from "./lb/zone-aware.ts";
import { readOriginalDestination } from "./original-destination.ts";
import type { OriginalDestinationConfig } from "./original-destination.ts";
import { readOverrideHostStatus } from "./override-host.ts";
import type { OverrideHostStatuses } from "./override-host.ts";
import { readPreconnectPolicy } from "./preconnect.ts";
import type { PreconnectConfig } from "./preconnect.ts";
import { readSocketOptions } from "./socket-options-config.ts";

export type DiscoveryConfig =
  | { readonly kind: "static"; readonly assignment: LoadAssignmentConfig }
  | { readonly kind: "eds"; readonly serviceName: string }
  | { readonly kind: "dns"; readonly dns: DnsConfig }
  | { readonly kind: "original-dst"; readonly destination: OriginalDestinationConfig };

export interface CircuitBreakerConfig {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Takes the place of `maxRetries`. */
  readonly retryBudget?: RetryBudget;
  /** undefined: no limit. */
  readonly maxConnectionPools?: number;
  /** Gauges of what is left of each. */
  readonly trackRemaining?: boolean;
}

/** So many retries may run at once: a share of the requests that do, and a few in any case. */
export interface RetryBudget {
  readonly percent: number;
  readonly minConcurrency: number;
}

/** Everything that a connection pool is made from: when it changes, the pools are drained and made anew. */
export interface UpstreamConnectionConfig {
  readonly protocol: UpstreamProtocol;
  readonly http2: Http2Options;
  readonly connectTimeoutMs: number;
  /** 0: none. */
  readonly idleTimeoutMs: number;
  /** 0: no limit. */
  readonly maxConnectionDurationMs: number;
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number;
  readonly maxResponseHeadersCount: number;
  /** per_connection_buffer_limit_bytes; undefined: our default. */
  readonly bufferLimitBytes: number | undefined;
  /** auto_sni: the server name of TLS is the host of the request. */
  readonly autoServerName: boolean;
  /** auto_san_validation: the server's certificate must name that host. */
  readonly autoSanValidation: boolean;
  /** override_auto_sni_header: where that host is read, if a request has it. */
  readonly serverNameHeader: string | undefined;
  /** How long one try of a request may last once it has a connection; 0: for ever. */
  readonly maxStreamDurationMs: number;
}

export interface ClusterConfig {
  readonly name: string;
  readonly metadata: HostMetadata;
  /** What stands in `cluster.<statName>.`: alt_stat_name without Istio's closing ";". */
  readonly statName: string;
  readonly discovery: DiscoveryConfig;
  readonly lb: LbConfig;
  readonly panicThreshold: number;
  /** Of the requests, that are answered with 503 at once. Runtime layers alone say it. */
  readonly maintenancePercent: number;
  readonly localityWeighted: boolean;
  /** Of a proxy that knows its zone, where localities have no weights. */
  readonly zoneAware: ZoneAwareConfig;
  /** undefined: hosts are not told apart. */
  readonly subsets: SubsetConfig | undefined;
  readonly circuitBreakers: CircuitBreakerConfig;
  /** Of requests by routes of priority HIGH. */
  readonly highCircuitBreakers: CircuitBreakerConfig;
  /** undefined: no limit. */
  readonly maxConnectionsPerHost: number | undefined;
  readonly outliers: OutlierConfig | undefined;
  readonly healthCheck: HealthCheckConfig | undefined;
  /** Of the wire form: health checks that say the same go on as they are. */
  readonly healthCheckKey: string;
  /** A host that discovery has taken away stays until it fails its health check. */
  readonly keepsHealthyHosts: boolean;
  /** Hosts without a result count as if they were not there. */
  readonly ignoresNewHosts: boolean;
  /** Connections of TCP proxies end with the health of their host. */
  readonly closesConnectionsOnHealthFailure: boolean;
  /** Existing connections take no new requests when hosts come or go. */
  readonly drainsOnHostChange: boolean;
  readonly overrideHostStatuses: OverrideHostStatuses;
  /** HTTP connections of one client carry nothing of another's. */
  readonly poolPerDownstreamConnection: boolean;
  readonly preconnect: PreconnectConfig;
  readonly connection: UpstreamConnectionConfig;
  /** What each try of a request goes through; undefined: what its router says. */
  readonly upstreamFilters: readonly HttpFilterFactory[] | undefined;
  readonly socketOptions: UpstreamSocketOptions;
  readonly addressOrder: AddressOrder;
  readonly transportSockets: TransportSockets;
  /** Of the wire form: sockets that say the same are the same. */
  readonly transportKey: string;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;
const DEFAULT_MAX_HEADERS = 100;
const DEFAULT_PANIC_THRESHOLD = 50;
export const DEFAULT_RETRY_BUDGET_PERCENT = 20;
export const DEFAULT_MIN_RETRIES = 3;

/** `filters`: those that may stand in front of its codec. @throws ConfigError with all violations */
export function parseCluster(wire: Cluster, filters: readonly HttpFilterCompiler[] = []): ClusterConfig {
  const violations: ConfigViolation[] = [];
  const refuse = (path: string, message: string): void => void violations.push({ path, message });

  if (wire.name === "") refuse("name", "must not be empty");
  const discovery = readDiscovery(wire, violations);
  const balancing = readBalancing(wire, discovery.kind === "original-dst", refuse);
  const circuitBreakers = readCircuitBreakers(wire, RoutingPriority.DEFAULT, refuse);
  const highCircuitBreakers = readCircuitBreakers(wire, RoutingPriority.HIGH, refuse);
  const maxConnectionsPerHost = readMaxConnectionsPerHost(wire, refuse);
  const outliers = readOutlierDetection(wire.outlierDetection, refuse);
  const healthCheck = readHealthChecks(wire.healthChecks, refuse);
  const socketOptions = readSocketOptions(wire, refuse);
  const addressOrder = readAddressOrder(wire.upstreamConnectionOptions?.happyEyeballsConfig, refuse);
  const transportSockets = compileTransportSockets(wire, refuse);
  const http = readHttpProtocolOptions(wire, transportSockets, filters, refuse);
  const connection = readConnection(wire, http, refuse);
  const preconnect = readPreconnectPolicy(wire.preconnectPolicy, refuse);
  if (healthCheck?.probe.kind === "grpc" && connection.protocol === "http1")
    refuse("health_checks[0].grpc_health_check", "needs a cluster that speaks HTTP/2");
  if (violations.length > 0) throw new ConfigError(`cluster "${wire.name}"`, violations);

  return Object.freeze({
    name: wire.name,
    metadata: wire.metadata?.filterMetadata ?? {},
    statName: (wire.altStatName === "" ? wire.name : wire.altStatName).replace(/;$/, ""),
    discovery,
    ...balancing,
    panicThreshold: Math.trunc(wire.commonLbConfig?.healthyPanicThreshold?.value ?? DEFAULT_PANIC_THRESHOLD),
    maintenancePercent: 0,
    circuitBreakers,
    highCircuitBreakers,
    maxConnectionsPerHost,
    outliers,
    healthCheck,
    healthCheckKey: healthCheck === undefined ? "" : wireKey({ healthChecks: wire.healthChecks }),
    keepsHealthyHosts:
      healthCheck !== undefined && !wire.ignoreHealthOnHostRemoval && (discovery.kind === "eds" || discovery.kind === "dns"),
    ignoresNewHosts: wire.commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false,
    closesConnectionsOnHealthFailure: wire.closeConnectionsOnHostHealthFailure,
    drainsOnHostChange: wire.commonLbConfig?.closeConnectionsOnHostSetChange ?? false,
    overrideHostStatuses: readOverrideHostStatus(wire.commonLbConfig?.overrideHostStatus),
    poolPerDownstreamConnection: wire.connectionPoolPerDownstreamConnection,
    preconnect,
    connection,
    upstreamFilters: http.filters,
    socketOptions,
    addressOrder,
    transportSockets,
    transportKey: transportKey(wire, socketOptions),
  });
}

/** The options belong to it: connections from another address, or with other probes, are other connections. */
function transportKey({ transportSocket, transportSocketMatches }: Cluster, options: UpstreamSocketOptions): string {
  return `${wireKey({ ...(transportSocket === undefined ? {} : { transportSocket }), transportSocketMatches })} ${JSON.stringify(options)}`;
}

function wireKey(part: MessageInitShape<typeof ClusterSchema>): string {
  return Buffer.from(toBinary(ClusterSchema, create(ClusterSchema, part))).toString("base64");
}

type Refuse = (path: string, message: string) => void;

function readBalancing(wire: Cluster, originalDestination: boolean, refuse: Refuse): BalancingConfig {
  if (wire.loadBalancingPolicy !== undefined)
    return readLoadBalancingPolicy(wire.loadBalancingPolicy, originalDestination, "load_balancing_policy", refuse);
  const strictDns = wire.clusterDiscoveryType.value === Cluster_DiscoveryType.STRICT_DNS;
  if (wire.commonLbConfig?.consistentHashingLbConfig?.useHostnameForHashing === true && !strictDns)
    refuse("common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing", "needs a cluster of type STRICT_DNS");
  const subsets = wire.lbSubsetConfig;
  // Without selectors Envoy takes no notice of it.
  const used = subsets !== undefined && subsets.subsetSelectors.length > 0;
  if (used && originalDestination) refuse("lb_subset_config", "a cluster of type ORIGINAL_DST has no subsets");
  return {
    lb: readLb(wire, originalDestination, refuse),
    ...readLocalities(wire.commonLbConfig?.localityConfigSpecifier, "common_lb_config", refuse),
    subsets: used ? readSubsets(subsets, "lb_subset_config", refuse) : undefined,
  };
}

function readDiscovery(wire: Cluster, violations: ConfigViolation[]): DiscoveryConfig {
  const nothing: DiscoveryConfig = {
    kind: "static",
    assignment: { clusterName: wire.name, priorities: [], overprovisioning: 1.4 },
  };
  if (wire.clusterDiscoveryType.case === "clusterType") {
    violations.push({ path: "cluster_type", message: `custom cluster type ${wire.clusterDiscoveryType.value.name} is not served yet` });
    return nothing;
  }
  const type = wire.clusterDiscoveryType.value ?? Cluster_DiscoveryType.STATIC;
  switch (type) {
    case Cluster_DiscoveryType.STATIC:
      if (wire.loadAssignment === undefined) return nothing;
      return { kind: "static", assignment: readLoadAssignment(wire.loadAssignment, "load_assignment.", violations) };
    case Cluster_DiscoveryType.EDS: {
      readResourceSource(wire.edsClusterConfig?.edsConfig, "eds_cluster_config.eds_config", (path, message) =>
        violations.push({ path, message }),
      );
      const serviceName = wire.edsClusterConfig?.serviceName ?? "";
      return { kind: "eds", serviceName: serviceName === "" ? wire.name : serviceName };
    }
    case Cluster_DiscoveryType.ORIGINAL_DST:
      if (wire.loadAssignment !== undefined)
        violations.push({ path: "load_assignment", message: "a cluster of type ORIGINAL_DST has no endpoints of its own" });
      return { kind: "original-dst", destination: readOriginalDst(wire, violations) };
    case Cluster_DiscoveryType.STRICT_DNS:
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return { kind: "dns", dns: readDnsCluster(wire, violations) };
    default:
      violations.push({ path: "type", message: `unknown discovery type ${String(type)}` });
      return nothing;
  }
}

function readOriginalDst(wire: Cluster, violations: ConfigViolation[]): OriginalDestinationConfig {
  const config = wire.lbConfig.case === "originalDstLbConfig" ? wire.lbConfig.value : undefined;
  return readOriginalDestination(config, (path, message) => void violations.push({ path, message }));
}

/** An address stands in for each name, so that everything else of the endpoints is checked as that of any other. */
function readDnsCluster(wire: Cluster, violations: ConfigViolation[]): DnsConfig {
  const assignment = wire.loadAssignment ?? create(ClusterLoadAssignmentSchema);
  const standIn = (name: string | undefined): string => (name === undefined || ipBytes(name) === undefined ? "192.0.2.1" : name);
  const resolved = resolvedAssignment(assignment, wire.name, (_, endpoint) => [standIn(nameOfEndpoint(endpoint))]);
  readLoadAssignment(resolved, "load_assignment.", violations);
  for (const [at, { lbEndpoints }] of assignment.endpoints.entries()) {
    for (const [index, endpoint] of lbEndpoints.entries()) {
      if ((nameOfEndpoint(endpoint) ?? "") === "")
        violations.push({ path: `load_assignment.endpoints[${at}].lb_endpoints[${index}].endpoint.address`, message: "must have a name" });
    }
  }
  return readDns(wire, assignment, (path, message) => void violations.push({ path, message }));
}

const DEFAULT_LIMITS: CircuitBreakerConfig = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };

function readCircuitBreakers(wire: Cluster, priority: RoutingPriority, refuse: Refuse): CircuitBreakerConfig {
  const thresholds = wire.circuitBreakers?.thresholds ?? [];
  // Of several entries for one priority Envoy uses the first.
  const at = thresholds.findIndex((one) => one.priority === priority);
  const threshold = thresholds[at];
  if (threshold === undefined) return DEFAULT_LIMITS;
  const path = `circuit_breakers.thresholds[${at}]`;
  const { retryBudget: budget } = threshold;
  const percent = budget?.budgetPercent?.value ?? DEFAULT_RETRY_BUDGET_PERCENT;
  if (percent < 0 || percent > 100) refuse(`${path}.retry_budget.budget_percent`, "must be from 0 to 100");
  return {
    maxConnections: threshold.maxConnections ?? DEFAULT_LIMITS.maxConnections,
    maxPendingRequests: threshold.maxPendingRequests ?? DEFAULT_LIMITS.maxPendingRequests,
    maxRequests: threshold.maxRequests ?? DEFAULT_LIMITS.maxRequests,
    maxRetries: threshold.maxRetries ?? DEFAULT_LIMITS.maxRetries,
    ...(hasBudget(budget) ? { retryBudget: { percent, minConcurrency: budget?.minRetryConcurrency ?? DEFAULT_MIN_RETRIES } } : {}),
    ...(threshold.maxConnectionPools === undefined ? {} : { maxConnectionPools: threshold.maxConnectionPools }),
    ...(threshold.trackRemaining ? { trackRemaining: true } : {}),
  };
}

/** per_host_thresholds: as in Envoy, connections alone have a limit a host. undefined: none. */
function readMaxConnectionsPerHost(wire: Cluster, refuse: Refuse): number | undefined {
  const thresholds = wire.circuitBreakers?.perHostThresholds ?? [];
  for (const [at, one] of thresholds.entries()) {
    const path = `circuit_breakers.per_host_thresholds[${at}]`;
    const others = [one.maxPendingRequests, one.maxRequests, one.maxRetries, one.retryBudget, one.maxConnectionPools];
    if (others.some((other) => other !== undefined) || one.trackRemaining) refuse(path, "only max_connections may be set");
    if (one.priority !== RoutingPriority.DEFAULT) refuse(`${path}.priority`, "only DEFAULT has an effect");
  }
  return thresholds.find(({ priority }) => priority === RoutingPriority.DEFAULT)?.maxConnections;
}

/** An empty one is none, as in Envoy. */
function hasBudget(budget: CircuitBreakers_Thresholds_RetryBudget | undefined): boolean {
  return budget?.budgetPercent !== undefined || budget?.minRetryConcurrency !== undefined;
}

function readConnection(wire: Cluster, http: UpstreamHttpOptions, refuse: Refuse): UpstreamConnectionConfig {
  const connectTimeoutMs = durationMs(wire.connectTimeout) ?? DEFAULT_CONNECT_TIMEOUT_MS;
  if (connectTimeoutMs <= 0) refuse("connect_timeout", "must be above 0s");
  if (wire.perConnectionBufferLimitBytes === 0)
    refuse("per_connection_buffer_limit_bytes", "must be above 0, buffers without a limit are not served");
  const { protocol, http2, common, upstream } = http;
  return {
    protocol,
    http2,
    connectTimeoutMs,
    idleTimeoutMs: durationMs(common?.idleTimeout) ?? DEFAULT_IDLE_TIMEOUT_MS,
    maxConnectionDurationMs: durationMs(common?.maxConnectionDuration) ?? 0,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? wire.maxRequestsPerConnection ?? 0,
    maxResponseHeadersCount: common?.maxHeadersCount ?? DEFAULT_MAX_HEADERS,
    bufferLimitBytes: wire.perConnectionBufferLimitBytes,
    autoServerName: upstream?.autoSni ?? false,
    autoSanValidation: upstream?.autoSanValidation ?? false,
    maxStreamDurationMs: durationMs(common?.maxStreamDuration) ?? 0,
    serverNameHeader: (upstream?.overrideAutoSniHeader ?? "") === "" ? undefined : upstream?.overrideAutoSniHeader.toLowerCase(),
  };
}
