import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { service, viewOf, virtualService, type ProxyOptions } from "#control-plane/generate/testing";
import { messageToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { sidecarListeners } from "./sidecar-listeners.ts";

function listenersOf(yaml: string, options: ProxyOptions = {}): ReadonlyMap<string, JsonObject> {
  const listeners = sidecarListeners(viewOf(yaml, options));
  return new Map(listeners.map((listener) => [listener.name, messageToJson(configRegistry, ListenerSchema, listener)]));
}

/** `match => cluster or routes` of each chain, the default one last. */
function chainsOf(listener: JsonObject | undefined): readonly string[] {
  assert.ok(listener);
  const { filterChains = [], defaultFilterChain } = listener as { filterChains?: JsonObject[]; defaultFilterChain?: JsonObject };
  return [...filterChains.map(shown), ...(defaultFilterChain === undefined ? [] : [`default ${shown(defaultFilterChain)}`])];
}

function shown(chain: JsonObject): string {
  const match = (chain["filterChainMatch"] ?? {}) as Record<string, any>;
  const conditions = [
    match["destinationPort"],
    ...(match["serverNames"] ?? []),
    ...(match["prefixRanges"] ?? []).map((range: any) => `${range.addressPrefix}/${range.prefixLen}`),
    match["transportProtocol"],
    ...(match["applicationProtocols"] ?? []),
  ].filter((condition) => condition !== undefined);
  const last = (chain["filters"] as any[]).at(-1).typedConfig;
  const weighted = last.weightedClusters?.clusters.map((to: any) => `${to.weight}:${to.name}`).join(" ");
  return `[${conditions.join(" ")}] => ${last.cluster ?? weighted ?? last.rds?.routeConfigName ?? last.routeConfig?.name}`;
}

const HTTP = "raw_buffer http/1.1 h2c";
const CAPTURED = ["virtualInbound", "virtualOutbound"];

function at(address: string): string {
  return `, clusterIP: ${address}`;
}

test("HTTP ports share the wildcard and let other traffic pass; TCP and unknown ones are at the service's address", () => {
  const yaml =
    service("web", [["http", 80]], "default", at("10.96.0.1")) +
    service("db", [["tcp", 80]], "default", at("10.96.0.2")) +
    service("any", [["port", 80]], "default", at("10.96.0.3"));
  const listeners = listenersOf(yaml);
  assert.deepEqual([...listeners.keys()].sort(), ["0.0.0.0_80", "10.96.0.2_80", "10.96.0.3_80", ...CAPTURED].sort());
  assert.deepEqual(chainsOf(listeners.get("0.0.0.0_80")), [`[${HTTP}] => 80`, "default [] => PassthroughCluster"]);
  assert.deepEqual(chainsOf(listeners.get("10.96.0.2_80")), ["[] => outbound|80||db.default.svc.cluster.local"]);
  assert.deepEqual(chainsOf(listeners.get("10.96.0.3_80")), [
    `[${HTTP}] => any.default.svc.cluster.local:80`,
    "default [] => outbound|80||any.default.svc.cluster.local",
  ]);
});

test("where services share an address and port, the oldest claims it, and others come on top as far as they can be told apart", () => {
  const entry = (name: string, protocol: string) => `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: default }
spec: { hosts: [${name}.example.com], resolution: DNS, ports: [{ name: p, number: 443, protocol: ${protocol} }] }
`;
  const listeners = listenersOf(entry("a", "TLS") + entry("b", "TLS") + entry("c", "HTTP"));
  assert.deepEqual(chainsOf(listeners.get("0.0.0.0_443")), [
    "[a.example.com] => outbound|443||a.example.com",
    "[b.example.com] => outbound|443||b.example.com",
    `[${HTTP}] => 443`,
    "default [] => PassthroughCluster",
  ]);
});

test("TLS routes choose by server name, by weight and by caller; of equal matches the first counts", () => {
  const yaml =
    service("a", [["tls", 443]], "default", at("10.96.0.1")) +
    virtualService(
      "sni",
      `{ hosts: [a, one.com], tls: [
        { match: [{ sniHosts: [one.com], sourceLabels: { app: other } }], route: [{ destination: { host: wrong } }] },
        { match: [{ sniHosts: [one.com] }], route: [{ destination: { host: a }, weight: 30 }, { destination: { host: b, port: { number: 1 } }, weight: 70 }] },
        { match: [{ sniHosts: [one.com] }], route: [{ destination: { host: late } }] }] }`,
    );
  const listener = listenersOf(yaml).get("10.96.0.1_443");
  assert.deepEqual(chainsOf(listener), [
    "[one.com] => 30:outbound|443||a.default.svc.cluster.local 70:outbound|1||b.default.svc.cluster.local",
    "default [] => PassthroughCluster",
  ]);
  assert.deepEqual(
    (listener?.["listenerFilters"] as JsonObject[] | undefined)?.map(({ name }) => name),
    ["envoy.filters.listener.tls_inspector"],
  );
});

test("TCP routes choose by what was addressed, and end with the first that takes everything", () => {
  const yaml =
    service("db", [["tcp", 3306]], "default", at("10.96.0.1")) +
    virtualService(
      "db",
      `{ hosts: [db], tcp: [
        { match: [{ destinationSubnets: [10.96.0.0/16] }], route: [{ destination: { host: near } }] },
        { match: [{ port: 1 }], route: [{ destination: { host: wrong } }] },
        { match: [{ port: 3306 }], route: [{ destination: { host: far, subset: v1 } }] },
        { route: [{ destination: { host: late } }] }] }`,
    );
  assert.deepEqual(chainsOf(listenersOf(yaml).get("10.96.0.1_3306")), [
    "[10.96.0.0/16] => outbound|3306||near.default.svc.cluster.local",
    "default [] => outbound|3306|v1|far.default.svc.cluster.local",
  ]);
});

test("inbound chains go by protocol and mode, and the capturing ports lead nowhere", () => {
  const yaml = `${service("a", [["http", 80]])}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict, namespace: default }
spec: { selector: { matchLabels: { app: a } }, mtls: { mode: STRICT }, portLevelMtls: { 80: { mode: DISABLE }, 7000: { mode: DISABLE } } }
`;
  const listeners = listenersOf(yaml, { metadata: { LABELS: { app: "a" } } });
  assert.deepEqual(chainsOf(listeners.get("virtualInbound")), [
    "[15006] => BlackHoleCluster",
    "[tls istio-http/1.0 istio-http/1.1 istio-h2] => InboundPassthroughCluster",
    "[tls] => InboundPassthroughCluster",
    `[7000 ${HTTP}] => InboundPassthroughCluster`,
    "[7000 raw_buffer] => InboundPassthroughCluster",
    "[80 raw_buffer] => inbound|80||",
  ]);
  assert.deepEqual(chainsOf(listeners.get("virtualOutbound")), ["[15001] => BlackHoleCluster", "[] => PassthroughCluster"]);
});

test("TPROXY keeps addresses; NONE has no capturing listeners and binds loopback", () => {
  const yaml = service("web", [["http", 80]], "default", at("10.96.0.1"));
  const transparent = listenersOf(yaml, { metadata: { INTERCEPTION_MODE: "TPROXY" } });
  for (const name of CAPTURED) assert.equal(transparent.get(name)?.["transparent"], true, name);
  assert.match(JSON.stringify(transparent.get("virtualInbound")?.["listenerFilters"]), /original_src.*"mark":1337/);
  const none = listenersOf(yaml, { metadata: { INTERCEPTION_MODE: "NONE" } });
  assert.deepEqual([...none.keys()], ["127.0.0.1_80"]);
  assert.deepEqual(chainsOf(none.get("127.0.0.1_80")), ["[] => 80"]);
});

test("an unprivileged proxy opens no port below 1024, and nobody the ports of the proxy itself", () => {
  const yaml = service("web", [["http", 80]]) + service("own", [["http", 15_001]]) + service("health", [["http", 15_021]]);
  const captured = listenersOf(yaml, { metadata: { ENVOY_STATUS_PORT: 15_021, UNPRIVILEGED_POD: "true" } });
  assert.deepEqual([...captured.keys()].sort(), ["0.0.0.0_80", ...CAPTURED].sort());
  const none = listenersOf(yaml, { metadata: { INTERCEPTION_MODE: "NONE", UNPRIVILEGED_POD: "true" } });
  assert.deepEqual([...none.keys()].sort(), ["127.0.0.1_15001", "127.0.0.1_15021"]);
});

test("REGISTRY_ONLY sends unknown destinations nowhere", () => {
  const yaml = `${service("web", [["http", 80]])}
---
apiVersion: mesh.istio.io/v1alpha1
kind: MeshConfig
metadata: { name: default }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY }, proxyHttpPort: 15007 }
`;
  const listeners = listenersOf(yaml);
  assert.deepEqual(chainsOf(listeners.get("0.0.0.0_80")), [`[${HTTP}] => 80`, "default [] => BlackHoleCluster"]);
  assert.deepEqual(chainsOf(listeners.get("127.0.0.1_15007")), ["[] => http_proxy"]);
});

test("hosts that nobody declared are looked up by name where the mesh wants that, and a wildcard service's are as well", () => {
  const yaml = `
---
apiVersion: mesh.istio.io/v1alpha1
kind: MeshConfig
metadata: { name: default }
spec: { outboundTrafficPolicy: { mode: ALLOW_ANY_DYNAMIC_DNS } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: many, namespace: default }
spec:
  hosts: ["*.example.com"]
  location: MESH_EXTERNAL
  resolution: DYNAMIC_DNS
  ports:
  - { number: 80, name: http, protocol: HTTP }
  - { number: 443, name: tls, protocol: TLS }
`;
  const listeners = listenersOf(yaml);
  assert.deepEqual(chainsOf(listeners.get("virtualOutbound")), [
    "[15001] => BlackHoleCluster",
    `[${HTTP}] => AllowAnyDynamicDNSCluster`,
    "default [] => PassthroughCluster",
  ]);
  assert.equal(listeners.get("virtualOutbound")?.["continueOnListenerFiltersTimeout"], true);
  const caches = (name: string) => JSON.stringify(listeners.get(name)).match(/"[^"]+_dfp_dns_cache"/gu);
  assert.deepEqual(caches("virtualOutbound"), ['"AllowAnyDynamicDNSCluster_dfp_dns_cache"']);
  assert.deepEqual(caches("0.0.0.0_80"), ['"*.example.com_dfp_dns_cache"', '"AllowAnyDynamicDNSCluster_dfp_dns_cache"']);
  assert.deepEqual(caches("0.0.0.0_443"), ['"*.example.com_dfp_dns_cache"']);
});

test("a proxy's operator limits what is held of each connection and has them shared evenly", () => {
  const listeners = listenersOf(service("web", [["http", 80]]), {
    metadata: {
      PROXY_CONFIG: { connectionSettings: { listenerPerConnectionBufferLimitBytes: 4096 } },
      INBOUND_LISTENER_EXACT_BALANCE: "true",
    },
  });
  const settings = [...listeners].map(([name, listener]) => [
    name,
    listener["perConnectionBufferLimitBytes"],
    "connectionBalanceConfig" in listener,
  ]);
  assert.deepEqual(settings, [
    ["0.0.0.0_80", 4096, false],
    ["virtualOutbound", 4096, false],
    ["virtualInbound", 4096, true],
  ]);
});

test("statistics of connections are called as the mesh says", () => {
  const listeners = listenersOf(`${service("db", [["tcp", 5432]], "default", at("10.96.0.2"))}
---
apiVersion: mesh.istio.io/v1alpha1
kind: MeshConfig
metadata: { name: default }
spec: { outboundClusterStatName: "%SERVICE%_%SERVICE_PORT_NAME%" }
`);
  assert.match(JSON.stringify(listeners.get("10.96.0.2_5432")), /"statPrefix":"db\.default_tcp"/u);
});

test("a Sidecar's port for HTTP proxy requests takes nothing else", () => {
  const listeners = listenersOf(`${service("web", [["http", 80]])}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: all, namespace: default }
spec: { egress: [{ port: { number: 15080, protocol: HTTP_PROXY, name: proxy }, hosts: ["*/*"] }] }
`);
  assert.deepEqual(chainsOf(listeners.get("0.0.0.0_15080")), ["[] => 15080"]);
});

test("an announced proxy port takes the place of listeners for services, and of no port that only a Sidecar can have named", () => {
  const metadata = { INTERCEPTION_MODE: "NONE", HTTP_PROXY_BIND: "127.66.0.2", HTTP_PROXY_PORT: "15001" };
  const yaml = `${service("web", [
    ["http", 80],
    ["http-own", 8000],
  ])}${service("db", [["tcp", 5432]])}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: all, namespace: default }
spec:
  egress:
  - { port: { number: 5432, protocol: TCP, name: db }, bind: 127.66.0.2, hosts: ["./db.default.svc.cluster.local"] }
  - { port: { number: 80, protocol: HTTP, name: http }, hosts: ["./web.default.svc.cluster.local"] }
  - { port: { number: 8000, protocol: HTTP, name: own }, bind: 127.66.0.2, hosts: ["*/*"] }
  - { port: { number: 15001, protocol: HTTP, name: taken }, bind: 127.66.0.2, hosts: ["*/*"] }
  - { hosts: ["*/*"] }
`;
  const listeners = listenersOf(yaml, { metadata });
  assert.deepEqual([...listeners.keys()].sort(), ["127.66.0.2_15001", "127.66.0.2_5432", "127.66.0.2_8000"]);
  assert.deepEqual(chainsOf(listeners.get("127.66.0.2_5432")), ["[] => outbound|5432||db.default.svc.cluster.local"]);
  assert.deepEqual(chainsOf(listeners.get("127.66.0.2_8000")), ["[] => 8000"]);
  assert.deepEqual(chainsOf(listeners.get("127.66.0.2_15001")), ["[] => http_proxy"]);
});
