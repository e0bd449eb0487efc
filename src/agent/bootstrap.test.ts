import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromJson, createRegistry } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { HttpProtocolOptionsSchema } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { bootstrap, gatewayMetadata, nodeId, registrationMetadata, sidecarMetadata } from "./bootstrap.ts";
import type { ProxyIdentity } from "./bootstrap.ts";

const IDENTITY: ProxyIdentity = {
  type: "sidecar",
  name: "reviews-v2-1",
  namespace: "default",
  address: "127.66.0.5",
  labels: { app: "reviews", version: "v2" },
  serviceAccount: "bookinfo-reviews",
  workload: "reviews-v2",
  version: "0.1.0",
};
const INBOUND = [
  { port: { name: "http", number: 9080, protocol: "HTTP" }, listenPort: 9080, application: { address: "127.0.0.1", port: 41_233 } },
];

describe("a proxy's bootstrap", () => {
  it("is an Envoy v3 Bootstrap that follows Istio's names", () => {
    const metadata = sidecarMetadata(IDENTITY, INBOUND, { address: "127.66.0.5", port: 15_001 });
    const json = bootstrap({
      identity: IDENTITY,
      metadata,
      admin: { address: "127.66.0.5", port: 15_000 },
      controlPlanes: [
        { address: "127.0.0.1", port: 15_010 },
        { address: "127.0.0.2", port: 15_010 },
      ],
    });
    const parsed = fromJson(BootstrapSchema, JSON.parse(JSON.stringify(json)), { registry: createRegistry(HttpProtocolOptionsSchema) });
    assert.equal(parsed.node?.id, "sidecar~127.66.0.5~reviews-v2-1.default~default.svc.cluster.local");
    assert.equal(parsed.node?.cluster, "reviews.default");
    assert.deepEqual(parsed.node?.metadata?.["MIZZEN_INGRESS"], [
      { port: { number: 9080, protocol: "HTTP", name: "http" }, bind: "127.66.0.5", defaultEndpoint: "127.0.0.1:41233" },
    ]);
    assert.equal(parsed.node?.metadata?.["INTERCEPTION_MODE"], "NONE");
    assert.equal(parsed.staticResources?.clusters[0]?.name, "xds-grpc");
    assert.equal(parsed.staticResources.clusters[0].loadAssignment?.endpoints[0]?.lbEndpoints.length, 2);
  });

  it("announces another port where the workload has no address of its own", () => {
    const moved = [{ ...INBOUND[0]!, listenPort: 40_100 }];
    const metadata = sidecarMetadata({ ...IDENTITY, address: "127.0.0.1" }, moved, { address: "127.0.0.1", port: 40_101 });
    assert.deepEqual((metadata["MIZZEN_INGRESS"] as { port: { number: number } }[])[0]?.port.number, 40_100);
    assert.equal(registrationMetadata(metadata, "reviews-v2")["AUTO_REGISTER_GROUP"], "reviews-v2");
  });

  it("tells a gateway where to listen", () => {
    const gateway: ProxyIdentity = {
      ...IDENTITY,
      type: "router",
      name: "istio-ingressgateway-1",
      namespace: "istio-system",
      address: "127.66.0.1",
    };
    assert.equal(nodeId(gateway), "router~127.66.0.1~istio-ingressgateway-1.istio-system~istio-system.svc.cluster.local");
    assert.deepEqual(gatewayMetadata(gateway, ["127.0.0.1", "::1"])["GATEWAY_BIND_ADDRESSES"], ["127.0.0.1", "::1"]);
  });
});
