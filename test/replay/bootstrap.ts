// The bootstrap of a proxy under test. Like Istio's it has the control plane and the agent's secret server as static clusters.
import type { JsonObject } from "@bufbuild/protobuf";

export interface BootstrapIdentity {
  /** `router~10.244.0.5~name.namespace~domain`. */
  readonly nodeId: string;
  readonly metadata: JsonObject;
  /** Where resources and secrets are served at 127.0.0.1. */
  readonly discoveryPort: number;
  /** At 127.0.0.1. */
  readonly adminPort: number;
}

export function bootstrapOf({ nodeId, metadata, discoveryPort, adminPort }: BootstrapIdentity): JsonObject {
  const ads: JsonObject = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };
  return {
    node: { id: nodeId, cluster: "replay", metadata },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: adminPort } } },
    dynamic_resources: {
      lds_config: ads,
      cds_config: ads,
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
    },
    static_resources: { clusters: [discoveryCluster("xds-grpc", discoveryPort), discoveryCluster("sds-grpc", discoveryPort)] },
  };
}

function discoveryCluster(name: string, port: number): JsonObject {
  const http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: {
      [http2]: { "@type": `type.googleapis.com/${http2}`, explicit_http_config: { http2_protocol_options: {} } },
    },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
