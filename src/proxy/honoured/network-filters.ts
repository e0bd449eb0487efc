import { harmless, honoured, shown } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const NETWORK_FILTERS_FIELDS: FieldTable = {
  "envoy.config.rbac.v3.Permission": [
    honoured(
      "src/proxy/rbac/connection-rules.test.ts",
      "and_rules",
      "or_rules",
      "any",
      "destination_ip",
      "destination_port",
      "destination_port_range",
      "metadata",
      "not_rule",
      "requested_server_name",
    ),
  ],
  "envoy.config.rbac.v3.Permission.Set": [honoured("src/proxy/rbac/connection-rules.test.ts", "rules")],
  "envoy.config.rbac.v3.Policy": [honoured("src/proxy/rbac/connection-rules.test.ts", "permissions", "principals")],
  "envoy.config.rbac.v3.Principal": [
    honoured(
      "src/proxy/rbac/connection-rules.test.ts",
      "and_ids",
      "or_ids",
      "any",
      "authenticated",
      "source_ip",
      "direct_remote_ip",
      "remote_ip",
      "metadata",
      "filter_state",
      "not_id",
    ),
  ],
  "envoy.config.rbac.v3.Principal.Authenticated": [honoured("src/proxy/rbac/connection-rules.test.ts", "principal_name")],
  "envoy.config.rbac.v3.Principal.Set": [honoured("src/proxy/rbac/connection-rules.test.ts", "ids")],
  "envoy.config.rbac.v3.RBAC": [honoured("src/proxy/rbac/connection-rules.test.ts", "action", "policies")],
  "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit": [
    honoured("src/proxy/listener/network-filters/network-filters.test.ts", "stat_prefix", "max_connections", "delay", "runtime_enabled"),
  ],
  "envoy.extensions.filters.network.direct_response.v3.Config": [
    honoured("src/proxy/listener/network-filters/network-filters.test.ts", "response"),
  ],
  "envoy.extensions.filters.network.echo.v3.Echo": [],
  "envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit": [
    honoured("src/proxy/listener/network-filters/network-filters.test.ts", "stat_prefix", "token_bucket", "runtime_enabled"),
  ],
  "envoy.extensions.filters.network.rbac.v3.RBAC": [
    honoured(
      "src/proxy/listener/network-filters/network-filters.test.ts",
      "rules",
      "shadow_rules",
      "shadow_rules_stat_prefix",
      "matcher",
      "shadow_matcher",
      "stat_prefix",
    ),
    harmless("what is decided when a connection is there holds for all of its bytes", "enforcement_type"),
  ],
  "envoy.extensions.filters.network.set_filter_state.v3.Config": [
    honoured("src/proxy/listener/network-filters/network-filters.test.ts", "on_new_connection"),
  ],
  "envoy.extensions.filters.network.sni_cluster.v3.SniCluster": [],
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": [
    honoured(
      "src/proxy/listener/tcp-proxy.test.ts",
      "stat_prefix",
      "cluster",
      "weighted_clusters",
      "metadata_match",
      "access_log",
      "max_connect_attempts",
      "hash_policy",
      "tunneling_config",
      "max_downstream_connection_duration",
      "access_log_flush_interval",
      "flush_access_log_on_connected",
      "access_log_options",
    ),
    honoured("src/proxy/listener/tcp-proxy.test.ts", "idle_timeout"),
  ],
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions": [
    honoured("src/proxy/listener/tcp-proxy.test.ts", "access_log_flush_interval", "flush_access_log_on_connected"),
  ],
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig": [
    honoured("src/proxy/listener/tcp-proxy.test.ts", "hostname", "post_path"),
    honoured("test/interop/tcp-proxy.test.ts", "use_post", "headers_to_add"),
    honoured("src/proxy/listener/tcp-proxy.test.ts", "propagate_response_trailers"),
    shown("src/proxy/listener/http-tunnel.test.ts", "headers are left in the JSON", "propagate_response_headers"),
  ],
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster": [honoured("src/proxy/listener/tcp-proxy.test.ts", "clusters")],
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight": [
    honoured("src/proxy/listener/tcp-proxy.test.ts", "name", "weight", "metadata_match"),
  ],
  "envoy.type.v3.HashPolicy": [
    honoured("src/proxy/listener/tcp-proxy.test.ts", "source_ip"),
    honoured("src/proxy/listener/tcp-proxy-config.test.ts", "filter_state"),
  ],
  "envoy.type.v3.HashPolicy.SourceIp": [],
  "envoy.type.v3.HashPolicy.FilterState": [honoured("src/proxy/listener/tcp-proxy-config.test.ts", "key")],
};
