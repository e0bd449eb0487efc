// Listeners, network and HTTP filters, connection managers, access logs.
import type { JsonObject } from "@bufbuild/protobuf";
import {
  connectionManager,
  extension,
  httpFilter,
  listener,
  over,
  ROUTER,
  routes,
  socketAddress,
  typed,
  UPSTREAM_FILTERS,
} from "../base.ts";
import type { Base } from "../base.ts";

const share: JsonObject = { default_value: { numerator: 5, denominator: "TEN_THOUSAND" }, runtime_key: "k" };
const flag: JsonObject = { default_value: false, runtime_key: "k" };
const bucket: JsonObject = { max_tokens: 5, tokens_per_fill: 2, fill_interval: "1s" };
const hundred: JsonObject = { numerator: 100 };
const addHeader: JsonObject = { header: { key: "a", value: "b" }, append_action: "ADD_IF_ABSENT" };
const network = (name: string): string => `envoy.extensions.filters.network.${name}`;
const filter = (name: string): string => `envoy.extensions.filters.http.${name}`;
const echo = extension(network("echo.v3.Echo"));
const before = (name: string, config: JsonObject = {}): Base => listener([extension(network(name), config), echo]);

const formats: JsonObject[] = [
  { text_format: "%PROTOCOL%", omit_empty_values: true },
  {
    text_format_source: { inline_string: "%PROTOCOL%" },
    formatters: [extension("envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery")],
  },
  { json_format: { b: "%PROTOCOL%", a: "%DURATION%" }, json_format_options: { sort_properties: true } },
];
const FILE = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
const file = (config: JsonObject = {}): JsonObject => extension(FILE, { path: "/tmp/log", ...config });
const comparison: JsonObject = { comparison: { op: "GE", value: { default_value: 400, runtime_key: "k" } } };
const logFilters: JsonObject[] = [
  { status_code_filter: comparison },
  { duration_filter: comparison },
  { status_code_filter: { comparison: { op: "LE", value: { default_value: 9 } } } },
  { duration_filter: { comparison: { op: "LE", value: { default_value: 9 } } } },
  { not_health_check_filter: {} },
  { and_filter: { filters: [{ status_code_filter: comparison }, { not_health_check_filter: {} }] } },
  { or_filter: { filters: [{ status_code_filter: comparison }, { duration_filter: comparison }] } },
  { header_filter: { header: { name: "a", present_match: true } } },
  { response_flag_filter: { flags: ["UH"] } },
  { runtime_filter: { runtime_key: "k", percent_sampled: { numerator: 5 }, use_independent_randomness: false } },
];
const logs: JsonObject[] = [
  file({ format: "%PROTOCOL%" }),
  file({ json_format: { a: "%PROTOCOL%" } }),
  file({ typed_json_format: { a: "%PROTOCOL%" } }),
  ...formats.map((format) => file({ log_format: format })),
  ...["StdoutAccessLog", "StderrAccessLog"].map((name) =>
    extension(`envoy.extensions.access_loggers.stream.v3.${name}`, { log_format: { text_format: "%PROTOCOL%" } }),
  ),
  ...logFilters.map((one) => ({ ...file(), filter: one })),
];

const any: JsonObject = { any: true };
const range: JsonObject = { address_prefix: "10.0.0.0", prefix_len: 8 };
const permissions: JsonObject[] = [
  any,
  { and_rules: { rules: [any, { destination_port: 80 }] } },
  { or_rules: { rules: [any, { destination_port: 80 }] } },
  { destination_ip: range },
  { destination_port_range: { start: 1, end: 9 } },
  { not_rule: { destination_port: 80 } },
  { requested_server_name: { exact: "a" } },
  { metadata: { filter: "f", path: [{ key: "k" }], value: { bool_match: true } } },
];
const principals: JsonObject[] = [
  any,
  { and_ids: { ids: [any, { source_ip: range }] } },
  { or_ids: { ids: [any, { source_ip: range }] } },
  { authenticated: { principal_name: { exact: "a" } } },
  { direct_remote_ip: range },
  { remote_ip: range },
  { filter_state: { key: "k", string_match: { exact: "a" } } },
  { not_id: { source_ip: range } },
];
const rules = (permission: JsonObject, principal: JsonObject): JsonObject => ({
  action: "DENY",
  policies: { p: { permissions: [permission], principals: [principal] } },
});

