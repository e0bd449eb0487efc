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
