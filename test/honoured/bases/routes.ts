// Route configurations.
import type { JsonObject } from "@bufbuild/protobuf";
import { extension, forwarding, routes, typed } from "../base.ts";
import type { Base } from "../base.ts";

const headers: JsonObject = {
  request_headers_to_add: [
    { header: { key: "a", value: "%PROTOCOL%" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD", keep_empty_value: true },
  ],
  request_headers_to_remove: ["b"],
  response_headers_to_add: [{ header: { key: "c", value: "d" }, append: false }],
  response_headers_to_remove: ["e"],
};
const share: JsonObject = { default_value: { numerator: 5, denominator: "TEN_THOUSAND" }, runtime_key: "k" };
const regex: JsonObject = { google_re2: {}, regex: "/a.*" };
const substitution: JsonObject = { pattern: { regex: "/a" }, substitution: "/b" };
const cors = typed("envoy.extensions.filters.http.cors.v3.CorsPolicy", { allow_methods: "GET" });

const headerMatchers: JsonObject[] = [
  { name: "a", string_match: { exact: "x" } },
  { name: "a", string_match: { prefix: "x", ignore_case: true } },
  { name: "a", string_match: { suffix: "x" } },
  { name: "a", string_match: { contains: "x" } },
  { name: "a", string_match: { safe_regex: { regex: "x+" } } },
  { name: "a", exact_match: "x", invert_match: true },
  { name: "a", safe_regex_match: { regex: "x+" } },
  { name: "a", range_match: { start: "1", end: "9" }, treat_missing_header_as_empty: true },
  { name: "a", present_match: true },
  { name: "a", prefix_match: "x" },
  { name: "a", suffix_match: "x" },
  { name: "a", contains_match: "x" },
];
const value = (match: JsonObject): JsonObject => ({ filter: "f", path: [{ key: "a" }, { key: "b" }], value: match, invert: true });
const metadata: JsonObject[] = [
  value({ null_match: {} }),
  value({ double_match: { range: { start: 1, end: 2 } } }),
  value({ double_match: { exact: 1.5 } }),
  value({ string_match: { exact: "x" } }),
  value({ bool_match: true }),
  value({ present_match: true }),
  value({ list_match: { one_of: { bool_match: true } } }),
  value({ or_match: { value_matchers: [{ bool_match: true }, { bool_match: false }] } }),
];

const matches: JsonObject[] = [
  { path: "/a", case_sensitive: false },
  { safe_regex: regex },
  { connect_matcher: {} },
  { path_separated_prefix: "/a" },
  { path_match_policy: extension("envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", { path_template: "/a/{b}" }) },
  { prefix: "/", runtime_fraction: share },
  ...headerMatchers.map((matcher) => ({ prefix: "/", headers: [matcher] })),
  {
    prefix: "/",
    query_parameters: [
      { name: "q", string_match: { exact: "x" } },
      { name: "q", present_match: true },
    ],
  },
  { prefix: "/", grpc: {} },
  { prefix: "/", tls_context: { presented: true, validated: true } },
  ...metadata.map((matcher) => ({ prefix: "/", dynamic_metadata: [matcher] })),
];

const key: JsonObject = { key: "ns", path: [{ key: "a" }] };
const rateLimitActions: JsonObject[] = [
  { source_cluster: {} },
  { destination_cluster: {} },
  { request_headers: { header_name: "h", descriptor_key: "k", skip_if_absent: true } },
  { remote_address: {} },
  { masked_remote_address: { v4_prefix_mask_len: 8, v6_prefix_mask_len: 16 } },
  { generic_key: { descriptor_value: "v", descriptor_key: "k" } },
  {
    header_value_match: { descriptor_key: "k", descriptor_value: "v", expect_match: false, headers: [{ name: "a", present_match: true }] },
  },
  { query_parameter_value_match: { descriptor_key: "k", descriptor_value: "v", expect_match: false, query_parameters: [{ name: "q" }] } },
  { dynamic_metadata: { descriptor_key: "k", metadata_key: key, default_value: "v" } },
  { metadata: { descriptor_key: "k", metadata_key: key, default_value: "v", source: "ROUTE_ENTRY", skip_if_absent: true } },
];
const rateLimit = (action: JsonObject): JsonObject => ({ stage: 1, disable_key: "d", actions: [action] });

const retry: JsonObject = {
  retry_on: "retriable-status-codes,retriable-headers",
  num_retries: 3,
  per_try_timeout: "2s",
  per_try_idle_timeout: "1s",
  retry_priority: extension("envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig", { update_frequency: 2 }),
  retry_host_predicate: [extension("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")],
  host_selection_retry_max_attempts: "5",
  retriable_status_codes: [503],
  retriable_headers: [{ name: "a", present_match: true }],
  retriable_request_headers: [{ name: "a", present_match: true }],
  retry_back_off: { base_interval: "0.1s", max_interval: "1s" },
  rate_limited_retry_back_off: { reset_headers: [{ name: "a", format: "UNIX_TIMESTAMP" }], max_interval: "10s" },
};
const retryHosts = (type: string, config: JsonObject = {}): Base =>
  forwarding({ retry_policy: { retry_on: "5xx", retry_host_predicate: [extension(`envoy.extensions.retry.host.${type}`, config)] } });
const redirectPolicy = (type: string, config: JsonObject = {}): Base =>
  forwarding({
    internal_redirect_policy: {
      max_internal_redirects: 2,
      redirect_response_codes: [301],
      predicates: [extension(`envoy.extensions.internal_redirect.${type}`, config)],
      allow_cross_scheme_redirect: true,
      response_headers_to_copy: ["a"],
    },
  });

const weighted: JsonObject = {
  name: "c1",
  weight: 3,
  metadata_match: { filter_metadata: { "envoy.lb": { version: "v1" } } },
  host_rewrite_literal: "h",
  typed_per_filter_config: { "envoy.filters.http.cors": cors },
  ...headers,
};

const actions: JsonObject[] = [
  { cluster: null, cluster_header: "x-cluster", cluster_not_found_response_code: "NOT_FOUND" },
  { cluster: null, weighted_clusters: { clusters: [weighted, { name: "c2", weight: 1 }], total_weight: 4, runtime_key_prefix: "k" } },
  { cluster: null, weighted_clusters: { clusters: [weighted, { cluster_header: "x", weight: 1 }], header_name: "x-which" } },
  { metadata_match: { filter_metadata: { "envoy.lb": { version: "v1" } } } },
  { prefix_rewrite: "/x" },
  { regex_rewrite: substitution },
  { host_rewrite_literal: "h", append_x_forwarded_host: true },
  { auto_host_rewrite: true },
  { host_rewrite_header: "x-host" },
  { host_rewrite_path_regex: substitution },
  { timeout: "5s", idle_timeout: "6s", max_grpc_timeout: "7s", priority: "HIGH" },
  { retry_policy: retry },
  {
    retry_policy: {
      retry_on: "5xx",
      retry_priority: extension("envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig", { update_frequency: 4 }),
    },
  },
  { max_stream_duration: { max_stream_duration: "1s", grpc_timeout_header_max: "2s", grpc_timeout_header_offset: "0.5s" } },
  { upgrade_configs: [{ upgrade_type: "websocket", enabled: false }] },
  { upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: { proxy_protocol_config: { version: "V2" }, allow_post: true } }] },
  { hash_policy: [{ header: { header_name: "a", regex_rewrite: substitution }, terminal: true }] },
  { hash_policy: [{ cookie: { name: "a", ttl: "5s", path: "/", attributes: [{ name: "n", value: "v" }] } }] },
  { hash_policy: [{ connection_properties: { source_ip: true } }] },
  { hash_policy: [{ query_parameter: { name: "q" } }] },
  { hash_policy: [{ filter_state: { key: "k" } }] },
  { request_mirror_policies: [{ cluster: "m", runtime_fraction: share, trace_sampled: false, disable_shadow_host_suffix_append: true }] },
  { request_mirror_policies: [{ cluster_header: "x" }] },
  {
    hedge_policy: { initial_requests: 1, additional_request_chance: {}, hedge_on_per_try_timeout: true },
    retry_policy: { retry_on: "5xx" },
  },
  { rate_limits: [rateLimit({ remote_address: {} })], include_vh_rate_limits: true },
  ...rateLimitActions.map((action) => ({ rate_limits: [rateLimit(action)] })),
];

