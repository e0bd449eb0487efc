import { harmless, honoured, shown } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const CLUSTER_FIELDS: FieldTable = {
  "envoy.config.cluster.v3.CircuitBreakers": [
    honoured("src/proxy/cluster/circuit-breakers.test.ts", "thresholds"),
    honoured("src/proxy/cluster/host-pools.test.ts", "per_host_thresholds"),
  ],
  "envoy.config.cluster.v3.CircuitBreakers.Thresholds": [
    honoured(
      "src/proxy/cluster/circuit-breakers.test.ts",
      "max_connections",
      "max_requests",
      "max_retries",
      "retry_budget",
      "track_remaining",
    ),
    honoured("src/proxy/cluster/cluster-manager.test.ts", "max_pending_requests"),
    honoured("src/proxy/cluster/cluster.test.ts", "priority"),
  ],
  "envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget": [
    honoured("src/proxy/cluster/circuit-breakers.test.ts", "budget_percent", "min_retry_concurrency"),
  ],
  "envoy.config.cluster.v3.Cluster.PreconnectPolicy": [
    honoured("test/interop/preconnect.test.ts", "per_upstream_preconnect_ratio", "predictive_preconnect_ratio"),
  ],
  "envoy.config.cluster.v3.Cluster": [
    honoured("test/interop/preconnect.test.ts", "preconnect_policy"),
    honoured(
      "src/proxy/cluster/cluster.test.ts",
      "close_connections_on_host_health_failure",
      "transport_socket_matches",
      "alt_stat_name",
      "eds_cluster_config",
      "connect_timeout",
      "lb_policy",
      "health_checks",
      "outlier_detection",
      "ring_hash_lb_config",
      "round_robin_lb_config",
      "common_lb_config",
      "max_requests_per_connection",
    ),
    honoured("src/proxy/cluster/circuit-breakers.test.ts", "name", "type", "circuit_breakers"),
    honoured("src/proxy/cluster/cluster-manager.test.ts", "per_connection_buffer_limit_bytes"),
    honoured("src/proxy/dns/dns-config.test.ts", "load_assignment", "dns_failure_refresh_rate", "respect_dns_ttl"),
    honoured(
      "src/proxy/cluster/http-protocol-options.test.ts",
      "common_http_protocol_options",
      "http2_protocol_options",
      "typed_extension_protocol_options",
      "protocol_selection",
    ),
    honoured("src/proxy/dns/dns-resolution.test.ts", "dns_refresh_rate", "dns_lookup_family", "dns_jitter"),
    harmless("warming always waits", "wait_for_warm_on_init"),
    harmless("of hosts of captured traffic, which are bounded in number instead", "cleanup_interval"),
    honoured("src/proxy/cluster/subsets.test.ts", "lb_subset_config", "load_balancing_policy", "metadata"),
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "transport_socket"),
    honoured("src/proxy/cluster/socket-options-config.test.ts", "upstream_connection_options"),
    honoured("src/proxy/cluster/health/health-checker.test.ts", "ignore_health_on_host_removal"),
    harmless("HTTP/1.1 is spoken where nothing else is said; of its options none changes what goes upstream", "http_protocol_options"),
    harmless("names are looked up as the system does; a resolver that would do otherwise is refused", "typed_dns_resolver_config"),
    honoured("src/proxy/data-plane/cluster-manager-config.test.ts", "upstream_bind_config"),
    honoured("test/interop/consistent-hashing.test.ts", "maglev_lb_config"),
    honoured("src/proxy/cluster/http-protocol-options.test.ts", "upstream_http_protocol_options"),
    shown("src/proxy/cluster/lb/load-balancer.test.ts", "goes to the host with fewer active requests", "least_request_lb_config"),
    honoured("src/proxy/cluster/original-destination.test.ts", "original_dst_lb_config"),
  ],
  "envoy.config.cluster.v3.Cluster.EdsClusterConfig": [honoured("src/proxy/cluster/cluster.test.ts", "eds_config", "service_name")],
  "envoy.config.cluster.v3.Cluster.RefreshRate": [honoured("src/proxy/dns/dns-config.test.ts", "base_interval", "max_interval")],
  "envoy.config.cluster.v3.Cluster.TransportSocketMatch": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "match", "transport_socket"),
    harmless("a label", "name"),
  ],
  "envoy.config.cluster.v3.UpstreamConnectionOptions": [
    honoured("src/proxy/cluster/socket-options-config.test.ts", "tcp_keepalive"),
    shown("src/proxy/cluster/address-order.test.ts", "first_address_family_version begins", "happy_eyeballs_config"),
    harmless("for extensions that would ask for it, and there are none", "set_local_interface_name_on_upstream_connections"),
  ],
  "envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig": [
    honoured("src/proxy/cluster/address-order.test.ts", "first_address_family_version", "first_address_family_count"),
  ],
  "envoy.config.core.v3.BindConfig": [
    honoured("test/interop/cluster-manager.test.ts", "source_address"),
    honoured(
      "src/proxy/cluster/bind-config.test.ts",
      "extra_source_addresses",
      "additional_source_addresses",
      "socket_options",
      "freebind",
      "local_address_selector",
    ),
  ],
  "envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector": [],
  "envoy.config.core.v3.DnsResolverOptions": [],
  "envoy.config.core.v3.ExtraSourceAddress": [honoured("src/proxy/cluster/bind-config.test.ts", "address", "socket_options")],
  "envoy.config.core.v3.TcpKeepalive": [
    honoured("src/proxy/cluster/socket-options-config.test.ts", "keepalive_probes", "keepalive_time", "keepalive_interval"),
  ],
  "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig": [
    harmless("may only be empty", "dns_resolver_options"),
    harmless("how many lookups share a socket, which no answer depends on", "udp_max_queries"),
  ],
};
