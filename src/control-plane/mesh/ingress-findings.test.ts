import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import { objectSet } from "#control-plane/config/immutable-object-set";
import { ingressFindings } from "./ingress-findings.ts";
import { object } from "./testing.ts";

const fields = (objects: readonly ApiObject[], config: MeshConfigSpec = {}): readonly (string | undefined)[] =>
  ingressFindings({ objects: objectSet(1, objects), config }).map(({ field }) => field);
const ofClass = (className: string): Readonly<Record<string, string>> => ({ "kubernetes.io/ingress.class": className });

test("an Ingress that nobody serves is named, unless it is another controller's", () => {
  const nginx = object("IngressClass", "nginx", { controller: "nginx" });
  assert.deepEqual(fields([object("Ingress", "ing", {})]), ["spec.ingressClassName"]);
  assert.deepEqual(fields([object("Ingress", "ing", { ingressClassName: "missing" })]), ["spec.ingressClassName"]);
  assert.deepEqual(fields([nginx, object("Ingress", "ing", { ingressClassName: "nginx" })]), []);
  assert.deepEqual(fields([object("Ingress", "ing", {}, { annotations: ofClass("nginx") })]), []);
  assert.deepEqual(fields([object("Ingress", "ing", {})], { ingressControllerMode: "DEFAULT" }), []);
});

test("a default backend of a served Ingress is said to do nothing", () => {
  const spec = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };
  assert.deepEqual(fields([object("Ingress", "ing", spec, { annotations: ofClass("istio") })]), ["spec.defaultBackend"]);
});
