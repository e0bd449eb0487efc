// What runtime layers say of a cluster in the place of its configuration, under Envoy's keys. It is put together when the layers or the
// configuration change, so that no request asks for it. What says the same as before is the same object.
import { isDeepStrictEqual } from "node:util";
import type { Runtime } from "#proxy/runtime/runtime";
import type { CircuitBreakerConfig, ClusterConfig } from "./cluster-config.ts";
import { DEFAULT_MIN_RETRIES, DEFAULT_RETRY_BUDGET_PERCENT } from "./cluster-config.ts";
import type { LbConfig } from "./lb-config.ts";
import type { SlowStartConfig } from "./lb/slow-start.ts";
import type { EjectionType, OutlierConfig } from "./outlier/outlier-config.ts";

const PARTS = [
  "circuitBreakers",
  "highCircuitBreakers",
  "outliers",
  "panicThreshold",
  "maintenancePercent",
  "zoneAware",
  "lb",
] as const satisfies readonly (keyof ClusterConfig)[];

/** Of keys that have changed those that are about clusters, apart from the ones that a configuration names. */
export function keysOfClusters(changed: ReadonlySet<string>): readonly string[] {
  return [...changed].filter((key) => /^(circuit_breakers|outlier_detection|upstream)\./.test(key));
}

/** `keys`: see keysOfClusters. */
export function isConcerned({ name, lb }: ClusterConfig, keys: readonly string[], changed: ReadonlySet<string>): boolean {
  const slowStart = "slowStart" in lb ? lb.slowStart : undefined;
  const bias = "activeRequestBiasKey" in lb ? lb.activeRequestBiasKey : undefined;
  const named = [slowStart?.aggressionKey, bias].some((key) => key !== undefined && changed.has(key));
  return named || keys.some((key) => !OF_ONE_CLUSTER.test(key) || key.includes(`.${name}`));
}

const OF_ONE_CLUSTER = /^(circuit_breakers|upstream\.maintenance_mode)\./;

export function underRuntime(config: ClusterConfig, runtime: Runtime): ClusterConfig {
  if (runtime.empty) return config;
  const { name, circuitBreakers, highCircuitBreakers, outliers, panicThreshold, zoneAware, lb } = config;
  const percent = (key: string, otherwise: number): number => Math.min(100, runtime.integer(key, otherwise));
  const changed: Pick<ClusterConfig, (typeof PARTS)[number]> = {
    circuitBreakers: circuitBreakersUnder(circuitBreakers, `circuit_breakers.${name}.default.`, runtime),
    highCircuitBreakers: circuitBreakersUnder(highCircuitBreakers, `circuit_breakers.${name}.high.`, runtime),
    outliers: outliers === undefined ? undefined : outliersUnder(outliers, runtime),
    panicThreshold: percent("upstream.healthy_panic_threshold", panicThreshold),
    maintenancePercent: percent(`upstream.maintenance_mode.${name}`, 0),
    zoneAware: {
      ...zoneAware,
      routingEnabledPercent: percent("upstream.zone_routing.enabled", zoneAware.routingEnabledPercent),
      minClusterSize: runtime.integer("upstream.zone_routing.min_cluster_size", zoneAware.minClusterSize),
    },
    lb: lbUnder(lb, runtime),
  };
  const overruled = { ...config, ...changed };
  return saysTheSame(config, overruled) ? config : overruled;
}

/** In what runtime layers have a say. */
export function saysTheSame(a: ClusterConfig, b: ClusterConfig): boolean {
  return PARTS.every((part) => isDeepStrictEqual(a[part], b[part]));
}

