// What of a calling proxy shapes its clusters. Proxies that are alike in it share them.
import { hasExtension } from "#control-plane/generate/istio-extension";
import { fileReaderOf, type FileReader } from "#control-plane/generate/transport-socket/file-secrets";
import type { ProxyType } from "#control-plane/mesh/proxy";
import type { ProxyView } from "#control-plane/mesh/mesh";

export interface Caller {
  readonly type: ProxyType;
  /** The address families that it has itself. */
  readonly families: "v4" | "v6" | "both";
  /** Whether it has Istio's metadata exchange filter. */
  readonly metadataExchange: boolean;
  /** Whether names of HTTP/1 headers keep their upper and lower case. */
  readonly preservesHeaderCase: boolean;
  readonly bufferLimitBytes: number | undefined;
  /** False for a sidecar that is called as an HTTP proxy, and for an application without one: their connections had no other destination. */
  readonly knowsOriginalDestination: boolean;
  readonly fileReader: FileReader;
  /** Files that its operator gave it instead of the mesh's certificate. */
  readonly certificateFiles: CertificateFiles | undefined;
}

export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authorities: string;
}

/** Istio's filter with which proxies tell each other who they are, on TCP connections. */
const METADATA_EXCHANGE = "envoy.filters.network.metadata_exchange";
/** What Envoy recommends for proxies at the edge. */
const EDGE_BUFFER_LIMIT = 32_768;

export function callerOf(view: ProxyView): Caller {
  const { node, proxyConfig } = view;
  const v6 = node.ipAddresses.filter((address) => address.includes(":")).length;
  const connections = proxyConfig.connectionSettings;
  const limit =
    connections?.clusterPerConnectionBufferLimitBytes ??
    (connections?.profile === "EDGE" && node.type === "router" ? EDGE_BUFFER_LIMIT : undefined);
  return {
    type: node.type,
    families: v6 === 0 ? "v4" : v6 === node.ipAddresses.length ? "v6" : "both",
    metadataExchange: hasExtension(node, METADATA_EXCHANGE),
    preservesHeaderCase: proxyConfig.proxyHeaders?.preserveHttp1HeaderCase === true,
    bufferLimitBytes: limit !== undefined && limit >= 0 ? limit : undefined,
    knowsOriginalDestination: node.httpProxy === undefined && node.generator !== "grpc",
    fileReader: fileReaderOf(node),
    certificateFiles: certificateFilesOf(node.metadata),
  };
}

export function callerKey(caller: Caller): string {
  return JSON.stringify(Object.values(caller));
}

/** Istio's node metadata TLS_CLIENT_CERT_CHAIN, TLS_CLIENT_KEY and TLS_CLIENT_ROOT_CERT. */
function certificateFilesOf(metadata: Readonly<Record<string, unknown>>): CertificateFiles | undefined {
  const text = (field: string): string => {
    const value = metadata[field];
    return typeof value === "string" ? value : "";
  };
  const certificate = text("TLS_CLIENT_CERT_CHAIN");
  if (certificate === "") return undefined;
  return { certificate, privateKey: text("TLS_CLIENT_KEY"), authorities: text("TLS_CLIENT_ROOT_CERT") };
}
