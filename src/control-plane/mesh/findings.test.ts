import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "#api/finding";
import type { ApiObject } from "#api/object";
import { conflictFindings } from "./conflicts.ts";
import { notServedFindings } from "./not-served-findings.ts";
import { referenceFindings } from "./references.ts";
import { serviceFindings } from "./service-findings.ts";
import { DOMAIN, httpService, meshOf, object, type ObjectOptions } from "./testing.ts";

const gatewayLabels = [{ istio: "ingressgateway", app: "istio-ingressgateway" }];

function findings(objects: readonly ApiObject[], hasCertificateAuthority = false): readonly Finding[] {
  const { mesh, objects: set } = meshOf(objects, hasCertificateAuthority);
  const inputs = { mesh, objects: set, domain: DOMAIN, gatewayLabels };
  return [...referenceFindings(inputs), ...conflictFindings(inputs)];
}

const brief = (all: readonly Finding[]): readonly string[] =>
  all.map(({ level, code, field, message }) => `${level} ${code} ${field}: ${message}`);

const route = (destination: object, spec: object = {}, options: ObjectOptions = {}): ApiObject =>
  object("VirtualService", "vs", { hosts: ["reviews"], http: [{ route: [{ destination }] }], ...spec }, options);

test("what fits together gives no finding", () => {
  const all = findings([
    httpService("reviews"),
    object("DestinationRule", "dr", { host: "reviews", subsets: [{ name: "v1" }] }),
    object("Gateway", "gw", { selector: { istio: "ingressgateway" }, servers: [{ port: { number: 80, protocol: "HTTP" }, hosts: ["*"] }] }),
    route({ host: "reviews", subset: "v1", port: { number: 9080 } }, { gateways: ["mesh", "gw"] }),
  ]);
  assert.deepEqual(brief(all), []);
});

test("what is valid and not served yet is said at the object", () => {
  const server = (number: number, protocol: string): object => ({ port: { number, protocol, name: protocol }, hosts: ["*"] });
  const { objects } = meshOf([
    object("Gateway", "gw", { servers: [server(80, "HTTP"), server(443, "HTTPS"), server(9000, "TCP"), server(81, "GRPC")] }),
    object("VirtualService", "delegate", { http: [] }),
    object("VirtualService", "vs", { hosts: ["reviews"], http: [] }),
    object("ServiceEntry", "se", { hosts: ["a.com", "b.com", "c.com", "d.com", "e.com", "f.com"] }),
  ]);
  assert.deepEqual(brief(notServedFindings(objects)), [
    "warning MZ0004 spec.servers[1].port.protocol: port 443 is not opened: proxies cannot speak TLS yet",
    "warning MZ0004 spec.servers[2].port.protocol: port 9000 is not opened: gateways cannot serve TCP yet",
    "warning MZ0004 spec: a VirtualService without hosts is a delegate, and delegation does not work yet: its routes are not used",
    "warning MZ0004 spec.hosts: a.com, b.com, c.com, d.com, e.com, ... stay unknown to the mesh: a ServiceEntry has no effect yet",
  ]);
});

const wrong: readonly [string, readonly ApiObject[], string, RegExp?][] = [
  [
    "a destination that does not exist",
    [httpService("reviews"), route({ host: "reviewz" })],
    'error IST0101 spec.http[0].route[0].destination.host: referenced host not found: "reviewz.default.svc.cluster.local"',
  ],
  [
    "a destination of another namespace by its short name",
    [httpService("ratings", { namespace: "other" }), route({ host: "ratings" })],
    'error IST0101 spec.http[0].route[0].destination.host: referenced host not found: "ratings.default.svc.cluster.local"',
    /did you mean "ratings\.other\.svc\.cluster\.local"/,
  ],
  [
    "a name that is complete for DNS only",
    [httpService("reviews"), route({ host: "reviews.default" })],
    'error IST0101 spec.http[0].route[0].destination.host: referenced host not found: "reviews.default"',
    /did you mean "reviews\.default\.svc\.cluster\.local"/,
  ],
  [
    "a destination that is not exported",
    [
      httpService("ratings", { namespace: "other", annotations: { "networking.istio.io/exportTo": "." } }),
      route({ host: "ratings.other.svc.cluster.local" }),
    ],
    'error IST0101 spec.http[0].route[0].destination.host: referenced host not found: "ratings.other.svc.cluster.local"',
    /not exported to namespace default/,
  ],
  [
    "a port that the service does not have",
    [httpService("reviews"), route({ host: "reviews", port: { number: 80 } })],
    'error IST0101 spec.http[0].route[0].destination.port.number: referenced host:port not found: "reviews.default.svc.cluster.local:80"',
    /has port 9080/,
  ],
  [
    "a subset that no DestinationRule defines",
    [
      httpService("reviews"),
      object("DestinationRule", "dr", { host: "reviews", subsets: [{ name: "v1" }] }),
      route({ host: "reviews", subset: "v9" }),
    ],
    'error IST0101 spec.http[0].route[0].destination.subset: referenced host+subset in destinationrule not found: "reviews.default.svc.cluster.local+v9"',
    /defines v1/,
  ],
  [
    "a mirror that does not exist",
    [
      httpService("reviews"),
      object("VirtualService", "vs", {
        hosts: ["reviews"],
        http: [{ mirror: { host: "x" }, route: [{ destination: { host: "reviews" } }] }],
      }),
    ],
    'error IST0101 spec.http[0].mirror.host: referenced host not found: "x.default.svc.cluster.local"',
  ],
  [
    "a gateway that does not exist",
    [httpService("reviews"), route({ host: "reviews" }, { gateways: ["gw"] })],
    'error IST0101 spec.gateways[0]: referenced gateway not found: "default/gw"',
  ],
  [
    "a selector that finds no gateway proxy",
    [object("Gateway", "gw", { selector: { istio: "egressgateway" } })],
    'error IST0101 spec.selector: referenced selector not found: "istio=egressgateway"',
    /bears istio=ingressgateway/,
  ],
  [
    "a DestinationRule of a host that does not exist",
    [object("DestinationRule", "dr", { host: "mongodb" })],
    'warning IST0101 spec.host: referenced host not found: "mongodb"',
  ],
];

