import assert from "node:assert/strict";
import test from "node:test";
import type { JsonObject } from "#control-plane/api-server/json";
import { kubernetesResources } from "#control-plane/api-server/resources/kubernetes-resources";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const schema = kubernetesResources()
  .find(({ kind }) => kind === "Deployment")
  ?.schema("v1");

function patched(containers: unknown, patch: unknown): unknown {
  assert.ok(schema);
  const wrap = (value: unknown) => ({ spec: { template: { spec: value } } }) as unknown as JsonObject;
  const result = applyStrategicMergePatch(wrap({ containers }), wrap(patch), schema) as unknown as ReturnType<typeof wrap>;
  return (result as { spec: { template: { spec: { containers: unknown } } } }).spec.template.spec.containers;
}

const APP = { name: "app", image: "app:1", args: ["a"], env: [{ name: "X", value: "1" }] };
const LOG = { name: "log", image: "log:1" };

test("merges lists by their key, and replaces those without one", () => {
  assert.deepEqual(patched([APP, LOG], { containers: [{ name: "app", image: "app:2", args: ["b"], env: [{ name: "Y", value: "2" }] }] }), [
    {
      name: "app",
      image: "app:2",
      args: ["b"],
      env: [
        { name: "X", value: "1" },
        { name: "Y", value: "2" },
      ],
    },
    LOG,
  ]);
});

test("obeys directives: delete, replace, order, retained keys", () => {
  assert.deepEqual(patched([APP, LOG], { containers: [{ name: "app", $patch: "delete" }] }), [LOG]);
  assert.deepEqual(patched([APP, LOG], { containers: [{ $patch: "replace" }, { name: "new" }] }), [{ name: "new" }]);
  assert.deepEqual(patched([APP, LOG], { containers: [{ name: "app", $patch: "replace", image: "x" }] }), [
    { name: "app", image: "x" },
    LOG,
  ]);
  assert.deepEqual(
    patched([APP, LOG], {
      "$setElementOrder/containers": [{ name: "new" }, { name: "log" }, { name: "app" }],
      containers: [{ name: "new" }],
    }),
    [{ name: "new" }, LOG, APP],
  );
  assert.deepEqual(patched([APP], { containers: [{ name: "app", $retainKeys: ["name", "image"], image: "y" }] }), [
    { name: "app", image: "y" },
  ]);
});

test("lists of plain values are merged as sets, and items taken out by name", () => {
  assert.ok(schema);
  const object = { metadata: { finalizers: ["a", "b"] } };
  assert.deepEqual(applyStrategicMergePatch(object, { metadata: { finalizers: ["c", "a"] } }, schema), {
    metadata: { finalizers: ["a", "b", "c"] },
  });
  assert.deepEqual(applyStrategicMergePatch(object, { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } }, schema), {
    metadata: { finalizers: ["b"] },
  });
});

test("an item without its key is refused", () => {
  assert.throws(() => patched([APP], { containers: [{ image: "x" }] }), /does not contain declared merge key: name/u);
});

test("of items with the same key the first is merged, and all are deleted", () => {
  const twice = [{ name: "a" }, LOG, { name: "a", image: "2" }];
  assert.deepEqual(patched(twice, { containers: [{ name: "a", image: "1" }] }), [
    { name: "a", image: "1" },
    LOG,
    { name: "a", image: "2" },
  ]);
  assert.deepEqual(patched(twice, { containers: [{ name: "a", $patch: "delete" }] }), [LOG]);
});

test("long lists merge in time", () => {
  const containers = Array.from({ length: 20_000 }, (_, index) => ({ name: `c${index}` }));
  const changes = containers.map(({ name }) => ({ name, image: "x" }));
  const order = containers.map(({ name }) => ({ name })).toReversed();
  const startedMs = performance.now();
  const merged = patched(containers, { "$setElementOrder/containers": order, containers: changes }) as readonly object[];
  assert.deepEqual([merged.length, merged[0]], [20_000, { name: "c19999", image: "x" }]);
  // 400 million comparisons would take half a minute.
  assert.ok(performance.now() - startedMs < 5_000);
});
