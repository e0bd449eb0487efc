import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toJson, type DescMessage, type JsonObject } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { parseFile } from "#api/parse-file";
import { ConfigStore } from "#control-plane/config/store";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import type { Mesh } from "#control-plane/mesh/mesh";
import { parseNode } from "#control-plane/mesh/parse-node";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { buildRegistry } from "#control-plane/registry/build-registry";
import { configRegistry } from "#envoy/config-registry";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { ResourceCache } from "./resource-cache.ts";
import { generateResources, type ResourceSet } from "./resources.ts";
import { service, viewOf } from "./testing.ts";

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  [CLUSTER_TYPE]: ClusterSchema,
  [ENDPOINT_TYPE]: ClusterLoadAssignmentSchema,
  [LISTENER_TYPE]: ListenerSchema,
  [ROUTE_TYPE]: RouteConfigurationSchema,
};

const SERVICES = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: ratings, namespace: default }
spec: { selector: { app: ratings }, ports: [{ name: http, port: 9080 }, { name: http-admin, port: 80, targetPort: 8081 }] }
---
apiVersion: v1
kind: Service
metadata: { name: istio-ingressgateway, namespace: istio-system }
spec:
  selector: { istio: ingressgateway }
  ports: [{ name: http2, port: 80, targetPort: 8080 }]
