import assert from "node:assert/strict";
import { test } from "node:test";
import { isClusterLocal } from "./cluster-local.ts";

test("the most specific setting decides whether calls stay in the cluster", () => {
  const mesh = {
    serviceSettings: [
      { settings: { clusterLocal: true }, hosts: ["*.ns.svc.cluster.local", "*.kept.svc.cluster.local"] },
      { settings: { clusterLocal: false }, hosts: ["open.ns.svc.cluster.local"] },
    ],
  };
  assert.equal(isClusterLocal("a.ns.svc.cluster.local", mesh), true);
  assert.equal(isClusterLocal("open.ns.svc.cluster.local", mesh), false);
  assert.equal(isClusterLocal("a.other.svc.cluster.local", mesh), false);
  assert.equal(isClusterLocal("a.ns.svc.cluster.local", {}), false);
});
