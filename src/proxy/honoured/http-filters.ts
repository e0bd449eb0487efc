import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const HTTP_FILTERS_FIELDS: FieldTable = {
  "envoy.config.common.mutation_rules.v3.HeaderMutation": [honoured("src/proxy/route/early-mutation.test.ts", "remove", "append")],
  "envoy.config.core.v3.GrpcMethodList": [honoured("src/proxy/filters/grpc-stats/grpc-stats-filter.test.ts", "services")],
  "envoy.config.core.v3.GrpcMethodList.Service": [
    honoured("src/proxy/filters/grpc-stats/grpc-stats-filter.test.ts", "method_names", "name"),
  ],
  "envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue": [
    honoured(
      "src/proxy/filters/set-filter-state/set-filter-state-filter.test.ts",
      "object_key",
      "format_string",
      "read_only",
      "skip_if_empty",
    ),
    harmless("all kinds that are known hold text; others are refused", "factory_key"),
  ],
  "envoy.extensions.filters.http.basic_auth.v3.BasicAuth": [
    honoured("src/proxy/filters/basic-auth/basic-auth-filter.test.ts", "users", "forward_username_header"),
  ],
  "envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute": [
    honoured("src/proxy/filters/basic-auth/basic-auth-filter.test.ts", "users"),
  ],
  "envoy.extensions.filters.http.buffer.v3.Buffer": [honoured("src/proxy/filters/buffer/buffer-filter.test.ts", "max_request_bytes")],
  "envoy.extensions.filters.http.buffer.v3.BufferPerRoute": [
    honoured("src/proxy/filters/buffer/buffer-filter.test.ts", "disabled", "buffer"),
  ],
  "envoy.extensions.filters.http.cors.v3.Cors": [],
  "envoy.extensions.filters.http.cors.v3.CorsPolicy": [
    honoured(
      "src/proxy/filters/cors/cors-filter.test.ts",
      "allow_origin_string_match",
      "allow_methods",
      "allow_headers",
      "expose_headers",
      "max_age",
      "allow_credentials",
      "filter_enabled",
      "forward_not_matching_preflights",
      "allow_private_network_access",
    ),
    honoured("test/interop/http-filters.test.ts", "shadow_enabled"),
  ],
  "envoy.extensions.filters.http.csrf.v3.CsrfPolicy": [
    honoured("src/proxy/filters/csrf/csrf-filter.test.ts", "filter_enabled", "shadow_enabled", "additional_origins"),
  ],
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig": [
    harmless("read by Istio's own statistics filter alone", "emit_filter_state"),
    honoured(
      "src/proxy/filters/grpc-stats/grpc-stats-filter.test.ts",
      "individual_method_stats_allowlist",
      "stats_for_all_methods",
      "enable_upstream_stats",
      "replace_dots_in_grpc_service_name",
    ),
  ],
  "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb": [],
  "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation": [
    honoured("src/proxy/filters/header-mutation/header-mutation-filter.test.ts", "mutations", "most_specific_header_mutations_wins"),
  ],
  "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute": [
    honoured("src/proxy/filters/header-mutation/header-mutation-filter.test.ts", "mutations"),
  ],
  "envoy.extensions.filters.http.header_mutation.v3.Mutations": [
    honoured("src/proxy/filters/header-mutation/header-mutation-filter.test.ts", "request_mutations", "response_mutations"),
  ],
  "envoy.extensions.filters.http.header_to_metadata.v3.Config": [
    honoured("src/proxy/filters/header-to-metadata/header-to-metadata-filter.test.ts", "request_rules", "response_rules"),
  ],
  "envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair": [
    honoured(
      "src/proxy/filters/header-to-metadata/header-to-metadata-filter.test.ts",
      "metadata_namespace",
      "key",
      "value",
      "regex_value_rewrite",
      "type",
      "encode",
    ),
  ],
  "envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule": [
    honoured(
      "src/proxy/filters/header-to-metadata/header-to-metadata-filter.test.ts",
      "header",
      "cookie",
      "on_header_present",
      "on_header_missing",
      "remove",
    ),
  ],
  "envoy.extensions.filters.http.health_check.v3.HealthCheck": [
    honoured(
      "src/proxy/filters/health-check/health-check-filter.test.ts",
      "pass_through_mode",
      "cache_time",
      "cluster_min_healthy_percentages",
      "headers",
    ),
  ],
  "envoy.extensions.filters.http.on_demand.v3.OnDemand": [],
  "envoy.extensions.filters.http.on_demand.v3.PerRouteConfig": [],
  "envoy.extensions.filters.http.router.v3.Router": [
    harmless("true is what happens; false is refused", "dynamic_stats"),
    honoured("src/proxy/filters/router/router-filter.test.ts", "suppress_envoy_headers"),
    honoured("src/proxy/filters/router/upstream-filters.test.ts", "upstream_http_filters"),
    honoured("test/interop/route-levels.test.ts", "respect_expected_rq_timeout"),
  ],
  "envoy.extensions.filters.http.set_filter_state.v3.Config": [
    honoured("src/proxy/filters/set-filter-state/set-filter-state-filter.test.ts", "on_request_headers"),
  ],
  "envoy.extensions.filters.http.set_metadata.v3.Config": [
    honoured("src/proxy/filters/set-metadata/set-metadata-filter.test.ts", "metadata_namespace", "value", "metadata"),
  ],
  "envoy.extensions.filters.http.set_metadata.v3.Metadata": [
    honoured("src/proxy/filters/set-metadata/set-metadata-filter.test.ts", "metadata_namespace", "allow_overwrite", "value"),
  ],
  "envoy.extensions.filters.http.stateful_session.v3.StatefulSession": [
    honoured("src/proxy/filters/stateful-session/stateful-session-filter.test.ts", "session_state", "strict"),
  ],
  "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute": [
    honoured("src/proxy/filters/stateful-session/stateful-session-filter.test.ts", "disabled", "stateful_session"),
  ],
  "envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState": [
    honoured("src/proxy/filters/stateful-session/stateful-session-filter.test.ts", "cookie"),
  ],
  "envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState": [
    honoured("src/proxy/filters/stateful-session/stateful-session-filter.test.ts", "name"),
  ],
  "envoy.type.http.v3.Cookie": [
    honoured("src/proxy/codec/hpack/decoder.test.ts", "name", "path"),
    honoured("src/proxy/filters/stateful-session/stateful-session-filter.test.ts", "ttl"),
  ],
};
