import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, FakeHcm, clusterConfig } from "#proxy/http/hcm.fake";
import type { FakeHcmOptions, UpstreamTry } from "#proxy/http/hcm.fake";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import type { MirrorPolicy } from "#proxy/route/mirror-policy";
import { runtimeValues } from "#proxy/runtime/runtime.fake";

const mirror = (over: Partial<MirrorPolicy> = {}): MirrorPolicy => ({
  cluster: () => "m",
  share: { key: "", otherwise: 1 },
  marksHost: true,
  ...over,
});
const answer = (status: number): PairResponseHeaderMap => new PairResponseHeaderMap(status);

function start(
  mirrors: readonly MirrorPolicy[],
  options: FakeHcmOptions = {},
): { hcm: FakeHcm; client: Client; tries: (cluster: string) => UpstreamTry[] } {
  const hcm = new FakeHcm({ ...options, route: { ...options.route, mirrors } });
  const config = clusterConfig(1, { name: "m", statName: "m" });
  const endpoints = [
    { address: { address: "127.0.0.9", port: 9 }, hostname: "", weight: 1, locality: "", health: "healthy" as const, labels: undefined },
  ];
  const assignment = { clusterName: "m", priorities: [[{ locality: "", weight: 0, endpoints }]], overprovisioning: 1.4 };
  hcm.clusters.upsertCluster({ ...config, discovery: { kind: "static", assignment } });
  const tries = (cluster: string): UpstreamTry[] =>
    hcm.tries.filter(({ host }) => (host.address.address === "127.0.0.9") === (cluster === "m"));
  return { hcm, client: new Client(), tries };
}

test("a copy streams along with its request to the mirror, and its answer goes nowhere", () => {
  const { hcm, client, tries } = start([mirror()]);
  const stream = hcm.send(client, { method: "POST", headers: [["a", "1"]], body: "hel", open: true });
  const [copy] = tries("m");
  assert.equal(copy!.body, "hel");
  stream.onRequestData(Buffer.from("lo"), false);
  stream.onRequestTrailers(new PairTrailerMap([["t", "1"]]));
  assert.equal(copy!.body, "hello");
  assert.equal(copy!.trailers?.get("t"), "1");
  assert.equal(copy!.request!.authority, "reviews-shadow:9080");
  assert.equal(copy!.request!.get("a"), "1");
  assert.equal(copy!.request!.get("x-envoy-internal"), "true");
  assert.match(copy!.request!.get("x-forwarded-for")!, /127\.66\.0\.5$/);
  const [own] = tries("c");
  assert.equal(own!.request!.authority, "reviews:9080");
  assert.equal(own!.body, "hello");
  copy!.receiver.onResponseHeaders(answer(500), true);
  own!.receiver.onResponseHeaders(answer(200), true);
  assert.equal(client.response!.status, 200);
  assert.equal(hcm.stats.get("cluster.m.upstream_rq_500"), 1);
  assert.deepEqual(hcm.leaks, []);
});

test("a copy goes on when its request is over, and ends by the route's timeout", () => {
  const { hcm, client, tries } = start([mirror({ marksHost: false })], { route: { timeoutMs: 1000 } });
  hcm.send(client);
  tries("c")[0]!.receiver.onResponseHeaders(answer(200), true);
  assert.equal(client.ended, true);
  assert.equal(tries("m")[0]!.request!.authority, "reviews:9080");
  hcm.clock.advance(2000);
  assert.equal(hcm.stats.get("cluster.m.upstream_rq_timeout"), 1);
  assert.equal(hcm.stats.get("cluster.m.upstream_rq_504"), 1);
  assert.deepEqual(hcm.leaks, []);
});

test("each mirror has its own share, and one that is not there costs nothing", () => {
  const { hcm, client, tries } = start([
    mirror(),
    mirror({ share: { key: "", otherwise: 0 } }),
    mirror(),
    mirror({ cluster: () => "gone" }),
    mirror({ cluster: () => undefined }),
  ]);
  hcm.send(client);
  assert.equal(tries("m").length, 2);
  tries("m")[0]!.receiver.onResponseReset("connection-failure", "");
  tries("m")[1]!.receiver.onResponseHeaders(answer(200), false);
  tries("m")[1]!.receiver.onResponseData(Buffer.from("x"), true);
  tries("c")[0]!.receiver.onResponseHeaders(answer(200), true);
  assert.equal(client.response!.status, 200);
  assert.equal(hcm.stats.get("cluster.m.upstream_rq_503"), 1);
  assert.deepEqual(hcm.leaks, []);
});

test("a mirror that takes nothing is given up when more than the buffer's limit waits for it", () => {
  const { hcm, client, tries } = start([mirror()], { connected: false });
  hcm.bufferLimitBytes = 4;
  const stream = hcm.send(client, { method: "POST", body: "four", open: true });
  tries("c")[0]!.ready();
  stream.onRequestData(Buffer.from("more"), false);
  stream.onRequestData(Buffer.from("!"), true);
  assert.equal(tries("c")[0]!.body, "fourmore!");
  assert.equal(hcm.stats.get("cluster.m.retry_or_shadow_abandoned"), 1);
  tries("c")[0]!.receiver.onResponseHeaders(answer(200), true);
  assert.equal(client.response!.status, 200);
  assert.deepEqual(hcm.leaks, []);
});

test("a copy ends with its request where that ends before it was whole", () => {
  const { hcm, client, tries } = start([mirror()]);
  const stream = hcm.send(client, { method: "POST", body: "four", open: true });
  stream.onRequestReset("remote-reset", "");
  assert.equal(tries("m").length, 1);
  assert.deepEqual(hcm.leaks, []);
});

test("a mirror over its limit or without hosts gets nothing", () => {
  const { hcm, client, tries } = start([mirror()]);
  const limits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 0, maxRetries: 1 };
  hcm.clusters.upsertCluster(clusterConfig(1, { name: "m", statName: "m", circuitBreakers: limits }));
  hcm.send(client);
  hcm.clusters.upsertCluster(clusterConfig(0, { name: "m", statName: "m" }));
  hcm.send(new Client());
  assert.equal(tries("m").length, 0);
  assert.equal(hcm.tries.length, 2);
  assert.equal(hcm.stats.get("cluster.m.upstream_rq_503"), 2);
});

for (const [authority, expected] of [
  ["reviews", "reviews-shadow"],
  ["10.0.0.1:80", "10.0.0.1-shadow:80"],
  ["[fd00::1]:80", "[fd00::1]-shadow:80"],
  ["[fd00::1]", "[fd00::1]-shadow"],
] as const) {
  test(`the copy of a request for ${authority} is for ${expected}`, () => {
    const { hcm, client, tries } = start([mirror()]);
    const headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority, scheme: "http" });
    hcm.open(client).onRequestHeaders(headers, true);
    assert.equal(tries("m")[0]!.request!.authority, expected);
  });
}

test("a mirror's share is what runtime layers say under its key", () => {
  const { hcm, client, tries } = start([mirror({ share: { key: "k", otherwise: 0 } })]);
  hcm.layers.set(runtimeValues({ k: 100 }));
  hcm.send(client);
  assert.equal(tries("m").length, 1);
});
