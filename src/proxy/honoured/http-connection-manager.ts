// Fields of a connection manager that this proxy acts on or refuses with a message of its own (http/hcm-config.ts). `HARMLESS` ones are
// accepted though nothing here reads them; why stands beside each. Routes and HTTP filters have checks of their own.
import type { HonouredFields } from "#proxy/field-check";

const HCM = "envoy.extensions.filters.network.http_connection_manager.v3";

const HARMLESS = [
  "http2_protocol_options", // there is no HTTP/2 connection that they could shape
];

export const HONOURED_HCM_FIELDS: HonouredFields = new Map(
  Object.entries({
    [`${HCM}.HttpConnectionManager`]: [
      "codec_type",
      "stat_prefix",
      "rds",
      "route_config",
      "scoped_routes",
      "http_filters",
      "add_user_agent",
      "tracing",
      "common_http_protocol_options",
      "http_protocol_options",
      "server_name",
      "server_header_transformation",
      "scheme_header_transformation",
      "max_request_headers_kb",
      "stream_idle_timeout",
      "request_timeout",
      "request_headers_timeout",
      "drain_timeout",
      "delayed_close_timeout",
      "access_log",
      "access_log_flush_interval",
      "flush_access_log_on_new_request",
      "access_log_options",
      "use_remote_address",
      "xff_num_trusted_hops",
      "original_ip_detection_extensions",
      "early_header_mutation_extensions",
      "internal_address_config",
      "skip_xff_append",
      "via",
      "generate_request_id",
      "preserve_external_request_id",
      "always_set_request_id_in_response",
      "forward_client_cert_details",
      "set_current_client_cert_details",
      "proxy_100_continue",
      "upgrade_configs",
      "normalize_path",
      "merge_slashes",
      "path_with_escaped_slashes_action",
      "request_id_extension",
      "local_reply_config",
      "strip_matching_host_port",
      "strip_any_host_port",
      "stream_error_on_invalid_http_message",
      "path_normalization_options",
      "strip_trailing_host_dot",
      "proxy_status_config",
      "typed_header_validation_config",
      "append_x_forwarded_port",
      ...HARMLESS,
    ],
    [`${HCM}.Rds`]: ["config_source", "route_config_name"],
    [`${HCM}.HttpFilter`]: ["name", "typed_config", "config_discovery", "is_optional", "disabled"],
    [`${HCM}.HttpConnectionManager.UpgradeConfig`]: ["upgrade_type", "filters", "enabled"],
    [`${HCM}.HttpConnectionManager.InternalAddressConfig`]: ["cidr_ranges"],
    [`${HCM}.RequestIDExtension`]: ["typed_config"],
    "envoy.config.core.v3.HttpProtocolOptions": [
      "idle_timeout",
      "max_connection_duration",
      "max_headers_count",
      "max_stream_duration",
      "headers_with_underscores_action",
      "max_requests_per_connection",
    ],
    "envoy.config.core.v3.Http1ProtocolOptions": [
      "allow_absolute_url",
      "accept_http_10",
      "default_host_for_http_10",
      "header_key_format",
      "enable_trailers", // trailers always go on
      "allow_chunked_length",
      "send_fully_qualified_url",
      "use_balsa_parser", // a choice between Envoy's own parsers
      "allow_custom_methods",
    ],
    "envoy.config.core.v3.ConfigSource": ["ads", "initial_fetch_timeout", "resource_api_version"],
  }).map(([type, fields]) => [type, new Set(fields)]),
);
