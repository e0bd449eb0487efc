// istio.alpn: a connection to a sidecar says by ALPN which HTTP version it carries, so that a port of unknown protocol takes it for HTTP.
import { FilterConfig_Protocol as Version, FilterConfigSchema } from "#envoy/gen/istio/alpn_pb";
import { hasExtension } from "#control-plane/generate/istio-extension";
import { httpFilter, type HttpFilterBuilder } from "./http-filter.ts";

// "istio" is for proxies before 1.4, the last name for servers that no sidecar stands before.
const ALPN = httpFilter("istio.alpn", FilterConfigSchema, {
  alpnOverride: [
    { upstreamProtocol: Version.HTTP10, alpnOverride: ["istio-http/1.0", "istio", "http/1.0"] },
    { upstreamProtocol: Version.HTTP11, alpnOverride: ["istio-http/1.1", "istio", "http/1.1"] },
    { upstreamProtocol: Version.HTTP2, alpnOverride: ["istio-h2", "istio", "h2"] },
  ],
});

export const alpn: HttpFilterBuilder = (context) =>
  context.class !== "sidecar-inbound" && hasExtension(context.inputs.node, "istio.alpn") ? [ALPN] : [];