---
${["v1", "v2", "v3"]
  .map(
    (version, index) => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: reviews-${version}-1, namespace: default }
spec: { address: 127.66.0.${index + 5}, labels: { app: reviews, version: ${version} } }
`,
  )
  .join("---\n")}
`;

const SUBSETS = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec:
  host: reviews
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN }, connectionPool: { tcp: { maxConnections: 7, connectTimeout: 2s } } }
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 }, trafficPolicy: { loadBalancer: { simple: RANDOM } } }
`;

const GATEWAY = `
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gw, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers:
  - { port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.example.com"] }
`;

function virtualService(spec: string, name = "routes"): string {
  return `\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name}, namespace: default }\nspec:\n${spec}\n`;
}

function meshOf(yaml: string): Mesh {
  const store = new ConfigStore();
  const documents = parseFile(yaml, "test.yaml");
  for (const document of documents) {
    for (const finding of document.findings) assert.notEqual(finding.level, "error", JSON.stringify(finding));
  }
  store.put({ path: "test.yaml", rank: "file", seenMs: 0 }, documents, 0);
  store.publish();
  return buildMesh({
    version: "1",
    objects: store.objects,
    registry: buildRegistry({ objects: store.objects, registered: [], domain: "cluster.local" }),
    meshConfigDefaults: { accessLogFile: "/dev/stdout" },
    domain: "cluster.local",
    hasCertificateAuthority: false,
  });
}

const sidecar = parseNode({
  id: "sidecar~127.66.0.5~reviews-v2-1.default~default.svc.cluster.local",
  metadata: {
    LABELS: { app: "reviews", version: "v2" },
    INTERCEPTION_MODE: "NONE",
    HTTP_PROXY_BIND: "127.66.0.5",
    HTTP_PROXY_PORT: "15001",
    MIZZEN_INGRESS: [{ port: { number: 9080, protocol: "HTTP", name: "http" }, bind: "127.66.0.5", defaultEndpoint: "127.0.0.1:41233" }],
  },
});
const gateway = parseNode({
  id: "router~127.66.0.1~istio-ingressgateway-1.istio-system~istio-system.svc.cluster.local",
  metadata: { LABELS: { istio: "ingressgateway" }, GATEWAY_BIND_ADDRESSES: ["127.0.0.1", "::1"] },
});

function generate(yaml: string, node: ProxyNode): ResourceSet {
  return generateResources(meshOf(yaml).view(node));
}

function names(set: ResourceSet, typeUrl: string): readonly string[] {
  return [...(set.get(typeUrl)?.keys() ?? [])];
}

function resource(set: ResourceSet, typeUrl: string, name: string): any {
  const found = set.get(typeUrl)?.get(name);
  assert.ok(found, `${name} is not among ${names(set, typeUrl).join(", ")}`);
  const schema = SCHEMAS[typeUrl];
  assert.ok(schema);
  return toJson(schema, fromBinary(schema, found.value), { registry: configRegistry }) as JsonObject;
}

function routesOf(yaml: string, host = "reviews.default.svc.cluster.local:9080"): any[] {
  const table = resource(generate(yaml, sidecar), ROUTE_TYPE, "http_proxy");
  const virtualHost = table.virtualHosts.find((candidate: { name: string }) => candidate.name === host);
  assert.ok(virtualHost, `${host} is not among ${table.virtualHosts.map((one: { name: string }) => one.name).join(", ")}`);
  return virtualHost.routes;
}

test("a sidecar without capture gets its inbound port, its HTTP proxy port and nothing on loopback", () => {
  const set = generate(SERVICES, sidecar);
  assert.deepEqual(names(set, LISTENER_TYPE), ["127.66.0.5_15001", "127.66.0.5_9080"]);
  const inbound = resource(set, LISTENER_TYPE, "127.66.0.5_9080");
  assert.equal(inbound.trafficDirection, "INBOUND");
  const manager = inbound.filterChains[0].filters[0].typedConfig;
  assert.equal(manager.serverName, "istio-envoy");
  assert.equal(manager.routeConfig.name, "inbound|9080||");
  assert.equal(manager.routeConfig.virtualHosts[0].name, "inbound|http|9080");
  assert.equal(manager.routeConfig.virtualHosts[0].routes[0].decorator.operation, "reviews.default.svc.cluster.local:9080/*");
  assert.deepEqual(
    manager.httpFilters.map((filter: { name: string }) => filter.name),
    ["envoy.filters.http.grpc_stats", "envoy.filters.http.fault", "envoy.filters.http.cors", "envoy.filters.http.router"],
  );
  const cluster = resource(set, CLUSTER_TYPE, "inbound|9080||");
  assert.deepEqual(cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress, {
    address: "127.0.0.1",
    portValue: 41233,
  });
  const outbound = resource(set, LISTENER_TYPE, "127.66.0.5_15001").filterChains[0].filters[0].typedConfig;
  assert.equal(outbound.httpProtocolOptions.allowAbsoluteUrl, true);
  assert.equal(outbound.rds.routeConfigName, "http_proxy");
  assert.equal(outbound.serverName, undefined);
  assert.match(outbound.accessLog[0].typedConfig.logFormat.textFormatSource.inlineString, /%RESPONSE_FLAGS%.*%ROUTE_NAME%\n$/u);
});

test("the HTTP proxy's routes know every service by name and port, and bare names by one port", () => {
  const table = resource(generate(SERVICES, sidecar), ROUTE_TYPE, "http_proxy");
  const domains = (name: string): string[] => table.virtualHosts.find((host: { name: string }) => host.name === name).domains;
  assert.ok(domains("reviews.default.svc.cluster.local:9080").includes("reviews:9080"));
  assert.ok(domains("reviews.default.svc.cluster.local:9080").includes("reviews.default:9080"));
  assert.ok(domains("reviews.default.svc.cluster.local:9080").includes("reviews.default.svc:9080"));
  assert.ok(domains("reviews.default.svc.cluster.local:9080").includes("reviews"));
  assert.ok(domains("ratings.default.svc.cluster.local:80").includes("ratings"), "a bare name means port 80 where there is one");
  assert.ok(!domains("ratings.default.svc.cluster.local:9080").includes("ratings"));
  assert.ok(
    !domains("istio-ingressgateway.istio-system.svc.cluster.local:80").includes("istio-ingressgateway"),
    "short names stay in their namespace",
  );
  assert.equal(table.ignorePortInHostMatching, undefined);
  assert.equal(table.virtualHosts.at(-1).name, "allow_any");
  const all = table.virtualHosts.flatMap((host: { domains: string[] }) => host.domains.map((domain) => domain.toLowerCase()));
  assert.equal(new Set(all).size, all.length, "no domain stands twice");
});

test("a service without a VirtualService gets Istio's default route", () => {
  const [route] = routesOf(SERVICES);
  assert.equal(route.name, "default");
  assert.deepEqual(route.route, {
    cluster: "outbound|9080||reviews.default.svc.cluster.local",
    timeout: "0s",
    maxGrpcTimeout: "0s",
    retryPolicy: {
      retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
      numRetries: 2,
      hostSelectionRetryMaxAttempts: "5",
      retryHostPredicate: [
        {
          name: "envoy.retry_host_predicates.previous_hosts",
          typedConfig: { "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate" },
        },
      ],
    },
  });
});

test("REGISTRY_ONLY answers unknown hosts with 502", () => {
  const yaml = `${SERVICES}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio, namespace: istio-system }\ndata:\n  mesh: |\n    outboundTrafficPolicy: { mode: REGISTRY_ONLY }\n`;
  const last = resource(generate(yaml, sidecar), ROUTE_TYPE, "http_proxy").virtualHosts.at(-1);
  assert.equal(last.name, "block_all");
  assert.equal(last.routes[0].directResponse.status, 502);
});

test("weights, subsets, faults, retries and timeouts of a VirtualService arrive as Envoy's", () => {
  const routes = routesOf(
    SERVICES +
      SUBSETS +
      virtualService(`
  hosts: [reviews]
  http:
  - match: [{ headers: { end-user: { exact: jason } } }]
    fault: { delay: { percentage: { value: 0.1 }, fixedDelay: 7s }, abort: { percentage: { value: 100 }, httpStatus: 500 } }
    route: [{ destination: { host: reviews, subset: v2 } }]
  - match: [{ uri: { prefix: /api }, name: m, ignoreUriCase: true }]
    name: api
    timeout: 1.5s
    retries: { attempts: 0 }
    rewrite: { uri: /v1, authority: other }
    route: [{ destination: { host: reviews, subset: v1 } }]
  - route:
    - { destination: { host: reviews, subset: v1 }, weight: 80 }
    - { destination: { host: reviews, subset: v2 }, weight: 20 }
    - { destination: { host: reviews, subset: v3 }, weight: 0 }
  - match: [{ uri: { exact: /never } }]
    route: [{ destination: { host: reviews } }]
