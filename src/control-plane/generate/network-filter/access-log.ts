// The file access log that MeshConfig asks for, with Istio's default line and fields.
import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { AccessLogSchema, type AccessLog, type AccessLogFilterSchema } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { TypedExtensionConfigSchema, type TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import type { SubstitutionFormatStringSchema as FormatSchema } from "#envoy/gen/envoy/config/core/v3/substitution_format_string_pb";
import { FileAccessLogSchema } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import { ReqWithoutQuerySchema } from "#envoy/gen/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { pack } from "#envoy/any";

const DEFAULT_TEXT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% ' +
  '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ' +
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% ' +
  "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

const DEFAULT_JSON: JsonObject = {
  start_time: "%START_TIME%",
  route_name: "%ROUTE_NAME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
};

/** Of requests, and of connections that are not HTTP. Empty when MeshConfig names no file. */
export function accessLogs(config: MeshConfigSpec): AccessLog[] {
  return fileAccessLogs(config);
}

/** Of a listener with a socket of its own: connections that no filter chain takes, which nobody else would write down. */
export function listenerAccessLogs(config: MeshConfigSpec): AccessLog[] {
  if (config.disableEnvoyListenerLog === true) return [];
  return fileAccessLogs(config, { filterSpecifier: { case: "responseFlagFilter", value: { flags: ["NR"] } } });
}

function fileAccessLogs(config: MeshConfigSpec, filter?: MessageInitShape<typeof AccessLogFilterSchema>): AccessLog[] {
  const path = config.accessLogFile ?? "";
  if (path === "") return [];
  const file = create(FileAccessLogSchema, {
    path,
    accessLogFormat: {
      case: "logFormat",
      value: logFormat(config),
    },
  });
  return [
    create(AccessLogSchema, {
      name: "envoy.access_loggers.file",
      ...(filter === undefined ? {} : { filter }),
      configType: { case: "typedConfig", value: pack(FileAccessLogSchema, file) },
    }),
  ];
}

function logFormat({ accessLogEncoding, accessLogFormat: format = "" }: MeshConfigSpec): MessageInitShape<typeof FormatSchema> {
  if (accessLogEncoding === "JSON") {
    const fields = jsonFields(format);
    const texts = Object.values(fields).filter((value) => typeof value === "string");
    return { format: { case: "jsonFormat", value: fields }, jsonFormatOptions: {}, formatters: formattersOf(texts) };
  }
  const line = textLine(format);
  return {
    format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: line } } },
    formatters: formattersOf([line]),
  };
}

const REQ_WITHOUT_QUERY = create(TypedExtensionConfigSchema, {
  name: "envoy.formatter.req_without_query",
  typedConfig: pack(ReqWithoutQuerySchema, create(ReqWithoutQuerySchema)),
});

/** Operators that Envoy knows only with an extension. */
function formattersOf(texts: readonly string[]): TypedExtensionConfig[] {
  return texts.some((text) => text.includes("%REQ_WITHOUT_QUERY(")) ? [REQ_WITHOUT_QUERY] : [];
}

function textLine(format: string): string {
  if (format === "") return DEFAULT_TEXT;
  return format.endsWith("\n") ? format : `${format}\n`;
}

/** A format that is no JSON object falls back to the default fields, as in istiod: a log in another form beats none. */
function jsonFields(format: string): JsonObject {
  if (format === "") return DEFAULT_JSON;
  try {
    const fields: unknown = JSON.parse(format);
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return fields as JsonObject;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return DEFAULT_JSON;
}