export const ROUTE_BASES: readonly Base[] = [
  ...matches.map((match) => routes({ match, route: { cluster: "c" } })),
  ...actions.map((action) => forwarding(action)),
  routes({
    match: {
      path_match_policy: extension("envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", { path_template: "/a/{b}" }),
    },
    route: {
      cluster: "c",
      path_rewrite_policy: extension("envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig", {
        path_template_rewrite: "/x/{b}",
      }),
    },
  }),
  retryHosts("previous_hosts.v3.PreviousHostsPredicate"),
  retryHosts("omit_canary_hosts.v3.OmitCanaryHostsPredicate"),
  retryHosts("omit_host_metadata.v3.OmitHostMetadataConfig", { metadata_match: { filter_metadata: { "envoy.lb": { a: "b" } } } }),
  redirectPolicy("previous_routes.v3.PreviousRoutesConfig"),
  redirectPolicy("safe_cross_scheme.v3.SafeCrossSchemeConfig"),
  redirectPolicy("allow_listed_routes.v3.AllowListedRoutesConfig", { allowed_route_names: ["a"] }),
  forwarding(
    {},
    {
      name: "n",
      metadata: { filter_metadata: { istio: { a: "b" } } },
      decorator: { operation: "o", propagate: false },
      stat_prefix: "s",
      per_request_buffer_limit_bytes: 500,
      tracing: { client_sampling: share.default_value!, random_sampling: share.default_value!, overall_sampling: { numerator: 7 } },
      typed_per_filter_config: {
        "envoy.filters.http.cors": cors,
        "envoy.filters.http.fault": typed("envoy.config.route.v3.FilterConfig", { disabled: true }),
        "envoy.filters.http.csrf": typed("envoy.config.route.v3.FilterConfig", {
          config: typed("envoy.extensions.filters.http.csrf.v3.CsrfPolicy", { filter_enabled: share }),
        }),
        other: typed("envoy.config.route.v3.FilterConfig", {
          config: typed("envoy.extensions.filters.http.router.v3.Router"),
          is_optional: true,
        }),
      },
      ...headers,
    },
  ),
  routes({
    redirect: {
      https_redirect: true,
      host_redirect: "h",
      port_redirect: 81,
      path_redirect: "/p",
      response_code: "FOUND",
      strip_query: true,
    },
  }),
  routes({ redirect: { scheme_redirect: "ftp", prefix_rewrite: "/p" } }),
  routes({ redirect: { regex_rewrite: substitution } }),
  routes({ direct_response: { status: 200, body: { inline_string: "x".repeat(100) } } }, {}, { max_direct_response_body_size_bytes: 101 }),
  routes({ direct_response: { status: 204, body: { inline_string: "x" } } }),
  routes({ direct_response: { status: 200, body: { inline_bytes: "YWJj" } } }),
  routes({ direct_response: { status: 200, body: { filename: "package.json" } } }),
  routes({ direct_response: { status: 200, body: { environment_variable: "PATH" } } }),
  routes({ non_forwarding_action: {} }),
  routes({ route: { cluster: "c" } }, { request_mirror_policies: [{ cluster: "m" }] }),
  routes(
    { route: { cluster: "c" } },
    {
      require_tls: "ALL",
      per_request_buffer_limit_bytes: 600,
      retry_policy: retry,
      rate_limits: [rateLimit({ remote_address: {} })],
      hedge_policy: { hedge_on_per_try_timeout: true },
      virtual_clusters: [{ name: "vc", headers: [{ name: ":path", string_match: { prefix: "/v" } }] }],
      include_request_attempt_count: true,
      include_attempt_count_in_response: true,
      include_is_timeout_retry_header: true,
      typed_per_filter_config: { "envoy.filters.http.cors": cors },
      metadata: { filter_metadata: { a: {} } },
      ...headers,
    },
    {
      most_specific_header_mutations_wins: true,
      ignore_path_parameters_in_path_matching: true,
      request_mirror_policies: [{ cluster: "m" }],
      validate_clusters: false,
      max_direct_response_body_size_bytes: 5000,
      ignore_port_in_host_matching: true,
      typed_per_filter_config: { "envoy.filters.http.cors": cors },
      metadata: { filter_metadata: { a: {} } },
      ...headers,
    },
  ),
];