`),
  );
  assert.equal(routes.length, 3, "what stands behind a catch-all is not sent");
  const fault = routes[0].typedPerFilterConfig["envoy.filters.http.fault"];
  assert.deepEqual(fault.delay, { fixedDelay: "7s", percentage: { numerator: 1000, denominator: "MILLION" } });
  assert.deepEqual(fault.abort, { httpStatus: 500, percentage: { numerator: 1_000_000, denominator: "MILLION" } });
  assert.deepEqual(routes[0].match.headers, [{ name: "end-user", stringMatch: { exact: "jason" } }]);
  assert.equal(routes[1].name, "api.m");
  assert.equal(routes[1].match.caseSensitive, false);
  assert.equal(routes[1].route.timeout, "1.500s");
  assert.equal(routes[1].route.prefixRewrite, "/v1");
  assert.equal(routes[1].route.hostRewriteLiteral, "other");
  assert.equal(routes[1].route.retryPolicy, undefined);
  assert.deepEqual(routes[2].route.weightedClusters.clusters, [
    { name: "outbound|9080|v1|reviews.default.svc.cluster.local", weight: 80 },
    { name: "outbound|9080|v2|reviews.default.svc.cluster.local", weight: 20 },
  ]);
  assert.equal(routes[2].metadata.filterMetadata.istio.config, "/apis/networking.istio.io/v1/namespaces/default/virtual-service/routes");
  assert.equal(routes[2].decorator.operation, "routes:9080/*");
});

test("redirect, direct response and header edits arrive as Envoy's", () => {
  const routes = routesOf(
    SERVICES +
      virtualService(`
  hosts: [reviews]
  http:
  - match: [{ uri: { exact: /old } }]
    redirect: { uri: /new, authority: example.com, redirectCode: 308, derivePort: FROM_REQUEST_PORT }
  - match: [{ uri: { regex: "/teapot/.*" }, method: { exact: GET } }]
    directResponse: { status: 418, body: { string: short and stout } }
  - headers: { request: { set: { Host: h.example.com, x-b: b, x-a: a }, remove: [cookie] }, response: { add: { x-r: r } } }
    route: [{ destination: { host: reviews }, headers: { request: { add: { x-d: d } } } }]
`),
  );
  assert.deepEqual(routes[0].redirect, {
    hostRedirect: "example.com",
    pathRedirect: "/new",
    portRedirect: 9080,
    responseCode: "PERMANENT_REDIRECT",
  });
  assert.deepEqual(routes[1].match, {
    safeRegex: { regex: "/teapot/.*" },
    caseSensitive: true,
    headers: [{ name: ":method", stringMatch: { exact: "GET" } }],
  });
  assert.deepEqual(routes[1].directResponse, { status: 418, body: { inlineString: "short and stout" } });
  assert.equal(routes[2].route.hostRewriteLiteral, "h.example.com");
  assert.deepEqual(
    routes[2].requestHeadersToAdd.map((option: { header: { key: string }; appendAction?: string }) => [
      option.header.key,
      option.appendAction ?? "APPEND",
    ]),
    [
      ["x-a", "OVERWRITE_IF_EXISTS_OR_ADD"],
      ["x-b", "OVERWRITE_IF_EXISTS_OR_ADD"],
      ["x-d", "APPEND"],
    ],
  );
  assert.deepEqual(routes[2].requestHeadersToRemove, ["cookie"]);
});

test("rules for other callers are not sent, and a VirtualService without a rule for the caller does not count", () => {
  const forOthers = virtualService(`
  hosts: [reviews]
  http:
  - match: [{ sourceLabels: { app: productpage } }, { sourceNamespace: elsewhere }, { gateways: [gw] }, { port: 1234 }]
    route: [{ destination: { host: ratings, port: { number: 9080 } } }]
