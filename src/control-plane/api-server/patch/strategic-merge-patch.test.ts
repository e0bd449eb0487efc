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
