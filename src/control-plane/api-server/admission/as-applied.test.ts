import assert from "node:assert/strict";
import test from "node:test";
import { memberAt, textAt } from "#control-plane/api-server/json";
import { asApplied } from "./as-applied.ts";

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

test("an object of a file looks as if kubectl had applied the file", () => {
  const service = asApplied({
    kind: "Service",
    apiVersion: "v1",
    metadata: { name: "a", namespace: "default", uid: "1", generation: 1, creationTimestamp: "2026-01-01T00:00:00Z", labels: { x: "<&>" } },
    spec: { ports: [{ port: 80, name: "http" }] },
  });
  // As kubectl writes it: sorted, Go's escapes, a line's end.
  assert.equal(
    textAt(service, "metadata", "annotations", LAST_APPLIED),
    `{"apiVersion":"v1","kind":"Service","metadata":{"annotations":{},"labels":{"x":"\\u003c\\u0026\\u003e"},"name":"a","namespace":"default"},"spec":{"ports":[{"name":"http","port":80}]}}\n`,
  );
  assert.equal(textAt(service, "spec", "type"), "ClusterIP");
  assert.equal(textAt(service, "metadata", "uid"), "1");
});

test("a Secret has no note, nor what is too large for one", () => {
  const secret = asApplied({ kind: "Secret", apiVersion: "v1", metadata: { name: "a" }, data: { a: "Yg==" } });
  assert.equal(memberAt(secret, "metadata", "annotations"), undefined);
  const large = asApplied({ kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a" }, data: { a: "x".repeat(300_000) } });
  assert.equal(memberAt(large, "metadata", "annotations"), undefined);
});
