import assert from "node:assert/strict";
import test from "node:test";
import type { ApiObject } from "#api/object";
import type { ProxyView } from "./mesh.ts";
import { meshOf, object, proxyNode } from "./testing.ts";
import type { ProxyNode } from "./proxy.ts";

const service = (name: string, namespace: string, ports: readonly number[] = [80], annotations = {}): ApiObject =>
  object(
    "Service",
    name,
    { selector: { app: name }, ports: ports.map((port) => ({ name: `http-${port}`, port })) },
    { namespace, annotations },
  );
const entry = (name: string, namespace: string, spec: object): ApiObject =>
  object("ServiceEntry", name, { ports: [{ number: 80, name: "http", protocol: "HTTP" }], ...spec }, { namespace });
const sidecar = (name: string, namespace: string, spec: object): ApiObject => object("Sidecar", name, spec, { namespace });
const virtualService = (name: string, namespace: string, spec: object): ApiObject => object("VirtualService", name, spec, { namespace });
const egress = (...hosts: readonly string[]): object => ({ egress: [{ hosts }] });

function view(objects: readonly ApiObject[], over: Partial<ProxyNode> = {}): ProxyView {
  return meshOf(objects).mesh.view(proxyNode({ namespace: "shop", labels: { app: "cart" }, ...over }));
}
const names = (seen: ProxyView): readonly string[] => seen.services.map(({ hostname }) => hostname.replace(".svc.cluster.local", ""));
const portsOf = (seen: ProxyView, hostname: string): readonly number[] | undefined =>
  seen.service(hostname)?.ports.map(({ number }) => number);

const services = [service("a", "shop"), service("b", "bank"), service("c", "bank")];

test("without a Sidecar one listener has everything that the namespace sees", () => {
  const seen = view([...services, service("hidden", "bank", [80], { "networking.istio.io/exportTo": "." })]);
  assert.deepEqual(names(seen), ["a.shop", "b.bank", "c.bank"]);
  const [listener, ...more] = seen.egressListeners;
  assert.deepEqual([listener?.port, listener?.bind, listener?.captureMode, more.length], [undefined, "", "DEFAULT", 0]);
  assert.equal(listener?.services.length, 3);
});

test("the Sidecar for the workload counts before that of the namespace, and that before that of the root namespace", () => {
  const root = sidecar("root", "istio-system", egress("./*"));
  const forNamespace = sidecar("namespace", "shop", egress("bank/b.bank.svc.cluster.local"));
  const forWorkload = sidecar("workload", "shop", { workloadSelector: { labels: { app: "cart" } }, ...egress("bank/*") });
  const objects = [...services, root];
  // The dot is the proxy's namespace, not the Sidecar's.
  assert.deepEqual(names(view(objects)), ["a.shop"]);
  assert.deepEqual(names(view([...objects, forNamespace])), ["b.bank"]);
  assert.deepEqual(names(view([...objects, forNamespace, forWorkload])), ["b.bank", "c.bank"]);
  assert.deepEqual(names(view([...objects, forNamespace, forWorkload], { labels: {} })), ["b.bank"]);
  const selecting = sidecar("selecting", "istio-system", { workloadSelector: { labels: { app: "cart" } }, ...egress("~/*") });
  assert.deepEqual(names(view([...services, selecting])), ["a.shop", "b.bank", "c.bank"]);
});

test("gateways know no Sidecar", () => {
  const seen = view([...services, sidecar("all", "shop", egress("~/*"))], { type: "router" });
  assert.deepEqual(names(seen), ["a.shop", "b.bank", "c.bank"]);
});

test("a Sidecar without egress leaves everything visible", () => {
  assert.deepEqual(names(view([...services, sidecar("s", "shop", {})])), ["a.shop", "b.bank", "c.bank"]);
});

test("a listener with a port narrows its services to that port; the union has the ports of all listeners", () => {
  const seen = view([
    service("b", "bank", [80, 81, 82]),
    service("c", "bank", [90]),
    sidecar("s", "shop", {
      egress: [
        { port: { number: 81, protocol: "HTTP", name: "x" }, bind: "127.0.0.1", captureMode: "NONE", hosts: ["bank/*"] },
        { port: { number: 82, protocol: "HTTP", name: "y" }, hosts: ["bank/*"] },
      ],
    }),
  ]);
  assert.deepEqual(names(seen), ["b.bank"]);
  assert.deepEqual(portsOf(seen, "b.bank.svc.cluster.local"), [81, 82]);
  const [first] = seen.egressListeners;
  assert.deepEqual(first?.port, { number: 81, protocol: "HTTP", name: "x" });
  assert.deepEqual([first?.bind, first?.captureMode], ["127.0.0.1", "NONE"]);
  assert.deepEqual(
    first?.services.map(({ ports }) => ports.map(({ number }) => number)),
    [[81]],
  );
});

test("a listener that is a generic HTTP proxy leads to all ports", () => {
  const listener = { port: { number: 15080, protocol: "HTTP_PROXY", name: "proxy" }, hosts: ["bank/*"] };
  const seen = view([service("b", "bank", [80, 81]), sidecar("s", "shop", { egress: [listener] })]);
  assert.deepEqual(portsOf(seen, "b.bank.svc.cluster.local"), [80, 81]);
});

