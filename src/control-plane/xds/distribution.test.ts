import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#api/object";
import type { ConnectedProxy } from "./connected-proxy.ts";
import { Distribution, reconciledCondition } from "./distribution.ts";

const object = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "default", generation: 3, resourceVersion: "17" },
  spec: {},
} as unknown as ApiObject;
const key = { kind: "VirtualService", namespace: "default", name: "reviews" };

function proxy(id: string, syncedSequence: number, refusals: ConnectedProxy["refusals"] = []): ConnectedProxy {
  return { node: { id }, syncedSequence, refusals } as unknown as ConnectedProxy;
}

test("an object is live on the proxies that have acknowledged the push that carried it", () => {
  const distribution = new Distribution();
  distribution.noteChanged(key);
  const before = distribution.of(object, [proxy("a", 4)]);
  assert.deepEqual(before.pending, ["a"], "it is not on its way yet");
  distribution.notePushed(5);
  const refusal = { type: "LDS", typeUrl: "", message: "no such filter" };
  const now = distribution.of(object, [proxy("a", 5), proxy("b", 4), proxy("c", 6, [refusal]), proxy("d", 7)]);
  assert.deepEqual([now.live, now.pending], [["a", "d"], ["b"]]);
  assert.deepEqual(now.refused, [{ proxy: "c", type: "LDS", message: "no such filter" }]);
  assert.deepEqual(reconciledCondition(now), {
    type: "Reconciled",
    status: "False",
    message: "2/4 proxies up to date. c refused LDS: no such filter",
  });
  distribution.notePushed(9);
  assert.deepEqual(distribution.of(object, [proxy("a", 5)]).live, ["a"], "a push that does not carry it says nothing of it");
  assert.equal(reconciledCondition(distribution.of(object, [proxy("a", 5)])).status, "True");
});
