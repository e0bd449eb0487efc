import assert from "node:assert/strict";
import { test } from "node:test";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { silentStats } from "./silent-stats.ts";

test("each cluster, connection manager and listener has Envoy's statistics of what can never happen, unless it counts them itself", () => {
  const stats = new ThreadStats();
  const cluster = stats.root.scope("cluster", { tag: "envoy.cluster_name", value: "a.b" });
  cluster.gauge("membership_total").set(3);
  cluster.counter("lb_subsets_created").inc();
  stats.root.scope("http", { tag: "envoy.http_conn_manager_prefix", value: "in" }).counter("downstream_cx_http1_total");
  const reader = new StatsReader();
  const update = stats.takeUpdate();
  assert.ok(update !== undefined);
  reader.apply(0, update);
  const added = new Map(silentStats(reader.read()).map((stat) => [stat.name, stat]));
  assert.deepEqual(added.get("cluster.a.b.upstream_cx_http3_total"), {
    kind: "counter",
    name: "cluster.a.b.upstream_cx_http3_total",
    parts: ["cluster", { tag: "envoy.cluster_name", value: "a.b" }, "upstream_cx_http3_total"],
    value: 0,
  });
  assert.equal(added.get("cluster.a.b.circuit_breakers.high.cx_pool_open")?.kind, "gauge");
  assert.equal(added.has("cluster.a.b.lb_subsets_created"), false, "it has subsets");
  assert.ok(added.has("http.in.tracing.random_sampling"));
  assert.ok(added.has("server.hot_restart_epoch"));
  assert.equal(
    [...added.keys()].some((name) => name.startsWith("listener.")),
    false,
  );
});
