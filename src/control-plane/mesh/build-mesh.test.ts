import assert from "node:assert/strict";
import test from "node:test";
import type { ApiObject } from "#api/object";
import { objectSet } from "#control-plane/config/immutable-object-set";
import { buildRegistry } from "#control-plane/registry/build-registry";
import { buildMesh } from "./build-mesh.ts";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import type { Mesh, ProxyView } from "./mesh.ts";
import { DOMAIN, httpService, meshOf, object, proxyNode, type ObjectOptions } from "./testing.ts";

const reviews = "reviews.default.svc.cluster.local";

const virtualService = (name: string, hosts: readonly string[], spec: object = {}, options: ObjectOptions = {}): ApiObject =>
  object("VirtualService", name, { hosts, ...spec }, options);
const destinationRule = (name: string, host: string, spec: object = {}, options: ObjectOptions = {}): ApiObject =>
  object("DestinationRule", name, { host, ...spec }, options);
const view = (objects: readonly ApiObject[], namespace = "default", labels = {}): ProxyView =>
  meshOf(objects).mesh.view(proxyNode({ namespace, labels }));
const meshNames = (seen: ProxyView): readonly string[] => seen.meshVirtualServices.map(({ object: { metadata } }) => metadata.name);
const ruleNames = (seen: ProxyView, host = reviews): readonly string[] =>
  seen.destinationRule(host)?.objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) ?? [];

test("a VirtualService's short names are completed with its own namespace", () => {
  const [resolved] = view([
    virtualService("reviews", ["reviews", "a.example.com"], {
      gateways: ["mesh", "gw", "other/gw", "./gw2", "gw3.infra.svc.cluster.local"],
      http: [
        {
          match: [{ gateways: ["gw"], uri: { exact: "/" } }],
          route: [{ destination: { host: "reviews", subset: "v1" }, weight: 1 }],
          mirror: { host: "ratings" },
          mirrors: [{ destination: { host: "x.y" } }],
        },
      ],
      tcp: [{ route: [{ destination: { host: "db" } }] }],
    }),
  ]).meshVirtualServices;
  assert.deepEqual(resolved?.hosts, [reviews, "a.example.com"]);
  assert.deepEqual(resolved?.gateways, ["mesh", "default/gw", "other/gw", "default/gw2", "infra/gw3"]);
  const [route] = resolved?.spec.http ?? [];
  assert.deepEqual(route?.match, [{ gateways: ["default/gw"], uri: { exact: "/" } }]);
  assert.deepEqual(route?.route, [{ destination: { host: reviews, subset: "v1" }, weight: 1 }]);
  assert.equal(route?.mirror?.host, "ratings.default.svc.cluster.local");
  assert.equal(route?.mirrors?.[0]?.destination?.host, "x.y");
  assert.equal(resolved?.spec.tcp?.[0]?.route?.[0]?.destination?.host, "db.default.svc.cluster.local");
});

test("VirtualServices for the mesh: exact hosts before wildcards, else oldest first; those of gateways do not count", () => {
  const seen = view([
    virtualService("wild", ["*.example.com"]),
    virtualService("first", ["a.example.com"]),
    virtualService("gateway", ["a.example.com"], { gateways: ["gw"] }),
    virtualService("second", ["*.x.com", "b.example.com"]),
  ]);
  assert.deepEqual(meshNames(seen), ["first", "second", "wild"]);
  assert.deepEqual(
    seen.gatewayVirtualServices("default/gw").map(({ object: { metadata } }) => metadata.name),
    ["gateway"],
  );
  assert.deepEqual(seen.gatewayVirtualServices("default/none"), []);
});

test("exportTo decides which namespaces see a VirtualService; their own come first", () => {
  const objects = [
    virtualService("public", ["a"]),
    virtualService("private", ["b"], { exportTo: ["."] }),
    virtualService("shared", ["c"], { exportTo: ["other"] }),
    virtualService("nobody", ["d"], { exportTo: ["~"] }),
  ];
  assert.deepEqual(meshNames(view(objects)), ["private", "public"]);
  assert.deepEqual(meshNames(view(objects, "other")), ["shared", "public"]);
  assert.deepEqual(meshNames(view(objects, "third")), ["public"]);
});

test("MeshConfig says what is seen where exportTo is not written", () => {
  const config = object(
    "MeshConfig",
    "istio",
    { defaultServiceExportTo: ["."], defaultVirtualServiceExportTo: ["."] },
    { namespace: "istio-system" },
  );
  const objects = [
    config,
    httpService("reviews"),
    httpService("open", { annotations: { "networking.istio.io/exportTo": "*" } }),
    virtualService("a", ["reviews"]),
  ];
  const hostnames = (seen: ProxyView): readonly string[] => seen.services.map(({ name }) => name);
  assert.deepEqual(hostnames(view(objects)), ["open", "reviews"]);
  assert.deepEqual(hostnames(view(objects, "other")), ["open"]);
  assert.equal(view(objects, "other").service(reviews), undefined);
  assert.deepEqual(meshNames(view(objects, "other")), []);
  const { mesh } = meshOf(objects);
  assert.equal(mesh.service(reviews)?.name, "reviews");
  assert.equal(mesh.service(reviews, "other"), undefined);
});

