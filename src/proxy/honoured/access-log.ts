import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const ACCESS_LOG_FIELDS: FieldTable = {
  "envoy.config.accesslog.v3.AccessLog": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/access-log/access-log.test.ts", "filter", "typed_config"),
  ],
  "envoy.config.accesslog.v3.AccessLogFilter": [
    honoured(
      "src/proxy/access-log/access-log.test.ts",
      "status_code_filter",
      "duration_filter",
      "not_health_check_filter",
      "and_filter",
      "or_filter",
      "header_filter",
      "response_flag_filter",
      "runtime_filter",
    ),
  ],
  "envoy.config.accesslog.v3.AndFilter": [honoured("src/proxy/access-log/access-log.test.ts", "filters")],
  "envoy.config.accesslog.v3.ComparisonFilter": [honoured("src/proxy/access-log/access-log.test.ts", "op", "value")],
  "envoy.config.accesslog.v3.DurationFilter": [honoured("src/proxy/access-log/access-log.test.ts", "comparison")],
  "envoy.config.accesslog.v3.HeaderFilter": [honoured("src/proxy/access-log/access-log.test.ts", "header")],
  "envoy.config.accesslog.v3.OrFilter": [honoured("src/proxy/access-log/access-log.test.ts", "filters")],
  "envoy.config.accesslog.v3.ResponseFlagFilter": [honoured("src/proxy/access-log/access-log.test.ts", "flags")],
  "envoy.config.accesslog.v3.RuntimeFilter": [
    honoured("src/proxy/access-log/access-log.test.ts", "runtime_key", "percent_sampled", "use_independent_randomness"),
  ],
  "envoy.config.accesslog.v3.StatusCodeFilter": [honoured("src/proxy/access-log/access-log.test.ts", "comparison")],
  "envoy.config.core.v3.JsonFormatOptions": [honoured("src/proxy/access-log/access-log.test.ts", "sort_properties")],
  "envoy.config.core.v3.SubstitutionFormatString": [
    honoured(
      "src/proxy/access-log/access-log.test.ts",
      "text_format",
      "json_format",
      "text_format_source",
      "omit_empty_values",
      "json_format_options",
    ),
    harmless("operators of those that are known are there without them; others are refused", "formatters"),
    honoured("src/proxy/route/local-reply-map.test.ts", "content_type"),
  ],
  "envoy.extensions.access_loggers.file.v3.FileAccessLog": [
    honoured("src/proxy/access-log/access-log.test.ts", "path", "format", "json_format", "log_format", "typed_json_format"),
  ],
  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog": [honoured("src/proxy/access-log/access-log.test.ts", "log_format")],
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog": [honoured("src/proxy/access-log/access-log.test.ts", "log_format")],
  "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery": [],
};
