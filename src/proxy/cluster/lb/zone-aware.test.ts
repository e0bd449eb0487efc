import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostHealth } from "#proxy/cluster/cluster";
import { UpstreamHost } from "#proxy/cluster/upstream-host";
import { FakeStats } from "#proxy/http/stats.fake";
import { seededRandom } from "#runtime/random";
import { RandomChoice } from "./random-choice.ts";
import { ZoneAware, zoneShares, zonesOf, ZoneStats } from "./zone-aware.ts";
import type { Zone, ZoneAwareConfig, ZoneRouting, ZoneShares } from "./zone-aware.ts";

let port = 0;

function zone(locality: string, count: number, health: HostHealth = "healthy"): Zone {
  const hosts = Array.from({ length: count }, () => {
    const address = { address: "10.0.0.1", port: ++port };
    return new UpstreamHost({ address, hostname: "", weight: 1, locality, health, labels: undefined }, 0);
  });
  return { locality, hosts };
}

class Bench {
  readonly stats = new FakeStats();
  readonly zones: Zone[];
  readonly routing: ZoneRouting;
  readonly shares: ZoneShares | undefined;

  /** Hosts, then proxies, by zone; this proxy is in `own`. */
  constructor(hosts: Zone[], proxies: Zone[], config: Partial<ZoneAwareConfig> = {}, own = "a") {
    this.zones = zonesOf(hosts, own);
    this.routing = {
      config: { routingEnabledPercent: 100, minClusterSize: 1, failTrafficOnPanic: false, ...config },
      local: { own, zones: zonesOf(proxies, own) },
      stats: new ZoneStats(this.stats),
    };
    this.shares = zoneShares(this.zones, this.routing);
  }

  /** How many of so many requests each zone gets. */
  count(requests: number): Record<string, number> {
    const random = seededRandom(7);
    const balancer = new ZoneAware(
      this.zones,
      this.shares,
      this.routing,
      ({ health }) => health === "healthy",
      (hosts) => new RandomChoice(hosts, random),
      50,
      random,
    );
    const counts: Record<string, number> = {};
    for (let i = 0; i < requests; i++) {
      const locality = balancer.choose(undefined, 0)?.locality ?? "nobody";
      counts[locality] = (counts[locality] ?? 0) + 1;
    }
    return counts;
  }
}

test("requests stay in a zone that has its share of the hosts", () => {
  const bench = new Bench([zone("b", 1), zone("a", 1)], [zone("b", 1), zone("a", 1)]);
  assert.equal(bench.shares, "direct");
  assert.deepEqual(bench.count(100), { a: 100 });
  assert.equal(bench.stats.get("lb_zone_routing_all_directly"), 100);
});

test("a zone with too few hosts keeps its part, and the rest goes where more hosts are than proxies", () => {
  // The example of Envoy's own comment: proxies 40 %, 40 %, 20 %; hosts 25 %, 50 %, 25 %.
  const bench = new Bench([zone("a", 1), zone("b", 2), zone("c", 1)], [zone("a", 2), zone("b", 2), zone("c", 1)]);
  assert.deepEqual(bench.shares, { local: 6250, residual: [0, 1000, 1500] });
  const requests = 16_000;
  const counts = bench.count(requests);
  const expected = { a: 0.625, b: (0.375 * 2) / 3, c: 0.375 / 3 };
  let chiSquared = 0;
  for (const [name, share] of Object.entries(expected)) chiSquared += ((counts[name] ?? 0) - share * requests) ** 2 / (share * requests);
  // One chance in a thousand, with two degrees of freedom.
  assert.ok(chiSquared < 13.8, JSON.stringify(counts));
  assert.equal(bench.stats.get("lb_zone_routing_sampled"), counts["a"]);
  assert.equal(bench.stats.get("lb_zone_routing_cross_zone"), requests - counts["a"]!);
});

test("a zone without hosts of its own sends to the others", () => {
  const bench = new Bench([zone("b", 2), zone("c", 2)], [zone("a", 2), zone("b", 1), zone("c", 1)]);
  assert.deepEqual(bench.shares, { local: 0, residual: [2500, 5000] });
  assert.equal(bench.count(500)["a"], undefined);
});

test("zones are not looked at where they say nothing, and a reason is counted", () => {
  const two = (): Zone[] => [zone("a", 3), zone("b", 3)];
  assert.equal(new Bench([zone("a", 6)], two()).shares, undefined, "one zone of hosts");
  assert.equal(new Bench(two(), [zone("a", 6)]).shares, undefined, "one zone of proxies");
  const elsewhere = new Bench(two(), two(), {}, "c");
  assert.equal(elsewhere.shares, undefined);
  assert.equal(elsewhere.stats.get("lb_local_cluster_not_ok"), 1);
  const small = new Bench(two(), two(), { minClusterSize: 7 });
  assert.equal(small.shares, undefined);
  assert.equal(small.stats.get("lb_zone_cluster_too_small"), 1);
  assert.ok(small.count(400)["b"]! > 100);
});

test("routing_enabled is a share of the requests", () => {
  const bench = new Bench([zone("a", 2), zone("b", 2)], [zone("a", 1), zone("b", 1)], { routingEnabledPercent: 40 });
  const { a = 0, b = 0 } = bench.count(10_000);
  // 40 % stay, and half of the others.
  assert.ok(Math.abs(a - 7000) < 150, `${a} ${b}`);
});

test("where too few of the proxies are healthy zones say nothing, or nobody is asked", () => {
  const ill = (): Zone[] => [zone("a", 1), zone("b", 4, "unhealthy")];
  const bench = new Bench([zone("a", 1), zone("b", 1)], ill());
  assert.ok(bench.count(200)["b"]! > 50);
  assert.equal(bench.stats.get("lb_local_cluster_not_ok"), 200);
  assert.deepEqual(new Bench([zone("a", 1), zone("b", 1)], ill(), { failTrafficOnPanic: true }).count(10), { nobody: 10 });
});
