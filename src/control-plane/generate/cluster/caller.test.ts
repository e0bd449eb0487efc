import assert from "node:assert/strict";
import { test } from "node:test";
import { meshOf, proxyNode } from "#control-plane/mesh/testing";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { callerKey, callerOf } from "./caller.ts";

const caller = (over: Partial<ProxyNode>) => callerOf(meshOf([]).mesh.view(proxyNode(over)));

test("address families are those of all addresses", () => {
  assert.equal(caller({ ipAddresses: ["10.0.0.1"] }).families, "v4");
  assert.equal(caller({ ipAddresses: ["fd00::1"] }).families, "v6");
  assert.equal(caller({ ipAddresses: ["10.0.0.1", "fd00::1"] }).families, "both");
});

test("proxies that differ in what shapes clusters have different keys, others the same", () => {
  const key = (over: Partial<ProxyNode>) => callerKey(caller(over));
  assert.equal(key({ id: "a", labels: { a: "b" } }), key({ id: "b" }));
  const differing: readonly Partial<ProxyNode>[] = [
    { type: "router" },
    { metadata: { MIZZEN_VERSION: "0.1.0" } },
    { ipAddresses: ["fd00::1"] },
    { extensions: new Set(["envoy.filters.network.metadata_exchange"]) },
    { httpProxy: { bind: "127.0.0.1", port: 15_001 } },
    { proxyConfig: { proxyHeaders: { preserveHttp1HeaderCase: true } } },
    { metadata: { TLS_CLIENT_CERT_CHAIN: "/c", TLS_CLIENT_KEY: "/k", TLS_CLIENT_ROOT_CERT: "/r" } },
  ];
  assert.equal(new Set([{}, ...differing].map(key)).size, differing.length + 1);
});

test("a gateway at the edge buffers little, unless it says otherwise", () => {
  const limit = (type: ProxyNode["type"], connectionSettings: object) =>
    caller({ type, proxyConfig: { connectionSettings } }).bufferLimitBytes;
  assert.equal(limit("router", { profile: "EDGE" }), 32_768);
  assert.equal(limit("sidecar", { profile: "EDGE" }), undefined);
  assert.equal(limit("sidecar", { clusterPerConnectionBufferLimitBytes: 1 }), 1);
  assert.equal(limit("sidecar", { clusterPerConnectionBufferLimitBytes: -1 }), undefined);
});
