import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "#api/finding";
import type { ApiObject } from "#api/object";
import { httpService, meshOf, object, type ObjectOptions } from "#control-plane/mesh/testing";
import { meshFindings } from "./mesh-findings.ts";

const gatewayLabels = [{ istio: "ingressgateway", app: "istio-ingressgateway" }];

function findings(objects: readonly ApiObject[]): readonly Finding[] {
  const { mesh, objects: set } = meshOf([...objects, workload("reviews", "v1")]);
  return meshFindings({ objects: set, meshConfig: mesh.config, gatewayLabels, wallMs: 0 });
}

const workload = (app: string, version: string): ApiObject =>
  object("WorkloadGroup", `${app}-${version}`, { metadata: { labels: { app, version } }, template: {} });

const brief = (all: readonly Finding[]): readonly string[] =>
  all.map(({ level, code, field, message }) => `${level} ${code} ${field}: ${message}`);

const route = (destination: object, spec: object = {}, options: ObjectOptions = {}): ApiObject =>
  object("VirtualService", "vs", { hosts: ["reviews"], http: [{ route: [{ destination }] }], ...spec }, options);

test("what fits together gives no finding", () => {
  const all = findings([
    httpService("reviews"),
    object("DestinationRule", "dr", { host: "reviews", subsets: [{ name: "v1", labels: { version: "v1" } }] }),
    object("Gateway", "gw", { selector: { istio: "ingressgateway" }, servers: [{ port: { number: 80, protocol: "HTTP" }, hosts: ["*"] }] }),
    route({ host: "reviews", subset: "v1", port: { number: 9080 } }, { gateways: ["mesh", "gw"] }),
  ]);
  assert.deepEqual(brief(all), []);
});

const wrong: readonly [string, readonly ApiObject[], string, RegExp?][] = [
  [
    "a destination that does not exist",
    [httpService("reviews"), route({ host: "reviewz" })],
    'error IST0101 spec.http[0].route[0].destination.host: referenced host not found: "reviewz"',
    /did you mean "reviews"/,
  ],
  [
    "a destination of another namespace by its short name",
    [httpService("ratings", { namespace: "other" }), route({ host: "ratings" })],
    'error IST0101 spec.http[0].route[0].destination.host: referenced host not found: "ratings"',
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
    'error IST0101 spec.http[0].route[0].destination.port.number: referenced host:port not found: "reviews:80"',
    /has port 9080/,
  ],
  [
    "a subset that no DestinationRule defines",
    [
      httpService("reviews"),
      object("DestinationRule", "dr", { host: "reviews", subsets: [{ name: "v1", labels: { version: "v1" } }] }),
      route({ host: "reviews", subset: "v9" }),
    ],
    'error IST0101 spec.http[0].route[0].destination.subset: referenced host+subset in destinationrule not found: "reviews+v9"',
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
    'error IST0101 spec.http[0].mirror.host: referenced mirror host not found: "x"',
  ],
  [
    "a gateway that does not exist",
    [httpService("reviews"), route({ host: "reviews" }, { gateways: ["gw"] })],
    'error IST0101 spec.gateways[0]: referenced gateway not found: "gw"',
  ],
  [
    "a selector that finds no gateway proxy",
    [object("Gateway", "gw", { selector: { istio: "egressgateway" } })],
    'error IST0101 spec.selector.istio: referenced selector not found: "istio=egressgateway"',
    /bears istio=ingressgateway/,
  ],
  [
    "a DestinationRule of a host that does not exist",
    [object("DestinationRule", "dr", { host: "mongodb" })],
    "warning IST0174 spec.host: the host mongodb is no service of the mesh",
  ],
];

for (const [what, objects, expected, hint] of wrong) {
  test(`names ${what}`, () => {
    // A gateway that does not exist serves none of the hosts, which Istio says as well.
    const all = findings(objects).filter(({ code }) => code !== "IST0132");
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
    all.filter(({ code }) => code === "IST0109").map(({ object }) => object?.name),
    ["x", "y"],
  );
  assert.deepEqual(findings([of("x", { exportTo: ["."] }, "a"), of("y", { exportTo: ["."] }, "b")]), []);
});