function circuitBreakersUnder(config: CircuitBreakerConfig, prefix: string, runtime: Runtime): CircuitBreakerConfig {
  const percent = runtime.double(`${prefix}retry_budget.budget_percent`, config.retryBudget?.percent ?? Number.NaN);
  const minConcurrency = runtime.integer(`${prefix}retry_budget.min_retry_concurrency`, config.retryBudget?.minConcurrency ?? Number.NaN);
  const pools = runtime.integer(`${prefix}max_connection_pools`, config.maxConnectionPools ?? Number.NaN);
  const hasBudget = !Number.isNaN(percent) || !Number.isNaN(minConcurrency);
  return {
    ...config,
    maxConnections: runtime.integer(`${prefix}max_connections`, config.maxConnections),
    maxPendingRequests: runtime.integer(`${prefix}max_pending_requests`, config.maxPendingRequests),
    maxRequests: runtime.integer(`${prefix}max_requests`, config.maxRequests),
    maxRetries: runtime.integer(`${prefix}max_retries`, config.maxRetries),
    ...(Number.isNaN(pools) ? {} : { maxConnectionPools: pools }),
    ...(hasBudget
      ? {
          retryBudget: {
            percent: Number.isNaN(percent) ? DEFAULT_RETRY_BUDGET_PERCENT : percent,
            minConcurrency: Number.isNaN(minConcurrency) ? DEFAULT_MIN_RETRIES : minConcurrency,
          },
        }
      : {}),
  };
}

const ENFORCING_KEYS: readonly (readonly [EjectionType, string])[] = [
  ["consecutive_5xx", "consecutive_5xx"],
  ["consecutive_gateway_failure", "consecutive_gateway_failure"],
  ["consecutive_local_origin_failure", "consecutive_local_origin_failure"],
  ["success_rate", "success_rate"],
  ["local_origin_success_rate", "local_origin_success_rate"],
  ["failure_percentage", "failure_percentage"],
  ["local_origin_failure_percentage", "failure_percentage_local_origin"],
];

function outliersUnder(config: OutlierConfig, runtime: Runtime): OutlierConfig {
  const of = (key: string, configured: number): number => runtime.integer(`outlier_detection.${key}`, configured);
  return {
    ...config,
    // Of 0 there would be no end.
    intervalMs: Math.max(1, of("interval_ms", config.intervalMs)),
    baseEjectionTimeMs: of("base_ejection_time_ms", config.baseEjectionTimeMs),
    maxEjectionTimeMs: of("max_ejection_time_ms", config.maxEjectionTimeMs),
    maxEjectionTimeJitterMs: of("max_ejection_time_jitter_ms", config.maxEjectionTimeJitterMs),
    maxEjectionPercent: Math.min(100, of("max_ejection_percent", config.maxEjectionPercent)),
    consecutive5xx: of("consecutive_5xx", config.consecutive5xx),
    consecutiveGatewayFailure: of("consecutive_gateway_failure", config.consecutiveGatewayFailure),
    consecutiveLocalOriginFailure: of("consecutive_local_origin_failure", config.consecutiveLocalOriginFailure),
    successRateMinimumHosts: of("success_rate_minimum_hosts", config.successRateMinimumHosts),
    successRateRequestVolume: of("success_rate_request_volume", config.successRateRequestVolume),
    successRateStdevs: of("success_rate_stdev_factor", config.successRateStdevs * 1000) / 1000,
    failurePercentageThreshold: of("failure_percentage_threshold", config.failurePercentageThreshold),
    failurePercentageMinimumHosts: of("failure_percentage_minimum_hosts", config.failurePercentageMinimumHosts),
    failurePercentageRequestVolume: of("failure_percentage_request_volume", config.failurePercentageRequestVolume),
    enforcing: Object.fromEntries(
      ENFORCING_KEYS.map(([type, key]) => [type, of(`enforcing_${key}`, config.enforcing[type])]),
    ) as OutlierConfig["enforcing"],
  };
}

/** As Envoy: what is out of range counts as 1. */
function lbUnder(lb: LbConfig, runtime: Runtime): LbConfig {
  if (lb.policy === "round-robin") return { ...lb, slowStart: slowStartUnder(lb.slowStart, runtime) };
  if (lb.policy !== "least-request") return lb;
  const { activeRequestBiasKey: key, activeRequestBias } = lb;
  const bias = key === undefined ? activeRequestBias : runtime.double(key, activeRequestBias);
  return { ...lb, activeRequestBias: bias >= 0 ? bias : 1, slowStart: slowStartUnder(lb.slowStart, runtime) };
}

function slowStartUnder(config: SlowStartConfig | undefined, runtime: Runtime): SlowStartConfig | undefined {
  if (config?.aggressionKey === undefined) return config;
  const aggression = runtime.double(config.aggressionKey, config.aggression);
  return { ...config, aggression: aggression > 0 ? aggression : 1 };
}
