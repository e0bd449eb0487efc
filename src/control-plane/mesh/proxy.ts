// Who asks: the control plane's picture of one proxy, from its xDS node. Istio's node metadata names are used.
import type { ProxyConfig } from "#api/mesh-config";

export type ProxyType = "sidecar" | "router";
export type InterceptionMode = "NONE" | "REDIRECT" | "TPROXY";

/** One of Istio's Sidecar.ingress entries, announced by the agent where nothing captures traffic. */
export interface AnnouncedIngress {
  readonly port: { readonly number: number; readonly protocol: string; readonly name: string };
  /** Where the sidecar listens. */
  readonly bind: string;
  /** Where the application listens: `127.0.0.1:41233`. */
  readonly defaultEndpoint: string;
}

export interface ProxyNode {
  /** `sidecar~127.10.0.5~reviews-v2-1.default~default.svc.cluster.local`. */
  readonly id: string;
  readonly type: ProxyType;
  /** The workload's name: `reviews-v2-1`. */
  readonly name: string;
  readonly namespace: string;
  readonly ipAddresses: readonly string[];
  readonly dnsDomain: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly interceptionMode: InterceptionMode;
  /** ISTIO_VERSION or the Mizzen version that the proxy says of itself. */
  readonly version: string;
  /** Node metadata `MIZZEN_INGRESS`. */
  readonly announcedIngress: readonly AnnouncedIngress[];
  /** Node metadata `HTTP_PROXY_BIND` and `HTTP_PROXY_PORT`: where the proxyHttpPort listener goes instead of 127.0.0.1 and MeshConfig's port. */
  readonly httpProxy: { readonly bind: string; readonly port: number } | undefined;
  /** Node metadata `GATEWAY_BIND_ADDRESSES`: what a gateway binds instead of the wildcard address. */
  readonly gatewayBindAddresses: readonly string[];
  /** `region/zone/sub-zone`, from the xDS node; "" where it says none. */
  readonly locality: string;
  /** Node metadata `NETWORK`. */
  readonly network: string;
  /** Node metadata `CLUSTER_ID`. */
  readonly clusterId: string;
  /** Node metadata `NODE_NAME`: the Kubernetes node. */
  readonly nodeName: string;
  /** Node metadata `PROXY_CONFIG`: what the injection worked out from MeshConfig and the pod's annotation; it replaces the defaults. */
  readonly proxyConfig: ProxyConfig | undefined;
  /** Node metadata `DNS_CAPTURE`: its agent answers DNS, so auto-allocated addresses reach it. */
  readonly dnsCapture: boolean;
  /** Node metadata `GENERATOR`: `grpc` is a program that speaks xDS without a proxy. */
  readonly generator: "" | "grpc";
  /** Node metadata `ISTIO_VERSION`; "" for a proxy that does not come from Istio. */
  readonly istioVersion: string;
  /** Node metadata as it was sent, for what is read only in one place. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Names of Istio's own filters that this proxy has (`istio.stats` ...): node metadata `EXTENSIONS`, and the xDS node's extensions; plain Envoy has none. */
  readonly extensions: ReadonlySet<string>;
}
