// The HTTP half of a cluster: which version its connections speak, and within which limits. HttpProtocolOptions says it; clusters of old
// say it in fields of their own, which count only where there is no HttpProtocolOptions, as in Envoy.
import { Cluster_ClusterProtocolSelection as ProtocolSelection } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type {
  Http2ProtocolOptions,
  HttpProtocolOptions as CommonOptions,
  UpstreamHttpProtocolOptions,
} from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import { HttpProtocolOptionsSchema } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import type { HttpProtocolOptions } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { nameOf, unpack } from "#envoy/any";
import type { HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import { checkHeaderKeyFormat } from "#proxy/http/header-key-format";
import { readHttp2Options } from "#proxy/http/http2-options";
import type { Http2Options } from "#proxy/http/http2-options";
import { compileUpstreamFilters } from "#proxy/http/upstream-filter-list";
import type { TransportSockets } from "#proxy/transport-socket/transport-sockets";

/** `auto`: what ALPN agrees on. `downstream`: what the client speaks. */
export type UpstreamProtocol = "http1" | "http2" | "auto" | "downstream";

export interface UpstreamHttpOptions {
  readonly protocol: UpstreamProtocol;
  readonly http2: Http2Options;
  readonly common: CommonOptions | undefined;
  readonly upstream: UpstreamHttpProtocolOptions | undefined;
  readonly filters: readonly HttpFilterFactory[] | undefined;
}

type Refuse = (path: string, message: string) => void;

interface Choice {
  readonly protocol: UpstreamProtocol;
  readonly http2: Http2ProtocolOptions | undefined;
  /** Of the HTTP/2 options. */
  readonly path: string;
}

const KEY = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

export function readHttpProtocolOptions(
  wire: Cluster,
  sockets: TransportSockets,
  compilers: readonly HttpFilterCompiler[],
  refuse: Refuse,
): UpstreamHttpOptions {
  const path = `typed_extension_protocol_options["${KEY}"]`;
  const typed = readTyped(wire, path, refuse);
  const choice = typed === undefined ? ownChoice(wire, refuse) : typedChoice(typed, path, refuse);
  const common = typed === undefined ? wire.commonHttpProtocolOptions : typed.commonHttpProtocolOptions;
  const upstream = typed === undefined ? wire.upstreamHttpProtocolOptions : typed.upstreamHttpProtocolOptions;
  if (choice.protocol === "auto" && !sockets.allTls)
    refuse(`${path}.auto_config`, "needs TLS to every host, for ALPN to choose the protocol");
  const filters = compileUpstreamFilters(typed?.httpFilters ?? [], compilers, `${path}.http_filters`, refuse);
  return { protocol: choice.protocol, http2: readHttp2Options(choice.http2, choice.path, refuse), common, upstream, filters };
}

function readTyped(wire: Cluster, path: string, refuse: Refuse): HttpProtocolOptions | undefined {
  for (const [key, any] of Object.entries(wire.typedExtensionProtocolOptions)) {
    if (key !== KEY) {
      refuse(`typed_extension_protocol_options["${key}"]`, "not served yet");
      continue;
    }
    try {
      const options = unpack(any, HttpProtocolOptionsSchema);
      if (options !== undefined) return options;
      refuse(path, `holds ${nameOf(any.typeUrl)}, not HttpProtocolOptions`);
    } catch (error) {
      refuse(path, `is not a valid message: ${String(error)}`);
    }
  }
  return undefined;
}

function typedChoice(options: HttpProtocolOptions, path: string, refuse: Refuse): Choice {
  const chosen = options.upstreamProtocolOptions;
  switch (chosen.case) {
    case "explicitHttpConfig": {
      const { protocolConfig } = chosen.value;
      const http2 = protocolConfig.case === "http2ProtocolOptions" ? protocolConfig.value : undefined;
      if (protocolConfig.case === "httpProtocolOptions")
        checkHeaderKeyFormat(protocolConfig.value, `${path}.explicit_http_config.http_protocol_options`, refuse);
      if (protocolConfig.case === undefined) refuse(`${path}.explicit_http_config.protocol_config`, "must be set");
      else if (protocolConfig.case === "http3ProtocolOptions") refuse(`${path}.explicit_http_config.http3_protocol_options`, "not served");
      return { protocol: http2 === undefined ? "http1" : "http2", http2, path: `${path}.explicit_http_config.http2_protocol_options` };
    }
    case "useDownstreamProtocolConfig": {
      const { httpProtocolOptions: http1, http2ProtocolOptions: http2 } = chosen.value;
      checkHeaderKeyFormat(http1, `${path}.use_downstream_protocol_config.http_protocol_options`, refuse);
      return { protocol: "downstream", http2, path: `${path}.use_downstream_protocol_config.http2_protocol_options` };
    }
    case "autoConfig":
      checkHeaderKeyFormat(chosen.value.httpProtocolOptions, `${path}.auto_config.http_protocol_options`, refuse);
      return { protocol: "auto", http2: chosen.value.http2ProtocolOptions, path: `${path}.auto_config.http2_protocol_options` };
    case undefined:
      refuse(path, "upstream_protocol_options must be set");
      return { protocol: "http1", http2: undefined, path };
  }
}

/** Fields of the cluster itself. */
function ownChoice(wire: Cluster, refuse: Refuse): Choice {
  const { httpProtocolOptions: http1, http2ProtocolOptions: http2 } = wire;
  const path = "http2_protocol_options";
  checkHeaderKeyFormat(http1, "http_protocol_options", refuse);
  if (wire.protocolSelection === ProtocolSelection.USE_DOWNSTREAM_PROTOCOL) return { protocol: "downstream", http2, path };
  if (http1 !== undefined && http2 !== undefined) refuse(path, "is set beside http_protocol_options, which only protocol_selection allows");
  return { protocol: http2 === undefined ? "http1" : "http2", http2, path };
}
