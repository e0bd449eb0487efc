import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const TRAFFIC_FILTERS_FIELDS: FieldTable = {
  "envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor": [
    honoured("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "token_bucket", "entries"),
  ],
  "envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry": [honoured("src/proxy/access-log/access-log.test.ts", "key", "value")],
  "envoy.extensions.filters.common.fault.v3.FaultDelay": [
    honoured("src/proxy/filters/fault/fault-filter.test.ts", "fixed_delay", "header_delay"),
    honoured("src/proxy/http/hcm-runtime.test.ts", "percentage"),
  ],
  "envoy.extensions.filters.common.fault.v3.FaultDelay.HeaderDelay": [],
  "envoy.extensions.filters.common.fault.v3.FaultRateLimit": [
    honoured("src/proxy/filters/fault/fault-filter.test.ts", "fixed_limit", "header_limit", "percentage"),
  ],
  "envoy.extensions.filters.common.fault.v3.FaultRateLimit.FixedLimit": [
    honoured("src/proxy/filters/fault/fault-filter.test.ts", "limit_kbps"),
  ],
  "envoy.extensions.filters.common.fault.v3.FaultRateLimit.HeaderLimit": [],
  "envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit": [
    honoured(
      "src/proxy/filters/bandwidth-limit/bandwidth-limit-filter.test.ts",
      "stat_prefix",
      "enable_mode",
      "limit_kbps",
      "fill_interval",
      "runtime_enabled",
      "enable_response_trailers",
      "response_trailer_prefix",
    ),
  ],
  "envoy.extensions.filters.http.fault.v3.FaultAbort": [
    honoured("src/proxy/filters/fault/fault-filter.test.ts", "http_status", "grpc_status", "header_abort", "percentage"),
  ],
  "envoy.extensions.filters.http.fault.v3.FaultAbort.HeaderAbort": [],
  "envoy.extensions.filters.http.fault.v3.HTTPFault": [
    honoured(
      "src/proxy/filters/fault/fault-filter.test.ts",
      "delay",
      "abort",
      "headers",
      "max_active_faults",
      "response_rate_limit",
      "downstream_nodes",
    ),
    honoured("src/proxy/filters/grpc-stats/grpc-stats-filter.test.ts", "upstream_cluster"),
    honoured(
      "src/proxy/filters/fault/fault-filter.test.ts",
      "delay_percent_runtime",
      "abort_percent_runtime",
      "delay_duration_runtime",
      "abort_http_status_runtime",
      "max_active_faults_runtime",
      "response_rate_limit_percent_runtime",
      "abort_grpc_status_runtime",
    ),
    harmless("there are no statistics by downstream cluster", "disable_downstream_cluster_stats"),
  ],
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": [
    honoured(
      "src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts",
      "stat_prefix",
      "status",
      "token_bucket",
      "filter_enabled",
      "filter_enforced",
      "request_headers_to_add_when_not_enforced",
      "response_headers_to_add",
      "descriptors",
      "stage",
      "local_rate_limit_per_downstream_connection",
      "enable_x_ratelimit_headers",
      "vh_rate_limits",
      "always_consume_default_token_bucket",
      "rate_limited_as_resource_exhausted",
    ),
  ],
  "envoy.type.v3.TokenBucket": [
    honoured("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "max_tokens", "fill_interval"),
    honoured("src/proxy/token-bucket.test.ts", "tokens_per_fill"),
  ],
};
