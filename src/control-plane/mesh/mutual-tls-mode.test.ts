import assert from "node:assert/strict";
import test from "node:test";
import type { MutualTlsMode } from "./mesh.ts";
import { meshOf, object, proxyNode } from "./testing.ts";

const policy = (name: string, mode: string, namespace: string, more: object = {}) =>
  object("PeerAuthentication", name, { mtls: { mode }, ...more }, { namespace });

function mode(policies: readonly ReturnType<typeof policy>[], port = 80, certificateAuthority = true): MutualTlsMode {
  return meshOf(policies, certificateAuthority)
    .mesh.view(proxyNode({ labels: { app: "a" } }))
    .mutualTlsMode(port);
}

test("the narrower policy counts: port, workload, namespace, mesh; UNSET asks the wider one", () => {
  const forMesh = policy("mesh", "STRICT", "istio-system");
  const forNamespace = policy("namespace", "DISABLE", "default");
  const selector = { matchLabels: { app: "a" } };
  assert.equal(mode([]), "PERMISSIVE");
  assert.equal(mode([forMesh]), "STRICT");
  assert.equal(mode([forMesh, forNamespace]), "DISABLE");
  assert.equal(mode([forMesh, policy("other", "DISABLE", "other")]), "STRICT");
  assert.equal(mode([forMesh, forNamespace, policy("workload", "PERMISSIVE", "default", { selector })]), "PERMISSIVE");
  assert.equal(mode([forMesh, policy("other", "DISABLE", "default", { selector: { matchLabels: { app: "b" } } })]), "STRICT");
  assert.equal(mode([forMesh, forNamespace, policy("workload", "UNSET", "default", { selector })]), "DISABLE");
  const ports = policy("workload", "UNSET", "default", { selector, portLevelMtls: { 80: { mode: "STRICT" }, 81: { mode: "UNSET" } } });
  assert.deepEqual([mode([forNamespace, ports]), mode([forNamespace, ports], 81)], ["STRICT", "DISABLE"]);
});

test("of two policies of one width the oldest counts", () => {
  assert.equal(mode([policy("a", "DISABLE", "default"), policy("b", "STRICT", "default")]), "DISABLE");
});

test("a policy of the root namespace that selects workloads counts nowhere, as in Istio", () => {
  const policies = [policy("a", "STRICT", "istio-system", { selector: { matchLabels: { app: "a" } } })];
  assert.equal(mode(policies), "PERMISSIVE");
  const view = meshOf(policies, true).mesh.view(proxyNode({ namespace: "istio-system", labels: { app: "a" } }));
  assert.equal(view.mutualTlsMode(80), "PERMISSIVE");
});

test("a mesh that cannot issue certificates asks for none", () => {
  assert.equal(mode([policy("mesh", "STRICT", "istio-system")], 80, false), "DISABLE");
});
