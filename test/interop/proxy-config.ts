// The bootstrap of a proxy with something of everything that the admin endpoint shows: static and from files, plain and TLS, checked hosts.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { freePort } from "../harness/free-port.ts";
import type { ProxyKind } from "./standalone.ts";

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const CONFIG = "type.googleapis.com/envoy.config";

export interface ProxyPorts {
  readonly admin: number;
  /** An inbound listener with inline routes, one with TLS, one of drain_type MODIFY_ONLY from a file with routes from a file, a TCP proxy. */
  readonly http: number;
  readonly tls: number;
  readonly dynamic: number;
  readonly tcp: number;
  readonly other: number;
}

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
const endpoints = (...ports: number[]): object[] => [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }];
const routes = (name: string, cluster: string): object => ({
  name,
  virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster } }] }],
});

function manager(statPrefix: string, config: object): object {
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: statPrefix,
      http_filters: [{ name: "envoy.filters.http.router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } }],
      ...config,
    },
  };
}

function certificateFiles(folder: string): { readonly certificate: string; readonly key: string } {
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  if (!existsSync(certificate)) {
    const issued = new FakeAuthority().issue({ commonName: "a", hosts: ["a.test"], uris: ["spiffe://a/b"] }, "rsa");
    writeFileSync(certificate, issued.certificate);
    writeFileSync(key, issued.key);
  }
  return { certificate, key };
}

/** @returns the path of the bootstrap. `backend`: a port that answers HTTP. */
export async function writeProxyConfig(
  kind: ProxyKind,
  folder: string,
  backend: (admin: number) => number,
): Promise<{ readonly bootstrap: string; readonly ports: ProxyPorts }> {
  const own = join(folder, kind);
  mkdirSync(own, { recursive: true });
  const { certificate, key } = certificateFiles(folder);
  const ports = {
    admin: await freePort(),
    http: await freePort(),
    tls: await freePort(),
    dynamic: await freePort(),
    tcp: await freePort(),
    other: await freePort(),
  };
  const port = backend(ports.admin);
  const write = (name: string, resource: object, version?: string): object => {
    const path = join(own, name);
    writeFileSync(path, JSON.stringify({ ...(version === undefined ? {} : { version_info: version }), resources: [resource] }));
    return { path_config_source: { path } };
  };
  const tlsCertificate = { certificate_chain: { filename: certificate }, private_key: { filename: key } };
  const secrets = write("secrets.json", {
    "@type": `${EXTENSIONS}.transport_sockets.tls.v3.Secret`,
    name: "ofFile",
    tls_certificate: tlsCertificate,
  });
  const tls = (config: object): object => ({
    name: "tls",
    typed_config: {
      "@type": `${EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: { tls_certificate_sds_secret_configs: [config] },
    },
  });
  const assignment = { "@type": `${CONFIG}.endpoint.v3.ClusterLoadAssignment`, cluster_name: "eds", endpoints: endpoints(port) };
  const cluster = {
    "@type": `${CONFIG}.cluster.v3.Cluster`,
    name: "eds",
    type: "EDS",
    connect_timeout: "1s",
    eds_cluster_config: { eds_config: write("endpoints.json", assignment, "e1") },
  };
  const rds = {
    route_config_name: "ofFile",
    config_source: write("routes.json", { "@type": `${CONFIG}.route.v3.RouteConfiguration`, ...routes("ofFile", "eds") }),
  };
  const listener = {
    "@type": `${CONFIG}.listener.v3.Listener`,
    name: "dynamic",
    address: address(ports.dynamic),
    drain_type: "MODIFY_ONLY",
    filter_chains: [{ filters: [manager("dynamic", { rds })] }],
  };
  const chain = (name: string, socket?: object): object[] => [
    { filters: [manager(name, { route_config: routes(name, "fixed") })], ...(socket === undefined ? {} : { transport_socket: socket }) },
  ];
  const tcpProxy = {
    name: "tcp",
    typed_config: { "@type": `${EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: "tcp", cluster: "fixed" },
  };
  const fixed = (name: string, ...on: number[]): object => ({
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: { cluster_name: name, endpoints: endpoints(...on) },
  });
  const bootstrap = {
    node: { id: "alone", cluster: "test", metadata: { ISTIO_VERSION: "1.2.3" } },
    admin: { address: address(ports.admin) },
    layered_runtime: { layers: [{ name: "switches", static_layer: { "envoy.reloadable_features.x": false } }] },
    dynamic_resources: { cds_config: write("clusters.json", cluster, "c1"), lds_config: write("listeners.json", listener, "l1") },
    static_resources: {
      listeners: [
        { name: "http", address: address(ports.http), traffic_direction: "INBOUND", filter_chains: chain("http") },
        {
          name: "tls",
          address: address(ports.tls),
          traffic_direction: "OUTBOUND",
          filter_chains: chain("tls", tls({ name: "ofFile", sds_config: secrets })),
        },
        { name: "other-tls", address: address(ports.other), filter_chains: chain("other", tls({ name: "fixed" })) },
        { name: "tcp", address: address(ports.tcp), filter_chains: [{ filters: [tcpProxy] }] },
      ],
      clusters: [
        {
          ...fixed("fixed", port),
          outlier_detection: {},
          circuit_breakers: { thresholds: [{ max_connections: 7 }, { priority: "HIGH", max_retries: 9 }] },
        },
        {
          ...fixed("checked", port),
          health_checks: [{ timeout: "1s", interval: "0.2s", unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} }],
        },
      ],
      secrets: [{ name: "fixed", tls_certificate: tlsCertificate }],
    },
  };
  const path = join(own, "bootstrap.json");
  writeFileSync(path, JSON.stringify(bootstrap));
  return { bootstrap: path, ports };
}
