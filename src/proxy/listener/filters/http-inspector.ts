// envoy.filters.listener.http_inspector: is it HTTP in plain text, and which version.
import { HttpInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb";
import { inspectProtocol } from "#proxy/codec/http1/protocol-inspector";
import { MAX_INSPECTED_BYTES } from "#proxy/listener/listener-filter";
import type { ListenerFilterCompiler } from "#proxy/listener/listener-filter";

export const httpInspectorCompiler: ListenerFilterCompiler = {
  configTypes: [HttpInspectorSchema.typeName],
  compile(_any, _path, scope) {
    const count = (name: string): { inc(): void } | undefined => scope?.counter("http_inspector", name);
    const found = { "http/1.0": count("http10_found"), "http/1.1": count("http11_found"), h2c: count("http2_found") };
    const notFound = count("http_not_found");
    const readError = count("read_error");
    return {
      inspect({ facts }, bytes) {
        if (facts.transportProtocol !== "" && facts.transportProtocol !== "raw_buffer") return "continue";
        const protocol = inspectProtocol(bytes);
        if (protocol === "more") {
          if (bytes.length < MAX_INSPECTED_BYTES) return "more";
          readError?.inc();
          return "close";
        }
        if (protocol === "none") notFound?.inc();
        else {
          found[protocol]?.inc();
          facts.applicationProtocols = [protocol];
        }
        return "continue";
      },
    };
  },
};
