// Fields of a Listener and of a TCP proxy that this proxy acts on. `HARMLESS` ones are accepted though nothing here reads them, because
// they change nothing that traffic could notice on the kinds of sockets and threads that we have; why stands beside each.
import type { HonouredFields } from "#proxy/field-check";

const LISTENER_HARMLESS = [
  "metadata", // read by Istio's own tools
  "drain_type", // MODIFY_ONLY leaves out health-check drains, of which there are none
  "connection_balance_config", // whichever thread accepts keeps the connection
  "enable_reuse_port", // one shared socket does the same
  "max_connections_to_accept_per_socket_event",
  "tcp_backlog_size", // ours is larger than any that is sent
  "ignore_global_conn_limit", // there is no global limit
  "bypass_overload_manager", // there is no overload manager
];

export const HONOURED_LISTENER_FIELDS: HonouredFields = new Map(
  Object.entries({
    "envoy.config.listener.v3.Listener": [
      "name",
      "address",
      "additional_addresses",
      "stat_prefix",
      "filter_chains",
      "default_filter_chain",
      "listener_filters",
      "listener_filters_timeout",
      "continue_on_listener_filters_timeout",
      "use_original_dst",
      "traffic_direction",
      "per_connection_buffer_limit_bytes",
      "bind_to_port",
      "access_log",
      ...LISTENER_HARMLESS,
    ],
    "envoy.config.listener.v3.AdditionalAddress": ["address"],
    "envoy.config.listener.v3.FilterChain": [
      "filter_chain_match",
      "filters",
      "transport_socket",
      "name",
      "metadata",
      "transport_socket_connect_timeout",
    ],
    "envoy.config.listener.v3.FilterChainMatch": [
      "destination_port",
      "prefix_ranges",
      "direct_source_prefix_ranges",
      "source_type",
      "source_prefix_ranges",
      "source_ports",
      "server_names",
      "transport_protocol",
      "application_protocols",
    ],
    "envoy.config.listener.v3.Filter": ["name", "typed_config"],
    "envoy.config.listener.v3.ListenerFilter": ["name", "typed_config", "filter_disabled"],
    "envoy.config.core.v3.Address": ["socket_address"],
    "envoy.config.core.v3.SocketAddress": ["protocol", "address", "port_value"],
  }).map(([type, fields]) => [type, new Set(fields)]),
);

export const HONOURED_TCP_PROXY_FIELDS: HonouredFields = new Map(
  Object.entries({
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": [
      "stat_prefix",
      "cluster",
      "weighted_clusters",
      "idle_timeout",
      "max_downstream_connection_duration",
      "hash_policy",
      "access_log",
      "max_connect_attempts",
      "metadata_match",
      "tunneling_config",
      "access_log_options",
      "access_log_flush_interval",
      "flush_access_log_on_connected",
    ],
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig": [
      "hostname",
      "use_post",
      "headers_to_add",
      "propagate_response_headers",
      "post_path",
      "propagate_response_trailers",
    ],
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions": [
      "access_log_flush_interval",
      "flush_access_log_on_connected",
    ],
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster": ["clusters"],
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight": ["name", "weight", "metadata_match"],
  }).map(([type, fields]) => [type, new Set(fields)]),
);
