// `/clusters`: hosts with their health and counters, as Envoy's text and as the JSON form of envoy.admin.v3.Clusters.
import { decodeMessage } from "#envoy/decode";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { RoutingPriority } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { CLUSTER_TYPE } from "#envoy/type-urls";
import { isStatic } from "#proxy/xds-client/static-resources";
import type { OutlierSummary } from "#proxy/cluster/outlier/outlier-detector";
import { addressText } from "#proxy/net/socket-address";
import { addressJson } from "./address-json.ts";
import type { AdminSource, ClusterSummary, HostSummary } from "./admin-source.ts";

// Envoy's defaults where a cluster sets none.
const DEFAULT_LIMITS = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };

interface Limits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

interface ClusterFacts {
  readonly default: Limits;
  readonly high: Limits;
  readonly serviceName: string;
}

function factsOf(source: AdminSource, name: string): ClusterFacts {
  const live = source.config.clusters.get(name)?.live;
  if (live === undefined) return { default: DEFAULT_LIMITS, high: DEFAULT_LIMITS, serviceName: "" };
  const wire = decodeMessage(ClusterSchema, live.bytes);
  const limitsOf = (priority: RoutingPriority): Limits => {
    const set = wire.circuitBreakers?.thresholds.find((threshold) => threshold.priority === priority);
    return {
      maxConnections: set?.maxConnections ?? DEFAULT_LIMITS.maxConnections,
      maxPendingRequests: set?.maxPendingRequests ?? DEFAULT_LIMITS.maxPendingRequests,
      maxRequests: set?.maxRequests ?? DEFAULT_LIMITS.maxRequests,
      maxRetries: set?.maxRetries ?? DEFAULT_LIMITS.maxRetries,
    };
  };
  const serviceName = wire.edsClusterConfig?.serviceName ?? "";
  return { default: limitsOf(RoutingPriority.DEFAULT), high: limitsOf(RoutingPriority.HIGH), serviceName };
}

function counters(host: HostSummary): readonly (readonly [name: string, value: number, gauge: boolean])[] {
  return [
    ["cx_active", host.cxActive, true],
    ["cx_connect_fail", host.cxConnectFail, false],
    ["cx_total", host.cxTotal, false],
    ["rq_active", host.rqActive, true],
    ["rq_error", host.rqError, false],
    ["rq_pending_active", host.rqPendingActive, true],
    ["rq_success", host.rqSuccess, false],
    ["rq_timeout", host.rqTimeout, false],
    ["rq_total", host.rqTotal, false],
  ];
}

const EDS_HEALTH = { healthy: "HEALTHY", degraded: "DEGRADED", unhealthy: "UNHEALTHY" } as const;

function locality(host: HostSummary): { region: string; zone: string; subZone: string } {
  const [region = "", zone = "", subZone = ""] = host.locality.split("/");
  return { region, zone, subZone };
}

/** Envoy's words for what makes a host less than healthy, in Envoy's order. */
function healthFlags({ ejected, edsHealth, activeHealth, pendingRemoval }: HostSummary): string {
  const all: readonly (readonly [boolean | undefined, string])[] = [
    [activeHealth?.failed, "/failed_active_hc"],
    [ejected, "/failed_outlier_check"],
    [edsHealth === "unhealthy", "/failed_eds_health"],
    [activeHealth?.degraded, "/degraded_active_hc"],
    [edsHealth === "degraded", "/degraded_eds_health"],
    [pendingRemoval, "/pending_dynamic_removal"],
    [activeHealth?.pending, "/pending_active_hc"],
    [activeHealth?.excluded, "/excluded_via_immediate_hc_fail"],
    [activeHealth?.timedOut, "/active_hc_timeout"],
  ];
  const flags = all.map(([set, text]) => (set === true ? text : "")).join("");
  return flags === "" ? "healthy" : flags;
}

