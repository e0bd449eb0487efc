import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";
import { UpstreamHost } from "#proxy/cluster/upstream-host";
import { LeastRequest } from "./least-request.ts";
import type { LoadBalancer } from "./load-balancer.ts";
import { RandomChoice } from "./random-choice.ts";
import { SlowStart } from "./slow-start.ts";
import { RoundRobin } from "./round-robin.ts";

function hosts(...weights: number[]): UpstreamHost[] {
  return weights.map(
    (weight, at) =>
      new UpstreamHost(
        {
          address: { address: "127.0.0.1", port: at + 1 },
          hostname: "",
          weight,
          locality: "",
          health: "healthy",
          labels: undefined,
        },
        0,
      ),
  );
}

function host(port: number, addedMs: number): UpstreamHost {
  const address = { address: "127.0.0.1", port };
  return new UpstreamHost({ address, hostname: "", weight: 1, locality: "", health: "healthy", labels: undefined }, addedMs);
}

function count(balancer: LoadBalancer, picks: number, after?: (host: Host) => void): number[] {
  const counts: number[] = [];
  for (let i = 0; i < picks; i++) {
    const host = balancer.choose(undefined, 0)!;
    counts[host.address.port - 1] = (counts[host.address.port - 1] ?? 0) + 1;
    after?.(host);
  }
  return counts;
}

/** The bounds in the tests are those of chance one in a thousand. */
function chiSquared(counts: readonly number[], expected: readonly number[]): number {
  return expected.reduce((sum, one, at) => sum + ((counts[at] ?? 0) - one) ** 2 / one, 0);
}