const tcp = (config: JsonObject): Base =>
  listener([extension(network("tcp_proxy.v3.TcpProxy"), over({ stat_prefix: "t", cluster: "c" }, config))]);
const filterState: JsonObject = {
  object_key: "k",
  factory_key: "envoy.string",
  format_string: { text_format_source: { inline_string: "%PROTOCOL%" } },
  read_only: true,
  skip_if_empty: true,
};
const listenerFilter = (name: string, config: JsonObject = {}): JsonObject =>
  extension(`envoy.extensions.filters.listener.${name}`, config);
const port = (start: number): JsonObject => ({ destination_port_range: { start, end: 99 } });
const inspector = listenerFilter("tls_inspector.v3.TlsInspector", { enable_ja3_fingerprinting: true });

const option: JsonObject = { description: "d", level: "1", name: "6", int_value: "1", state: "STATE_BOUND" };

const LISTENERS: readonly Base[] = [
  listener([echo], {
    socket_options: [option],
    additional_addresses: [{ address: socketAddress(8081), socket_options: { socket_options: [{ ...option, int_value: "0" }] } }],
  }),
  listener([echo], { socket_options: [{ level: "1", name: "6", buf_value: "AQAAAA==" }] }),
  listener([echo], { address: { socket_address: { address: "::", port_value: 8080, ipv4_compat: true } } }),
  listener([echo], {
    additional_addresses: [{ address: socketAddress(8081) }],
    stat_prefix: "s",
    traffic_direction: "INBOUND",
    per_connection_buffer_limit_bytes: 5000,
    bind_to_port: false,
    use_original_dst: true,
    listener_filters_timeout: "1s",
    continue_on_listener_filters_timeout: true,
    default_filter_chain: { filters: [echo] },
    access_log: [file()],
    metadata: { filter_metadata: {} },
    drain_type: "MODIFY_ONLY",
    connection_balance_config: { exact_balance: {} },
    enable_reuse_port: true,
    tcp_backlog_size: 5,
    max_connections_to_accept_per_socket_event: 5,
    filter_chains: [
      {
        name: "n",
        filter_chain_match: {
          destination_port: 80,
          prefix_ranges: [range],
          direct_source_prefix_ranges: [range],
          source_type: "EXTERNAL",
          source_prefix_ranges: [range],
          source_ports: [1],
          server_names: ["a.example"],
          transport_protocol: "tls",
          application_protocols: ["h2"],
        },
        filters: [echo],
        transport_socket_connect_timeout: "1s",
        metadata: { filter_metadata: {} },
      },
    ],
  }),
  ...[
    { or_match: { rules: [port(1), port(2)] } },
    { and_match: { rules: [port(1), port(2)] } },
    { not_match: port(1) },
    { any_match: true },
    port(1),
  ].map((filter_disabled) => listener([echo], { listener_filters: [{ ...inspector, filter_disabled }] })),
  listener([echo], {
    listener_filters: [listenerFilter("http_inspector.v3.HttpInspector"), listenerFilter("original_dst.v3.OriginalDst")],
  }),
  listener([echo], {
    listener_filters: [
      listenerFilter("proxy_protocol.v3.ProxyProtocol", {
        allow_requests_without_proxy_protocol: true,
        disallowed_versions: ["V1"],
        stat_prefix: "p",
        rules: [{ tlv_type: 2, on_tlv_present: { metadata_namespace: "n", key: "k" } }],
        pass_through_tlvs: { match_type: "INCLUDE", tlv_type: [5] },
      }),
    ],
  }),
  ...permissions.map((permission) =>
    before("rbac.v3.RBAC", {
      stat_prefix: "r",
      rules: rules(permission, any),
      shadow_rules: rules(any, any),
      shadow_rules_stat_prefix: "s",
    }),
  ),
  ...principals.map((principal) => before("rbac.v3.RBAC", { stat_prefix: "r", rules: rules(any, principal) })),
  before("set_filter_state.v3.Config", { on_new_connection: [filterState] }),
  before("sni_cluster.v3.SniCluster"),
  before("connection_limit.v3.ConnectionLimit", { stat_prefix: "c", max_connections: "5", delay: "1s", runtime_enabled: flag }),
  before("local_ratelimit.v3.LocalRateLimit", { stat_prefix: "c", token_bucket: bucket, runtime_enabled: flag }),
  listener([extension(network("direct_response.v3.Config"), { response: { inline_string: "x" } })]),
  tcp({
    idle_timeout: "5s",
    max_downstream_connection_duration: "6s",
    hash_policy: [{ source_ip: {} }],
    max_connect_attempts: 3,
    metadata_match: { filter_metadata: { "envoy.lb": { a: "b" } } },
    access_log: [file()],
    access_log_options: { access_log_flush_interval: "1s", flush_access_log_on_connected: true },
  }),
  tcp({ hash_policy: [{ filter_state: { key: "k" } }] }),
  tcp({ access_log_flush_interval: "1s", flush_access_log_on_connected: true }),
  tcp({
    cluster: null,
    weighted_clusters: {
      clusters: [
        { name: "a", weight: 1, metadata_match: { filter_metadata: { "envoy.lb": { a: "b" } } } },
        { name: "b", weight: 2 },
      ],
    },
  }),
  tcp({
    tunneling_config: {
      hostname: "h:1",
      use_post: true,
      post_path: "/p",
      headers_to_add: [addHeader],
      propagate_response_headers: true,
      propagate_response_trailers: true,
    },
  }),
  tcp({ tunneling_config: { hostname: "h:1", use_post: true } }),
  ...logs.map((log) => listener([echo], { access_log: [log] })),
];