test("MeshConfig is Istio's defaults, with the user's fields above, message by message", () => {
  const { mesh } = meshOf([
    object("MeshConfig", "istio", { accessLogFile: "/dev/stdout", outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } }),
  ]);
  assert.equal(mesh.config.rootNamespace, "istio-system");
  assert.equal(mesh.config.connectTimeout, 10_000);
  assert.equal(mesh.config.accessLogFile, "/dev/stdout");
  assert.equal(mesh.config.outboundTrafficPolicy?.mode, "REGISTRY_ONLY");
});

test("DestinationRules: the caller's namespace, then the service's, then the root namespace", () => {
  const service = httpService("reviews");
  const root = destinationRule("root", "*.svc.cluster.local", {}, { namespace: "istio-system" });
  const own = destinationRule("own", "reviews");
  const callers = destinationRule("callers", reviews, {}, { namespace: "shop" });
  assert.deepEqual(ruleNames(view([service, root, own, callers], "shop")), ["shop/callers"]);
  assert.deepEqual(ruleNames(view([service, root, own, callers], "other")), ["default/own"]);
  assert.deepEqual(ruleNames(view([service, root], "other")), ["istio-system/root"]);
  assert.deepEqual(ruleNames(view([service], "other")), []);
});

test("a caller in the root namespace does not prefer the mesh-wide rules there", () => {
  const objects = [
    httpService("reviews"),
    destinationRule("root", "*", {}, { namespace: "istio-system" }),
    destinationRule("own", "reviews"),
  ];
  assert.deepEqual(ruleNames(view(objects, "istio-system")), ["default/own"]);
  const local = destinationRule("local", "*", { exportTo: ["."] }, { namespace: "istio-system" });
  assert.deepEqual(ruleNames(view([...objects, local], "istio-system")), ["istio-system/local"]);
});

test("the most specific host of a namespace counts", () => {
  const objects = [
    httpService("reviews"),
    destinationRule("all", "*"),
    destinationRule("local", "*.svc.cluster.local"),
    destinationRule("own", "reviews"),
  ];
  assert.deepEqual(ruleNames(view(objects)), ["default/own"]);
  assert.deepEqual(ruleNames(view(objects), "other.default.svc.cluster.local"), ["default/local"]);
  assert.deepEqual(ruleNames(view(objects), "example.com"), ["default/all"]);
});

test("a DestinationRule that is not exported stays in its namespace", () => {
  const objects = [
    httpService("reviews"),
    destinationRule("own", "reviews", { exportTo: ["."] }),
    destinationRule("nobody", "x.com", { exportTo: ["~"] }),
  ];
  assert.deepEqual(ruleNames(view(objects)), ["default/own"]);
  assert.deepEqual(ruleNames(view(objects, "other")), []);
  assert.deepEqual(ruleNames(view(objects), "x.com"), []);
});

test("rules of one host are merged: subsets are added, the older wins conflicts, a policy fills an empty place", () => {
  const rule = view([
    destinationRule("a", "reviews", { subsets: [{ name: "v1", labels: { version: "v1" } }] }),
    destinationRule("b", "reviews", {
      subsets: [
        { name: "v1", labels: { version: "other" } },
        { name: "v2", labels: { version: "v2" } },
      ],
      trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } },
    }),
    destinationRule("c", reviews, { trafficPolicy: { loadBalancer: { simple: "RANDOM" } } }),
  ]).destinationRule(reviews);
  assert.deepEqual(rule?.spec.subsets, [
    { name: "v1", labels: { version: "v1" } },
    { name: "v2", labels: { version: "v2" } },
  ]);
  assert.equal(rule?.spec.trafficPolicy?.loadBalancer?.simple, "ROUND_ROBIN");
  assert.equal(rule?.host, reviews);
  assert.equal(rule?.objects.length, 3);
});

test("a rule that is exported to more namespaces adds to the older one where both are seen", () => {
  const subset = (name: string): object => ({ subsets: [{ name, labels: { version: name } }] });
  const objects = [
    httpService("reviews"),
    destinationRule("a", "reviews", { ...subset("v1"), exportTo: ["shop"] }),
    destinationRule("b", "reviews", { ...subset("v2"), exportTo: ["shop", "bank"] }),
  ];
  const subsets = (namespace: string): readonly string[] | undefined =>
    view(objects, namespace)
      .destinationRule(reviews)
      ?.spec.subsets?.map(({ name }) => name);
  assert.deepEqual(subsets("shop"), ["v1", "v2"]);
  assert.deepEqual(subsets("bank"), ["v2"]);
});

