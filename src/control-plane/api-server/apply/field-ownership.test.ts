import assert from "node:assert/strict";
import test from "node:test";
import { memberAt, type JsonObject } from "#control-plane/api-server/json";
import { kubernetesResources } from "#control-plane/api-server/resources/kubernetes-resources";
import { applyConfiguration, noteUpdate, type Change } from "./field-ownership.ts";
import { readManagedFields } from "./managed-fields.ts";

const schema = kubernetesResources()
  .find(({ kind }) => kind === "Service")
  ?.schema("v1");

function change(
  live: JsonObject | undefined,
  manager: string,
  operation: "Apply" | "Update" = "Apply",
  now = "2026-01-01T00:00:00Z",
): Change {
  assert.ok(schema);
  return { live, schema, now, by: { manager, operation, apiVersion: "v1", subresource: "" } };
}

function service(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "web", ...metadata }, spec };
}

const HTTP = { name: "http", port: 80, protocol: "TCP", targetPort: 8080 };

test("ports of a Service are owned one by one, by number and protocol", () => {
  const one = applyConfiguration(change(undefined, "one"), service({ ports: [HTTP] }), false);
  const two = applyConfiguration(change(one, "two"), service({ ports: [{ name: "https", port: 443 }] }), false);
  assert.deepEqual(memberAt(two, "spec", "ports"), [HTTP, { name: "https", port: 443 }]);
  const gone = applyConfiguration(change(two, "one"), service({}), false);
  assert.deepEqual(memberAt(gone, "spec", "ports"), [{ name: "https", port: 443 }]);
});

test("a field of two owners stays when one of them drops it", () => {
  const one = applyConfiguration(change(undefined, "one"), service({ clusterIP: "None" }, { labels: { app: "web" } }), false);
  const both = applyConfiguration(change(one, "two"), service({ clusterIP: "None" }), false);
  const dropped = applyConfiguration(change(both, "one"), service({}), false);
  assert.equal(memberAt(dropped, "spec", "clusterIP"), "None");
  assert.equal(memberAt(dropped, "metadata", "labels"), undefined, "what was emptied goes with its last member");
});

test("an update takes the fields that it changes from who applied them", () => {
  const applied = applyConfiguration(change(undefined, "one"), service({ type: "ClusterIP", clusterIP: "None" }), false);
  const updated = noteUpdate(change(applied, "kubectl", "Update"), { ...applied, spec: { type: "NodePort", clusterIP: "None" } });
  assert.deepEqual(
    readManagedFields(updated)?.map(({ manager, operation, fields }) => [
      manager,
      operation,
      [...(fields.children.get("f:spec")?.children.keys() ?? [])],
    ]),
    [
      ["one", "Apply", ["f:clusterIP"]],
      ["kubectl", "Update", ["f:type"]],
    ],
  );
  assert.throws(() => applyConfiguration(change(updated, "one"), service({ type: "ClusterIP" }), false), {
    message: 'Apply failed with 1 conflict: conflict with "kubectl" using v1 at 2026-01-01T00:00:00Z: .spec.type',
  });
});

test("an object that nobody managed is not overwritten unseen", () => {
  assert.throws(() => applyConfiguration(change(service({ type: "NodePort" }), "one"), service({ type: "ClusterIP" }), false), {
    message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .spec.type',
  });
});

test("applying the same again changes nothing, whatever the time", () => {
  const one = applyConfiguration(change(undefined, "one"), service({ ports: [HTTP] }), false);
  assert.deepEqual(applyConfiguration(change(one, "one", "Apply", "2027-01-01T00:00:00Z"), service({ ports: [HTTP] }), false), one);
});

test("of many managers the oldest become one", () => {
  let object = service({}, { labels: {} });
  for (let index = 10; index < 25; index++) {
    const labels = { ...(memberAt(object, "metadata", "labels") as JsonObject), [`l${index}`]: "x" };
    const next: JsonObject = { ...object, metadata: { ...(object["metadata"] as JsonObject), labels } };
    object = noteUpdate(change(object, `m${index}`, "Update", `2026-01-01T00:00:${index}Z`), next);
  }
  const managers = readManagedFields(object)?.map(({ manager }) => manager) ?? [];
  assert.equal(managers.length, 10);
  assert.ok(managers.includes("ancient-changes"));
});
