import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const LISTENER_FIELDS: FieldTable = {
  "envoy.config.listener.v3.AdditionalAddress": [
    honoured("src/proxy/cluster/load-assignment.test.ts", "address"),
    honoured("src/proxy/listener/listen-address.test.ts", "socket_options"),
  ],
  "envoy.config.listener.v3.Filter": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/listener/active-listener.test.ts", "typed_config"),
  ],
  "envoy.config.listener.v3.FilterChain": [
    honoured("src/proxy/listener/active-listener.test.ts", "filter_chain_match", "filters", "name"),
    harmless("read by Istio's own tools", "metadata"),
    honoured("src/proxy/listener/tls.test.ts", "transport_socket_connect_timeout", "transport_socket"),
  ],
  "envoy.config.listener.v3.FilterChainMatch": [
    honoured(
      "src/proxy/listener/filter-chain-match.test.ts",
      "destination_port",
      "prefix_ranges",
      "direct_source_prefix_ranges",
      "source_type",
      "source_prefix_ranges",
      "source_ports",
      "server_names",
    ),
    honoured("src/proxy/listener/active-listener.test.ts", "transport_protocol", "application_protocols"),
  ],
  "envoy.config.listener.v3.Listener": [
    honoured(
      "src/proxy/listener/active-listener.test.ts",
      "name",
      "use_original_dst",
      "default_filter_chain",
      "listener_filters",
      "listener_filters_timeout",
      "continue_on_listener_filters_timeout",
      "access_log",
      "bind_to_port",
    ),
    honoured("src/proxy/data-plane/data-plane.test.ts", "address", "filter_chains"),
    honoured("src/proxy/listener/filter-chain-matcher.test.ts", "filter_chain_matcher"),
    honoured("src/proxy/listener/tcp-proxy.test.ts", "stat_prefix"),
    harmless("read by Istio's own tools", "metadata"),
    honoured("test/interop/draining.test.ts", "drain_type"),
    harmless("whichever thread accepts keeps the connection", "connection_balance_config"),
    harmless("one shared socket does the same", "enable_reuse_port"),
    harmless("ours is larger than any that is sent", "tcp_backlog_size"),
    harmless("how Envoy's threads share their time", "max_connections_to_accept_per_socket_event"),
    harmless("there is no global limit", "ignore_global_conn_limit"),
    harmless("there is no overload manager", "bypass_overload_manager"),
    honoured("src/proxy/listener/listener-config.test.ts", "per_connection_buffer_limit_bytes", "traffic_direction"),
    honoured(
      "src/proxy/listener/listen-address.test.ts",
      "additional_addresses",
      "transparent",
      "freebind",
      "socket_options",
      "tcp_fast_open_queue_length",
      "enable_mptcp",
    ),
    harmless("one shared socket does the same", "reuse_port"),
  ],
  "envoy.config.listener.v3.Listener.ConnectionBalanceConfig": [harmless("whichever thread accepts keeps the connection", "exact_balance")],
  "envoy.config.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance": [],
  "envoy.config.listener.v3.ListenerFilter": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/listener/active-listener.test.ts", "filter_disabled", "typed_config"),
  ],
  "envoy.config.listener.v3.ListenerFilterChainMatchPredicate": [
    honoured(
      "src/proxy/listener/listener-filter-predicate.test.ts",
      "or_match",
      "and_match",
      "not_match",
      "any_match",
      "destination_port_range",
    ),
  ],
  "envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet": [
    honoured("src/proxy/listener/listener-filter-predicate.test.ts", "rules"),
  ],
  "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector": [],
  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst": [],
  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol": [
    honoured("src/proxy/listener/active-listener.test.ts", "stat_prefix", "allow_requests_without_proxy_protocol", "disallowed_versions"),
    honoured("test/interop/listeners.test.ts", "rules", "pass_through_tlvs"),
  ],
  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector": [
    honoured("src/proxy/listener/tls.test.ts", "enable_ja3_fingerprinting"),
    harmless("how much is read at once, which no result depends on", "initial_read_buffer_size"),
  ],
  "envoy.config.core.v3.SocketOption": [
    honoured("src/proxy/listener/listen-address.test.ts", "level", "name", "int_value", "buf_value", "state", "description"),
  ],
  "envoy.config.core.v3.SocketOptionsOverride": [honoured("src/proxy/listener/listen-address.test.ts", "socket_options")],
  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.KeyValuePair": [
    honoured("src/proxy/listener/filters/proxy-protocol.test.ts", "metadata_namespace", "key"),
  ],
  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.Rule": [
    honoured("src/proxy/listener/filters/proxy-protocol.test.ts", "tlv_type", "on_tlv_present"),
  ],
};