test("a rule for chosen workloads is for them alone, and not for other namespaces", () => {
  const objects = [
    httpService("reviews"),
    destinationRule("all", "reviews"),
    destinationRule("chosen", "reviews", { workloadSelector: { matchLabels: { app: "productpage" } } }),
  ];
  assert.deepEqual(ruleNames(view(objects, "default", { app: "productpage" })), ["default/chosen"]);
  assert.deepEqual(ruleNames(view(objects, "default", { app: "ratings" })), ["default/all"]);
  assert.deepEqual(ruleNames(view(objects, "other", { app: "productpage" })), ["default/all"]);
});

const gatewayLabels = { istio: "ingressgateway", app: "istio-ingressgateway" };
const ingressService = object(
  "Service",
  "istio-ingressgateway",
  {
    selector: gatewayLabels,
    ports: [
      { name: "http2", port: 80, targetPort: 8080 },
      { name: "named", port: 81, targetPort: "web" },
    ],
  },
  { namespace: "istio-system" },
);
const router = proxyNode({ type: "router", namespace: "istio-system", labels: gatewayLabels });
const gateway = (name: string, ports: readonly [number, string][], selector: object = { istio: "ingressgateway" }): ApiObject =>
  object("Gateway", name, {
    selector,
    servers: ports.map(([number, protocol]) => ({
      port: { number, protocol, name: `p${number}` },
      ...(protocol === "HTTPS" || protocol === "TLS" ? { hosts: [`${name}.com`], tls: { mode: "PASSTHROUGH" } } : { hosts: ["*"] }),
    })),
  });

test("a gateway listens to the servers of all Gateways that select it, behind the ports of its Service", () => {
  const { mesh } = meshOf([
    ingressService,
    gateway("a", [
      [80, "HTTP"],
      [81, "HTTP"],
      [9000, "HTTP"],
    ]),
    gateway("b", [[80, "HTTP2"]], {}),
    gateway("c", [[80, "HTTP"]], { istio: "egressgateway" }),
  ]);
  assert.deepEqual(
    mesh.view(router).gatewayServers.map((server) => [server.gateway.metadata.name, server.portNumber, server.targetPort]),
    [
      ["a", 80, 8080],
      ["a", 81, 81],
      ["a", 9000, 9000],
      ["b", 80, 8080],
    ],
  );
  assert.deepEqual(mesh.view(proxyNode()).gatewayServers, []);
});

test("a port belongs to the Gateway that had it first; HTTP shares with HTTP and TLS with TLS", () => {
  const { mesh } = meshOf([
    ingressService,
    gateway("a", [
      [80, "HTTP"],
      [443, "HTTPS"],
      [9000, "TCP"],
    ]),
    // 8080 is where port 80 of the Service leads.
    gateway("b", [
      [80, "TCP"],
      [8080, "HTTP"],
      [443, "TLS"],
      [9000, "TCP"],
    ]),
  ]);
  assert.deepEqual(
    mesh.view(router).gatewayServers.map((server) => `${server.gateway.metadata.name} ${server.portNumber}`),
    ["a 80", "a 443", "a 9000", "b 8080", "b 443"],
  );
});

test("what a server says of TLS", () => {
  const server = (protocol: string, tls: object): object => ({ port: { number: 443, protocol }, hosts: [`${protocol}.com`], tls });
  const { mesh } = meshOf([
    object("Gateway", "g", {
      servers: [
        { ...server("HTTP", { httpsRedirect: true }), port: { number: 80, protocol: "HTTP" } },
        server("HTTPS", { mode: "SIMPLE" }),
        server("TLS", {}),
      ],
    }),
  ]);
  assert.deepEqual(
    mesh.view(router).gatewayServers.map(({ httpsRedirect, tlsMode }) => [httpsRedirect, tlsMode]),
    [
      [true, undefined],
      [false, "SIMPLE"],
      [false, "PASSTHROUGH"],
    ],
  );
});

const ingress = (number: number, name = "", protocol = ""): ReturnType<typeof proxyNode>["announcedIngress"][number] => ({
  port: { number, name, protocol },
  bind: "127.66.0.5",
  defaultEndpoint: "127.0.0.1:41233",
});

