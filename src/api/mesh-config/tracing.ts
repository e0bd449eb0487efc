// ProxyConfig's own tracing settings, older than the Telemetry API.
import { bool, enumeration, field, int64, later, map, message, number, repeated, string, uint32 } from "#api/declaration";
import { clientTlsSettings } from "#api/destination-rule/client-tls";

const address = { address: field(string, "The collector's address") };
const fromOutside = { name: field(string, "Its name"), defaultValue: field(string, "The value where it is missing") };

export const tracing = message(
  "Tracing",
  {
    zipkin: later(message("Zipkin", address), "A Zipkin collector"),
    lightstep: later(message("Lightstep", { ...address, accessToken: field(string, "The access token") }), "A Lightstep collector"),
    datadog: later(message("Datadog", address), "A Datadog agent"),
    stackdriver: later(
      message("Stackdriver", {
        debug: field(bool, "Whether spans are printed"),
        maxNumberOfAttributes: field(int64, "Attributes of a span at most"),
        maxNumberOfAnnotations: field(int64, "Annotations of a span at most"),
        maxNumberOfMessageEvents: field(int64, "Message events of a span at most"),
      }),
      "Stackdriver",
    ),
    openCensusAgent: later(
      message("OpenCensusAgent", {
        ...address,
        context: field(
          repeated(enumeration(["UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3"])),
          "Which headers carry the trace",
        ),
      }),
      "An OpenCensus agent",
    ),
    customTags: field(
      map(
        message(
          "CustomTag",
          {
            literal: field(message("Literal", { value: field(string, "The value") }), "A fixed value"),
            environment: field(message("Environment", fromOutside), "A variable of the proxy's environment"),
            header: field(message("RequestHeader", fromOutside), "A request header"),
          },
          [["literal", "environment", "header"]],
        ),
      ),
      "More tags of each span",
    ),
    maxPathTagLength: field(uint32, "How much of the path a span keeps"),
    sampling: field(number, "Share of the requests that are traced, in percent"),
    tlsSettings: later(clientTlsSettings, "TLS towards the collector"),
    enableIstioTags: field(bool, "Whether spans bear Istio's tags"),
  },
  [["zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent"]],
);