for (const [what, objects, expected, hint] of wrong) {
  test(`names ${what}`, () => {
    const all = findings(objects);
    assert.deepEqual(brief(all), [expected]);
    if (hint !== undefined) assert.match(all[0]?.hint ?? "", hint);
  });
}

test("hosts of a ServiceEntry and wildcards over services are known", () => {
  const all = findings([
    httpService("reviews"),
    object("ServiceEntry", "se", { hosts: ["www.googleapis.com", "*.example.com"] }),
    route({ host: "www.googleapis.com" }),
    object("DestinationRule", "a", { host: "*.default.svc.cluster.local" }),
    object("DestinationRule", "b", { host: "x.example.com" }),
  ]);
  assert.deepEqual(brief(all), []);
});

test("ISTIO_MUTUAL without a certificate authority is an error wherever it is written", () => {
  const tls = { mode: "ISTIO_MUTUAL" };
  const objects = [
    httpService("reviews"),
    object("DestinationRule", "dr", {
      host: "reviews",
      trafficPolicy: { tls, portLevelSettings: [{ port: { number: 1 }, tls }] },
      subsets: [
        { name: "v1", trafficPolicy: { tls } },
        { name: "v2", trafficPolicy: { tls: { mode: "DISABLE" } } },
      ],
    }),
  ];
  assert.deepEqual(
    findings(objects).map(({ level, code, field }) => `${level} ${code} ${field}`),
    [
      "error MZ0005 spec.trafficPolicy.tls.mode",
      "error MZ0005 spec.trafficPolicy.portLevelSettings[0].tls.mode",
      "error MZ0005 spec.subsets[0].trafficPolicy.tls.mode",
    ],
  );
  assert.deepEqual(findings(objects, true), []);
});

test("two VirtualServices of one host for the mesh are named on both, unless nobody sees both", () => {
  const of = (name: string, spec: object, namespace: string): ApiObject =>
    object("VirtualService", name, { hosts: ["a.com"], ...spec }, { namespace });
  const all = findings([
    of("x", {}, "a"),
    of("y", {}, "b"),
    of("z", { gateways: ["b/gw"] }, "b"),
    object("Gateway", "gw", { selector: {} }, { namespace: "b" }),
  ]);
  assert.deepEqual(
    all.map(({ code, object, message }) => [code, object?.name, /no effect|it is the oldest/.exec(message)?.[0]]),
    [
      ["IST0109", "x", "it is the oldest"],
      ["IST0109", "y", "no effect"],
    ],
  );
  assert.deepEqual(findings([of("x", { exportTo: ["."] }, "a"), of("y", { exportTo: ["."] }, "b")]), []);
});

test("a Gateway that loses its port is named", () => {
  const gateway = (name: string, protocol: string): ApiObject =>
    object("Gateway", name, { selector: { istio: "ingressgateway" }, servers: [{ port: { number: 80, protocol }, hosts: ["*"] }] });
  const [finding, ...rest] = findings([gateway("a", "HTTP"), gateway("b", "TCP")]);
  assert.deepEqual([finding?.code, finding?.object?.name, finding?.field], ["MZ0007", "b", "spec.servers[0].port"]);
  assert.match(finding?.message ?? "", /used as HTTP by Gateway default\/a/);
  assert.deepEqual(rest, []);
});

test("services: ports that are not served, selectors that select nothing, none for a gateway's Service", () => {
  const { mesh, objects } = meshOf([
    httpService("reviews"),
    object("WorkloadGroup", "reviews-v1", { metadata: { labels: { app: "reviews" } }, template: {} }),
    object("Service", "mysql", {
      selector: { app: "mysql" },
      ports: [
        { name: "db", port: 3306 },
        { name: "web", port: 80 },
      ],
    }),
    object("Service", "bare", { ports: [{ name: "http", port: 80 }] }),
    object("Service", "istio-ingressgateway", { selector: { istio: "ingressgateway" }, ports: [{ name: "http2", port: 80 }] }),
  ]);
  const all = serviceFindings({ services: mesh.services, objects, gatewayLabels });
  assert.deepEqual(
    all.map(({ code, object, field }) => `${code} ${object?.name} ${field ?? ""}`),
    ["MZ0009 bare ", "MZ0009 mysql spec.selector", "MZ0004 mysql spec.ports[0]", "MZ0004 mysql spec.ports[1]"],
  );
});
