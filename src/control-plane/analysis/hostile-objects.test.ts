import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { stringify } from "yaml";
import { ALL_ANALYZERS } from "./analyzers.ts";
import { analyzeYaml } from "./testing.ts";

const VERSIONS: Readonly<Record<string, string>> = {
  AuthorizationPolicy: "security.istio.io/v1",
  RequestAuthentication: "security.istio.io/v1",
  PeerAuthentication: "security.istio.io/v1",
  Telemetry: "telemetry.istio.io/v1",
  WasmPlugin: "extensions.istio.io/v1alpha1",
  EnvoyFilter: "networking.istio.io/v1alpha3",
  ProxyConfig: "networking.istio.io/v1beta1",
  Deployment: "apps/v1",
  MutatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  ValidatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  CustomResourceDefinition: "apiextensions.k8s.io/v1",
  HTTPRoute: "gateway.networking.k8s.io/v1",
  GRPCRoute: "gateway.networking.k8s.io/v1",
};
const CORE = new Set(["Namespace", "Node", "Pod", "Service", "Secret", "ConfigMap"]);
const KINDS = [...new Set(ALL_ANALYZERS.flatMap(({ inputs }) => inputs))].filter(
  (kind) => kind !== "MeshConfig" && kind !== "MeshNetworks",
);

/** Names that analyzers read, so that wrong values stand where they look. */
const NAMES = [
  "hosts",
  "http",
  "tcp",
  "tls",
  "match",
  "route",
  "destination",
  "host",
  "subset",
  "port",
  "ports",
  "number",
  "name",
  "protocol",
  "gateways",
  "exportTo",
  "mirror",
  "mirrors",
  "selector",
  "matchLabels",
  "labels",
  "workloadSelector",
  "servers",
  "bind",
  "credentialName",
  "subsets",
  "trafficPolicy",
  "rules",
  "from",
  "source",
  "namespaces",
  "configPatches",
  "patch",
  "value",
  "operation",
  "applyTo",
  "template",
  "spec",
  "metadata",
  "annotations",
  "containers",
  "initContainers",
  "image",
  "env",
  "securityContext",
  "runAsUser",
  "webhooks",
  "clientConfig",
  "url",
  "service",
  "namespaceSelector",
  "matchExpressions",
  "key",
  "operator",
  "values",
  "data",
  "conditions",
  "parents",
  "type",
  "status",
  "addresses",
  "accessLogging",
  "providers",
  "tracing",
  "listeners",
  "hostname",
  "fault",
  "delay",
  "percent",
  "headers",
  "names",
  "kind",
  "group",
  "targetPort",
  "outboundTrafficPolicy",
];

const wrongValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    fc.constantFrom<unknown>(null, true, 0, 80, -1, 1.5, "", "*", "x", "mesh", "~", "a/b/c", "__proto__"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie("value"), { maxKeys: 5 }),
  ),
})).value;

test("no object, however wrong, makes an analyzer fail", () => {
  const object = fc.record({
    kind: fc.constantFrom(...KINDS),
    spec: wrongValue,
    status: wrongValue,
    metadata: fc.record({
      name: fc.constantFrom("a", "b"),
      labels: wrongValue,
      annotations: fc.oneof(wrongValue, fc.constant({ "proxy.istio.io/config": "{", "sidecar.istio.io/proxyCPU": "x" })),
    }),
    fields: fc.dictionary(fc.constantFrom("data", "webhooks", "stringData"), wrongValue),
  });
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 6 }), (objects) => {
      const documents = objects.map(({ kind, fields, ...rest }) => {
        const written = kind === "KubernetesGateway" ? "Gateway" : kind;
        const apiVersion =
          kind === "KubernetesGateway"
            ? "gateway.networking.k8s.io/v1"
            : (VERSIONS[kind] ?? (CORE.has(kind) ? "v1" : "networking.istio.io/v1"));
        return stringify({ apiVersion, kind: written, ...rest, ...fields });
      });
      const findings = analyzeYaml(documents.join("---\n"));
      assert.deepEqual(
        findings.filter(({ code }) => code === "IST0001").map(({ message }) => message),
        [],
      );
    }),
    { numRuns: 300, seed: 7 },
  );
});
