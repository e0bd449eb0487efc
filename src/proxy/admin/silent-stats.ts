// Statistics that are 0 without being counted: Envoy's of what this proxy does not have, like HTTP/3 or an overload manager, and those that a
// cluster makes with its first connection. They take no memory, and are shown because a sum over several names in a dashboard is empty
// when one of them does not exist.
import { dottedName } from "#telemetry/stats/stat-name";
import type { ShownStat, Stat } from "#telemetry/stats/stats-reader";
import type { NamePart } from "#telemetry/stats/store";

interface Family {
  /** A statistic that each scope of the kind has: what stands before it is the scope. */
  readonly sign: string;
  readonly counters: readonly string[];
  readonly gauges?: readonly string[];
}

const HTTP1_CODEC = [
  "dropped_headers_with_underscores",
  "metadata_not_supported_error",
  "requests_rejected_with_underscores_in_headers",
  "response_flood",
];

const FAMILIES: readonly Family[] = [
  {
    // Of clusters. Subsets, zones and pools' limits are counted by clusters that have them.
    sign: "membership_total",
    counters: [
      "assignment_stale",
      "assignment_timeout_received",
      "assignment_use_cached",
      "lb_local_cluster_not_ok",
      "lb_recalculate_zone_structures",
      "lb_subsets_created",
      "lb_subsets_fallback",
      "lb_subsets_fallback_panic",
      "lb_subsets_removed",
      "lb_subsets_selected",
      "lb_zone_cluster_too_small",
      "lb_zone_no_capacity_left",
      "lb_zone_routing_all_directly",
      "lb_zone_routing_cross_zone",
      "lb_zone_routing_sampled",
      "original_dst_host_invalid",
      "upstream_cx_connect_with_0_rtt",
      "upstream_cx_http3_total",
      "upstream_cx_pool_overflow",
      "upstream_http3_broken",
      "upstream_rq_0rtt",
      "upstream_rq_maintenance_mode",
    ],
    gauges: ["circuit_breakers.default.cx_pool_open", "circuit_breakers.high.cx_pool_open", "lb_subsets_active"],
  },
  {
    // Of clusters without a connection so far: upstream-connection-stats.ts makes them with the first.
    sign: "membership_total",
    counters: [
      "upstream_cx_close_notify",
      "upstream_cx_connect_attempts_exceeded",
      "upstream_cx_connect_fail",
      "upstream_cx_connect_timeout",
      "upstream_cx_destroy",
      "upstream_cx_destroy_local",
      "upstream_cx_destroy_local_with_active_rq",
      "upstream_cx_destroy_remote",
      "upstream_cx_destroy_remote_with_active_rq",
      "upstream_cx_destroy_with_active_rq",
      "upstream_cx_http1_total",
      "upstream_cx_http2_total",
      "upstream_cx_idle_timeout",
      "upstream_cx_max_duration_reached",
      "upstream_cx_max_requests",
      "upstream_cx_overflow",
      "upstream_cx_protocol_error",
      "upstream_cx_rx_bytes_total",
      "upstream_cx_total",
      "upstream_cx_tx_bytes_total",
      "upstream_rq_completed",
      "upstream_rq_pending_failure_eject",
      "upstream_rq_pending_overflow",
      "upstream_rq_pending_total",
      "upstream_rq_rx_reset",
      "upstream_rq_tx_reset",
    ],
    gauges: ["upstream_cx_active", "upstream_rq_pending_active"],
  },
  { sign: "upstream_cx_http1_total", counters: HTTP1_CODEC.map((name) => `http1.${name}`) },
  {
    // Of connection managers; those of tracing are counted where it is configured, but for health checks, which are known after that.
    sign: "downstream_cx_http1_total",
    counters: [
      "downstream_cx_http3_total",
      "downstream_cx_overload_disable_keepalive",
      "downstream_rq_http3_total",
      "downstream_rq_overload_close",
      "rq_overload_local_reply",
      "tracing.client_enabled",
      "tracing.health_check",
      "tracing.not_traceable",
      "tracing.random_sampling",
      "tracing.service_forced",
    ],
    gauges: ["downstream_cx_http3_active"],
  },
  {
    // Of listeners.
    sign: "downstream_pre_cx_timeout",
    counters: [
      "downstream_cx_overload_reject",
      "downstream_global_cx_overflow",
      "extension_config_missing",
      "network_extension_config_missing",
    ],
  },
  {
    sign: "ssl.handshake",
    counters: ["ssl.ocsp_staple_failed", "ssl.ocsp_staple_omitted", "ssl.ocsp_staple_requests", "ssl.ocsp_staple_responses"],
  },
];

/** Of the server as a whole. */
const ROOT_COUNTERS = [
  "cluster_manager.cluster_updated_via_merge",
  "cluster_manager.update_merge_cancelled",
  "cluster_manager.update_out_of_merge_window",
  "main_thread.watchdog_mega_miss",
  "main_thread.watchdog_miss",
  "runtime.deprecated_feature_use",
  "server.debug_assertion_failures",
  "server.dropped_stat_flushes",
  "server.dynamic_unknown_fields",
  "server.envoy_bug_failures",
  "server.envoy_notifications",
  "server.main_thread.watchdog_mega_miss",
  "server.main_thread.watchdog_miss",
  "server.static_unknown_fields",
  "server.wip_protos",
  "workers.watchdog_mega_miss",
  "workers.watchdog_miss",
  ...HTTP1_CODEC.map((name) => `http1.${name}`),
];
const ROOT_GAUGES = [
  "runtime.deprecated_feature_seen_since_process_start",
  "server.compilation_settings.fips_mode",
  "server.hot_restart_epoch",
  "server.parent_connections",
  "server.stats_recent_lookups",
];

export function silentStats(stats: readonly Stat[]): ShownStat[] {
  const known = new Set(stats.map(({ name }) => name));
  const added: ShownStat[] = [];
  const add = (kind: "counter" | "gauge", parts: readonly NamePart[]): void => {
    const name = dottedName(parts);
    if (!known.has(name)) added.push({ kind, name, parts, value: 0 });
  };
  for (const { name, parts } of stats) {
    for (const { sign, counters, gauges = [] } of FAMILIES) {
      if (!name.endsWith(`.${sign}`)) continue;
      const scope = scopeOf(parts, sign);
      for (const counter of counters) add("counter", [...scope, ...counter.split(".")]);
      for (const gauge of gauges) add("gauge", [...scope, ...gauge.split(".")]);
    }
  }
  for (const name of ROOT_COUNTERS) add("counter", name.split("."));
  for (const name of ROOT_GAUGES) add("gauge", name.split("."));
  return added;
}

/** The parts before the sign, which may be several or stand in one. */
function scopeOf(parts: readonly NamePart[], sign: string): readonly NamePart[] {
  const whole = dottedName(parts);
  const scope: NamePart[] = [];
  for (const part of parts) {
    if (`${dottedName(scope)}.${sign}` === whole) break;
    scope.push(part);
  }
  return scope;
}
