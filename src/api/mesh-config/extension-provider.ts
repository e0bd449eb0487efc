// Services outside the proxies that MeshConfig gives a name: authorizers, trace collectors, log sinks.
import {
  bool,
  duration,
  enumeration,
  field,
  int32,
  int64,
  json,
  map,
  message,
  repeated,
  string,
  uint32,
  type Decoded,
} from "#api/declaration";

const nothing = message("Empty", {});

const service = {
  service: field(string, "The service: [namespace/]host"),
  port: field(uint32, "The service's port"),
};

const tag = { maxTagLength: field(uint32, "How much of the path a span keeps") };

const httpHeader = message(
  "HttpHeader",
  {
    name: field(string, "The header's name"),
    value: field(string, "The header's value"),
    envName: field(string, "An environment variable with the value"),
  },
  [["value", "envName"]],
);

const httpService = message("HttpService", {
  path: field(string, "The path of the calls"),
  timeout: field(duration, "The time that a call may take"),
  headers: field(repeated(httpHeader), "Headers of the calls"),
});

const grpcService = message("GrpcService", {
  timeout: field(duration, "The time that a call may take"),
  initialMetadata: field(repeated(httpHeader), "Metadata of the calls"),
});

const checkRequestBody = message("EnvoyExternalAuthorizationRequestBody", {
  maxRequestBytes: field(uint32, "How much of the body is sent at most"),
  allowPartialMessage: field(bool, "Whether a longer body is cut instead of refused"),
  packAsBytes: field(bool, "Whether the body is sent as bytes"),
});

const extAuthz = {
  ...service,
  timeout: field(duration, "The time that a check may take"),
  failOpen: field(bool, "Whether requests pass when the check fails"),
  clearRouteCache: field(bool, "Whether the route is chosen anew after the check"),
  statusOnError: field(string, "The status when the check fails"),
  includeRequestBodyInCheck: field(checkRequestBody, "Whether and how the body is sent along"),
};

const envoyExtAuthzHttp = message("EnvoyExternalAuthorizationHttpProvider", {
  ...extAuthz,
  pathPrefix: field(string, "What the path of the check begins with"),
  includeHeadersInCheck: field(repeated(string), "Headers that are sent along; includeRequestHeadersInCheck replaces it"),
  includeRequestHeadersInCheck: field(repeated(string), "Headers that are sent along"),
  includeAdditionalHeadersInCheck: field(map(string), "Fixed headers of the check"),
  headersToUpstreamOnAllow: field(repeated(string), "Headers of the check that the request takes on"),
  headersToDownstreamOnDeny: field(repeated(string), "Headers of the check that a refused caller gets"),
  headersToDownstreamOnAllow: field(repeated(string), "Headers of the check that an admitted caller gets"),
});

const zipkin = message("ZipkinTracingProvider", {
  ...service,
  ...tag,
  enable64bitTraceId: field(bool, "Whether trace ids are short"),
  path: field(string, "The path of the collector"),
  traceContextOption: field(enumeration(["USE_B3", "USE_B3_WITH_W3C_PROPAGATION"]), "Which headers carry the trace"),
  timeout: field(duration, "The time that a report may take"),
  headers: field(repeated(httpHeader), "Headers of the reports"),
});

const lightstep = message("LightstepTracingProvider", { ...service, ...tag, accessToken: field(string, "The access token") });

const stackdriver = message("StackdriverProvider", {
  ...tag,
  debug: field(bool, "Whether spans are printed"),
  maxNumberOfAttributes: field(int64, "Attributes of a span at most"),
  maxNumberOfAnnotations: field(int64, "Annotations of a span at most"),
  maxNumberOfMessageEvents: field(int64, "Message events of a span at most"),
  logging: field(message("Logging", { labels: field(map(string), "Labels of log entries") }), "How logs are written"),
});

const traceContext = enumeration(["UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3"]);

const opencensus = message("OpenCensusAgentTracingProvider", {
  ...service,
  ...tag,
  context: field(repeated(traceContext), "Which headers carry the trace"),
});

