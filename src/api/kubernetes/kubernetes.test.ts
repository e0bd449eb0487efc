// Kubernetes' kinds: what analysis reads is there, mistakes have names, secrets are never quoted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findingText } from "#api/finding";
import { parseFile, type ParsedDocument } from "#api/parse-file";

function read(apiVersion: string, kind: string, body: Readonly<Record<string, unknown>>): ParsedDocument {
  const [document] = parseFile(JSON.stringify({ apiVersion, kind, metadata: { name: "a" }, ...body }), "a.json");
  assert.ok(document !== undefined);
  return document;
}

function errors(document: ParsedDocument): string {
  return document.findings
    .filter((finding) => finding.level === "error")
    .map(findingText)
    .join("\n");
}

const template = {
  metadata: { labels: { app: "a" }, annotations: { "sidecar.istio.io/inject": "true" } },
  spec: {
    containers: [
      {
        name: "b",
        image: "b:1",
        ports: [{ containerPort: 80 }],
        env: [{ name: "C", value: "d" }],
        resources: { limits: { cpu: 0.5, memory: "1Gi" } },
      },
    ],
  },
};

test("workloads carry the template of their pods", () => {
  const selector = { matchLabels: { app: "a" } };
  for (const [apiVersion, kind] of [
    ["apps/v1", "Deployment"],
    ["apps/v1", "StatefulSet"],
    ["apps/v1", "DaemonSet"],
    ["apps/v1", "ReplicaSet"],
    ["batch/v1", "Job"],
  ] as const) {
    const document = read(apiVersion, kind, { spec: { selector, template } });
    assert.equal(errors(document), "", kind);
    assert.deepEqual((document.object?.spec as { readonly template?: unknown } | undefined)?.template, template);
  }
  const cron = read("batch/v1", "CronJob", { spec: { schedule: "* * * * *", jobTemplate: { spec: { template } } } });
  assert.equal(errors(cron), "");
});

test("fields of pods that are not looked into are known by name", () => {
  assert.equal(errors(read("v1", "Pod", { spec: { ...template.spec, volumes: [{ name: "v", emptyDir: {} }], affinity: { any: 1 } } })), "");
  assert.match(errors(read("v1", "Pod", { spec: { ...template.spec, volume: [] } })), /unknown field "volume" .*did you mean "volumes"/u);
});

test("containers have names, ports and amounts that can be", () => {
  const pod = (container: Readonly<Record<string, unknown>>): string =>
    errors(read("v1", "Pod", { spec: { containers: [{ name: "a" }, container] } }));
  assert.match(pod({ name: "a" }), /"a" is the name of two containers/u);
  assert.match(pod({ name: "A" }), /is no name of a container/u);
  assert.match(pod({ name: "b", ports: [{ containerPort: "80" }] }), /must be a whole number/u);
  assert.match(pod({ name: "b", ports: [{ containerPort: 80, protocol: 0 }] }), /must be one of TCP, UDP, SCTP/u);
  assert.match(pod({ name: "b", resources: { limits: { cpu: "1 core" } } }), /"1 core" is no amount/u);
  assert.match(pod({ name: "b", securityContext: { runAsUser: "1337" } }), /must be a whole number/u);
});

test("a Secret's values are never quoted", () => {
  const secret = read("v1", "Secret", { data: { a: 1234567, b: "not base64!", c: "aGk=" }, stringData: { d: ["hunter2"] } });
  const said = errors(secret);
  assert.match(said, /data\.a: must be a string, is a number/u);
  assert.match(said, /data\.b: is not base64/u);
  assert.match(said, /stringData\.d: must be a string, is a list/u);
  assert.doesNotMatch(secret.findings.map(findingText).join("\n"), /1234567|not base64!|hunter2/u);
});

test("kinds without a spec have their fields beside metadata", () => {
  const slice = read("discovery.k8s.io/v1", "EndpointSlice", {
    addressType: "IPv4",
    endpoints: [{ addresses: ["1.2.3.4"] }],
    ports: [{ port: 80 }],
  });
  assert.deepEqual(slice.object?.spec, { addressType: "IPv4", endpoints: [{ addresses: ["1.2.3.4"] }], ports: [{ port: 80 }] });
  assert.match(errors(read("v1", "Endpoints", { subset: [] })), /unknown field "subset" .*did you mean "subsets"/u);
  assert.match(errors(read("discovery.k8s.io/v1", "EndpointSlice", {})), /addressType: is required/u);
  const hook = { name: "h", clientConfig: { service: { name: "istiod", namespace: "istio-system", path: "/inject" } } };
  const webhooks = read("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", { webhooks: [hook] });
  assert.deepEqual(webhooks.object?.spec, { webhooks: [hook] });
});

test("kinds of the cluster have no namespace", () => {
  for (const [apiVersion, kind] of [
    ["v1", "Namespace"],
    ["v1", "Node"],
    ["networking.k8s.io/v1", "IngressClass"],
    ["gateway.networking.k8s.io/v1", "GatewayClass"],
  ] as const) {
    assert.equal(read(apiVersion, kind, {}).key?.namespace, "", kind);
  }
});

test("the ConfigMap named istio is MeshConfig, others are ConfigMaps", () => {
  assert.equal(read("v1", "ConfigMap", { data: { a: "b" } }).object?.kind, "ConfigMap");
  const [mesh] = parseFile(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: 'rootNamespace: istio-system'}\n",
    "a.yaml",
  );
  assert.equal(mesh?.object?.kind, "MeshConfig");
});