const manager = (config: JsonObject): Base => listener([connectionManager(config)]);
const HCM: readonly Base[] = [
  manager({
    access_log: [file()],
    access_log_options: { access_log_flush_interval: "2s", flush_access_log_on_new_request: true },
    append_local_overload: true,
    internal_address_config: { unix_sockets: true },
  }),
  manager({ access_log: [file()], access_log_flush_interval: "3s", flush_access_log_on_new_request: true }),
  manager({
    codec_type: "HTTP2",
    tracing: { client_sampling: { value: 1 }, verbose: true },
    common_http_protocol_options: {
      idle_timeout: "5s",
      max_connection_duration: "6s",
      max_headers_count: 50,
      max_stream_duration: "7s",
      headers_with_underscores_action: "REJECT_REQUEST",
      max_requests_per_connection: 9,
    },
    http_protocol_options: {
      allow_absolute_url: false,
      accept_http_10: true,
      default_host_for_http_10: "h",
      header_key_format: {
        stateful_formatter: extension("envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"),
      },
      enable_trailers: true,
      use_balsa_parser: true,
      override_stream_error_on_invalid_http_message: true,
    },
    http2_protocol_options: { hpack_table_size: 100, stream_error_on_invalid_http_messaging: true },
    server_name: "s",
    server_header_transformation: "PASS_THROUGH",
    scheme_header_transformation: { scheme_to_overwrite: "https" },
    max_request_headers_kb: 30,
    stream_idle_timeout: "8s",
    request_timeout: "9s",
    request_headers_timeout: "10s",
    drain_timeout: "11s",
    delayed_close_timeout: "12s",
    access_log: [file()],
    use_remote_address: true,
    xff_num_trusted_hops: 2,
    internal_address_config: { cidr_ranges: [range] },
    skip_xff_append: true,
    via: "v",
    generate_request_id: false,
    preserve_external_request_id: true,
    always_set_request_id_in_response: true,
    forward_client_cert_details: "SANITIZE_SET",
    set_current_client_cert_details: { subject: true, cert: true, chain: true, dns: true, uri: true },
    proxy_100_continue: true,
    upgrade_configs: [{ upgrade_type: "websocket", enabled: false }],
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: "REJECT_REQUEST",
    request_id_extension: { typed_config: typed("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig") },
    strip_matching_host_port: true,
    strip_trailing_host_dot: true,
    append_x_forwarded_port: true,
    early_header_mutation_extensions: [
      extension("envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", {
        mutations: [{ remove: "a" }, { append: addHeader }],
      }),
    ],
    local_reply_config: {
      mappers: [
        { filter: { status_code_filter: comparison }, status_code: 500, body: { inline_string: "x" }, headers_to_add: [addHeader] },
      ],
    },
  }),
  manager({
    local_reply_config: { body_format: { text_format_source: { inline_string: "%LOCAL_REPLY_BODY%" }, content_type: "text/html" } },
  }),
  manager({ stream_error_on_invalid_http_message: true, strip_any_host_port: true }),
  manager({ route_config: { name: "other", virtual_hosts: [] } }),
  manager({ forward_client_cert_details: "APPEND_FORWARD", set_current_client_cert_details: {} }),
  manager({ http2_protocol_options: { override_stream_error_on_invalid_http_message: true } }),
  ...[
    extension("envoy.extensions.http.original_ip_detection.xff.v3.XffConfig", { xff_num_trusted_hops: 2 }),
    extension("envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig", {
      header_name: "x",
      allow_extension_to_set_address_as_trusted: true,
    }),
  ].map((one) => manager({ original_ip_detection_extensions: [one] })),
  ...[
    { ads: {} },
    { path: "/tmp/rds" },
    { path_config_source: { path: "/tmp/rds", watched_directory: { path: "/tmp" } } },
    { api_config_source: { api_type: "DELTA_GRPC", grpc_services: [{ envoy_grpc: { cluster_name: "c" } }] } },
  ].map((config_source) => manager({ route_config: null, rds: { config_source, route_config_name: "r" } })),
  listener([
    connectionManager({
      http_filters: [
        { ...extension(filter("buffer.v3.Buffer"), { max_request_bytes: 5 }), disabled: true },
        { ...extension("udpa.type.v1.TypedStruct"), is_optional: true },
        ROUTER,
      ],
    }),
  ]),
];

