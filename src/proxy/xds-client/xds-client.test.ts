import assert from "node:assert/strict";
import { test } from "node:test";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE } from "#envoy/type-urls";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { ManualClock } from "#runtime/clock";
import { FakeAdsServer } from "./ads-server.fake.ts";
import { BackOff } from "#proxy/back-off";
import { BindError } from "./resource-facts.ts";
import { DeltaSubscription } from "./delta-subscription.ts";
import { clientOf } from "./xds-client.fake.ts";

const facts = (name: string, more: object = {}): { name: string; version: string; bytes: Uint8Array } => ({
  name,
  version: "v1",
  bytes: Buffer.from(JSON.stringify({ name, ...more })),
});

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function statsReader(stats: ThreadStats): (name: string) => unknown {
  const reader = new StatsReader();
  return (name) => {
    const update = stats.takeUpdate();
    if (update !== undefined) reader.apply(0, update);
    return reader.read().find((entry) => entry.name === name)?.value;
  };
}

test("a lost stream comes back with the versions that are held, and says nothing new where nothing is", async () => {
  const server = new FakeAdsServer();
  await server.start();
  const clock = new ManualClock();
  const stats = new ThreadStats();
  let portIsFree = false;
  let ready = 0;
  const parse = (bytes: Uint8Array): never => {
    const value = JSON.parse(Buffer.from(bytes).toString()) as { name: string };
    if (value.name === "taken" && !portIsFree) throw new BindError("cannot bind 127.0.0.1:80");
    return { clusters: new Set(), routes: [], secrets: [], ...value } as never;
  };
  const client = clientOf([server], clock, {
    stats: stats.root,
    checks: { secret: parse, cluster: parse, assignment: parse, route: parse, listener: parse },
    onReady: () => ready++,
  });
  const stat = statsReader(stats);
  await client.start();
  const first = await server.subscription(CLUSTER_TYPE);
  assert.equal(first.node?.id, "sidecar~1");
  assert.deepEqual(first.resourceNamesSubscribe, []);
  server.send(CLUSTER_TYPE, [facts("a", { endpoints: { name: "a", timeoutMs: 0 } })]);
  const eds = await server.subscription(ENDPOINT_TYPE);
  assert.equal(eds.node, undefined, "the node goes with the first request only");
  server.send(ENDPOINT_TYPE, [facts("a")]);
  await server.subscription(LISTENER_TYPE);
  const nack = await server.answer(server.send(LISTENER_TYPE, [facts("ok"), facts("taken")]));
  assert.equal(nack.errorDetail?.message, "cannot bind 127.0.0.1:80");
  const other = server.send(LISTENER_TYPE, [{ ...facts("ok", { more: 1 }), version: "v2" }]);
  assert.equal((await server.answer(other)).errorDetail?.message, "cannot bind 127.0.0.1:80", "said again while it lasts");
  await eventually(() => ready === 1);
  assert.equal(stat("control_plane.connected_state"), 1);
  assert.equal(stat("listener_manager.lds.update_rejected"), 2);
  assert.equal(stat("listener_manager.listener_added"), 1);

  portIsFree = true;
  clock.advance(5000);
  assert.equal(stat("listener_manager.listener_added"), 2, "a port that is free again heals by itself");
  assert.equal((await server.answer(other)).errorDetail, undefined, "and the control plane hears of it");

  server.stop();
  await eventually(() => !client.connected);
  assert.equal(stat("control_plane.connected_state"), 0);
  await server.start();
  const before = server.streams;
  while (server.streams === before) {
    clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const again = await server.subscription(CLUSTER_TYPE);
  assert.deepEqual(again.initialResourceVersions, { a: "v1" });
  assert.equal(again.node?.id, "sidecar~1");
  const lds = await server.subscription(LISTENER_TYPE);
  assert.deepEqual(lds.initialResourceVersions, { ok: "v2", taken: "v1" });
  await server.answer(server.send(CLUSTER_TYPE, [{ ...facts("a", { endpoints: { name: "a", timeoutMs: 0 } }), version: "v2" }]));
  assert.equal(stat("cluster_manager.cds.update_success"), 1);
  assert.equal(stat("cluster_manager.cds.update_attempt"), 3);
  assert.equal(stat("cluster_manager.cluster_modified"), 0);
  assert.equal(ready, 1);
  client.close();
  assert.equal(clock.pending, 0);
  server.stop();
});

test("a proxy with two control planes goes to the other when one is lost, with what it holds, and back when that is lost, too", async () => {
  const servers = [new FakeAdsServer(), new FakeAdsServer()] as const;
  await Promise.all(servers.map((server) => server.start()));
  const clock = new ManualClock();
  const client = clientOf(servers, clock);
  const [first, second] = servers;
  await client.start();
  await first.subscription(CLUSTER_TYPE);
  await first.answer(first.send(CLUSTER_TYPE, [facts("a", { endpoints: { name: "a", timeoutMs: 0 } })]));
  for (const [lost, next] of [
    [first, second],
    [second, first],
  ] as const) {
    lost.stop();
    await eventually(() => !client.connected);
    await lost.start();
    const before = next.streams;
    while (next.streams === before) {
      clock.advance(10);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.deepEqual((await next.subscription(CLUSTER_TYPE)).initialResourceVersions, { a: "v1" });
    await next.answer(next.send(CLUSTER_TYPE, []));
  }
  assert.deepEqual([first.streams, second.streams], [2, 1]);
  client.close();
  for (const server of servers) server.stop();
});

test("the start goes on without clusters or listeners that do not come in time, and takes them when they do", async () => {
  const server = new FakeAdsServer();
  await server.start();
  const clock = new ManualClock();
  const stats = new ThreadStats();
  const stat = statsReader(stats);
  let ready = 0;
  const client = clientOf([server], clock, { cdsTimeoutMs: 15_000, ldsTimeoutMs: 5000, stats: stats.root, onReady: () => ready++ });
  await client.start();
  await server.subscription(CLUSTER_TYPE);
  clock.advance(14_999);
  assert.equal(stat("cluster_manager.cds.init_fetch_timeout"), 0);
  clock.advance(1);
  assert.equal(stat("cluster_manager.cds.init_fetch_timeout"), 1);
  await server.subscription(LISTENER_TYPE);
  clock.advance(4999);
  assert.deepEqual([ready, stat("listener_manager.lds.init_fetch_timeout")], [0, 0]);
  clock.advance(1);
  assert.deepEqual([ready, stat("listener_manager.lds.init_fetch_timeout")], [1, 1]);
  assert.equal((await server.answer(server.send(LISTENER_TYPE, [facts("late")]))).errorDetail, undefined);
  assert.equal(stat("listener_manager.listener_added"), 1);
  client.close();
  assert.equal(clock.pending, 0);
  server.stop();
});

test("the back-off doubles its limit up to the maximum, jittered, and starts again after success", () => {
  const backOff = new BackOff({ next: () => 0, integer: (below) => below - 1, uuid: () => "" });
  const delays = Array.from({ length: 9 }, () => backOff.nextMs() + 1);
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  backOff.reset();
  assert.equal(backOff.nextMs() + 1, 500);
});

test("a subscription tells only differences, and everything again on a new stream", () => {
  const names = (...list: string[]): Set<string> => new Set(list);
  const subscription = new DeltaSubscription(ENDPOINT_TYPE, false);
  assert.equal(subscription.nextRequest(undefined), undefined);
  subscription.want(names("a", "b"));
  assert.deepEqual(subscription.nextRequest(undefined)?.resourceNamesSubscribe, ["a", "b"]);
  subscription.accepted("a", "7");
  subscription.accepted("b", "8");
  assert.equal(subscription.nextRequest(undefined), undefined);
  subscription.want(names("b", "c"));
  const change = subscription.nextRequest(undefined);
  assert.deepEqual([change?.resourceNamesSubscribe, change?.resourceNamesUnsubscribe], [["c"], ["a"]]);
  subscription.want(names("c"));
  subscription.want(names("b", "c"));
  assert.deepEqual(subscription.nextRequest(undefined)?.resourceNamesSubscribe, ["b"], "what was let go is asked for again");
  subscription.restart();
  const fresh = subscription.nextRequest(undefined);
  assert.deepEqual(fresh?.resourceNamesSubscribe, ["b", "c"]);
  assert.deepEqual(fresh?.initialResourceVersions, {});
});
