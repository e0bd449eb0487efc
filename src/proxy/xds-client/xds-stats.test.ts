import assert from "node:assert/strict";
import { test } from "node:test";
import { CLUSTER_TYPE, ENDPOINT_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import { ManualClock } from "#runtime/clock";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { XdsStats } from "./xds-stats.ts";

test("what is counted for a cluster goes with the cluster", () => {
  const stats = new ThreadStats();
  const xds = new XdsStats(stats.root, new ManualClock(), false);
  const { nameCount } = stats;
  for (let i = 0; i < 1_000; i++) {
    const name = `outbound|80||s${i}`;
    xds.live(CLUSTER_TYPE, name, false, "1");
    xds.live(ENDPOINT_TYPE, name, false, "1");
    assert.equal(stats.nameCount, nameCount + 1);
    xds.removed(CLUSTER_TYPE, name);
  }
  assert.equal(stats.nameCount, nameCount);
});

test("what is asked for by name counts its outcomes and says its version, as long as somebody needs it", () => {
  const stats = new ThreadStats();
  const xds = new XdsStats(stats.root, new ManualClock(), false);
  const { nameCount } = stats;
  const routes = [{ name: "r", statPrefix: "in", timeoutMs: 0 }];
  const secrets = [{ key: "ads s", name: "s", server: { kind: "ads" as const }, timeoutMs: 0 }];
  xds.follow(routes, secrets);
  xds.live(ROUTE_TYPE, "r", false, "7");
  xds.live(SECRET_TYPE, "ads s", false, "8");
  xds.refusedOnes(ROUTE_TYPE, [{ name: "r", version: "9", bytes: new Uint8Array() }], []);
  xds.fetchTimedOut(SECRET_TYPE, "ads s");
  const reader = new StatsReader();
  const update = stats.takeUpdate();
  assert.ok(update !== undefined);
  reader.apply(0, update);
  const shown = Object.fromEntries(reader.read().map(({ name, value }) => [name, value]));
  assert.equal(shown["http.in.rds.r.update_attempt"], 3);
  assert.equal(shown["http.in.rds.r.update_success"], 1);
  assert.equal(shown["http.in.rds.r.update_rejected"], 1);
  assert.equal(shown["http.in.rds.r.config_reload"], 1);
  assert.equal(shown["sds.s.update_success"], 1);
  assert.deepEqual([shown["sds.s.init_fetch_timeout"], shown["http.in.rds.r.init_fetch_timeout"]], [1, 0]);
  const texts = (): string[] => xds.texts([]).flatMap(({ name, value }) => (value === "" ? [] : [`${name} ${value}`]));
  assert.deepEqual(texts(), ["http.in.rds.r.version_text 7", "sds.s.version_text 8"]);
  xds.follow([], []);
  assert.deepEqual(texts(), []);
  assert.equal(stats.nameCount, nameCount);
});
