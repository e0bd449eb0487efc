import assert from "node:assert/strict";
import { test } from "node:test";
import { listenersByName, service, viewOf, virtualService, type Json, type ProxyOptions } from "#control-plane/generate/testing";
import { gatewayListeners } from "./gateway-listeners.ts";

const SERVICES = service("db", [["tcp", 5432]]) + service("web", [["https", 443]]);

interface Written {
  readonly port: number;
  readonly protocol: string;
  readonly hosts?: string;
  readonly more?: string;
}

function gateway(...servers: readonly Written[]): string {
  const list = servers.map(
    ({ port, protocol, hosts = `"*"`, more = "" }, index) =>
      `{ port: { number: ${port}, name: p${index}, protocol: ${protocol} }, hosts: [${hosts}]${more} }`,
  );
  return `
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gw, namespace: default }
spec: { servers: [${list.join(", ")}] }
`;
}
const tls = (settings: string): string => `, tls: { ${settings} }`;
const simple = tls("mode: SIMPLE, credentialName: cert");
const routed = (name: string, hosts: string, rules: string): string =>
  virtualService(name, `{ hosts: [${hosts}], gateways: [gw], ${rules} }`);

function listeners(yaml: string, options: ProxyOptions = {}): Readonly<Record<string, Json>> {
  return listenersByName(gatewayListeners(viewOf(SERVICES + yaml, { type: "router", ...options })));
}

/** Each chain as `server names: destination`. */
function chains(listener: Json | undefined): readonly string[] {
  return (listener?.["filterChains"] ?? []).map((chain: Json) => {
    const config = chain["filters"].at(-1).typedConfig;
    const target =
      config.rds?.routeConfigName ??
      config.cluster ??
      config.weightedClusters.clusters.map((one: Json) => `${one["name"]}=${one["weight"]}`).join(" ");
    return `${(chain["filterChainMatch"]?.serverNames ?? ["any"]).join(" ")}: ${target}`;
  });
}

test("plain HTTP servers of a port are one chain; an address of its own is another listener", () => {
  const all = listeners(
    gateway(
      { port: 80, protocol: "HTTP" },
      { port: 80, protocol: "GRPC", hosts: "a.com" },
      { port: 80, protocol: "HTTP", more: ", bind: 10.0.0.1" },
    ),
  );
  assert.deepEqual(Object.keys(all), ["0.0.0.0_80", "10.0.0.1_80"]);
  assert.deepEqual(chains(all["0.0.0.0_80"]), ["any: http.80"]);
  assert.deepEqual(chains(all["10.0.0.1_80"]), ["any: http.80.10.0.0.1"]);
  assert.equal(all["0.0.0.0_80"]?.["listenerFilters"], undefined);
});

test("servers that end TLS are told apart by server name, each with its own certificate and routes", () => {
  const all = listeners(
    gateway(
      { port: 443, protocol: "HTTPS", hosts: `b.com, "shop/a.com"`, more: simple },
      { port: 443, protocol: "HTTPS", hosts: `"*"`, more: simple },
    ),
  );
  const listener = all["0.0.0.0_443"];
  assert.deepEqual(chains(listener), ["a.com b.com: https.443.p0.gw.default", "any: https.443.p1.gw.default"]);
  assert.equal(
    listener?.["filterChains"][0].transportSocket.typedConfig.commonTlsContext.tlsCertificateSdsSecretConfigs[0].name,
    "kubernetes://cert",
  );
  assert.equal(listener?.["listenerFilters"][0].name, "envoy.filters.listener.tls_inspector");
});

test("of two servers for one server name the older has it, whatever the namespaces that they are for", () => {
  const found = listeners(
    gateway(
      { port: 443, protocol: "HTTPS", hosts: `"a/x.example.com"`, more: simple },
      { port: 443, protocol: "HTTPS", hosts: `"b/x.example.com"`, more: simple },
    ),
  );
  assert.equal(found["0.0.0.0_443"]?.["filterChains"].length, 1);
});

test("cipher suites that no proxy has are left out", () => {
  const suites = "cipherSuites: [ECDHE-RSA-AES256-GCM-SHA384, ECDHE-RSA-AES256-GCM-SHA384]";
  const [chain] =
    listeners(gateway({ port: 443, protocol: "HTTPS", more: tls(`mode: SIMPLE, credentialName: cert, ${suites}`) }))["0.0.0.0_443"]?.[
      "filterChains"
    ] ?? [];
  assert.deepEqual(chain.transportSocket.typedConfig.commonTlsContext.tlsParams.cipherSuites, ["ECDHE-RSA-AES256-GCM-SHA384"]);
});

