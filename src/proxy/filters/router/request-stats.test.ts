import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, FakeHcm, RETRY } from "#proxy/http/hcm.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";

const ok = (status: number): PairResponseHeaderMap => new PairResponseHeaderMap(status);

function counts(hcm: FakeHcm): Record<string, number> {
  const prefix = "vhost.v.route.checkout.upstream_rq_";
  const own = [...hcm.stats.values].filter(([name, { value }]) => name.startsWith(prefix) && value > 0);
  return Object.fromEntries(own.map(([name, { value }]) => [name.slice(prefix.length), value]));
}

test("a route with a stat_prefix counts its requests, codes, time and retries by itself", () => {
  const hcm = new FakeHcm({ route: { statPrefix: "checkout", retry: RETRY } });
  hcm.send(new Client());
  hcm.last.receiver.onResponseHeaders(ok(503), true);
  hcm.clock.advance(100);
  hcm.last.receiver.onResponseHeaders(ok(200), true);
  assert.deepEqual(counts(hcm), { total: 2, completed: 1, "2xx": 1, "200": 1, retry: 1, retry_success: 1 });
  assert.equal(hcm.stats.recorded("vhost.v.route.checkout.upstream_rq_time").length, 1);

  const late = new FakeHcm({ route: { statPrefix: "checkout", timeoutMs: 50 } });
  late.send(new Client());
  late.clock.advance(100);
  assert.deepEqual(counts(late), { total: 1, completed: 1, "5xx": 1, "504": 1, timeout: 1 });
});

test("a route without one has no statistics of its own", () => {
  const hcm = new FakeHcm();
  hcm.send(new Client());
  hcm.last.receiver.onResponseHeaders(ok(200), true);
  assert.ok(![...hcm.stats.values.keys()].some((name) => name.startsWith("vhost.")));
});

test("a virtual cluster counts its requests by itself, and one of another name under that client's name", () => {
  const hcm = new FakeHcm({
    hcm: { internalAddressConfig: { cidrRanges: [{ addressPrefix: "10.0.0.9" }] } },
    route: { virtualCluster: (headers) => (headers.path === "/a" ? "as" : "other") },
  });
  hcm.send(new Client(), {
    path: "/a",
    headers: [
      ["x-forwarded-for", "10.0.0.9"],
      ["x-envoy-upstream-alt-stat-name", "mine"],
    ],
  });
  assert.equal(hcm.last.request!.has("x-envoy-upstream-alt-stat-name"), false);
  hcm.last.receiver.onResponseHeaders(ok(200), true);
  hcm.send(new Client(), { path: "/b" });
  hcm.last.receiver.onResponseHeaders(ok(404), true);
  assert.equal(hcm.stats.get("vhost.v.vcluster.as.upstream_rq_200"), 1);
  assert.equal(hcm.stats.get("vhost.v.vcluster.as.upstream_rq_total"), 1);
  assert.equal(hcm.stats.get("vhost.v.vcluster.other.upstream_rq_4xx"), 1);
  assert.equal(hcm.stats.get("cluster.c.mine.upstream_rq_200"), 1);
});

test("requests of high priority have limits of their own", () => {
  const full = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 0, maxRetries: 0 };
  const hcm = new FakeHcm({ cluster: { circuitBreakers: full }, route: { priority: "high" } });
  const client = new Client();
  hcm.send(client);
  hcm.last.receiver.onResponseHeaders(ok(200), true);
  assert.equal(client.response!.status, 200);
  const low = new FakeHcm({ cluster: { highCircuitBreakers: full }, route: { priority: "high" } });
  low.send(client);
  assert.equal(low.logged[0]!.flags.has("UO"), true);
});
