import assert from "node:assert/strict";
import { test } from "node:test";
import { describedText } from "./described-object.ts";

const OBJECT = {
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: {
    name: "reviews",
    namespace: "shop",
    labels: { tier: "shop", app: "reviews" },
    creationTimestamp: "2026-01-01T00:00:00Z",
    generation: 1,
    resourceVersion: "7",
    uid: "u",
    managedFields: [],
  },
  spec: { host: "reviews", exportTo: ["."], subsets: [{ name: "v1", labels: { version: "v1" } }] },
};

// As kubectl 1.37 describes the same object.
const DESCRIBED = `Name:         reviews
Namespace:    shop
Labels:       app=reviews
              tier=shop
Annotations:  <none>
API Version:  networking.istio.io/v1
Kind:         DestinationRule
Metadata:
  Creation Timestamp:  2026-01-01T00:00:00Z
  Generation:          1
  Resource Version:    7
  UID:                 u
Spec:
  Export To:
    .
  Host:  reviews
  Subsets:
    Labels:
      Version:  v1
    Name:       v1
Events:         <none>
`;

test("an object is described as kubectl describes it", () => {
  assert.equal(describedText(OBJECT, [], 0, []), DESCRIBED);
});

test("events stand in a table below the object", () => {
  const event = { type: "Normal", reason: "Tried", message: "it was", lastTimestamp: "2026-01-01T00:00:00Z", source: { component: "c" } };
  const text = describedText(OBJECT, [event], Date.parse("2026-01-01T00:03:00Z"), [["Distribution", "live on 7 of 7 proxies"]]);
  assert.match(
    text,
    /\nDistribution: {3}live on 7 of 7 proxies\nEvents:\n {2}Type {5}Reason {3}Age {3}From {3}Message\n {2}Normal {3}Tried {4}3m {4}c {6}it was\n$/,
  );
});

test("kubectl's note of what was applied is not shown", () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}\n", a: "b" };
  const text = describedText({ ...OBJECT, metadata: { ...OBJECT.metadata, annotations } }, [], 0, []);
  assert.equal(text, DESCRIBED.replace("<none>", "a: b"));
});

test("ages are kubectl's", () => {
  const event = { type: "Normal", reason: "Tried", message: "it was", lastTimestamp: "2026-01-01T00:00:00Z", source: { component: "c" } };
  assert.match(describedText(OBJECT, [event], Date.parse("2026-01-03T03:20:00Z"), []), /\n {2}Normal {3}Tried {4}2d3h +c {6}it was\n$/);
  assert.match(describedText(OBJECT, [{ ...event, lastTimestamp: null }], 0, []), /\n {2}Normal {3}Tried {4}<unknown> +c {6}it was\n$/);
});