const gzip = extension("envoy.extensions.compression.gzip.compressor.v3.Gzip", {
  memory_level: 3,
  compression_level: "BEST_SPEED",
  compression_strategy: "FILTERED",
  window_bits: 10,
  chunk_size: 5000,
});
const libraries: JsonObject[] = [
  gzip,
  extension("envoy.extensions.compression.brotli.compressor.v3.Brotli", {
    quality: 5,
    encoder_mode: "TEXT",
    window_bits: 12,
    input_block_bits: 20,
    chunk_size: 5000,
    disable_literal_context_modeling: true,
  }),
  extension("envoy.extensions.compression.zstd.compressor.v3.Zstd", {
    compression_level: 5,
    enable_checksum: true,
    strategy: "FAST",
    chunk_size: 5000,
  }),
];
const decompressors: JsonObject[] = [
  extension("envoy.extensions.compression.gzip.decompressor.v3.Gzip", { window_bits: 12, chunk_size: 5000, max_inflate_ratio: 50 }),
  extension("envoy.extensions.compression.brotli.decompressor.v3.Brotli", { chunk_size: 5000 }),
  extension("envoy.extensions.compression.zstd.decompressor.v3.Zstd", { chunk_size: 5000 }),
];
const direction: JsonObject = { enabled: flag, min_content_length: 50, content_type: ["a/b"] };
const perRoute = (name: string, type: string, config: JsonObject): Base =>
  routes({ route: { cluster: "c" }, typed_per_filter_config: { [`envoy.filters.http.${name}`]: typed(filter(type), config) } });
