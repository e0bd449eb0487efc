import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { NodeError, parseNode } from "./parse-node.ts";

const id = "sidecar~127.66.0.5~reviews-v2-1.default~default.svc.cluster.local";

test("reads a sidecar of the embedded mesh", () => {
  const metadata = {
    NAME: "reviews-v2-1",
    NAMESPACE: "default",
    LABELS: { app: "reviews" },
    SERVICE_ACCOUNT: "bookinfo-reviews",
    INSTANCE_IPS: "127.66.0.5,::1",
    INTERCEPTION_MODE: "NONE",
    ISTIO_VERSION: "1.32.0",
    MIZZEN_INGRESS: [{ port: { number: 9080, protocol: "HTTP", name: "http" }, bind: "127.66.0.5", defaultEndpoint: "127.0.0.1:41233" }],
    HTTP_PROXY_BIND: "127.66.0.5",
    HTTP_PROXY_PORT: "15001",
    EXTENSIONS: ["istio.stats"],
  };
  const node = parseNode({ id, metadata, locality: { region: "r", zone: "z", subZone: "" }, extensions: [{ name: "x", typeUrls: ["t"] }] });
  assert.deepEqual(node, {
    id,
    type: "sidecar",
    name: "reviews-v2-1",
    namespace: "default",
    ipAddresses: ["127.66.0.5", "::1"],
    dnsDomain: "default.svc.cluster.local",
    labels: { app: "reviews" },
    serviceAccount: "bookinfo-reviews",
    interceptionMode: "NONE",
    version: "1.32.0",
    announcedIngress: [{ port: { number: 9080, protocol: "HTTP", name: "http" }, bind: "127.66.0.5", defaultEndpoint: "127.0.0.1:41233" }],
    httpProxy: { bind: "127.66.0.5", port: 15001 },
    gatewayBindAddresses: [],
    locality: "r/z",
    network: "",
    clusterId: "",
    nodeName: "",
    proxyConfig: undefined,
    dnsCapture: false,
    generator: "",
    istioVersion: "1.32.0",
    metadata,
    extensions: new Set(["istio.stats", "x", "t"]),
  });
});

test("what metadata does not say comes from the id", () => {
  const node = parseNode({ id: "router~10.0.0.1~istio-ingressgateway-1.istio-system~istio-system.svc.cluster.local", metadata: undefined });
  assert.deepEqual(
    [node.type, node.name, node.namespace, node.ipAddresses],
    ["router", "istio-ingressgateway-1", "istio-system", ["10.0.0.1"]],
  );
  assert.equal(node.interceptionMode, "REDIRECT");
});

const refused: readonly [string, string, unknown, RegExp][] = [
  ["an id of another form", "reviews", {}, /not of the form type~address/],
  ["a type that is not served", "ztunnel~1.1.1.1~a.b~c", {}, /type "ztunnel" is not served/],
  ["a mode that does not exist", id, { INTERCEPTION_MODE: "ALL" }, /INTERCEPTION_MODE: unknown mode "ALL"/],
  ["labels that are not texts", id, { LABELS: { a: 1 } }, /LABELS: not a map of strings/],
  ["a port that is none", id, { HTTP_PROXY_PORT: "many" }, /HTTP_PROXY_PORT: not a port/],
  ["a proxy address without a port", id, { HTTP_PROXY_BIND: "127.0.0.1" }, /must be set together/],
  ["an ingress without a bind address", id, { MIZZEN_INGRESS: [{ port: { number: 1 } }] }, /MIZZEN_INGRESS\[0\]\.bind: missing/],
  [
    "an ingress without an endpoint",
    id,
    { MIZZEN_INGRESS: [{ port: { number: 1 }, bind: "::1", defaultEndpoint: "x" }] },
    /defaultEndpoint: not of the form/,
  ],
  ["metadata of another form", id, [], /metadata: not an object/],
  ["everything that is wrong at once", id, { LABELS: 1, EXTENSIONS: 1 }, /LABELS.*EXTENSIONS/],
];

for (const [what, nodeId, metadata, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parseNode({ id: nodeId, metadata }),
      (error) => error instanceof NodeError && message.test(error.message),
    );
  });
}

test("whatever comes, it is a node or a NodeError", () => {
  const key = fc.constantFrom("NAME", "LABELS", "MIZZEN_INGRESS", "INSTANCE_IPS", "HTTP_PROXY_PORT", "HTTP_PROXY_BIND", "EXTENSIONS");
  fc.assert(
    fc.property(fc.oneof(fc.constant(id), fc.string()), fc.dictionary(key, fc.jsonValue()), (nodeId, metadata) => {
      try {
        parseNode({ id: nodeId, metadata });
      } catch (error) {
        assert.ok(error instanceof NodeError, String(error));
      }
    }),
  );
});
