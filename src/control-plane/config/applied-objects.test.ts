import assert from "node:assert/strict";
import test from "node:test";
import { parseFile } from "#api/parse-file";
import { putApplied } from "./applied-objects.ts";
import { ConfigStore, type StoreChange } from "./store.ts";
import type { StoredObject } from "./stored-object.ts";

const KEY = "networking.istio.io/virtualservices/default/reviews";

function reviews(host: string, resourceVersion: string, more: Partial<StoredObject> = {}): StoredObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: {
      name: "reviews",
      namespace: "default",
      uid: "8a6e0804-2bd0-4672-b79d-d97027f9071a",
      resourceVersion,
      generation: 3,
      creationTimestamp: "2026-01-01T00:00:00Z",
      managedFields: [{ manager: "kubectl" }],
    },
    spec: { hosts: [host], http: [{ route: [{ destination: { host } }] }] },
    ...more,
  };
}

function applied(): {
  readonly store: ConfigStore;
  readonly changes: StoreChange[];
  readonly put: (object: StoredObject | undefined) => void;
} {
  const store = new ConfigStore();
  const changes: StoreChange[] = [];
  store.subscribe((change) => changes.push(change));
  return {
    store,
    changes,
    put: (object) => {
      putApplied(store, parseFile, [{ key: KEY, object }]);
      store.publish();
    },
  };
}

test("an applied object is live with the identity that it was stored with, and gone when it is deleted", () => {
  const { store, put } = applied();
  put(reviews("reviews", "17"));
  const object = store.objects.get("VirtualService", "default", "reviews");
  assert.equal(object?.metadata.uid, "8a6e0804-2bd0-4672-b79d-d97027f9071a");
  assert.equal(object.metadata.generation, 3);
  assert.equal(object.metadata.resourceVersion, "17");
  assert.equal(object.metadata.creationTimestamp, "2026-01-01T00:00:00Z");
  assert.equal(store.placeOf({ kind: "VirtualService", namespace: "default", name: "reviews" }), undefined);
  put(undefined);
  assert.equal(store.objects.get("VirtualService", "default", "reviews"), undefined);
});

test("a status, a version and managed fields are no change", () => {
  const { changes, put } = applied();
  put(reviews("reviews", "17"));
  put(reviews("reviews", "18", { status: { observedGeneration: 3 } }));
  assert.equal(changes.length, 1);
  put(reviews("ratings", "19"));
  assert.deepEqual(
    changes[1]?.changes.map(({ type }) => type),
    ["modified"],
  );
});

test("a file's object wins over an applied one of the same name, and a finding says so", () => {
  const { store, put } = applied();
  put(reviews("applied", "17"));
  const text = JSON.stringify({ ...reviews("file", ""), metadata: { name: "reviews", namespace: "default" } });
  store.put({ path: "mesh/reviews.yaml", rank: "file", seenMs: 0 }, parseFile(text, "mesh/reviews.yaml"), 0);
  store.publish();
  const host = (): unknown => store.objects.get<{ readonly hosts: unknown }>("VirtualService", "default", "reviews")?.spec.hosts;
  assert.deepEqual(host(), ["file"]);
  const [finding] = store.findings;
  assert.equal(finding?.code, "MZ0006");
  assert.equal(finding.level, "warning");
  assert.match(
    finding.message,
    /^the applied object has no effect: the same object is defined in mesh\/reviews\.yaml:1, which is the one in use$/u,
  );
  assert.equal(finding.place, undefined);
  if (store.remove("mesh/reviews.yaml", 0)) store.remove("mesh/reviews.yaml", 1_000);
  store.publish();
  assert.deepEqual(host(), ["applied"]);
  assert.deepEqual(store.findings, []);
});

test("what is wrong with an applied object names the object and no file", () => {
  const { store, put } = applied();
  put(reviews("reviews", "17", { spec: { hosts: [] } }));
  assert.equal(store.findings[0]?.object?.name, "reviews");
  assert.equal(store.findings[0]?.place, undefined);
});

test("whether a Pod is ready is a change; the times of its conditions are none", () => {
  const { put, changes } = applied();
  const pod = (ready: string, resourceVersion: string, probed: string): StoredObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "reviews", namespace: "default", uid: "1", resourceVersion, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { containers: [{ name: "app", image: "app" }] },
    status: { podIP: "10.0.0.1", conditions: [{ type: "Ready", status: ready, lastProbeTime: probed }] },
  });
  put(pod("False", "1", "a"));
  put(pod("False", "2", "b"));
  assert.equal(changes.length, 1);
  put(pod("True", "3", "b"));
  assert.equal(changes.length, 2);
});
