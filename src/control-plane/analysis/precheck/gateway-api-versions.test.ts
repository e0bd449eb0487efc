import assert from "node:assert/strict";
import test from "node:test";
import { analyzeYaml } from "#control-plane/analysis/testing";
import { gatewayApiVersionsAnalyzer } from "./gateway-api-versions.ts";

const crd = (kind: string, versions: string, group = "gateway.networking.k8s.io"): string =>
  `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a}, spec: {group: ${group}, names: {kind: ${kind}, plural: a}, scope: Namespaced, versions: [${versions}]}}`;
const served = (name: string): string => `{name: ${name}, served: true, storage: true}`;

function found(yaml: string): readonly string[] {
  return analyzeYaml(yaml, { analyzer: gatewayApiVersionsAnalyzer }).map(({ code, level, message }) => `${code} ${level} ${message}`);
}

test("CRDs of the Gateway API without v1beta1 are too old, and without v1 soon will be", () => {
  assert.deepEqual(found(crd("HTTPRoute", served("v1alpha2"))), [
    "IST0156 error the Gateway API CRDs v1alpha2 are too old: v1beta1 is needed",
    "IST0172 warning the Gateway API CRDs v1alpha2 will soon be too old: v1 will be needed",
  ]);
  assert.match(found(crd("Gateway", served("v1beta1"))).join(), /^IST0172 [^,]*v1beta1 will soon/u);
  assert.match(found(crd("ReferenceGrant", "{name: v1beta1, served: false, storage: true}")).join(), /^IST0156 [^,]*CRDs none/u);
  assert.match(found(crd("GRPCRoute", served("v1alpha2"))).join(), /^IST0172/u);
});

test("CRDs that serve both versions are fine, as are other kinds and groups", () => {
  assert.deepEqual(found(crd("Gateway", `${served("v1")}, ${served("v1beta1")}`)), []);
  assert.deepEqual(found(crd("TCPRoute", served("v1alpha2"))), []);
  assert.deepEqual(found(crd("Gateway", served("v1alpha1"), "networking.istio.io")), []);
});
