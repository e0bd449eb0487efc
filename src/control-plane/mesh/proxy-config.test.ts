import assert from "node:assert/strict";
import test from "node:test";
import { parseNode } from "./parse-node.ts";
import { meshOf, object, proxyNode } from "./testing.ts";

const proxyConfig = (name: string, spec: object, namespace: string) => object("ProxyConfig", name, spec, { namespace });
const meshConfig = object("MeshConfig", "istio", { defaultConfig: { concurrency: 1, drainDuration: 5_000 } });

test("ProxyConfig objects stand above the mesh's default: root namespace, namespace, workload", () => {
  const { mesh } = meshOf([
    meshConfig,
    proxyConfig("root", { concurrency: 2, environmentVariables: { A: "root", B: "root" } }, "istio-system"),
    proxyConfig("namespace", { environmentVariables: { B: "namespace" } }, "default"),
    proxyConfig("workload", { concurrency: 4, selector: { matchLabels: { app: "a" } } }, "default"),
  ]);
  const seen = mesh.view(proxyNode({ labels: { app: "a" } })).proxyConfig;
  assert.deepEqual(seen, { concurrency: 4, drainDuration: 5_000, proxyMetadata: { A: "root", B: "namespace" } });
  assert.equal(mesh.view(proxyNode({ labels: { app: "b" } })).proxyConfig.concurrency, 2);
  assert.deepEqual(mesh.view(proxyNode({ namespace: "other" })).proxyConfig.proxyMetadata, { A: "root", B: "root" });
});

test("what a node announces replaces the mesh's default, in proto's JSON form", () => {
  const node = parseNode({
    id: "router~10.0.0.1~gw.default~default.svc.cluster.local",
    metadata: { PROXY_CONFIG: { gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} }, drainDuration: "45s", unknown: 1 } },
  });
  assert.deepEqual(meshOf([meshConfig]).mesh.view(node).proxyConfig, {
    gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} },
    drainDuration: 45_000,
  });
});
