// Clusters, endpoints and what balances between them.
import type { JsonObject } from "@bufbuild/protobuf";
import { assignment, cluster, extension, socketAddress, typed, UPSTREAM_FILTERS } from "../base.ts";
import type { Base } from "../base.ts";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const tls = extension("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext");
const http = (options: JsonObject, more: JsonObject = {}): Base =>
  cluster({ typed_extension_protocol_options: { [HTTP_OPTIONS]: typed(HTTP_OPTIONS, options) }, ...more });

const http2: JsonObject = {
  hpack_table_size: 100,
  max_concurrent_streams: 10,
  initial_stream_window_size: 70000,
  initial_connection_window_size: 80000,
  allow_connect: true,
  max_outbound_frames: 100,
  max_outbound_control_frames: 50,
  max_consecutive_inbound_frames_with_empty_payload: 3,
  max_inbound_priority_frames_per_stream: 30,
  max_inbound_window_update_frames_per_data_frame_sent: 5,
  custom_settings_parameters: [{ identifier: 77, value: 5 }],
  connection_keepalive: { interval: "5s", timeout: "1s", interval_jitter: { value: 10 }, connection_idle_interval: "2s" },
};
const common: JsonObject = {
  idle_timeout: "5s",
  max_connection_duration: "6s",
  max_headers_count: 50,
  max_stream_duration: "7s",
  max_requests_per_connection: 9,
};
const caseFormat: JsonObject = {
  stateful_formatter: extension("envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"),
};
const upstream: JsonObject = { auto_sni: true, auto_san_validation: true, override_auto_sni_header: "x-sni" };

const slowStart: JsonObject = {
  slow_start_window: "5s",
  aggression: { default_value: 2, runtime_key: "k" },
  min_weight_percent: { value: 20 },
};
const policies = (type: string, config: JsonObject): Base =>
  cluster({
    ...dns,
    load_balancing_policy: {
      policies: [{ typed_extension_config: extension(`envoy.extensions.load_balancing_policies.${type}`, config) }],
    },
  });
const locality: JsonObject = { locality_weighted_lb_config: {} };
const zoneAware: JsonObject = { routing_enabled: { value: 50 }, min_cluster_size: "5", fail_traffic_on_panic: true };
const hashing: JsonObject = { use_hostname_for_hashing: true, hash_balance_factor: 120 };
/** Of hosts that have names. */
const dns: JsonObject = {
  type: "STRICT_DNS",
  load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(80, "a.example") } }] }] },
};
const subsets: JsonObject = {
  fallback_policy: "DEFAULT_SUBSET",
  default_subset: { a: "b" },
  subset_selectors: [
    { keys: ["a"], single_host_per_subset: true },
    { keys: ["a", "b"], fallback_policy: "KEYS_SUBSET", fallback_keys_subset: ["a"] },
    { keys: ["a", "c"], fallback_policy: "KEYS_SUBSET", fallback_keys_subset: ["c"] },
    { keys: ["a", "b"], fallback_policy: "KEYS_SUBSET", fallback_keys_subset: ["b"] },
    { keys: ["c"], fallback_policy: "ANY_ENDPOINT" },
  ],
  locality_weight_aware: true,
  scale_locality_weight: true,
  panic_mode_any: true,
  list_as_any: true,
  metadata_fallback_policy: "FALLBACK_LIST",
};
const roundRobin: JsonObject = {
  policies: [{ typed_extension_config: extension("envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin") }],
};

const check = (kind: JsonObject, more: JsonObject = {}): Base =>
  cluster({
    health_checks: [{ timeout: "1s", interval: "5s", unhealthy_threshold: 2, healthy_threshold: 3, ...kind, ...more }],
    http2_protocol_options: {},
  });
const checks: Base[] = [
  check(
    {
      http_health_check: {
        host: "h",
        path: "/p",
        receive: [{ text: "616263" }, { binary: "YWJj" }],
        response_buffer_size: "100",
        request_headers_to_add: [{ header: { key: "a", value: "b" } }],
        request_headers_to_remove: ["c"],
        expected_statuses: [{ start: "200", end: "300" }],
        retriable_statuses: [{ start: "500", end: "501" }],
        codec_client_type: "HTTP2",
        service_name_matcher: { exact: "s" },
        method: "HEAD",
      },
    },
    {
      initial_jitter: "1s",
      interval_jitter: "2s",
      interval_jitter_percent: 5,
      alt_port: 81,
      reuse_connection: false,
      no_traffic_interval: "7s",
      no_traffic_healthy_interval: "8s",
      unhealthy_interval: "9s",
      unhealthy_edge_interval: "10s",
      healthy_edge_interval: "11s",
      event_log_path: "/tmp/a",
      event_logger: [extension("envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink", { event_log_path: "/tmp/b" })],
      always_log_health_check_failures: true,
      always_log_health_check_success: true,
      tls_options: { alpn_protocols: ["a"] },
      transport_socket_match_criteria: { a: true },
    },
  ),
  check({ http_health_check: { path: "/p", method: "POST", send: { text: "6162" } } }),
  check({ tcp_health_check: { send: { text: "6162" }, receive: [{ text: "6162" }], proxy_protocol_config: { version: "V2" } } }),
  check({ grpc_health_check: { service_name: "s", authority: "a", initial_metadata: [{ header: { key: "a", value: "b" } }] } }),
];