`);
  assert.equal(routesOf(SERVICES + forOthers)[0].name, "default");
});

test("subsets become clusters with the policies of their rule, and endpoints with their labels", () => {
  const set = generate(SERVICES + SUBSETS, sidecar);
  const v2 = resource(set, CLUSTER_TYPE, "outbound|9080|v2|reviews.default.svc.cluster.local");
  assert.equal(v2.lbPolicy, "RANDOM");
  assert.equal(v2.connectTimeout, "2s");
  assert.equal(v2.circuitBreakers.thresholds[0].maxConnections, 7);
  assert.equal(v2.metadata.filterMetadata.istio.subset, "v2");
  assert.equal(
    resource(set, CLUSTER_TYPE, "outbound|9080|v1|reviews.default.svc.cluster.local").lbPolicy,
    undefined,
    "ROUND_ROBIN is Envoy's zero",
  );
  assert.equal(resource(set, CLUSTER_TYPE, "outbound|9080||ratings.default.svc.cluster.local").lbPolicy, "LEAST_REQUEST");
  const endpoints = resource(set, ENDPOINT_TYPE, "outbound|9080|v2|reviews.default.svc.cluster.local").endpoints;
  assert.deepEqual(
    endpoints[0].lbEndpoints.map((one: any) => one.endpoint.address.socketAddress.address),
    ["127.66.0.6"],
  );
  assert.equal(resource(set, ENDPOINT_TYPE, "outbound|9080||ratings.default.svc.cluster.local").endpoints, undefined);
  assert.deepEqual(
    names(set, CLUSTER_TYPE).filter((name) => !name.includes("|")),
    ["BlackHoleCluster", "InboundPassthroughCluster", "PassthroughCluster"],
  );
});

test("without a certificate authority ISTIO_MUTUAL leaves the cluster empty, never in the clear", () => {
  const rule = `\n---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: mtls, namespace: default }\nspec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }\n`;
  const set = generate(SERVICES + rule, sidecar);
  assert.equal(resource(set, ENDPOINT_TYPE, "outbound|9080||reviews.default.svc.cluster.local").endpoints, undefined);
});

test("a gateway merges the VirtualServices of a host, catch-alls last, and translates its port", () => {
  const older = virtualService(
    `
  hosts: [shop.example.com]
  gateways: [gw]
  http: [{ route: [{ destination: { host: reviews } }] }]
`,
    "a-older",
  );
  const younger = virtualService(
    `
  hosts: [shop.example.com]
  gateways: [default/gw]
  http: [{ match: [{ uri: { prefix: /ratings } }], route: [{ destination: { host: ratings, port: { number: 9080 } } }] }]
