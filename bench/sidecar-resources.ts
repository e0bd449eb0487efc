// The configuration that both proxies of the HTTP benchmarks get from the same ADS server: 50 virtual hosts and clusters, cors +
// fault + router, request ids, retries, timeouts and statistics on, as a sidecar of a mesh has them.
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager as hcmFile } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { file_envoy_extensions_filters_http_fault_v3_fault as faultFile } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { file_envoy_extensions_filters_http_cors_v3_cors as corsFile } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { file_envoy_extensions_filters_http_router_v3_router as routerFile } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options as optionsFile } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { registryOf } from "#envoy/any";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { ReplayResource } from "../test/replay/ads-server.ts";

const ADS = { ads: {}, resourceApiVersion: "V3" };
const SERVICES = 50;
const TYPE = "type.googleapis.com/envoy.extensions.filters";
const registry = registryOf(optionsFile, hcmFile, faultFile, corsFile, routerFile);

function resource(typeUrl: string, name: string, schema: DescMessage, json: JsonObject): ReplayResource {
  return { typeUrl, name, value: toBinary(schema, fromJson(schema, json, { registry })) };
}

export interface Backend {
  readonly port: number;
  readonly http2: boolean;
}

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

const HTTP2_UPSTREAM: JsonObject = {
  typedExtensionProtocolOptions: {
    [HTTP_OPTIONS]: { "@type": `type.googleapis.com/${HTTP_OPTIONS}`, explicitHttpConfig: { http2ProtocolOptions: {} } },
  },
};

/** Listener 127.0.0.1:`listenPort`; services svc0, svc1, ... take turns on the back ends, which are at 127.0.0.1. */
export function sidecarResources(listenPort: number, backends: readonly Backend[]): ReplayResource[] {
  const resources: ReplayResource[] = [];
  const virtualHosts: JsonObject[] = [];
  for (let i = 0; i < SERVICES; i++) {
    const host = `svc${i}.default.svc.cluster.local`;
    const cluster = `outbound|80||${host}`;
    const retryPolicy = {
      retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
      numRetries: 2,
      hostSelectionRetryMaxAttempts: "5",
    };
    virtualHosts.push({
      name: `${host}:80`,
      domains: [host, `${host}:80`, `svc${i}`, `svc${i}:80`, `svc${i}.default`, `svc${i}.default:80`],
      includeRequestAttemptCount: true,
      routes: [
        { name: "admin", match: { prefix: "/admin/v1/" }, route: { cluster, timeout: "0s", retryPolicy } },
        { name: "default", match: { prefix: "/" }, route: { cluster, timeout: "15s", retryPolicy } },
      ],
    });
    const backend = backends[i % backends.length]!;
    const endpoint = { address: { socketAddress: { address: "127.0.0.1", portValue: backend.port } } };
    resources.push(
      resource(CLUSTER_TYPE, cluster, ClusterSchema, {
        name: cluster,
        type: "EDS",
        edsClusterConfig: { edsConfig: ADS, serviceName: cluster },
        connectTimeout: "10s",
        lbPolicy: "LEAST_REQUEST",
        ...(backend.http2 ? HTTP2_UPSTREAM : {}),
      }),
      resource(ENDPOINT_TYPE, cluster, ClusterLoadAssignmentSchema, { clusterName: cluster, endpoints: [{ lbEndpoints: [{ endpoint }] }] }),
    );
  }
  const hcm = {
    "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
    statPrefix: `outbound_127.0.0.1_${listenPort};`,
    rds: { routeConfigName: "80", configSource: ADS },
    httpFilters: [
      { name: "envoy.filters.http.fault", typedConfig: { "@type": `${TYPE}.http.fault.v3.HTTPFault` } },
      { name: "envoy.filters.http.cors", typedConfig: { "@type": `${TYPE}.http.cors.v3.Cors` } },
      { name: "envoy.filters.http.router", typedConfig: { "@type": `${TYPE}.http.router.v3.Router` } },
    ],
  };
  resources.push(
    resource(ROUTE_TYPE, "80", RouteConfigurationSchema, { name: "80", virtualHosts }),
    resource(LISTENER_TYPE, `127.0.0.1_${listenPort}`, ListenerSchema, {
      name: `127.0.0.1_${listenPort}`,
      address: { socketAddress: { address: "127.0.0.1", portValue: listenPort } },
      filterChains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typedConfig: hcm }] }],
    }),
  );
  return resources;
}

/** The Envoy v3 bootstrap, in its JSON form, for either proxy. */
export function benchBootstrap(id: string, adsPort: number, adminPort: number): unknown {
  return {
    node: { id, cluster: "bench" },
    admin: { address: { socketAddress: { address: "127.0.0.1", portValue: adminPort } } },
    dynamicResources: {
      adsConfig: { apiType: "DELTA_GRPC", transportApiVersion: "V3", grpcServices: [{ envoyGrpc: { clusterName: "xds-grpc" } }] },
      cdsConfig: { ads: {}, resourceApiVersion: "V3" },
      ldsConfig: { ads: {}, resourceApiVersion: "V3" },
    },
    staticResources: {
      clusters: [
        {
          name: "xds-grpc",
          type: "STATIC",
          connectTimeout: "1s",
          ...HTTP2_UPSTREAM,
          loadAssignment: {
            clusterName: "xds-grpc",
            endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: adsPort } } } }] }],
          },
        },
      ],
    },
  };
}