const endpoint: JsonObject = {
  endpoint: {
    address: socketAddress(80, "10.0.0.1"),
    hostname: "h",
    health_check_config: { port_value: 81, hostname: "hc", address: socketAddress(82), disable_active_health_check: true },
    additional_addresses: [{ address: socketAddress(83, "::1") }],
  },
  health_status: "DRAINING",
  metadata: { filter_metadata: { "envoy.lb": { version: "v1" }, "envoy.transport_socket_match": { tlsMode: "x" } } },
  load_balancing_weight: 3,
};

export const CLUSTER_BASES: readonly Base[] = [
  cluster({
    upstream_bind_config: {
      source_address: { address: "127.0.0.1", port_value: 0 },
      additional_source_addresses: [{ address: "::2", port_value: 0 }],
    },
  }),
  cluster({
    alt_stat_name: "s",
    connect_timeout: "2s",
    per_connection_buffer_limit_bytes: 5000,
    common_lb_config: {
      healthy_panic_threshold: { value: 20 },
      locality_weighted_lb_config: {},
      update_merge_window: "1s",
      override_host_status: { statuses: ["DRAINING"] },
    },
    metadata: { filter_metadata: {} },
    upstream_bind_config: {
      source_address: { address: "127.0.0.1", port_value: 0 },
      extra_source_addresses: [
        { address: { address: "::1", port_value: 0 }, socket_options: { socket_options: [{ level: 1, name: 9, int_value: 1 }] } },
      ],
      freebind: true,
      socket_options: [{ level: 1, name: 9, int_value: 0 }],
      local_address_selector: extension("envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector"),
    },
    upstream_connection_options: {
      tcp_keepalive: { keepalive_probes: 3, keepalive_time: 100, keepalive_interval: 10 },
      set_local_interface_name_on_upstream_connections: true,
      happy_eyeballs_config: { first_address_family_version: "V6", first_address_family_count: 2 },
    },
    max_requests_per_connection: 5,
    preconnect_policy: { per_upstream_preconnect_ratio: 1.5, predictive_preconnect_ratio: 2 },
    circuit_breakers: {
      thresholds: [
        {
          max_connections: 1,
          max_pending_requests: 2,
          max_requests: 3,
          max_retries: 4,
          max_connection_pools: 6,
          retry_budget: { budget_percent: { value: 30 }, min_retry_concurrency: 5 },
          track_remaining: true,
        },
        { priority: "HIGH", max_connections: 9 },
      ],
      per_host_thresholds: [{ max_connections: 7 }],
    },
    close_connections_on_host_health_failure: true,
    connection_pool_per_downstream_connection: true,
    cleanup_interval: "5s",
    wait_for_warm_on_init: true,
  }),
  cluster({
    type: "EDS",
    eds_cluster_config: { eds_config: { ads: {} }, service_name: "s" },
    load_assignment: null,
    ignore_health_on_host_removal: true,
    health_checks: [{ timeout: "1s", interval: "5s", unhealthy_threshold: 2, healthy_threshold: 3, tcp_health_check: {} }],
    common_lb_config: { ignore_new_hosts_until_first_hc: true },
  }),
  cluster({ type: "EDS", eds_cluster_config: { eds_config: { path: "/tmp/eds" }, service_name: "t" }, load_assignment: null }),
  cluster({ type: "ORIGINAL_DST", lb_policy: "CLUSTER_PROVIDED", load_assignment: null }),
  cluster({
    type: "ORIGINAL_DST",
    lb_policy: "CLUSTER_PROVIDED",
    load_assignment: null,
    original_dst_lb_config: { use_http_header: true },
  }),
  cluster({
    type: "ORIGINAL_DST",
    lb_policy: "CLUSTER_PROVIDED",
    load_assignment: null,
    original_dst_lb_config: {
      use_http_header: true,
      http_header_name: "x-destination",
      upstream_port_override: 99,
      metadata_key: { key: "k", path: [{ key: "a" }] },
    },
  }),
  cluster({
    type: "STRICT_DNS",
    dns_lookup_family: "V4_ONLY",
    dns_refresh_rate: "5s",
    dns_failure_refresh_rate: { base_interval: "1s", max_interval: "10s" },
    dns_jitter: "1s",
    respect_dns_ttl: true,
    typed_dns_resolver_config: extension("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", {
      dns_resolver_options: {},
      udp_max_queries: 100,
    }),
    load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(80, "a.example") } }] }] },
  }),
  cluster({ lb_policy: "ROUND_ROBIN", round_robin_lb_config: { slow_start_config: slowStart } }),
  cluster({
    lb_policy: "LEAST_REQUEST",
    least_request_lb_config: { choice_count: 3, active_request_bias: { default_value: 2 }, slow_start_config: slowStart },
  }),
  cluster({
    ...dns,
    lb_policy: "RING_HASH",
    ring_hash_lb_config: { minimum_ring_size: "100", maximum_ring_size: "2000", hash_function: "MURMUR_HASH_2" },
    common_lb_config: { consistent_hashing_lb_config: hashing },
  }),
  cluster({ lb_policy: "MAGLEV", maglev_lb_config: { table_size: "101" } }),
  cluster({ lb_subset_config: subsets }),
  cluster({ common_lb_config: { zone_aware_lb_config: zoneAware } }),
  policies("random.v3.Random", { locality_lb_config: { zone_aware_lb_config: zoneAware } }),
  policies("round_robin.v3.RoundRobin", { slow_start_config: slowStart, locality_lb_config: locality }),
  policies("least_request.v3.LeastRequest", {
    choice_count: 3,
    active_request_bias: { default_value: 2 },
    slow_start_config: slowStart,
    locality_lb_config: locality,
    selection_method: "FULL_SCAN",
  }),
  policies("least_request.v3.LeastRequest", { enable_full_scan: true }),
  policies("random.v3.Random", { locality_lb_config: locality }),
  policies("ring_hash.v3.RingHash", {
    hash_function: "MURMUR_HASH_2",
    minimum_ring_size: "100",
    maximum_ring_size: "2000",
    use_hostname_for_hashing: true,
    hash_balance_factor: 120,
    locality_weighted_lb_config: {},
  }),
  policies("ring_hash.v3.RingHash", { consistent_hashing_lb_config: hashing }),
  policies("maglev.v3.Maglev", { table_size: "101", consistent_hashing_lb_config: hashing, locality_weighted_lb_config: {} }),
  policies("wrr_locality.v3.WrrLocality", { endpoint_picking_policy: roundRobin }),
  policies("subset.v3.Subset", { ...subsets, subset_lb_policy: roundRobin }),
  cluster({
    type: "ORIGINAL_DST",
    load_assignment: null,
    load_balancing_policy: {
      policies: [{ typed_extension_config: extension("envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided") }],
    },
  }),
  http(
    {
      explicit_http_config: { http_protocol_options: { header_key_format: caseFormat } },
      common_http_protocol_options: common,
      upstream_http_protocol_options: upstream,
    },
    { transport_socket: tls },
  ),
  http({
    explicit_http_config: { http2_protocol_options: http2 },
    http_filters: UPSTREAM_FILTERS,
  }),
  http({ use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: http2 } }),
  http({ auto_config: { http_protocol_options: {}, http2_protocol_options: http2 } }, { transport_socket: tls }),
  cluster({
    http_protocol_options: {},
    http2_protocol_options: http2,
    protocol_selection: "USE_DOWNSTREAM_PROTOCOL",
    common_http_protocol_options: common,
    upstream_http_protocol_options: upstream,
    transport_socket: tls,
  }),
  cluster({ http2_protocol_options: { override_stream_error_on_invalid_http_message: true } }),
  cluster({ http2_protocol_options: { stream_error_on_invalid_http_messaging: true } }),
  cluster({
    outlier_detection: {
      consecutive_5xx: 3,
      interval: "5s",
      base_ejection_time: "6s",
      max_ejection_time: "7s",
      max_ejection_time_jitter: "1s",
      max_ejection_percent: 20,
      always_eject_one_host: true,
      consecutive_gateway_failure: 4,
      split_external_local_origin_errors: true,
      consecutive_local_origin_failure: 6,
      success_rate_minimum_hosts: 7,
      success_rate_request_volume: 8,
      success_rate_stdev_factor: 1000,
      failure_percentage_threshold: 50,
      failure_percentage_minimum_hosts: 2,
      failure_percentage_request_volume: 3,
      enforcing_consecutive_5xx: 11,
      enforcing_consecutive_gateway_failure: 12,
      enforcing_consecutive_local_origin_failure: 13,
      enforcing_success_rate: 14,
      enforcing_local_origin_success_rate: 15,
      enforcing_failure_percentage: 16,
      enforcing_failure_percentage_local_origin: 17,
      successful_active_health_check_uneject_host: false,
    },
  }),
  ...checks,
  {
    kind: "endpoints",
    json: {
      cluster_name: "c",
      endpoints: [
        {
          locality: { region: "r", zone: "z", sub_zone: "s" },
          lb_endpoints: [endpoint, { endpoint: { address: { pipe: { path: "/tmp/s" } } } }],
          load_balancing_weight: 5,
          priority: 0,
          metadata: { filter_metadata: {} },
        },
        { priority: 1, lb_endpoints: [endpoint] },
        { priority: 1, load_balancer_endpoints: { lb_endpoints: [endpoint] } },
      ],
      policy: {
        overprovisioning_factor: 150,
        weighted_priority_health: true,
        drop_overloads: [{ category: "lb", drop_percentage: { numerator: 5, denominator: "TEN_THOUSAND" } }],
      },
    },
  },
  { kind: "cluster", json: { name: "c", load_assignment: assignment() } },
];