export function clustersText(source: AdminSource, clusters: readonly ClusterSummary[]): string {
  let out = "";
  for (const { name, outliers, hosts } of clusters) {
    const facts = factsOf(source, name);
    out += `${name}::observability_name::${name}\n`;
    if (outliers !== undefined) {
      const { external, localOrigin } = outliers;
      out += `${name}::outlier::success_rate_average::${external.average}\n`;
      out += `${name}::outlier::success_rate_ejection_threshold::${external.threshold}\n`;
      out += `${name}::outlier::local_origin_success_rate_average::${localOrigin.average}\n`;
      out += `${name}::outlier::local_origin_success_rate_ejection_threshold::${localOrigin.threshold}\n`;
    }
    for (const [priority, of] of [
      ["default_priority", facts.default],
      ["high_priority", facts.high],
    ] as const) {
      out += `${name}::${priority}::max_connections::${of.maxConnections}\n`;
      out += `${name}::${priority}::max_pending_requests::${of.maxPendingRequests}\n`;
      out += `${name}::${priority}::max_requests::${of.maxRequests}\n`;
      out += `${name}::${priority}::max_retries::${of.maxRetries}\n`;
    }
    out += `${name}::added_via_api::${!isStatic(source.staticResources, CLUSTER_TYPE, name)}\n`;
    for (const host of hosts) {
      const prefix = `${name}::${addressText(host)}::`;
      const place = locality(host);
      for (const [counter, value] of counters(host)) out += `${prefix}${counter}::${value}\n`;
      out += `${prefix}hostname::${host.hostname}\n${prefix}health_flags::${healthFlags(host)}\n${prefix}weight::${host.weight}\n`;
      out += `${prefix}region::${place.region}\n${prefix}zone::${place.zone}\n${prefix}sub_zone::${place.subZone}\n`;
      out += `${prefix}canary::false\n${prefix}priority::${host.priority}\n${prefix}success_rate::${host.successRate}\n`;
      out += `${prefix}local_origin_success_rate::${host.localOriginSuccessRate}\n`;
    }
  }
  return out;
}

export function clustersJson(source: AdminSource, clusters: readonly ClusterSummary[]): JsonObject {
  return {
    cluster_statuses: clusters.map(({ name, outliers, hosts }) => {
      const facts = factsOf(source, name);
      return {
        name,
        ...(isStatic(source.staticResources, CLUSTER_TYPE, name) ? {} : { added_via_api: true }),
        ...(outliers === undefined ? {} : ejectionThresholds(outliers)),
        host_statuses: hosts.map(hostStatus),
        // DEFAULT is the first of the priorities, which proto JSON leaves out.
        circuit_breakers: { thresholds: [limitsJson(facts.default), { priority: "HIGH", ...limitsJson(facts.high) }] },
        observability_name: name,
        ...(facts.serviceName === "" ? {} : { eds_service_name: facts.serviceName }),
      };
    }),
  };
}

function limitsJson({ maxConnections, maxPendingRequests, maxRequests, maxRetries }: Limits): JsonObject {
  return {
    max_connections: maxConnections,
    max_pending_requests: maxPendingRequests,
    max_requests: maxRequests,
    max_retries: maxRetries,
  };
}

function ejectionThresholds({ external, localOrigin }: OutlierSummary): JsonObject {
  return {
    ...(external.threshold < 0 ? {} : { success_rate_ejection_threshold: { value: external.threshold } }),
    ...(localOrigin.threshold < 0 ? {} : { local_origin_success_rate_ejection_threshold: { value: localOrigin.threshold } }),
  };
}

function hostStatus(host: HostSummary): JsonObject {
  const place = locality(host);
  return {
    address: addressJson(host),
    // Counters before gauges, as in Envoy. A uint64 is a string in proto JSON, and 0 is left out, as is COUNTER, the first of the types.
    stats: counters(host)
      .toSorted(([, , a], [, , b]) => Number(a) - Number(b))
      .map(([name, value, gauge]) => ({
        name,
        ...(value === 0 ? {} : { value: String(value) }),
        ...(gauge ? { type: "GAUGE" } : {}),
      })),
    health_status: {
      ...(host.activeHealth?.failed === true ? { failed_active_health_check: true } : {}),
      ...(host.ejected ? { failed_outlier_check: true } : {}),
      ...(host.activeHealth?.degraded === true ? { failed_active_degraded_check: true } : {}),
      ...(host.pendingRemoval ? { pending_dynamic_removal: true } : {}),
      ...(host.activeHealth?.pending === true ? { pending_active_hc: true } : {}),
      ...(host.activeHealth?.excluded === true ? { excluded_via_immediate_hc_fail: true } : {}),
      ...(host.activeHealth?.timedOut === true ? { active_hc_timeout: true } : {}),
      eds_health_status: EDS_HEALTH[host.edsHealth],
    },
    ...(host.successRate < 0 ? {} : { success_rate: { value: host.successRate } }),
    ...(host.localOriginSuccessRate < 0 ? {} : { local_origin_success_rate: { value: host.localOriginSuccessRate } }),
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    weight: host.weight,
    ...(host.hostname === "" ? {} : { hostname: host.hostname }),
    locality: {
      ...(place.region === "" ? {} : { region: place.region }),
      ...(place.zone === "" ? {} : { zone: place.zone }),
      ...(place.subZone === "" ? {} : { sub_zone: place.subZone }),
    },
  };
}