test("announced ports are served for the Service whose target port they are", () => {
  const { mesh } = meshOf([httpService("reviews"), httpService("other")]);
  const node = proxyNode({ labels: { app: "reviews" }, announcedIngress: [ingress(9080), ingress(7000, "admin", "HTTP2")] });
  const [first, second] = mesh.view(node).inboundPorts;
  assert.equal(first?.service?.hostname, reviews);
  assert.deepEqual(first?.port, { name: "", number: 9080, protocol: "HTTP", targetPort: 9080 });
  assert.deepEqual(first?.defaultEndpoint, { address: "127.0.0.1", port: 41233 });
  assert.deepEqual([first?.bind, first?.bindToPort], ["127.66.0.5", true]);
  assert.equal(second?.service, undefined);
  assert.equal(second?.port.protocol, "HTTP2");
});

test("where ports were allocated the port's name tells the Service", () => {
  const { mesh } = meshOf([httpService("reviews")]);
  const node = proxyNode({ labels: { app: "reviews" }, announcedIngress: [ingress(50123, "http")] });
  assert.equal(mesh.view(node).inboundPorts[0]?.service?.hostname, reviews);
  assert.equal(mesh.view(node).inboundPorts[0]?.port.protocol, "HTTP");
});

test("without announcement: the ports of its services where traffic is captured, none where it is not", () => {
  const other = object("Service", "also", {
    selector: { app: "reviews" },
    ports: [
      { name: "tcp", port: 80, targetPort: 9080 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  });
  const { mesh } = meshOf([httpService("reviews"), other]);
  const captured = mesh.view(proxyNode({ labels: { app: "reviews" }, interceptionMode: "REDIRECT" })).inboundPorts;
  assert.deepEqual(
    captured.map(({ service, targetPort, bindToPort }) => [service?.name, targetPort, bindToPort]),
    // As in Istio, a UDP port is received like any other.
    [
      ["also", 53, false],
      ["also", 9080, false],
    ],
  );
  assert.deepEqual(mesh.view(proxyNode({ labels: { app: "reviews" } })).inboundPorts, []);
});

test("a snapshot whose endpoints alone changed keeps what was worked out", () => {
  const objects = objectSet(1, [
    httpService("reviews"),
    object("WorkloadGroup", "g", { metadata: { labels: { app: "reviews" } }, template: {} }),
    virtualService("a", ["reviews"]),
  ]);
  const inputs = { version: "1", objects, meshConfigDefaults: {}, domain: DOMAIN, hasCertificateAuthority: false };
  const registry = buildRegistry({ objects, registered: [], domain: DOMAIN });
  const first = buildMesh({ ...inputs, registry });
  const workload = {
    group: "g",
    namespace: "default",
    workload: "w",
    address: "1.1.1.1",
    labels: {},
    serviceAccount: "",
    ports: {},
    listening: [],
    locality: "",
    network: "",
    health: undefined,
  };
  const second = buildMesh(
    { ...inputs, version: "2", registry: buildRegistry({ objects, registered: [workload], domain: DOMAIN }, registry) },
    first,
  );
  const node = proxyNode();
  assert.equal(first.view(node), first.view(node));
  assert.equal(second.view(node).services, first.view(node).services);
  assert.equal(second.view(node).meshVirtualServices, first.view(node).meshVirtualServices);
  assert.equal(first.endpoints(reviews, 9080).length, 0);
  assert.equal(second.endpoints(reviews, 9080).length, 1);
});

test("endpoints that are objects rebuild nothing, and the change says whose they are", () => {
  const slice = (address: string): ApiObject =>
    object(
      "EndpointSlice",
      "reviews-1",
      { addressType: "IPv4", endpoints: [{ addresses: [address] }], ports: [{ name: "http", port: 9080 }] },
      { labels: { "kubernetes.io/service-name": "reviews" } },
    );
  const common = [httpService("reviews"), httpService("ratings"), virtualService("a", ["reviews"])];
  const meshConfigDefaults = {};
  const build = (version: string, objects: readonly ApiObject[], before?: { mesh: Mesh; registry: RegistrySnapshot }) => {
    const set = objectSet(Number(version), objects);
    const registry = buildRegistry({ objects: set, registered: [], domain: DOMAIN }, before?.registry);
    const inputs = { version, objects: set, registry, meshConfigDefaults, domain: DOMAIN, hasCertificateAuthority: false };
    return { mesh: buildMesh(inputs, before?.mesh), registry };
  };
  const first = build("1", [...common, slice("10.0.0.1")]);
  const second = build("2", [...common, slice("10.0.0.2")], first);
  assert.equal(second.mesh.view(proxyNode()).egressListeners, first.mesh.view(proxyNode()).egressListeners);
  assert.deepEqual(second.mesh.changedSince(first.mesh), { configuration: false, endpoints: new Set([reviews]) });
  const third = build("3", [...common, slice("10.0.0.2"), destinationRule("r", "reviews")], second);
  assert.equal(third.mesh.changedSince(second.mesh).configuration, true);
});