`,
    "b-younger",
  );
  const set = generate(SERVICES + GATEWAY + older + younger, gateway);
  assert.deepEqual(names(set, LISTENER_TYPE), ["0.0.0.0_8080"]);
  const listener = resource(set, LISTENER_TYPE, "0.0.0.0_8080");
  assert.deepEqual(listener.address.socketAddress, { address: "127.0.0.1", portValue: 8080 });
  assert.deepEqual(listener.additionalAddresses[0].address.socketAddress, { address: "::1", portValue: 8080 });
  const manager = listener.filterChains[0].filters[0].typedConfig;
  assert.equal(manager.useRemoteAddress, true);
  assert.equal(manager.forwardClientCertDetails, "SANITIZE_SET");
  const [virtualHost, ...others] = resource(set, ROUTE_TYPE, "http.8080").virtualHosts;
  assert.equal(others.length, 0);
  assert.equal(virtualHost.name, "shop.example.com:80");
  assert.deepEqual(
    virtualHost.routes.map((route: any) => route.match.prefix),
    ["/ratings", "/"],
  );
  assert.deepEqual(
    names(set, CLUSTER_TYPE).filter((name) => !name.startsWith("outbound|")),
    ["BlackHoleCluster"],
  );
});

test("a gateway that no VirtualService uses answers 404 by an empty virtual host", () => {
  const table = resource(generate(SERVICES + GATEWAY, gateway), ROUTE_TYPE, "http.8080");
  assert.deepEqual(table.virtualHosts, [{ name: "blackhole:80", domains: ["*"] }]);
});

test("httpsRedirect asks for TLS also where no VirtualService names the host", () => {
  const yaml = GATEWAY.replace("hosts:", "tls: { httpsRedirect: true }, hosts:");
  const [virtualHost] = resource(generate(SERVICES + yaml, gateway), ROUTE_TYPE, "http.8080").virtualHosts;
  assert.equal(virtualHost.requireTls, "ALL");
  assert.deepEqual(virtualHost.domains, ["*.example.com"]);
});

test("a sidecar with captured traffic has a listener for each direction, and one an HTTP port", () => {
  const redirected = parseNode({ id: "sidecar~10.0.0.1~a.default~default.svc.cluster.local", metadata: { INTERCEPTION_MODE: "REDIRECT" } });
  const set = generate(SERVICES, redirected);
  assert.deepEqual(names(set, LISTENER_TYPE), ["0.0.0.0_80", "0.0.0.0_9080", "virtualInbound", "virtualOutbound"]);
  assert.equal(resource(set, LISTENER_TYPE, "0.0.0.0_80").bindToPort, false);
});

test("without an announced proxy port there is one loopback listener a service port, as in istiod", () => {
  const plain = parseNode({ id: "sidecar~10.0.0.1~a.default~default.svc.cluster.local", metadata: { INTERCEPTION_MODE: "NONE" } });
  const set = generate(SERVICES, plain);
  assert.deepEqual(names(set, LISTENER_TYPE), ["127.0.0.1_80", "127.0.0.1_9080"]);
  assert.deepEqual(names(set, ROUTE_TYPE), ["80", "9080"]);
  assert.equal(resource(set, ROUTE_TYPE, "9080").ignorePortInHostMatching, true);
});

test("cached and uncached generation give the same bytes, in the same order, for any proxy", () => {
  const text = fc.constantFrom("reviews", "ratings");
  const route = fc.record({
    host: text,
    subset: fc.constantFrom("", "v1", "v2"),
    weight: fc.integer({ min: 1, max: 9 }),
    prefix: fc.constantFrom("/", "/a", "/b"),
  });
  fc.assert(
    fc.property(fc.array(route, { minLength: 1, maxLength: 4 }), fc.boolean(), text, (rules, withRule, host) => {
      const http = rules.map(
        (rule) =>
          `  - match: [{ uri: { prefix: "${rule.prefix}" }, sourceLabels: { version: v2 } }]\n    route: [{ destination: { host: ${rule.host}${rule.subset === "" ? "" : `, subset: ${rule.subset}`} }, weight: ${rule.weight} }]`,
      );
      const yaml = SERVICES + (withRule ? SUBSETS : "") + virtualService(`  hosts: [${host}]\n  http:\n${http.join("\n")}`);
      const mesh = meshOf(yaml);
      const cache = new ResourceCache();
      const other = parseNode({
        id: "sidecar~127.66.0.9~other.shop~shop.svc.cluster.local",
        metadata: { INTERCEPTION_MODE: "NONE", HTTP_PROXY_BIND: "127.66.0.9", HTTP_PROXY_PORT: 15001 },
      });
      for (const node of [sidecar, other, gateway, sidecar]) {
        const cached = generateResources(mesh.view(node), cache);
        const fresh = generateResources(meshOf(yaml).view(node));
        assert.deepEqual([...cached.keys()], [...fresh.keys()]);
        for (const [typeUrl, resources] of fresh) {
          assert.deepEqual(
            [...resources].map(([name, { value }]) => [name, Buffer.from(value).toString("hex")]),
            [...(cached.get(typeUrl) ?? [])].map(([name, { value }]) => [name, Buffer.from(value).toString("hex")]),
          );
        }
      }
    }),
    { numRuns: 25 },
  );
});

test("what the ports of a service lead to is asked for a number of times that does not grow with their number", (t) => {
  const timesAPort = (count: number): number => {
    const view = viewOf(
      service(
        "many",
        Array.from({ length: count }, (_, at) => [`http-${at}`, 1000 + at] as const),
      ),
    );
    const { mock } = t.mock.method(view.mesh, "endpoints");
    generateResources(view, new ResourceCache());
    return mock.callCount() / count;
  };
  assert.ok(timesAPort(20) > 0);
  assert.equal(timesAPort(200), timesAPort(20));
});
