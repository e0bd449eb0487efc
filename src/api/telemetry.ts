// Telemetry: which metrics, spans and access logs proxies make.
import {
  bool,
  duration,
  enumeration,
  field,
  limited,
  map,
  message,
  number,
  repeated,
  required,
  string,
  wrapped,
  type Decoded,
} from "./declaration.ts";
import { oneSelector, policySelection } from "./selector.ts";

const filled = limited(string, { minLength: 1 });
const workloadMode = enumeration(["CLIENT_AND_SERVER", "CLIENT", "SERVER"]);
const providers = repeated(message("ProviderRef", { name: required(filled, "Its name in MeshConfig") }));

const customTag = message(
  "CustomTag",
  {
    literal: field(message("Literal", { value: required(filled, "The value") }), "A fixed value"),
    environment: field(
      message("Environment", {
        name: required(filled, "The variable's name"),
        defaultValue: field(string, "The value where it is missing"),
      }),
      "A variable of the proxy's environment",
    ),
    header: field(
      message("RequestHeader", {
        name: required(filled, "The header's name"),
        defaultValue: field(string, "The value where it is missing"),
      }),
      "A request header",
    ),
    formatter: field(
      message("Formatter", { value: required(filled, "Text with command operators") }),
      "Text with Envoy's command operators",
    ),
  },
  [["literal", "environment", "header", "formatter"]],
);

const tracing = message("Tracing", {
  match: field(message("TracingSelector", { mode: field(workloadMode, "As caller, as called, or both") }), "What it is for"),
  providers: field(providers, "Where spans go"),
  randomSamplingPercentage: field(
    wrapped(limited(number, { minimum: 0, maximum: 100 })),
    "Share of the requests that are traced, in percent",
  ),
  disableSpanReporting: field(wrapped(bool), "Whether no spans are made"),
  customTags: field(map(customTag), "More tags of each span"),
  useRequestIdForTraceSampling: field(wrapped(bool), "Whether x-request-id decides about sampling"),
  enableIstioTags: field(wrapped(bool), "Whether spans bear Istio's tags"),
  disableContextPropagation: field(wrapped(bool), "Whether trace headers are not handed on"),
});
export type Tracing = Decoded<typeof tracing>;

const metricSelector = message(
  "MetricSelector",
  {
    metric: field(
      enumeration([
        "ALL_METRICS",
        "REQUEST_COUNT",
        "REQUEST_DURATION",
        "REQUEST_SIZE",
        "RESPONSE_SIZE",
        "TCP_OPENED_CONNECTIONS",
        "TCP_CLOSED_CONNECTIONS",
        "TCP_SENT_BYTES",
        "TCP_RECEIVED_BYTES",
        "GRPC_REQUEST_MESSAGES",
        "GRPC_RESPONSE_MESSAGES",
      ]),
      "One of Istio's metrics",
    ),
    customMetric: field(filled, "Another metric"),
    mode: field(workloadMode, "As caller, as called, or both"),
  },
  [["metric", "customMetric"]],
);

const tagOverride = limited(
  message("TagOverride", {
    operation: field(enumeration(["UPSERT", "REMOVE"]), "Whether the tag is set or left out"),
    value: field(string, "An expression for the value"),
  }),
  {
    rules: [
      {
        rule: '((has(self.operation) ? self.operation : "") == "UPSERT") ? (self.value != "") : true',
        message: "value must be set when operation is UPSERT",
      },
      {
        rule: '((has(self.operation) ? self.operation : "") == "REMOVE") ? !has(self.value) : true',
        message: "value must not be set when operation is REMOVE",
      },
    ],
  },
);

const metrics = message("Metrics", {
  providers: field(providers, "Where metrics go"),
  overrides: field(
    repeated(
      message("MetricsOverrides", {
        match: field(metricSelector, "Which metrics"),
        disabled: field(wrapped(bool), "Whether they are left out"),
        tagOverrides: field(map(tagOverride), "Tags that are set or left out"),
      }),
    ),
    "What is different from the default",
  ),
  reportingInterval: field(duration, "Time between reports"),
});
export type Metrics = Decoded<typeof metrics>;

const accessLogging = message("AccessLogging", {
  match: field(message("LogSelector", { mode: field(workloadMode, "As caller, as called, or both") }), "What it is for"),
  providers: field(providers, "Where access logs go"),
  disabled: field(wrapped(bool), "Whether no access log is written"),
  filter: field(message("Filter", { expression: field(string, "A CEL expression for what is logged") }), "What is logged"),
});
export type AccessLogging = Decoded<typeof accessLogging>;

export const telemetry = limited(
  message("Telemetry", {
    ...policySelection,
    tracing: field(repeated(tracing), "Spans"),
    metrics: field(repeated(metrics), "Metrics"),
    accessLogging: field(repeated(accessLogging), "Access logs"),
  }),
  oneSelector,
);
export type TelemetrySpec = Decoded<typeof telemetry>;