test("the own namespace's service is preferred, then a Kubernetes Service, then the oldest", () => {
  const host = "b.bank.svc.cluster.local";
  const others = [entry("x", "zoo", { hosts: [host] }), entry("y", "ark", { hosts: [host] })];
  assert.equal(view([...others]).service(host)?.namespace, "ark");
  assert.equal(view([...others, service("b", "bank")]).service(host)?.namespace, "bank");
  const own = entry("own", "shop", { hosts: [host] });
  assert.equal(view([...others, service("b", "bank"), own]).egressListeners[0]?.services[0]?.namespace, "shop");
});

test("ServiceEntries of one host and kind lend each other their ports", () => {
  const host = "db.example.com";
  const ports = (number: number): object => ({ ports: [{ number, name: `tcp-${number}`, protocol: "TCP" }] });
  const objects = [
    entry("a", "shop", { hosts: [host], resolution: "STATIC", ...ports(80) }),
    entry("b", "shop", { hosts: [host], resolution: "STATIC", ...ports(81) }),
    entry("c", "shop", { hosts: [host], resolution: "DNS", ...ports(82) }),
    entry("d", "bank", { hosts: [host], resolution: "STATIC", ...ports(83) }),
  ];
  const seen = view(objects);
  assert.deepEqual(portsOf(seen, host), [80, 81]);
  assert.equal(seen.egressListeners[0]?.services.length, 3);
});

test("what a VirtualService leads to can be reached, by the ports that it names", () => {
  const route = (host: string, port?: number): object => ({
    route: [{ destination: { host, ...(port === undefined ? {} : { port: { number: port } }) } }],
  });
  const objects = [
    service("a", "shop"),
    service("b", "bank", [80, 81]),
    service("c", "bank", [80, 81]),
    sidecar("s", "shop", egress("./*")),
    virtualService("v", "shop", {
      hosts: ["a"],
      http: [
        { match: [{ sourceNamespace: "bank" }], ...route("d.bank.svc.cluster.local") },
        route("b.bank.svc.cluster.local", 81),
        { ...route("a"), mirror: { host: "c.bank.svc.cluster.local" } },
      ],
    }),
    service("d", "bank"),
  ];
  const seen = view(objects);
  assert.deepEqual(names(seen), ["a.shop", "b.bank", "c.bank"]);
  assert.deepEqual(portsOf(seen, "b.bank.svc.cluster.local"), [81]);
  assert.deepEqual(portsOf(seen, "c.bank.svc.cluster.local"), [80, 81]);
  // The listener itself has what its hosts say.
  assert.equal(seen.egressListeners[0]?.services.length, 1);
});

test("VirtualServices of a listener are those whose hosts it knows", () => {
  const vs = (name: string, namespace: string, host: string): ApiObject => virtualService(name, namespace, { hosts: [host] });
  const seen = view([
    ...services,
    sidecar("s", "shop", {
      egress: [{ port: { number: 80, protocol: "HTTP", name: "x" }, hosts: ["./*"] }, { hosts: ["bank/b.bank.svc.cluster.local"] }],
    }),
    vs("own", "shop", "a.shop.svc.cluster.local"),
    vs("wild", "bank", "*.bank.svc.cluster.local"),
    vs("other", "bank", "c.bank.svc.cluster.local"),
  ]);
  const listed = (index: number): readonly string[] =>
    seen.egressListeners[index]?.virtualServices.map(({ object: { metadata } }) => metadata.name) ?? [];
  assert.deepEqual(listed(0), ["own"]);
  assert.deepEqual(listed(1), ["wild"]);
  assert.deepEqual(
    seen.meshVirtualServices.map(({ object: { metadata } }) => metadata.name),
    ["own", "wild"],
  );
});

test("outbound policy and connection pool of the Sidecar stand above the mesh's", () => {
  const mesh = object("MeshConfig", "istio", { outboundTrafficPolicy: { mode: "ALLOW_ANY" } });
  const pool = { tcp: { maxConnections: 5 } };
  const egressProxy = { host: "out.example.com", port: { number: 80 } };
  assert.deepEqual(view([mesh]).outboundTrafficPolicy, { mode: "ALLOW_ANY", egressProxy: undefined });
  const seen = view([mesh, sidecar("s", "shop", { outboundTrafficPolicy: { egressProxy }, inboundConnectionPool: pool })]);
  assert.deepEqual(seen.outboundTrafficPolicy, { mode: "REGISTRY_ONLY", egressProxy });
  assert.deepEqual(seen.inboundConnectionPool, pool);
});

test("proxies of one namespace and Sidecar share their scope", () => {
  const { mesh } = meshOf([...services, sidecar("s", "shop", egress("bank/*"))]);
  const [one, two] = ["a", "b"].map((name) => mesh.view(proxyNode({ namespace: "shop", name })));
  assert.equal(one?.services, two?.services);
  assert.equal(one?.egressListeners, two?.egressListeners);
});