test("connections of a TCP server go where its first TCP route says; without one the port stays shut", () => {
  const servers = gateway({ port: 31400, protocol: "TCP" });
  assert.deepEqual(listeners(servers), {});
  const to = (port: number): string =>
    `tcp: [{ match: [{ port: ${port} }], route: [{ destination: { host: db }, weight: 1 }, { destination: { host: db, subset: v2 }, weight: 3 }] }]`;
  assert.deepEqual(listeners(servers + routed("vs", `"*"`, to(9000))), {});
  assert.deepEqual(chains(listeners(servers + routed("vs", `"*"`, to(31400)))["0.0.0.0_31400"]), [
    "any: outbound|5432||db.default.svc.cluster.local=1 outbound|5432|v2|db.default.svc.cluster.local=3",
  ]);
});

test("TLS that ends at the gateway may carry TCP", () => {
  const servers = gateway({ port: 5432, protocol: "TLS", hosts: "db.com", more: simple });
  const listener = listeners(servers + routed("vs", "db.com", "tcp: [{ route: [{ destination: { host: db } }] }]"))["0.0.0.0_5432"];
  assert.deepEqual(chains(listener), ["db.com: outbound|5432||db.default.svc.cluster.local"]);
  assert.ok(listener?.["filterChains"][0].transportSocket);
});

test("TLS that passes goes by server name, and of two routes for one name the first counts", () => {
  const servers = gateway({ port: 443, protocol: "TLS", hosts: `"*.com"`, more: tls("mode: PASSTHROUGH") });
  const to = (name: string, subset: string): string =>
    `tls: [{ match: [{ sniHosts: [${name}] }], route: [{ destination: { host: web, subset: ${subset} } }] }]`;
  const yaml =
    servers +
    routed("one", "a.com", to("a.com", "one")) +
    routed("two", `"*.com"`, to("a.com", "two")) +
    routed("three", "b.org", to("b.org", "three"));
  const listener = listeners(yaml)["0.0.0.0_443"];
  assert.deepEqual(chains(listener), ["a.com: outbound|443|one|web.default.svc.cluster.local"]);
  assert.equal(listener?.["filterChains"][0].transportSocket, undefined);
});

test("between networks only the mesh's own TLS passes, to services that the server's hosts cover, subsets too", () => {
  const rule = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: db, namespace: default }
spec: { host: db, subsets: [{ name: v1, labels: { version: v1 } }] }
`;
  const servers = gateway({ port: 15443, protocol: "TLS", hosts: `"db.default.svc.cluster.local"`, more: tls("mode: AUTO_PASSTHROUGH") });
  const listener = listeners(servers + rule)["0.0.0.0_15443"];
  assert.deepEqual(chains(listener), [
    "outbound_.5432_._.db.default.svc.cluster.local: outbound_.5432_._.db.default.svc.cluster.local",
    "outbound_.5432_.v1_.db.default.svc.cluster.local: outbound_.5432_.v1_.db.default.svc.cluster.local",
  ]);
  assert.ok(listener?.["filterChains"][0].filterChainMatch.applicationProtocols.includes("istio"));
});

test("the node says where it binds, whether it may bind low ports, and whether a header stands in front", () => {
  const servers = gateway({ port: 80, protocol: "HTTP" }, { port: 8080, protocol: "HTTP" });
  assert.deepEqual(Object.keys(listeners(servers, { metadata: { UNPRIVILEGED_POD: "true" } })), ["0.0.0.0_8080"]);
  const bound = listeners(servers, { metadata: { GATEWAY_BIND_ADDRESSES: ["127.0.0.1", "::1"] } })["0.0.0.0_80"];
  assert.equal(bound?.["address"].socketAddress.address, "127.0.0.1");
  assert.equal(bound?.["additionalAddresses"][0].address.socketAddress.address, "::1");
  const behind = listeners(servers, { metadata: { PROXY_CONFIG: { gatewayTopology: { proxyProtocol: {} } } } })["0.0.0.0_80"];
  assert.deepEqual(
    behind?.["listenerFilters"].map((filter: Json) => filter["name"]),
    ["envoy.filters.listener.proxy_protocol"],
  );
});
