import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const CORE_FIELDS: FieldTable = {
  "envoy.config.core.v3.Address": [honoured("src/proxy/data-plane/bootstrap.test.ts", "socket_address", "pipe")],
  "envoy.config.core.v3.CidrRange": [honoured("src/proxy/listener/filter-chain-match.test.ts", "address_prefix", "prefix_len")],
  "envoy.config.core.v3.DataSource": [
    honoured("src/proxy/admin/dump-registry.test.ts", "filename", "inline_bytes"),
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "inline_string"),
    honoured("src/proxy/transport-socket/data-source.test.ts", "environment_variable"),
  ],
  "envoy.config.core.v3.HeaderValue": [honoured("src/proxy/access-log/access-log.test.ts", "key", "value")],
  "envoy.config.core.v3.HeaderValueOption": [
    honoured("src/proxy/route/early-mutation.test.ts", "header", "append"),
    honoured("src/proxy/route/route-table.test.ts", "append_action", "keep_empty_value"),
  ],
  "envoy.config.core.v3.Locality": [
    honoured("src/proxy/cluster/cluster.test.ts", "region", "zone"),
    honoured("src/proxy/cluster/load-assignment.test.ts", "sub_zone"),
  ],
  "envoy.config.core.v3.Metadata": [honoured("src/proxy/listener/tcp-proxy.test.ts", "filter_metadata")],
  "envoy.config.core.v3.Pipe": [
    honoured("src/proxy/cluster/cluster.test.ts", "path"),
    honoured("src/proxy/net/listen-socket.test.ts", "mode"),
  ],
  "envoy.config.core.v3.RuntimeDouble": [
    honoured("src/proxy/cluster/cluster.test.ts", "default_value"),
    honoured("src/proxy/cluster/runtime-overrides.test.ts", "runtime_key"),
  ],
  "envoy.config.core.v3.RuntimeFeatureFlag": [
    honoured("src/proxy/filters/bandwidth-limit/bandwidth-limit-filter.test.ts", "runtime_key"),
    honoured("src/proxy/filters/bandwidth-limit/bandwidth-limit-filter.test.ts", "default_value"),
  ],
  "envoy.config.core.v3.RuntimeFractionalPercent": [
    honoured("src/proxy/route/route-table.test.ts", "runtime_key"),
    honoured("src/proxy/filters/cors/cors-filter.test.ts", "default_value"),
  ],
  "envoy.config.core.v3.RuntimeUInt32": [
    honoured("src/proxy/access-log/access-log.test.ts", "runtime_key"),
    honoured("src/proxy/access-log/access-log.test.ts", "default_value"),
  ],
  "envoy.config.core.v3.SocketAddress": [
    honoured("src/proxy/cluster/cluster.test.ts", "address"),
    honoured("src/proxy/data-plane/bootstrap.test.ts", "port_value"),
    harmless("TCP is what is served; UDP is refused", "protocol"),
    honoured("src/proxy/net/listen-socket.test.ts", "ipv4_compat"),
  ],
  "envoy.config.core.v3.TypedExtensionConfig": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/filters/stateful-session/stateful-session-filter.test.ts", "typed_config"),
  ],
  "envoy.config.route.v3.HeaderMatcher": [
    honoured(
      "src/matcher/header-matcher.test.ts",
      "exact_match",
      "safe_regex_match",
      "range_match",
      "present_match",
      "prefix_match",
      "suffix_match",
      "contains_match",
      "string_match",
      "invert_match",
      "treat_missing_header_as_empty",
      "name",
    ),
  ],
  "envoy.config.route.v3.QueryParameterMatcher": [honoured("src/matcher/header-matcher.test.ts", "string_match", "present_match", "name")],
  "envoy.type.matcher.v3.DoubleMatcher": [honoured("src/matcher/metadata-matcher.test.ts", "range", "exact")],
  "envoy.type.matcher.v3.FilterStateMatcher": [honoured("src/proxy/rbac/connection-rules.test.ts", "string_match", "key")],
  "envoy.type.matcher.v3.ListMatcher": [honoured("src/matcher/metadata-matcher.test.ts", "one_of")],
  "envoy.type.matcher.v3.ListStringMatcher": [honoured("src/proxy/data-plane/bootstrap-file.test.ts", "patterns")],
  "envoy.type.matcher.v3.MetadataMatcher": [
    honoured("src/matcher/metadata-matcher.test.ts", "filter", "invert"),
    honoured("src/proxy/rbac/connection-rules.test.ts", "path", "value"),
  ],
  "envoy.type.matcher.v3.MetadataMatcher.PathSegment": [honoured("src/proxy/access-log/access-log.test.ts", "key")],
  "envoy.type.matcher.v3.OrMatcher": [honoured("src/matcher/metadata-matcher.test.ts", "value_matchers")],
  "envoy.type.matcher.v3.RegexMatchAndSubstitute": [honoured("src/proxy/route/hash-policy.test.ts", "pattern", "substitution")],
  "envoy.type.matcher.v3.RegexMatcher": [
    harmless("its own limits on programs are Envoy's; RE2 is spoken in any case", "google_re2"),
    honoured("src/proxy/filters/cors/cors-filter.test.ts", "regex"),
  ],
  "envoy.type.matcher.v3.RegexMatcher.GoogleRE2": [],
  "envoy.type.matcher.v3.StringMatcher": [
    honoured("src/matcher/header-matcher.test.ts", "exact", "prefix", "suffix", "safe_regex", "contains", "ignore_case"),
  ],
  "envoy.type.matcher.v3.ValueMatcher": [
    honoured("src/matcher/metadata-matcher.test.ts", "null_match", "double_match", "bool_match", "list_match", "or_match"),
    honoured("src/matcher/header-matcher.test.ts", "string_match", "present_match"),
  ],
  "envoy.type.matcher.v3.ValueMatcher.NullMatch": [],
  "envoy.type.metadata.v3.MetadataKey": [honoured("src/proxy/route/rate-limit-actions.test.ts", "key", "path")],
  "envoy.type.metadata.v3.MetadataKey.PathSegment": [honoured("src/proxy/access-log/access-log.test.ts", "key")],
  "envoy.type.v3.DoubleRange": [honoured("src/proxy/codec/http1/request-parser.test.ts", "start", "end")],
  "envoy.type.v3.FractionalPercent": [honoured("src/proxy/filters/fault/fault-filter.test.ts", "numerator", "denominator")],
  "envoy.type.v3.HttpStatus": [honoured("src/proxy/cluster/http2-pool.test.ts", "code")],
  "envoy.type.v3.Int32Range": [honoured("src/proxy/listener/active-listener.test.ts", "start", "end")],
  "envoy.type.v3.Int64Range": [honoured("src/proxy/cluster/health/health-checker.test.ts", "start", "end")],
  "envoy.type.v3.Percent": [honoured("src/proxy/cluster/circuit-breakers.test.ts", "value")],
};
