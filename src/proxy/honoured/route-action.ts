import { harmless, honoured, shown } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const ROUTE_ACTION_FIELDS: FieldTable = {
  "envoy.config.route.v3.HedgePolicy": [
    honoured("src/proxy/filters/router/hedging.test.ts", "hedge_on_per_try_timeout"),
    harmless("Envoy has no code for it either", "initial_requests", "additional_request_chance"),
  ],
  "envoy.config.route.v3.InternalRedirectPolicy": [
    honoured(
      "test/interop/routes.test.ts",
      "max_internal_redirects",
      "redirect_response_codes",
      "allow_cross_scheme_redirect",
      "response_headers_to_copy",
    ),
    honoured("src/proxy/route/route-table.test.ts", "predicates"),
  ],
  "envoy.config.route.v3.RetryPolicy": [
    honoured(
      "src/proxy/route/route-table.test.ts",
      "retry_on",
      "num_retries",
      "per_try_timeout",
      "retry_priority",
      "retry_host_predicate",
      "host_selection_retry_max_attempts",
      "retriable_status_codes",
      "retriable_headers",
    ),
    honoured("test/interop/routes.test.ts", "per_try_idle_timeout", "retry_back_off", "rate_limited_retry_back_off"),
    honoured("src/proxy/filters/router/hedging.test.ts", "retriable_request_headers"),
  ],
  "envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff": [
    honoured("src/proxy/route/reset-headers.test.ts", "reset_headers", "max_interval"),
  ],
  "envoy.config.route.v3.RetryPolicy.ResetHeader": [honoured("src/proxy/route/reset-headers.test.ts", "format", "name")],
  "envoy.config.route.v3.RetryPolicy.RetryBackOff": [honoured("test/interop/routes.test.ts", "base_interval", "max_interval")],
  "envoy.config.route.v3.RetryPolicy.RetryHostPredicate": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/route/route-table.test.ts", "typed_config"),
  ],
  "envoy.config.route.v3.RetryPolicy.RetryPriority": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/route/route-table.test.ts", "typed_config"),
  ],
  "envoy.config.route.v3.RouteAction": [
    honoured(
      "src/proxy/route/route-table.test.ts",
      "cluster",
      "cluster_header",
      "weighted_clusters",
      "cluster_not_found_response_code",
      "prefix_rewrite",
      "path_rewrite_policy",
      "host_rewrite_literal",
      "auto_host_rewrite",
      "host_rewrite_header",
      "host_rewrite_path_regex",
      "append_x_forwarded_host",
      "timeout",
      "idle_timeout",
      "retry_policy",
      "request_mirror_policies",
      "priority",
      "max_grpc_timeout",
      "max_stream_duration",
    ),
    honoured("src/proxy/route/hash-policy.test.ts", "regex_rewrite", "hash_policy"),
    honoured("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "rate_limits"),
    honoured("src/proxy/http/hcm-config.test.ts", "upgrade_configs"),
    honoured("test/interop/routes.test.ts", "internal_redirect_policy", "hedge_policy"),
    honoured("test/interop/subsets.test.ts", "metadata_match"),
    shown("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "or where they are included", "include_vh_rate_limits"),
  ],
  "envoy.config.route.v3.RouteAction.HashPolicy": [
    honoured(
      "src/proxy/route/hash-policy.test.ts",
      "cookie",
      "connection_properties",
      "query_parameter",
      "filter_state",
      "terminal",
      "header",
    ),
  ],
  "envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties": [honoured("src/proxy/route/hash-policy.test.ts", "source_ip")],
  "envoy.config.route.v3.RouteAction.HashPolicy.Cookie": [
    honoured("src/proxy/route/hash-policy.test.ts", "ttl", "attributes"),
    honoured("src/proxy/codec/hpack/decoder.test.ts", "name", "path"),
  ],
  "envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute": [honoured("src/proxy/route/hash-policy.test.ts", "name", "value")],
  "envoy.config.route.v3.RouteAction.HashPolicy.FilterState": [honoured("src/proxy/rbac/connection-rules.test.ts", "key")],
  "envoy.config.route.v3.RouteAction.HashPolicy.Header": [honoured("src/proxy/route/hash-policy.test.ts", "header_name", "regex_rewrite")],
  "envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter": [honoured("src/proxy/route/hash-policy.test.ts", "name")],
  "envoy.config.route.v3.RouteAction.MaxStreamDuration": [
    honoured("src/proxy/route/route-table.test.ts", "max_stream_duration", "grpc_timeout_header_max", "grpc_timeout_header_offset"),
  ],
  "envoy.config.route.v3.RouteAction.RequestMirrorPolicy": [
    honoured("src/proxy/route/route-table.test.ts", "cluster_header", "runtime_fraction", "cluster", "disable_shadow_host_suffix_append"),
    harmless("of spans, which are not there", "trace_sampled"),
  ],
  "envoy.config.route.v3.RouteAction.UpgradeConfig": [
    honoured("src/proxy/http/hcm-config.test.ts", "upgrade_type"),
    honoured("src/proxy/route/upgrade-config.test.ts", "connect_config"),
    honoured("src/proxy/route/route-table.test.ts", "enabled"),
  ],
  "envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig": [
    honoured("src/proxy/route/upgrade-config.test.ts", "proxy_protocol_config", "allow_post"),
  ],
  "envoy.config.route.v3.WeightedCluster": [
    honoured("src/proxy/route/route-table.test.ts", "clusters", "header_name"),
    honoured("src/proxy/route/route-table.test.ts", "runtime_key_prefix"),
    harmless("held against the sum of the weights, and nothing else", "total_weight"),
  ],
  "envoy.config.route.v3.WeightedCluster.ClusterWeight": [
    honoured(
      "src/proxy/route/route-table.test.ts",
      "cluster_header",
      "response_headers_to_remove",
      "typed_per_filter_config",
      "host_rewrite_literal",
      "request_headers_to_add",
      "request_headers_to_remove",
      "response_headers_to_add",
    ),
    honoured("src/proxy/admin/certificates.test.ts", "name"),
    honoured("src/proxy/admin/cluster-status.test.ts", "weight"),
    honoured("src/proxy/listener/tcp-proxy.test.ts", "metadata_match"),
  ],
  "envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig": [
    honoured("src/proxy/route/route-table.test.ts", "allowed_route_names"),
  ],
  "envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig": [],
  "envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig": [],
  "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig": [
    honoured("src/proxy/route/route-table.test.ts", "path_template_rewrite"),
  ],
  "envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate": [],
  "envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig": [
    shown("src/proxy/filters/router/hedging.test.ts", "leave out hosts that their metadata speaks against", "metadata_match"),
  ],
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate": [],
  "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig": [
    honoured("src/proxy/route/route-table.test.ts", "update_frequency"),
  ],
};
