import { harmless, honoured, shown } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const HTTP_CONNECTION_MANAGER_FIELDS: FieldTable = {
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": [
    honoured(
      "src/proxy/http/hcm-config.test.ts",
      "codec_type",
      "stat_prefix",
      "rds",
      "route_config",
      "http_filters",
      "tracing",
      "http2_protocol_options",
      "server_name",
      "stream_idle_timeout",
      "use_remote_address",
      "generate_request_id",
      "proxy_100_continue",
      "upgrade_configs",
      "normalize_path",
      "path_with_escaped_slashes_action",
      "local_reply_config",
    ),
    honoured("src/proxy/http/user-agent.test.ts", "add_user_agent"),
    honoured(
      "src/proxy/http/http-connection-manager.test.ts",
      "common_http_protocol_options",
      "http_protocol_options",
      "request_headers_timeout",
      "drain_timeout",
      "delayed_close_timeout",
      "access_log",
    ),
    honoured(
      "src/proxy/http/active-stream.test.ts",
      "server_header_transformation",
      "request_timeout",
      "always_set_request_id_in_response",
    ),
    honoured("src/proxy/http/original-ip-detection.test.ts", "original_ip_detection_extensions"),
    honoured(
      "src/proxy/http/access-log-options.test.ts",
      "access_log_options",
      "access_log_flush_interval",
      "flush_access_log_on_new_request",
    ),
    harmless("there is no overload manager", "append_local_overload"),
    honoured("src/proxy/filters/router/hedging.test.ts", "internal_address_config"),
    honoured("src/proxy/http/request-mutation.test.ts", "skip_xff_append", "preserve_external_request_id", "append_x_forwarded_port"),
    honoured("src/proxy/http/forward-client-cert.test.ts", "forward_client_cert_details", "set_current_client_cert_details"),
    honoured("src/proxy/http/path-normalization.test.ts", "merge_slashes"),
    honoured("test/interop/http2-sequences.test.ts", "stream_error_on_invalid_http_message"),
    honoured("src/proxy/http/request-check.test.ts", "strip_trailing_host_dot"),
    harmless("UUIDs are made without it, too, and other kinds are refused; its options have rows", "request_id_extension"),
    honoured("src/proxy/http/hcm-config.test.ts", "max_request_headers_kb"),
    shown("src/proxy/http/request-mutation.test.ts", "adds via behind", "via"),
    honoured("src/proxy/http/request-check.test.ts", "strip_matching_host_port"),
    shown("src/proxy/http/request-mutation.test.ts", "with trusted hops takes the client from the right place", "xff_num_trusted_hops"),
    shown("src/proxy/http/request-mutation.test.ts", "believes the scheme of a client of HTTP/2", "scheme_header_transformation"),
    shown("src/proxy/http/request-check.test.ts", "and then the port", "strip_any_host_port"),
    shown("src/proxy/route/early-mutation.test.ts", "edits run one after the other", "early_header_mutation_extensions"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.HcmAccessLogOptions": [
    honoured("src/proxy/http/access-log-options.test.ts", "access_log_flush_interval", "flush_access_log_on_new_request"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig": [
    honoured("src/proxy/filters/router/hedging.test.ts", "cidr_ranges"),
    honoured("src/proxy/http/hcm-config.test.ts", "unix_sockets"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.SetCurrentClientCertDetails": [
    honoured("src/proxy/http/forward-client-cert.test.ts", "subject", "cert", "dns", "uri"),
    honoured("src/proxy/http/forward-client-cert.test.ts", "chain"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing": [
    honoured("src/proxy/http/trace-reason.test.ts", "client_sampling", "random_sampling", "overall_sampling"),
    harmless("without a provider nothing is traced", "verbose", "max_path_tag_length", "custom_tags", "spawn_upstream_span"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig": [
    honoured("src/proxy/http/hcm-config.test.ts", "upgrade_type"),
    honoured("src/proxy/route/route-table.test.ts", "enabled"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": [
    honoured("src/proxy/http/active-stream.test.ts", "name"),
    honoured("src/proxy/http/hcm-config.test.ts", "typed_config", "is_optional"),
    honoured("src/proxy/filters/buffer/buffer-filter.test.ts", "disabled"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig": [
    honoured("src/proxy/route/local-reply-map.test.ts", "mappers", "body_format"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.Rds": [
    honoured("src/proxy/http/hcm-config.test.ts", "config_source", "route_config_name"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension": [
    harmless("UUIDs are made without it, too, and other kinds are refused; its options have rows", "typed_config"),
  ],
  "envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper": [
    honoured("src/proxy/http/active-stream.test.ts", "filter", "body"),
    honoured("src/proxy/route/local-reply-map.test.ts", "status_code", "headers_to_add", "body_format_override"),
  ],
  "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation": [
    honoured("src/proxy/route/early-mutation.test.ts", "mutations"),
  ],
  "envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig": [
    honoured("src/proxy/http/original-ip-detection.test.ts", "header_name", "allow_extension_to_set_address_as_trusted"),
  ],
  "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig": [
    honoured("src/proxy/http/original-ip-detection.test.ts", "xff_num_trusted_hops"),
  ],
  "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig": [
    honoured("src/proxy/http/trace-reason.test.ts", "pack_trace_reason", "use_request_id_for_trace_sampling"),
  ],
};
