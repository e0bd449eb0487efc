// The Envoy v3 Bootstrap of a proxy in its JSON form. The same document starts our proxy and Envoy. Pure.
import type { WorkloadPort } from "./workload-spec.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A JSON object; the shape is Envoy's, and whoever starts the proxy parses it strictly. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export interface ProxyIdentity {
  readonly type: "sidecar" | "router";
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** The workload's name without the instance: `reviews-v2`. */
  readonly workload: string;
  readonly version: string;
  readonly trustDomain?: string;
}

export interface InboundPort {
  readonly port: WorkloadPort;
  /** Where the sidecar listens; equal to port.number where the workload has an address of its own. */
  readonly listenPort: number;
  readonly application: Endpoint;
}

const CLUSTER_DOMAIN = "cluster.local";

// What ISTIO_VERSION says to a control plane that adapts to old proxies: the release whose configuration we understand.
const ISTIO_VERSION = "1.32.0";

export function nodeId(identity: ProxyIdentity): string {
  const { type, address, name, namespace } = identity;
  return `${type}~${address}~${name}.${namespace}~${namespace}.svc.${CLUSTER_DOMAIN}`;
}

function commonMetadata(identity: ProxyIdentity): JsonObject {
  return {
    NAME: identity.name,
    NAMESPACE: identity.namespace,
    LABELS: identity.labels,
    SERVICE_ACCOUNT: identity.serviceAccount,
    WORKLOAD_NAME: identity.workload,
    CLUSTER_ID: "Kubernetes",
    MESH_ID: identity.trustDomain ?? CLUSTER_DOMAIN,
    ISTIO_VERSION,
    MIZZEN_VERSION: identity.version,
    INSTANCE_IPS: identity.address,
    PROXY_CONFIG: {},
  };
}

/** Metadata of a sidecar where nothing captures traffic: Istio's interception mode NONE. */
export function sidecarMetadata(identity: ProxyIdentity, inbound: readonly InboundPort[], httpProxy: Endpoint): JsonObject {
  return {
    ...commonMetadata(identity),
    INTERCEPTION_MODE: "NONE",
    HTTP_PROXY_BIND: httpProxy.address,
    HTTP_PROXY_PORT: String(httpProxy.port),
    MIZZEN_INGRESS: inbound.map(({ port, listenPort, application }) => ({
      port: { number: listenPort, protocol: port.protocol, name: port.name },
      bind: identity.address,
      defaultEndpoint: `${application.address}:${application.port}`,
    })),
  };
}

export function gatewayMetadata(identity: ProxyIdentity, bindAddresses: readonly string[]): JsonObject {
  return { ...commonMetadata(identity), GATEWAY_BIND_ADDRESSES: bindAddresses };
}

/** What an agent says of its workload so that the control plane registers a WorkloadEntry for it. */
export function registrationMetadata(sidecar: JsonObject, group: string): JsonObject {
  return { ...sidecar, AUTO_REGISTER_GROUP: group };
}

export interface BootstrapOptions {
  readonly identity: ProxyIdentity;
  readonly metadata: JsonObject;
  readonly admin: Endpoint;
  /** Any of them will do: they serve the same mesh. */
  readonly controlPlanes: readonly Endpoint[];
}

function socketAddress(endpoint: Endpoint): JsonObject {
  return { socket_address: { address: endpoint.address, port_value: endpoint.port } };
}

// 0 s: wait for the control plane as long as it takes instead of serving without its configuration.
const ADS_SOURCE: JsonObject = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };

export function bootstrap(options: BootstrapOptions): JsonObject {
  const { identity, metadata, admin, controlPlanes } = options;
  return {
    node: {
      id: nodeId(identity),
      cluster: `${identity.labels["app"] ?? identity.workload}.${identity.namespace}`,
      metadata,
    },
    admin: { address: socketAddress(admin) },
    // As istio-agent: values may be changed while the proxy runs.
    layered_runtime: { layers: [{ name: "admin", admin_layer: {} }] },
    dynamic_resources: {
      lds_config: ADS_SOURCE,
      cds_config: ADS_SOURCE,
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
    },
    static_resources: {
      clusters: [
        {
          name: "xds-grpc",
          type: "STATIC",
          connect_timeout: "1s",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          upstream_connection_options: { tcp_keepalive: { keepalive_time: 300 } },
          load_assignment: {
            cluster_name: "xds-grpc",
            endpoints: [{ lb_endpoints: controlPlanes.map((controlPlane) => ({ endpoint: { address: socketAddress(controlPlane) } })) }],
          },
        },
      ],
    },
  };
}
