import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "#api/finding";
import type { ApiObject } from "#api/object";
import { gatewayPortConflicts } from "./conflicts.ts";
import { mutualTlsFindings } from "./mutual-tls-findings.ts";
import { serviceFindings } from "./service-findings.ts";
import { DOMAIN, httpService, meshOf, object } from "./testing.ts";

const gatewayLabels = [{ istio: "ingressgateway", app: "istio-ingressgateway" }];

function findings(objects: readonly ApiObject[], hasCertificateAuthority = false): readonly Finding[] {
  const { mesh, objects: set } = meshOf(objects, hasCertificateAuthority);
  const inputs = { mesh, objects: set, domain: DOMAIN, gatewayLabels };
  return [...mutualTlsFindings(inputs), ...gatewayPortConflicts(inputs)];
}

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
    object("Gateway", "gw", { servers: [{ port: { number: 443, protocol: "HTTPS", name: "https" }, hosts: ["*"], tls }] }),
  ];
  assert.deepEqual(
    findings(objects).map(({ level, code, field }) => `${level} ${code} ${field}`),
    [
      "error MZ0005 spec.trafficPolicy.tls.mode",
      "error MZ0005 spec.trafficPolicy.portLevelSettings[0].tls.mode",
      "error MZ0005 spec.subsets[0].trafficPolicy.tls.mode",
      "error MZ0005 spec.servers[0].tls.mode",
    ],
  );
  assert.deepEqual(findings(objects, true), []);
});

test("a Gateway that loses its port is named", () => {
  const gateway = (name: string, protocol: string): ApiObject =>
    object("Gateway", name, { selector: { istio: "ingressgateway" }, servers: [{ port: { number: 80, protocol }, hosts: ["*"] }] });
  const [finding, ...rest] = findings([gateway("a", "HTTP"), gateway("b", "TCP")]);
  assert.deepEqual([finding?.code, finding?.object?.name, finding?.field], ["MZ0007", "b", "spec.servers[0].port"]);
  assert.match(finding?.message ?? "", /used as HTTP by Gateway default\/a/);
  assert.deepEqual(rest, []);
});

test("services: selectors that select nothing, none for a gateway's Service, nor where instances are listed", () => {
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
    object("Service", "listed", { ports: [{ name: "http", port: 80 }] }),
    object("EndpointSlice", "listed-1", { addressType: "IPv4" }, { labels: { "kubernetes.io/service-name": "listed" } }),
    object("Service", "named", { type: "ExternalName", externalName: "example.com" }),
    object("ServiceEntry", "e", { hosts: ["a.example.com"], ports: [{ number: 80, name: "http", protocol: "HTTP" }] }),
    object("Service", "istio-ingressgateway", { selector: { istio: "ingressgateway" }, ports: [{ name: "http2", port: 80 }] }),
  ]);
  const all = serviceFindings({ services: mesh.services, objects, gatewayLabels });
  assert.deepEqual(
    all.map(({ code, object, field }) => `${code} ${object?.name} ${field ?? ""}`),
    ["MZ0009 bare ", "MZ0009 mysql spec.selector"],
  );
});
