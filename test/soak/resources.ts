// What the proxy of the soak test is told; every field of `Configuration` is one that a change may move.
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { configRegistry as registry } from "#envoy/config-registry";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import type { ReplayResource } from "../replay/ads-server.ts";
import type { KeyPair } from "#runtime/x509";
import type { HostPorts } from "./hosts.ts";

export interface Configuration {
  readonly hosts: readonly HostPorts[];
  readonly routeRevision: number;
  readonly clusterRevision: number;
  readonly listenerRevision: number;
  readonly certificate: KeyPair;
  readonly root: string;
}

export interface ListenPorts {
  readonly http: number;
  readonly tls: number;
  readonly tcp: number;
}

const ADS = { ads: {}, resourceApiVersion: "V3" };
const FILTERS = "type.googleapis.com/envoy.extensions.filters";
const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const HTTP2: JsonObject = {
  typedExtensionProtocolOptions: {
    [HTTP_OPTIONS]: { "@type": `type.googleapis.com/${HTTP_OPTIONS}`, explicitHttpConfig: { http2ProtocolOptions: {} } },
  },
};
const SECRETS: JsonObject = {
  tlsCertificateSdsSecretConfigs: [{ name: "certificate", sdsConfig: ADS }],
  validationContextSdsSecretConfig: { name: "root", sdsConfig: ADS },
};
const UPSTREAM_TLS: JsonObject = {
  transportSocket: {
    name: "envoy.transport_sockets.tls",
    typedConfig: { "@type": `${TLS}.UpstreamTlsContext`, sni: "host.example", commonTlsContext: SECRETS },
  },
};

function resource(typeUrl: string, name: string, schema: DescMessage, json: JsonObject): ReplayResource {
  return { typeUrl, name, value: toBinary(schema, fromJson(schema, json, { registry })) };
}

/** As Istio does: a host's death makes many retries at once, and Envoy's default allows three. */
const UNLIMITED = { maxConnections: 4294967295, maxPendingRequests: 4294967295, maxRequests: 4294967295, maxRetries: 4294967295 };

const CLUSTERS: readonly (readonly [name: string, port: keyof HostPorts, more: JsonObject])[] = [
  ["web", "http", {}],
  ["web-secure", "https", UPSTREAM_TLS],
  ["http2", "http2", HTTP2],
  ["tcp", "tcp", {}],
];

/** What may be sent twice hides every death of a host; what may not is tried again only where it never left. */
function routes(revision: number): JsonObject[] {
  const again = (retryOn: string): JsonObject => ({
    timeout: "15s",
    retryPolicy: {
      retryOn,
      numRetries: 4,
      retryHostPredicate: [
        {
          name: "envoy.retry_host_predicates.previous_hosts",
          typedConfig: { "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate" },
        },
      ],
      hostSelectionRetryMaxAttempts: "5",
    },
  });
  const safe = "connect-failure,refused-stream,reset,5xx";
  const once = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
  const weighted = {
    weightedClusters: {
      clusters: [
        { name: "web", weight: 1 + (revision % 99) },
        { name: "web-secure", weight: 99 - (revision % 99) },
      ],
    },
  };
  return [
    { match: { prefix: "/grpc" }, route: { cluster: "http2", ...again(safe) } },
    { match: { prefix: "/http2" }, route: { cluster: "http2", ...again(safe) } },
    { match: { prefix: "/once" }, route: { ...weighted, ...again(once) } },
    { match: { prefix: "/socket" }, route: { cluster: "web", ...again(once), timeout: "0s" } },
    { match: { prefix: "/" }, route: { ...weighted, ...again(safe) } },
  ].map((route) => ({ ...route, responseHeadersToAdd: [{ header: { key: "x-revision", value: String(revision) } }] }));
}

function listener(name: string, port: number, revision: number, filter: JsonObject, transportSocket?: JsonObject): ReplayResource {
  return resource(LISTENER_TYPE, name, ListenerSchema, {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [{ filters: [filter], ...(transportSocket === undefined ? {} : { transportSocket }) }],
    // Any change but this one's is an update in place; connections of before drain.
    perConnectionBufferLimitBytes: 65_536 + revision,
  });
}

export function resources(ports: ListenPorts, configuration: Configuration): ReplayResource[] {
  const { hosts, routeRevision, clusterRevision, listenerRevision, certificate, root } = configuration;
  const manager = {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: {
      "@type": `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
      statPrefix: "soak",
      rds: { routeConfigName: "routes", configSource: ADS },
      upgradeConfigs: [{ upgradeType: "websocket" }],
      httpFilters: [
        { name: "envoy.filters.http.fault", typedConfig: { "@type": `${FILTERS}.http.fault.v3.HTTPFault` } },
        { name: "envoy.filters.http.cors", typedConfig: { "@type": `${FILTERS}.http.cors.v3.Cors` } },
        { name: "envoy.filters.http.router", typedConfig: { "@type": `${FILTERS}.http.router.v3.Router` } },
      ],
    },
  };
  const tcpProxy = {
    name: "envoy.filters.network.tcp_proxy",
    typedConfig: { "@type": `${FILTERS}.network.tcp_proxy.v3.TcpProxy`, statPrefix: "soak", cluster: "tcp", maxConnectAttempts: 4 },
  };
  const downstreamTls = {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": `${TLS}.DownstreamTlsContext`,
      requireClientCertificate: true,
      commonTlsContext: { ...SECRETS, alpnProtocols: ["h2", "http/1.1"] },
    },
  };
  const secret = (name: string, json: JsonObject): ReplayResource => resource(SECRET_TYPE, name, SecretSchema, { name, ...json });
  return [
    ...CLUSTERS.flatMap(([name, port, more]) => [
      resource(CLUSTER_TYPE, name, ClusterSchema, {
        name,
        type: "EDS",
        edsClusterConfig: { edsConfig: ADS, serviceName: name },
        connectTimeout: `${5000 + (clusterRevision % 100)}ms`.replace(/(\d+)(\d{3})ms/, "$1.$2s"),
        circuitBreakers: { thresholds: [UNLIMITED] },
        ...more,
      }),
      resource(ENDPOINT_TYPE, name, ClusterLoadAssignmentSchema, {
        clusterName: name,
        endpoints: [
          {
            lbEndpoints: hosts.map((host) => ({
              endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: host[port] } } },
            })),
          },
        ],
      }),
    ]),
    resource(ROUTE_TYPE, "routes", RouteConfigurationSchema, {
      name: "routes",
      virtualHosts: [{ name: "all", domains: ["*"], routes: routes(routeRevision) }],
    }),
    listener("http", ports.http, listenerRevision, manager),
    listener("tls", ports.tls, listenerRevision, manager, downstreamTls),
    listener("tcp", ports.tcp, listenerRevision, tcpProxy),
    secret("certificate", {
      tlsCertificate: { certificateChain: { inlineString: certificate.certificate }, privateKey: { inlineString: certificate.key } },
    }),
    secret("root", { validationContext: { trustedCa: { inlineString: root } } }),
  ];
}
