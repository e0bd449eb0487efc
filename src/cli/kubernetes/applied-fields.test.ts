import assert from "node:assert/strict";
import { test } from "node:test";
import { handOver } from "./applied-fields.ts";
import type { KubernetesObject, ManagedFields } from "./objects.ts";

function object(managedFields: readonly ManagedFields[]): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", resourceVersion: "7", managedFields } };
}

const BY_KUBECTL: ManagedFields = {
  manager: "kubectl-client-side-apply",
  operation: "Update",
  apiVersion: "v1",
  fieldsV1: { "f:data": { "f:a": {} } },
};

test("fields that kubectl applied from its side go to who applies on the server's", () => {
  const mine: ManagedFields = { manager: "mizzen", operation: "Apply", apiVersion: "v1", fieldsV1: { "f:data": { "f:b": {} } } };
  const status: ManagedFields = { manager: "controller", operation: "Update", subresource: "status", fieldsV1: {} };
  const patch = handOver(object([BY_KUBECTL, status, mine]), "mizzen");
  assert.deepEqual(patch, [
    {
      op: "replace",
      path: "/metadata/managedFields",
      value: [{ ...mine, fieldsV1: { "f:data": { "f:a": {}, "f:b": {} } } }, status],
    },
    { op: "replace", path: "/metadata/resourceVersion", value: "7" },
  ]);
});

test("fields of others stay theirs", () => {
  assert.equal(handOver(object([]), "mizzen"), undefined);
  assert.equal(handOver(object([{ manager: "kubectl-edit", operation: "Update", fieldsV1: {} }]), "mizzen"), undefined);
  assert.equal(handOver(object([{ ...BY_KUBECTL, subresource: "status" }]), "mizzen"), undefined);
});