const opentelemetry = message("OpenTelemetryTracingProvider", {
  ...service,
  ...tag,
  http: field(httpService, "Reports over HTTP"),
  grpc: field(grpcService, "Reports over gRPC"),
  resourceDetectors: field(
    message("ResourceDetectors", {
      environment: field(nothing, "From an environment variable"),
      dynatrace: field(nothing, "From Dynatrace's files"),
    }),
    "Where attributes of the resource come from",
  ),
  serviceAttributeEnrichment: field(enumeration(["ISTIO_CANONICAL", "OTEL_SEMANTIC_CONVENTIONS"]), "How services are named"),
  dynatraceSampler: field(
    message("DynatraceSampler", {
      tenant: field(string, "The tenant"),
      clusterId: field(int32, "The cluster's id"),
      rootSpansPerMinute: field(uint32, "Root spans a minute"),
      httpService: field(
        message("DynatraceApi", { ...service, http: field(httpService, "How it is called") }),
        "Where sampling is asked for",
      ),
    }),
    "Sampling by Dynatrace",
  ),
});

const logFormat = message(
  "LogFormat",
  { text: field(string, "A line with command operators"), labels: field(json, "Fields whose values are command operators") },
  [["text", "labels"]],
);

const logName = {
  logName: field(string, "The log's name"),
  filterStateObjectsToLog: field(repeated(string), "Filter state that is logged"),
};

const otelLogFormat = message("LogFormat", {
  text: field(string, "The body, with command operators"),
  labels: field(json, "Attributes whose values are command operators"),
});

export const extensionProvider = message(
  "ExtensionProvider",
  {
    name: field(string, "What other resources call it"),
    envoyExtAuthzHttp: field(envoyExtAuthzHttp, "An authorizer over HTTP"),
    envoyExtAuthzGrpc: field(message("EnvoyExternalAuthorizationGrpcProvider", extAuthz), "An authorizer over gRPC"),
    zipkin: field(zipkin, "A Zipkin collector"),
    lightstep: field(lightstep, "A Lightstep collector"),
    datadog: field(message("DatadogTracingProvider", { ...service, ...tag }), "A Datadog agent"),
    stackdriver: field(stackdriver, "Stackdriver"),
    opencensus: field(opencensus, "An OpenCensus agent"),
    skywalking: field(
      message("SkyWalkingTracingProvider", { ...service, accessToken: field(string, "The access token") }),
      "A SkyWalking collector",
    ),
    opentelemetry: field(opentelemetry, "An OpenTelemetry collector"),
    prometheus: field(nothing, "Prometheus metrics"),
    envoyFileAccessLog: field(
      message("EnvoyFileAccessLogProvider", {
        path: field(string, "The file"),
        logFormat: field(logFormat, "The form of an entry"),
        omitEmptyValues: field(bool, "Whether empty values are left out"),
      }),
      "An access log in a file",
    ),
    envoyHttpAls: field(
      message("EnvoyHttpGrpcV3LogProvider", {
        ...service,
        ...logName,
        additionalRequestHeadersToLog: field(repeated(string), "Request headers that are logged"),
        additionalResponseHeadersToLog: field(repeated(string), "Response headers that are logged"),
        additionalResponseTrailersToLog: field(repeated(string), "Response trailers that are logged"),
      }),
      "An access log service for HTTP",
    ),
    envoyTcpAls: field(message("EnvoyTcpGrpcV3LogProvider", { ...service, ...logName }), "An access log service for TCP"),
    envoyOtelAls: field(
      message("EnvoyOpenTelemetryLogProvider", {
        ...service,
        logName: field(string, "The log's name"),
        logFormat: field(otelLogFormat, "The form of an entry"),
      }),
      "An access log over OpenTelemetry",
    ),
    sds: field(message("SDSProvider", { ...service, name: field(string, "The provider's name") }), "A service that hands out secrets"),
  },
  [
    [
      "envoyExtAuthzHttp",
      "envoyExtAuthzGrpc",
      "zipkin",
      "lightstep",
      "datadog",
      "stackdriver",
      "opencensus",
      "skywalking",
      "opentelemetry",
      "prometheus",
      "envoyFileAccessLog",
      "envoyHttpAls",
      "envoyTcpAls",
      "envoyOtelAls",
      "sds",
    ],
  ],
);
export type ExtensionProvider = Decoded<typeof extensionProvider>;
