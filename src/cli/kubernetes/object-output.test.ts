import assert from "node:assert/strict";
import { test } from "node:test";
import { printerFor } from "./object-output.ts";
import type { KubernetesObject } from "./objects.ts";

const OBJECT: KubernetesObject = {
  kind: "VirtualService",
  apiVersion: "networking.istio.io/v1",
  metadata: { name: "reviews", resourceVersion: "7", managedFields: [{ manager: "mizzen" }] },
  spec: { hosts: ["reviews"], at: "2026-01-01T00:00:00Z", answer: "yes", number: "1" },
};

function printed(output: string, isList = false): string {
  return printerFor(output)?.([OBJECT], isList) ?? assert.fail("a table");
}

test("yaml and json have fields in order and no managed fields, as kubectl prints them", () => {
  assert.equal(
    printed("yaml"),
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  resourceVersion: "7"
spec:
  answer: "yes"
  at: "2026-01-01T00:00:00Z"
  hosts:
  - reviews
  number: "1"
`,
  );
  assert.deepEqual(JSON.parse(printed("json", true)), {
    apiVersion: "v1",
    items: [{ ...OBJECT, metadata: { name: "reviews", resourceVersion: "7" } }],
    kind: "List",
    metadata: { resourceVersion: "" },
  });
});

test("names, paths and columns are taken out", () => {
  assert.equal(printed("name"), "virtualservice.networking.istio.io/reviews\n");
  assert.equal(printed("jsonpath={.spec.hosts[0]}"), "reviews");
  assert.equal(printed("jsonpath-as-json={.spec.hosts}"), '[\n    [\n        "reviews"\n    ]\n]\n');
  assert.equal(
    printed("custom-columns=NAME:.metadata.name,X:{.spec.x},H:spec.hosts"),
    'NAME      X        H\nreviews   <none>   ["reviews"]\n',
  );
  assert.equal(printerFor("wide"), undefined);
});

test("formats that are not there are named", () => {
  assert.throws(() => printerFor("pizza"), /unable to match a printer suitable for the output format "pizza"/);
  assert.throws(() => printerFor("go-template={{.}}"), /kubectl's alone/);
  assert.throws(() => printerFor("jsonpath"), /needs a template/);
  assert.throws(() => printerFor("custom-columns=NAME"), /unexpected custom-columns spec: NAME/);
});
