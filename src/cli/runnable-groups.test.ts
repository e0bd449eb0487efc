import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApiObject } from "#api/object";
import type { WorkloadGroupSpec } from "#api/workload-group";
import { runnableGroup } from "./runnable-groups.ts";

function object(annotations: Record<string, string>): ApiObject<WorkloadGroupSpec> {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadGroup",
    metadata: {
      name: "reviews-v2",
      namespace: "default",
      labels: {},
      annotations,
      creationTimestamp: "",
      generation: 1,
      resourceVersion: "1",
      uid: "1",
    },
    spec: {
      metadata: { labels: { app: "reviews", version: "v0" } },
      template: { labels: { version: "v2" }, ports: { http: 9080 }, serviceAccount: "bookinfo-reviews" },
      probe: { httpGet: { path: "/health", port: 9080 } },
    },
  } as unknown as ApiObject<WorkloadGroupSpec>;
}

describe("what the supervisor runs of a WorkloadGroup", () => {
  it("is its command in its file's folder, with labels, ports and probe", () => {
    const group = runnableGroup(object({ "mizzen.io/run": " node reviews.ts " }), "/mesh/bookinfo.yaml");
    assert.equal(group.command, "node reviews.ts");
    assert.equal(group.directory, "/mesh");
    assert.deepEqual(group.spec.labels, { app: "reviews", version: "v2" });
    assert.deepEqual(group.spec.ports, [{ name: "http", number: 9080, protocol: "HTTP" }]);
    assert.equal(group.spec.serviceAccount, "bookinfo-reviews");
    assert.equal(group.spec.probe?.action.type, "http");
  });

  it("has no command without the annotation", () => {
    assert.equal(runnableGroup(object({}), undefined).command, undefined);
    assert.equal(runnableGroup(object({ "mizzen.io/run": " " }), undefined).command, undefined);
  });
});