const pair: JsonObject = { metadata_namespace: "n", key: "k", value: "v", type: "NUMBER", encode: "BASE64" };
const session = (type: string, config: JsonObject): JsonObject => ({
  session_state: extension(`envoy.extensions.http.stateful_session.${type}`, config),
  strict: true,
});
const cookieSession = session("cookie.v3.CookieBasedSessionState", { cookie: { name: "c", ttl: "5s", path: "/" } });
const delay: JsonObject = { fixed_delay: "1s", percentage: hundred };

const HTTP_FILTERS: readonly Base[] = [
  manager({
    http_filters: [
      extension(filter("router.v3.Router"), {
        suppress_envoy_headers: true,
        dynamic_stats: true,
        respect_expected_rq_timeout: true,
        upstream_http_filters: UPSTREAM_FILTERS,
      }),
    ],
  }),
  httpFilter(filter("cors.v3.Cors")),
  perRoute("cors", "cors.v3.CorsPolicy", {
    allow_origin_string_match: [{ exact: "a" }],
    allow_methods: "GET",
    allow_headers: "a",
    expose_headers: "b",
    max_age: "5",
    allow_credentials: true,
    filter_enabled: { default_value: { numerator: 7 } },
    shadow_enabled: share,
    allow_private_network_access: true,
    forward_not_matching_preflights: false,
  }),
  httpFilter(filter("csrf.v3.CsrfPolicy"), { filter_enabled: share, shadow_enabled: share, additional_origins: [{ exact: "a" }] }),
  httpFilter(filter("buffer.v3.Buffer"), { max_request_bytes: 100 }),
  perRoute("buffer", "buffer.v3.BufferPerRoute", { disabled: true }),
  perRoute("buffer", "buffer.v3.BufferPerRoute", { buffer: { max_request_bytes: 5 } }),
  httpFilter(filter("basic_auth.v3.BasicAuth"), {
    users: { inline_string: "u:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=" },
    forward_username_header: "x-user",
  }),
  perRoute("basic_auth", "basic_auth.v3.BasicAuthPerRoute", { users: { inline_string: "w:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=" } }),
  httpFilter(filter("bandwidth_limit.v3.BandwidthLimit"), {
    stat_prefix: "b",
    enable_mode: "REQUEST_AND_RESPONSE",
    limit_kbps: "5",
    fill_interval: "0.1s",
    runtime_enabled: { default_value: true, runtime_key: "k" },
    enable_response_trailers: true,
    response_trailer_prefix: "p",
  }),
  ...libraries.map((library) =>
    httpFilter(filter("compressor.v3.Compressor"), {
      compressor_library: library,
      request_direction_config: { common_config: direction },
      response_direction_config: { common_config: direction, disable_on_etag_header: true, remove_accept_encoding_header: true },
      choose_first: true,
    }),
  ),
  httpFilter(filter("compressor.v3.Compressor"), {
    compressor_library: gzip,
    content_length: 50,
    content_type: ["a/b"],
    disable_on_etag_header: true,
    remove_accept_encoding_header: true,
    runtime_enabled: flag,
  }),
  perRoute("compressor", "compressor.v3.CompressorPerRoute", { disabled: true }),
  perRoute("compressor", "compressor.v3.CompressorPerRoute", {
    overrides: { response_direction_config: { remove_accept_encoding_header: true } },
  }),
  ...decompressors.map((library) =>
    httpFilter(filter("decompressor.v3.Decompressor"), {
      decompressor_library: library,
      request_direction_config: { common_config: { enabled: flag, ignore_no_transform_header: true }, advertise_accept_encoding: false },
      response_direction_config: { common_config: { enabled: flag, ignore_no_transform_header: true } },
    }),
  ),
  httpFilter(filter("fault.v3.HTTPFault"), {
    delay,
    abort: { http_status: 503, percentage: hundred },
    upstream_cluster: "c",
    headers: [{ name: "a", present_match: true }],
    downstream_nodes: ["n"],
    max_active_faults: 5,
    response_rate_limit: { fixed_limit: { limit_kbps: "5" }, percentage: hundred },
  }),
  httpFilter(filter("fault.v3.HTTPFault"), {
    delay: { header_delay: {} },
    abort: { header_abort: {} },
    response_rate_limit: { header_limit: {} },
  }),
  httpFilter(filter("fault.v3.HTTPFault"), { abort: { grpc_status: 5, percentage: hundred } }),
  httpFilter(filter("grpc_stats.v3.FilterConfig"), {
    individual_method_stats_allowlist: { services: [{ name: "s", method_names: ["m"] }] },
    enable_upstream_stats: true,
  }),
  httpFilter(filter("grpc_stats.v3.FilterConfig"), { stats_for_all_methods: true, replace_dots_in_grpc_service_name: true }),
  httpFilter(filter("grpc_web.v3.GrpcWeb")),
  httpFilter(filter("header_mutation.v3.HeaderMutation"), {
    mutations: { request_mutations: [{ remove: "a" }], response_mutations: [{ append: addHeader }] },
    most_specific_header_mutations_wins: true,
  }),
  perRoute("header_mutation", "header_mutation.v3.HeaderMutationPerRoute", { mutations: { request_mutations: [{ remove: "a" }] } }),
  httpFilter(filter("header_to_metadata.v3.Config"), {
    request_rules: [
      { header: "h", on_header_present: pair, on_header_missing: { ...pair, value: "w" }, remove: true },
      { cookie: "c", on_header_present: { key: "k", regex_value_rewrite: { pattern: { regex: "a" }, substitution: "b" } } },
    ],
    response_rules: [{ header: "h", on_header_present: pair }],
  }),
  httpFilter(filter("health_check.v3.HealthCheck"), {
    pass_through_mode: false,
    cluster_min_healthy_percentages: { c: { value: 50 } },
    headers: [{ name: ":path", string_match: { exact: "/h" } }],
  }),
  httpFilter(filter("health_check.v3.HealthCheck"), { pass_through_mode: false }),
  httpFilter(filter("health_check.v3.HealthCheck"), { pass_through_mode: true, cache_time: "5s" }),
  httpFilter(filter("local_ratelimit.v3.LocalRateLimit"), {
    stat_prefix: "l",
    status: { code: "Conflict" },
    token_bucket: bucket,
    filter_enabled: share,
    filter_enforced: share,
    request_headers_to_add_when_not_enforced: [addHeader],
    response_headers_to_add: [addHeader],
    descriptors: [{ entries: [{ key: "k", value: "v" }], token_bucket: { max_tokens: 5, tokens_per_fill: 2, fill_interval: "2s" } }],
    stage: 2,
    local_rate_limit_per_downstream_connection: true,
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    vh_rate_limits: "INCLUDE",
    always_consume_default_token_bucket: false,
    rate_limited_as_resource_exhausted: true,
  }),
  httpFilter(filter("on_demand.v3.OnDemand")),
  perRoute("on_demand", "on_demand.v3.PerRouteConfig", {}),
  httpFilter(filter("set_filter_state.v3.Config"), { on_request_headers: [filterState] }),
  httpFilter(filter("set_metadata.v3.Config"), {
    metadata_namespace: "n",
    value: { a: 1 },
    metadata: [{ metadata_namespace: "m", allow_overwrite: true, value: { b: 2 } }],
  }),
  httpFilter(filter("stateful_session.v3.StatefulSession"), cookieSession),
  httpFilter(filter("stateful_session.v3.StatefulSession"), session("header.v3.HeaderBasedSessionState", { name: "h" })),
  perRoute("stateful_session", "stateful_session.v3.StatefulSessionPerRoute", { disabled: true }),
  perRoute("stateful_session", "stateful_session.v3.StatefulSessionPerRoute", {
    stateful_session: session("cookie.v3.CookieBasedSessionState", { cookie: { name: "d" } }),
  }),
];

export const LISTENER_BASES: readonly Base[] = [...LISTENERS, ...HCM, ...HTTP_FILTERS];