describe("load balancing", () => {
  it("round robin visits every host once per round", () => {
    assert.deepEqual(count(new RoundRobin(hosts(1, 1, 1, 1), seededRandom(1)), 400), [100, 100, 100, 100]);
  });

  it("round robin keeps to unequal weights exactly and spreads them out", () => {
    const list = hosts(5, 3, 2);
    const balancer = new RoundRobin(list, seededRandom(7));
    let last: Host | undefined;
    let longestRun = 0;
    let run = 0;
    const counts = count(balancer, 1000, (host) => {
      run = host === last ? run + 1 : 1;
      last = host;
      longestRun = Math.max(longestRun, run);
    });
    for (const [at, expected] of [500, 300, 200].entries()) assert.ok(Math.abs(counts[at]! - expected) <= 2, counts.join(","));
    assert.ok(longestRun <= 2, `a host was picked ${longestRun} times in a row`);
  });

  it("random ignores weights, as Envoy does, and is even by chi-squared", () => {
    const counts = count(new RandomChoice(hosts(1, 100, 1, 1), seededRandom(3)), 8000);
    assert.ok(chiSquared(counts, [2000, 2000, 2000, 2000]) < 16.3, counts.join(","));
  });

  it("least request goes to the host with fewer active requests of two", () => {
    const list = hosts(1, 1, 1);
    list[0]!.activeRequests = 50;
    const counts = count(new LeastRequest(list, seededRandom(5), { choiceCount: 2, activeRequestBias: 1 }), 9000);
    // The busy host is only taken when both choices fall on it: 1 of 9.
    assert.ok(Math.abs(counts[0]! - 1000) < 120, counts.join(","));
    assert.ok(Math.abs(counts[1]! - 4000) < 250, counts.join(","));
  });

  it("least request finds the idlest of all where it is to scan them, and any of several", () => {
    const list = hosts(1, 1, 1, 1);
    list[0]!.activeRequests = 1;
    const balancer = new LeastRequest(list, seededRandom(5), { choiceCount: 2, activeRequestBias: 1, fullScan: true });
    const counts = count(balancer, 9000);
    assert.equal(counts[0], undefined);
    assert.ok(chiSquared(counts.slice(1), [3000, 3000, 3000]) < 13.9, counts.join(","));
  });

  it("shares follow weights by chi-squared, whatever the policy and wherever its round begins", () => {
    const weights = [1, 2, 3, 4, 10];
    const totals: Record<string, number[]> = { "round robin": [], "least request": [] };
    const add = (name: string, counts: number[]): void => {
      for (const [at, one] of counts.entries()) totals[name]![at] = (totals[name]![at] ?? 0) + (one ?? 0);
    };
    for (let seed = 0; seed < 500; seed++) {
      // Fewer than a round: only where it begins decides.
      add("round robin", count(new RoundRobin(hosts(...weights), seededRandom(seed)), 7));
      add("least request", count(new LeastRequest(hosts(...weights), seededRandom(seed), { choiceCount: 2, activeRequestBias: 1 }), 7));
    }
    for (const [name, counts] of Object.entries(totals)) {
      const expected = weights.map((weight) => (3500 * weight) / 20);
      assert.ok(chiSquared(counts, expected) < 18.5, `${name}: ${counts.join(",")}`);
    }
    const even = hosts(1, 1, 1, 1);
    const two = count(new LeastRequest(even, seededRandom(9), { choiceCount: 2, activeRequestBias: 1 }), 8000);
    assert.ok(chiSquared(two, [2000, 2000, 2000, 2000]) < 16.3, two.join(","));
  });

  it("least request evens the load out when requests stay open", () => {
    const list = hosts(1, 1, 1, 1);
    const balancer = new LeastRequest(list, seededRandom(11), { choiceCount: 2, activeRequestBias: 1 });
    count(balancer, 400, (host) => void host.activeRequests++);
    for (const host of list) assert.ok(Math.abs(host.activeRequests - 100) <= 6, String(host.activeRequests));
  });

  it("least request with unequal weights sends in proportion, less to the busy", () => {
    const idle = hosts(3, 1);
    const counts = count(new LeastRequest(idle, seededRandom(2), { choiceCount: 2, activeRequestBias: 1 }), 4000);
    assert.ok(Math.abs(counts[0]! - 3000) <= 4, counts.join(","));
    const busy = hosts(3, 1);
    busy[0]!.activeRequests = 2;
    const even = count(new LeastRequest(busy, seededRandom(2), { choiceCount: 2, activeRequestBias: 1 }), 4000);
    assert.ok(Math.abs(even[0]! - 2000) <= 4, even.join(","));
  });

  it("gives a new host a part of its weight that grows with its age", () => {
    const clock = new ManualClock(0);
    const [old, young] = [host(1, -60_000), host(2, 0)];
    const share = (balancer: LoadBalancer): number => (count(balancer, 1000)[1] ?? 0) / 1000;
    const slow = (aggression: number): SlowStart => new SlowStart({ windowMs: 60_000, aggression, minWeightPercent: 10 }, clock);
    const balancers = (aggression: number): readonly LoadBalancer[] => [
      new RoundRobin([old, young], seededRandom(1), slow(aggression)),
      new LeastRequest([old, young], seededRandom(1), { choiceCount: 2, activeRequestBias: 1 }, slow(aggression)),
    ];
    for (const [ageMs, aggression, weight] of [
      [0, 1, 0.1],
      [15_000, 1, 0.25],
      [15_000, 2, 0.5],
      [45_000, 1, 0.75],
      [60_000, 1, 1],
    ] as const) {
      clock.advance(ageMs - clock.monotonicMs());
      for (const balancer of balancers(aggression)) {
        const expected = weight / (1 + weight);
        // Two equal hosts of least request are chosen among at random.
        assert.ok(Math.abs(share(balancer) - expected) < 0.04, `${ageMs} ${aggression}: ${share(balancer)}, not ${expected}`);
      }
    }
  });

  it("has no answer without hosts", () => {
    const random = seededRandom(1);
    assert.equal(new RoundRobin([], random).choose(), undefined);
    assert.equal(new RandomChoice([], random).choose(), undefined);
    assert.equal(new LeastRequest([], random, { choiceCount: 2, activeRequestBias: 1 }).choose(), undefined);
  });
});
