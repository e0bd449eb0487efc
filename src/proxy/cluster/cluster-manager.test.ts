import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { OutlierDetectionSchema } from "#envoy/gen/envoy/config/cluster/v3/outlier_detection_pb";
import { clusterConfig } from "#proxy/http/hcm.fake";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { parseCluster } from "./cluster-config.ts";
import { ThreadClusterManager } from "./cluster-manager.ts";
import { readOutlierDetection } from "./outlier/outlier-config.ts";

interface Bench {
  readonly stats: ThreadStats;
  readonly reader: StatsReader;
  readonly clusters: ThreadClusterManager;
  readonly runtime: CurrentRuntime;
  readonly sync: () => void;
}

function bench(): Bench {
  const stats = new ThreadStats();
  const reader = new StatsReader();
  const runtime = new CurrentRuntime();
  const clusters = new ThreadClusterManager({
    runtime,
    clock: new ManualClock(),
    random: seededRandom(1),
    stats: stats.root,
    connector: { connect: () => ({ cancel() {} }) },
    secrets: { get: () => undefined },
    makePool: () => ({
      connectionCount: 0,
      demand: { pending: 0, active: 0, unused: 0 },
      preconnect: () => false,
      drain() {},
      newStream: () => undefined,
    }),
  });
  const sync = (): void => {
    const update = stats.takeUpdate();
    if (update !== undefined) reader.apply(0, update);
  };
  return { stats, reader, clusters, runtime, sync };
}

test("10,000 clusters that come and go leave no slot and no name behind", () => {
  const { stats, reader, clusters, sync } = bench();
  const none = stats.nameCount;
  let slots = 0;
  for (let i = 0; i < 10_000; i++) {
    const name = `outbound|80||s${i % 50}`;
    clusters.upsertCluster(clusterConfig(1, { name, statName: name }));
    clusters.get(name)?.stats.rqCodes.charge(200);
    clusters.get(name)?.stats.rqTime.record(3);
    if (i % 2 === 0) sync();
    clusters.removeCluster(name);
    if (i % 2 === 1) sync();
    assert.equal(stats.nameCount, none);
    if (i === 100) slots = stats.slotCount;
  }
  assert.equal(stats.slotCount, slots);
  sync();
  assert.equal(reader.read().length, none);
});

test("a cluster that takes another's place under the same name goes on with its counters", () => {
  const { stats, clusters } = bench();
  clusters.upsertCluster(clusterConfig(1));
  clusters.get("c")?.stats.rqTotal.inc();
  const { nameCount } = stats;
  clusters.upsertCluster(
    clusterConfig(1, { discovery: { kind: "original-dst", destination: { header: undefined, metadata: undefined, port: undefined } } }),
  );
  clusters.get("c")?.stats.rqTotal.inc();
  assert.equal(stats.root.counter("cluster", { tag: "envoy.cluster_name", value: "c" }, "upstream_rq_total").value, 2);
  assert.equal(stats.nameCount, nameCount);
});

test("the buffer limit of connections is taken over, and none at all is refused", () => {
  const parse = (perConnectionBufferLimitBytes: number): ReturnType<typeof parseCluster> =>
    parseCluster(create(ClusterSchema, { name: "c", perConnectionBufferLimitBytes }));
  assert.equal(parse(32_768).connection.bufferLimitBytes, 32_768);
  assert.throws(() => parse(0), /per_connection_buffer_limit_bytes: must be above 0/);
});

test("a circuit breaker whose limit changes says whether it is open now", () => {
  const { stats, clusters } = bench();
  const limits = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1, maxRetries: 3 };
  clusters.upsertCluster(clusterConfig(1, { circuitBreakers: limits }));
  const open = stats.root.gauge("cluster", { tag: "envoy.cluster_name", value: "c" }, "circuit_breakers", "default", "rq_open");
  assert.equal(clusters.get("c")?.tryAcquireRequest(), true);
  assert.equal(open.value, 1);
  clusters.upsertCluster(clusterConfig(1, { circuitBreakers: { ...limits, maxRequests: 2 } }));
  assert.equal(open.value, 0);
  assert.equal(clusters.get("c")?.tryAcquireRequest(), true);
  assert.equal(open.value, 1);
  clusters.get("c")?.releaseRequest();
  clusters.get("c")?.releaseRequest();
  assert.equal(open.value, 0);
});

test("runtime layers change a cluster under way, and forget no ejection", () => {
  const { clusters, runtime } = bench();
  const outliers = readOutlierDetection(create(OutlierDetectionSchema, { consecutive5xx: 5, maxEjectionPercent: 100 }), () => {});
  clusters.upsertCluster(clusterConfig(2, { outliers }));
  const [running] = clusters.clusters;
  const [first, second] = running!.hosts;
  const fail = (host = first): void => host?.outlierMonitor?.putStatus(500);
  for (let i = 0; i < 5; i++) fail();
  assert.deepEqual([first?.health, second?.health], ["unhealthy", "healthy"]);
  const say = (layers: JsonObject): void => clusters.onRuntimeChanged(runtime.set(runtimeValues(layers)));
  say({ "outlier_detection.consecutive_5xx": 1, "circuit_breakers.c.default.max_requests": 1 });
  assert.equal(first?.health, "unhealthy");
  assert.deepEqual([running?.tryAcquireRequest(), running?.tryAcquireRequest()], [true, false]);
  fail(second);
  assert.equal(second?.health, "unhealthy");
  say({});
  assert.equal(running?.tryAcquireRequest(), true);
  running?.releaseRequest();
  running?.releaseRequest();
});
