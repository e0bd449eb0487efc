// Fields of a Cluster and of a ClusterLoadAssignment that this proxy acts on or refuses with a message of its own (cluster-config.ts,
// load-assignment.ts). `HARMLESS` ones are accepted though nothing here reads them; why stands beside each.
import type { HonouredFields } from "#proxy/field-check";

const CLUSTER_HARMLESS = [
  "metadata", // read by Istio's own filters and tools
  "cleanup_interval", // of hosts of captured traffic, which are bounded in number instead
  "dns_lookup_family", // DNS clusters are refused, and so their options have nothing to act on
  "dns_refresh_rate",
  "dns_failure_refresh_rate",
  "respect_dns_ttl",
  "dns_resolvers",
  "use_tcp_for_dns_lookups",
  "typed_dns_resolver_config",
  "wait_for_warm_on_init", // warming always waits
];

export const HONOURED_CLUSTER_FIELDS: HonouredFields = new Map(
  Object.entries({
    "envoy.config.cluster.v3.Cluster": [
      "name",
      "alt_stat_name",
      "type",
      "cluster_type",
      "eds_cluster_config",
      "connect_timeout",
      "per_connection_buffer_limit_bytes",
      "lb_policy",
      "load_assignment",
      "health_checks",
      "max_requests_per_connection",
      "circuit_breakers",
      "upstream_http_protocol_options",
      "common_http_protocol_options",
      "http_protocol_options",
      "http2_protocol_options",
      "typed_extension_protocol_options",
      "outlier_detection",
      "upstream_bind_config",
      "lb_subset_config",
      "round_robin_lb_config",
      "least_request_lb_config",
      "ring_hash_lb_config",
      "maglev_lb_config",
      "original_dst_lb_config",
      "common_lb_config",
      "transport_socket",
      "transport_socket_matches",
      "upstream_connection_options",
      "connection_pool_per_downstream_connection",
      "ignore_health_on_host_removal",
      "filters",
      "load_balancing_policy",
      "lrs_server",
      "track_timeout_budgets",
      "track_cluster_stats",
      "upstream_config",
      "preconnect_policy",
      ...CLUSTER_HARMLESS,
    ],
    "envoy.config.cluster.v3.Cluster.EdsClusterConfig": ["eds_config", "service_name"],
    "envoy.config.cluster.v3.Cluster.TransportSocketMatch": ["name", "match", "transport_socket"],
    "envoy.config.cluster.v3.Cluster.CommonLbConfig": [
      "healthy_panic_threshold",
      "zone_aware_lb_config",
      "locality_weighted_lb_config",
      "update_merge_window", // membership changes take effect at once
      "ignore_new_hosts_until_first_hc", // there are no health checks
      "close_connections_on_host_set_change",
      "consistent_hashing_lb_config",
      "override_host_status",
    ],
    "envoy.config.cluster.v3.Cluster.LeastRequestLbConfig": ["choice_count", "active_request_bias", "slow_start_config"],
    "envoy.config.cluster.v3.Cluster.RingHashLbConfig": ["minimum_ring_size", "hash_function", "maximum_ring_size"],
    "envoy.config.cluster.v3.Cluster.MaglevLbConfig": ["table_size"],
    "envoy.config.cluster.v3.Cluster.RoundRobinLbConfig": ["slow_start_config"],
    "envoy.config.cluster.v3.OutlierDetection": [
      "consecutive_5xx",
      "interval",
      "base_ejection_time",
      "max_ejection_time",
      "max_ejection_time_jitter",
      "max_ejection_percent",
      "always_eject_one_host",
      "consecutive_gateway_failure",
      "split_external_local_origin_errors",
      "consecutive_local_origin_failure",
      "success_rate_minimum_hosts",
      "success_rate_request_volume",
      "success_rate_stdev_factor",
      "failure_percentage_threshold",
      "failure_percentage_minimum_hosts",
      "failure_percentage_request_volume",
      "enforcing_consecutive_5xx",
      "enforcing_consecutive_gateway_failure",
      "enforcing_consecutive_local_origin_failure",
      "enforcing_success_rate",
      "enforcing_local_origin_success_rate",
      "enforcing_failure_percentage",
      "enforcing_failure_percentage_local_origin",
      "successful_active_health_check_uneject_host", // there are no active health checks
      "monitors",
    ],
    "envoy.config.cluster.v3.CircuitBreakers": ["thresholds", "per_host_thresholds"],
    "envoy.config.cluster.v3.CircuitBreakers.Thresholds": [
      "priority",
      "max_connections",
      "max_pending_requests",
      "max_requests",
      "max_retries",
      "retry_budget",
      "track_remaining", // only adds gauges
      "max_connection_pools",
    ],
    "envoy.config.core.v3.ConfigSource": ["ads", "initial_fetch_timeout", "resource_api_version"],
  }).map(([type, fields]) => [type, new Set(fields)]),
);

export const HONOURED_ENDPOINT_FIELDS: HonouredFields = new Map(
  Object.entries({
    "envoy.config.endpoint.v3.ClusterLoadAssignment": ["cluster_name", "endpoints", "named_endpoints", "policy"],
    "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy": ["overprovisioning_factor", "drop_overloads", "weighted_priority_health"],
    "envoy.config.endpoint.v3.LocalityLbEndpoints": [
      "locality",
      "lb_endpoints",
      "load_balancing_weight",
      "priority",
      "proximity",
      "metadata",
    ],
    "envoy.config.endpoint.v3.LbEndpoint": ["endpoint", "endpoint_name", "health_status", "metadata", "load_balancing_weight"],
    "envoy.config.endpoint.v3.Endpoint": ["address", "hostname", "health_check_config", "additional_addresses"],
  }).map(([type, fields]) => [type, new Set(fields)]),
);
