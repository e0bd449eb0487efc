import { harmless, honoured, shown } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const PROTOCOL_FIELDS: FieldTable = {
  "envoy.config.core.v3.Http1ProtocolOptions": [
    honoured("src/proxy/http/hcm-config.test.ts", "allow_absolute_url"),
    honoured("src/proxy/http/http-connection-manager.test.ts", "accept_http_10"),
    honoured("src/proxy/http/request-check.test.ts", "default_host_for_http_10"),
    harmless("trailers always go on", "enable_trailers"),
    harmless("a choice between Envoy's own parsers", "use_balsa_parser"),
    harmless("the case of headers is always kept", "header_key_format"),
    honoured("src/proxy/http/hcm-config.test.ts", "override_stream_error_on_invalid_http_message"),
  ],
  "envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat": [harmless("the case of headers is always kept", "stateful_formatter")],
  "envoy.config.core.v3.Http2ProtocolOptions": [
    honoured(
      "src/proxy/http/http2-options.test.ts",
      "hpack_table_size",
      "initial_stream_window_size",
      "initial_connection_window_size",
      "allow_connect",
      "max_outbound_frames",
      "max_outbound_control_frames",
      "max_consecutive_inbound_frames_with_empty_payload",
      "max_inbound_priority_frames_per_stream",
      "max_inbound_window_update_frames_per_data_frame_sent",
      "stream_error_on_invalid_http_messaging",
      "override_stream_error_on_invalid_http_message",
      "custom_settings_parameters",
      "connection_keepalive",
    ),
    honoured("src/proxy/http/http2-client.test.ts", "max_concurrent_streams"),
    harmless("a choice between Envoy's own codecs", "use_oghttp2_codec"),
  ],
  "envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter": [honoured("src/proxy/http/http2-options.test.ts", "identifier", "value")],
  "envoy.config.core.v3.HttpProtocolOptions": [
    honoured("src/proxy/cluster/cluster.test.ts", "idle_timeout", "max_requests_per_connection"),
    honoured("src/proxy/http/http-connection-manager.test.ts", "max_connection_duration", "headers_with_underscores_action"),
    honoured("src/proxy/http/http2-client.test.ts", "max_headers_count"),
    honoured("src/proxy/http/stream-duration.test.ts", "max_stream_duration"),
  ],
  "envoy.config.core.v3.KeepaliveSettings": [
    honoured("src/proxy/http/http2-options.test.ts", "interval", "timeout"),
    shown("src/proxy/http/http2-keepalive.test.ts", "are spread by jitter", "interval_jitter"),
    shown("src/proxy/http/http2-keepalive.test.ts", "go with a new stream after a long silence only", "connection_idle_interval"),
  ],
  "envoy.config.core.v3.SchemeHeaderTransformation": [honoured("src/proxy/http/request-mutation.test.ts", "scheme_to_overwrite")],
  "envoy.config.core.v3.UpstreamHttpProtocolOptions": [
    honoured("src/proxy/cluster/host-pools.test.ts", "auto_sni", "auto_san_validation"),
    honoured("src/proxy/cluster/http-protocol-options.test.ts", "override_auto_sni_header"),
  ],
  "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec": [],
  "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig": [
    harmless("header names that this proxy adds are always in lower case", "formatter_type_on_envoy_headers"),
  ],
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": [
    honoured(
      "src/proxy/cluster/http-protocol-options.test.ts",
      "common_http_protocol_options",
      "explicit_http_config",
      "use_downstream_protocol_config",
      "auto_config",
    ),
    honoured("test/interop/upstream-filters.test.ts", "http_filters"),
    honoured("src/proxy/cluster/http-protocol-options.test.ts", "upstream_http_protocol_options"),
  ],
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig": [
    honoured("src/proxy/cluster/http-protocol-options.test.ts", "http2_protocol_options"),
    harmless("of HTTP/1.1's options none changes what goes upstream", "http_protocol_options"),
  ],
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig": [
    honoured("src/proxy/cluster/http-protocol-options.test.ts", "http_protocol_options", "http2_protocol_options"),
  ],
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig": [
    honoured("src/proxy/cluster/http-protocol-options.test.ts", "http2_protocol_options"),
    harmless("of HTTP/1.1's options none changes what goes upstream", "http_protocol_options"),
  ],
};
