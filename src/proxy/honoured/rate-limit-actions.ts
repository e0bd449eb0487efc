import { honoured } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const RATE_LIMIT_ACTIONS_FIELDS: FieldTable = {
  "envoy.config.route.v3.RateLimit": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "actions", "stage"),
    honoured("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "disable_key"),
  ],
  "envoy.config.route.v3.RateLimit.Action": [
    honoured(
      "src/proxy/route/rate-limit-actions.test.ts",
      "source_cluster",
      "destination_cluster",
      "generic_key",
      "header_value_match",
      "dynamic_metadata",
      "metadata",
      "masked_remote_address",
      "query_parameter_value_match",
    ),
    honoured("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "request_headers"),
    honoured("src/proxy/route/hash-policy.test.ts", "remote_address"),
  ],
  "envoy.config.route.v3.RateLimit.Action.DestinationCluster": [],
  "envoy.config.route.v3.RateLimit.Action.DynamicMetaData": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "descriptor_key", "metadata_key", "default_value"),
  ],
  "envoy.config.route.v3.RateLimit.Action.GenericKey": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "descriptor_value", "descriptor_key"),
  ],
  "envoy.config.route.v3.RateLimit.Action.HeaderValueMatch": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "descriptor_key", "descriptor_value", "expect_match", "headers"),
  ],
  "envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "v4_prefix_mask_len", "v6_prefix_mask_len"),
  ],
  "envoy.config.route.v3.RateLimit.Action.MetaData": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "descriptor_key", "metadata_key", "default_value", "source", "skip_if_absent"),
  ],
  "envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "descriptor_key", "descriptor_value", "expect_match", "query_parameters"),
  ],
  "envoy.config.route.v3.RateLimit.Action.RemoteAddress": [],
  "envoy.config.route.v3.RateLimit.Action.RequestHeaders": [
    honoured("src/proxy/route/rate-limit-actions.test.ts", "descriptor_key", "skip_if_absent"),
    honoured("src/proxy/filters/local-ratelimit/local-ratelimit-filter.test.ts", "header_name"),
  ],
  "envoy.config.route.v3.RateLimit.Action.SourceCluster": [],
};
