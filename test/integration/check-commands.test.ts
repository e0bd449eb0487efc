// `mizzen analyze` with objects of several clusters and with MeshNetworks, and `mizzen precheck`, as one calls them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../harness/mesh.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-check-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function mizzen(...args: readonly string[]): {
  readonly status: number | null;
  readonly codes: readonly string[];
  readonly stderr: string;
} {
  const run = spawnSync(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], { cwd: folder, encoding: "utf8", timeout: 120_000 });
  return {
    status: run.status,
    codes: [...run.stdout.matchAll(/\[((?:IST|MZ)\d{4})\]/gu)].map(([, code]) => code ?? ""),
    stderr: run.stderr,
  };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const service = (port: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: [{name: ${port}, port: 80, targetPort: 80}]}\n`;

test("a Service that differs between clusters is found", () => {
  const own = file("own.yaml", service("http"));
  const other = file("other.yaml", service("http-web"));
  assert.deepEqual(mizzen("analyze", "-A", own, "--cluster", `east=${other}`).codes, ["IST0170"]);
  assert.deepEqual(mizzen("analyze", "-A", own, "--cluster", `east=${own}`).codes, []);
  const { status, stderr } = mizzen("analyze", own, "--cluster", "east");
  assert.equal(status, 64);
  assert.match(stderr, /--cluster east is not NAME=PATH/u);
});

test("MeshNetworks come from a file of their own", () => {
  const own = file("own.yaml", service("http"));
  const networks = file("networks.yaml", "networks:\n  n:\n    endpoints:\n    - fromRegistry: east\n");
  assert.deepEqual(mizzen("analyze", "-A", own, "--mesh-networks", networks).codes, ["IST0126"]);
  const broken = file("broken.yaml", "networks:\n  n:\n    endpoint: []\n");
  const { status, stderr } = mizzen("analyze", "-A", own, "--mesh-networks", broken);
  assert.equal(status, 65);
  assert.match(stderr, /broken\.yaml:3: networks\.n\.endpoint unknown field/u);
});

test("precheck says what an installation would meet, and what it was not shown", () => {
  const cluster = file(
    "cluster.yaml",
    `apiVersion: v1
kind: List
items:
- apiVersion: authorization.k8s.io/v1
  kind: SelfSubjectAccessReview
  metadata: {creationTimestamp: null}
  spec: {resourceAttributes: {verb: create, resource: namespaces}}
  status: {allowed: false}
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: gateways.gateway.networking.k8s.io}
  spec: {group: gateway.networking.k8s.io, names: {kind: Gateway, plural: gateways}, scope: Namespaced, versions: [{name: v1alpha2, served: true, storage: true}]}
- apiVersion: v1
  kind: Service
  metadata: {name: zipkin, namespace: istio-system}
  spec: {ports: [{name: http, port: 9411}]}
`,
  );
  const { status, codes, stderr } = mizzen("precheck", cluster, "--kubernetes-version", "v1.25.1", "--from-version", "1.20");
  assert.equal(status, 1);
  assert.deepEqual(codes, ["IST0141", "IST0142", "IST0156", "IST0169", "IST0172"]);
  assert.match(stderr, /Not checked: whether you may create rbac\.authorization\.k8s\.io\/clusterroles/u);
  const fine = mizzen("precheck", "--kubernetes-version", "v1.31.0");
  assert.equal(fine.status, 0);
  assert.match(fine.stderr, /Not checked: the Gateway API's CRDs/u);
  assert.equal(mizzen("precheck", "--kubernetes-version", "new").status, 2);
});

test("definitions of the Gateway API are not ours to print", () => {
  assert.match(mizzen("crds", "HTTPRoute").stderr, /the Gateway API publishes the definition of httproute itself/u);
});
