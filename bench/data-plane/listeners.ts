// What both xDS proxies of the data-plane benchmark serve, from the same ADS server: one listener for each kind of traffic.
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager as hcmFile } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy as tcpProxyFile } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { file_envoy_extensions_filters_http_router_v3_router as routerFile } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { file_envoy_extensions_filters_http_fault_v3_fault as faultFile } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { file_envoy_extensions_filters_http_cors_v3_cors as corsFile } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { file_envoy_extensions_filters_http_grpc_stats_v3_config as grpcStatsFile } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { file_envoy_extensions_transport_sockets_tls_v3_tls as tlsFile } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { registryOf } from "#envoy/any";
import { CLUSTER_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { KeyPair } from "#runtime/x509";
import type { ReplayResource } from "../../test/replay/ads-server.ts";
import { sidecarResources } from "../sidecar-resources.ts";

/** Where a peer listens, by the traffic it is for. */
export interface Ports {
  /** One route, one cluster. */
  readonly plain: number;
  /** As a sidecar of a mesh has it. */
  readonly sidecar: number;
  readonly tls: number;
  /** The first of two hops; the second is `inbound`, which asks for a certificate. */
  readonly outbound: number;
  readonly inbound: number;
  readonly tcp: number;
  readonly webSocket: number;
}

export interface Backends {
  readonly http: number;
  readonly echo: number;
}

export interface Certificates {
  readonly root: string;
  readonly workload: KeyPair;
}

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const ADS = { ads: {}, resourceApiVersion: "V3" };
const registry = registryOf(hcmFile, tcpProxyFile, routerFile, faultFile, corsFile, grpcStatsFile, tlsFile);

const ROUTER = { name: "envoy.filters.http.router", typedConfig: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } };
const SIDECAR_FILTERS = [
  {
    name: "envoy.filters.http.grpc_stats",
    typedConfig: {
      "@type": `${EXTENSIONS}.filters.http.grpc_stats.v3.FilterConfig`,
      emitFilterState: true,
      statsForAllMethods: false,
    },
  },
  { name: "envoy.filters.http.fault", typedConfig: { "@type": `${EXTENSIONS}.filters.http.fault.v3.HTTPFault` } },
  { name: "envoy.filters.http.cors", typedConfig: { "@type": `${EXTENSIONS}.filters.http.cors.v3.Cors` } },
  ROUTER,
];

function listener(port: number, filter: JsonObject, transportSocket?: JsonObject): ReplayResource {
  const name = `127.0.0.1_${port}`;
  const chain = { filters: [filter], ...(transportSocket === undefined ? {} : { transportSocket }) };
  const json: JsonObject = {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [chain],
  };
  return { typeUrl: LISTENER_TYPE, name, value: toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })) };
}

function httpManager(statPrefix: string, fields: JsonObject): JsonObject {
  const typedConfig = { "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`, statPrefix, ...fields };
  return { name: "envoy.filters.network.http_connection_manager", typedConfig };
}

function oneRoute(cluster: string): JsonObject {
  const routes = [{ match: { prefix: "/" }, route: { cluster, timeout: "15s" } }];
  return { routeConfig: { name: cluster, virtualHosts: [{ name: "all", domains: ["*"], routes }] }, httpFilters: [ROUTER] };
}

function cluster(name: string, port: number, transportSocket?: JsonObject): ReplayResource {
  const endpoint = { address: { socketAddress: { address: "127.0.0.1", portValue: port } } };
  const json: JsonObject = {
    name,
    type: "STATIC",
    connectTimeout: "10s",
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint }] }] },
    ...(transportSocket === undefined ? {} : { transportSocket }),
  };
  return { typeUrl: CLUSTER_TYPE, name, value: toBinary(ClusterSchema, fromJson(ClusterSchema, json, { registry })) };
}

function tlsSocket(side: "Downstream" | "Upstream", { root, workload }: Certificates, fields: JsonObject): JsonObject {
  const inline = (text: string): JsonObject => ({ inlineString: text });
  const commonTlsContext = {
    tlsCertificates: [{ certificateChain: inline(workload.certificate), privateKey: inline(workload.key) }],
    ...(fields["requireClientCertificate"] === true || side === "Upstream" ? { validationContext: { trustedCa: inline(root) } } : {}),
  };
  return {
    name: "envoy.transport_sockets.tls",
    typedConfig: { "@type": `${EXTENSIONS}.transport_sockets.tls.v3.${side}TlsContext`, commonTlsContext, ...fields },
  };
}

/** Listeners, clusters and routes of one peer. */
export function benchResources(ports: Ports, backends: Backends, certificates: Certificates): ReplayResource[] {
  const sidecar = { rds: { routeConfigName: "80", configSource: ADS }, httpFilters: SIDECAR_FILTERS };
  const tcpProxy = { "@type": `${EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy`, statPrefix: "relay", cluster: "backend" };
  return [
    ...sidecarResources(ports.sidecar, [{ port: backends.http, http2: false }]).filter(({ typeUrl }) => typeUrl !== LISTENER_TYPE),
    cluster("backend", backends.http),
    cluster("echo", backends.echo),
    cluster("inbound", ports.inbound, tlsSocket("Upstream", certificates, { sni: "workload.bench" })),
    listener(ports.plain, httpManager("plain", oneRoute("backend"))),
    listener(ports.sidecar, httpManager("sidecar", sidecar)),
    listener(ports.tls, httpManager("tls", sidecar), tlsSocket("Downstream", certificates, {})),
    listener(ports.outbound, httpManager("outbound", { ...oneRoute("inbound"), httpFilters: SIDECAR_FILTERS })),
    listener(ports.inbound, httpManager("inbound", sidecar), tlsSocket("Downstream", certificates, { requireClientCertificate: true })),
    listener(ports.tcp, { name: "envoy.filters.network.tcp_proxy", typedConfig: tcpProxy }),
    listener(ports.webSocket, httpManager("websocket", { ...oneRoute("echo"), upgradeConfigs: [{ upgradeType: "websocket" }] })),
  ];
}

/** Route configuration "80" with `hosts` virtual hosts of ten routes each, in place of the 50. */
export function manyRoutes(hosts: number): ReplayResource {
  const virtualHosts = Array.from({ length: hosts }, (_, i) => {
    const target = `outbound|80||svc${i % 50}.default.svc.cluster.local`;
    const paths = Array.from({ length: 9 }, (_none, path) => ({
      name: `path-${path}`,
      match: { prefix: `/api/v${path}/`, headers: [{ name: "x-version", stringMatch: { exact: `v${path}` } }] },
      route: { cluster: target, timeout: "15s" },
    }));
    const host = `svc${i}.default.svc.cluster.local`;
    return {
      name: `${host}:80`,
      domains: [host, `${host}:80`, `svc${i}.default`],
      routes: [...paths, { name: "default", match: { prefix: "/" }, route: { cluster: target, timeout: "15s" } }],
    };
  });
  const message = fromJson(RouteConfigurationSchema, { name: "80", virtualHosts }, { registry });
  return { typeUrl: ROUTE_TYPE, name: "80", value: toBinary(RouteConfigurationSchema, message) };
}
