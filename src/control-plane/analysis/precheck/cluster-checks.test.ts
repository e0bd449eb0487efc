import assert from "node:assert/strict";
import test from "node:test";
import { checkKubernetesVersion, checkPermissions, INSTALLED_RESOURCES, readAccessReview, unreviewed } from "./cluster-checks.ts";

test("a version of Kubernetes below the minimum is an error, whatever its vendor adds", () => {
  assert.deepEqual(
    ["v1.29.9", "1.16.15-gke.500"].flatMap(checkKubernetesVersion).map(({ code, message }) => `${code} ${message}`),
    ["IST0142 Kubernetes v1.29.9 is too old: 1.30 is needed", "IST0142 Kubernetes 1.16.15-gke.500 is too old: 1.30 is needed"],
  );
  assert.deepEqual(["v1.30.0", "v1.34.1+k3s1", "1.31"].flatMap(checkKubernetesVersion), []);
});

const review = (resource: string, status: unknown, group?: string): unknown => ({
  kind: "SelfSubjectAccessReview",
  spec: { resourceAttributes: { verb: "create", resource, ...(group === undefined ? {} : { group }) } },
  status,
});

test("a denied review of what an installation creates is an error with the cluster's reason", () => {
  const reviews = [
    review("namespaces", { allowed: false, reason: "RBAC: no" }),
    review("deployments", { allowed: false }, "apps"),
    review("services", { allowed: true }),
    review("secrets", { allowed: false }),
  ].flatMap((value) => readAccessReview(value) ?? []);
  assert.deepEqual(
    checkPermissions(reviews).map(({ code, message }) => `${code} ${message}`),
    [
      "IST0141 the permission to create namespaces is missing: RBAC: no",
      "IST0141 the permission to create deployments is missing: permission denied",
    ],
  );
  assert.equal(unreviewed(reviews).length, INSTALLED_RESOURCES.length - 3);
});

test("what is no answer is not read", () => {
  for (const value of [
    undefined,
    null,
    1,
    "a",
    [],
    {},
    review("a", undefined),
    review("a", { allowed: "yes" }),
    { kind: "SelfSubjectAccessReview", spec: null },
  ])
    assert.equal(readAccessReview(value), undefined);
});
