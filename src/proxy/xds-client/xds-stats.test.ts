import assert from "node:assert/strict";
import { test } from "node:test";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "#envoy/type-urls";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { XdsStats } from "./xds-stats.ts";

test("what is counted for a cluster goes with the cluster", () => {
  const stats = new ThreadStats();
  const xds = new XdsStats(stats.root);
  const { nameCount } = stats;
  for (let i = 0; i < 1_000; i++) {
    const name = `outbound|80||s${i}`;
    xds.live(CLUSTER_TYPE, name, false, []);
    xds.live(ENDPOINT_TYPE, name, false, []);
    assert.equal(stats.nameCount, nameCount + 1);
    xds.removed(CLUSTER_TYPE, name);
  }
  assert.equal(stats.nameCount, nameCount);
});
