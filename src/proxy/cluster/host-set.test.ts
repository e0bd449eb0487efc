import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "#runtime/random";
import type { HostHealth } from "./cluster.ts";
import { HostSet } from "./host-set.ts";
import type { HostSetOptions, LocalityHosts } from "./host-set.ts";
import { RoundRobin } from "./lb/round-robin.ts";
import { UpstreamHost } from "./upstream-host.ts";

interface Group {
  readonly healthy?: number;
  readonly degraded?: number;
  readonly unhealthy?: number;
  readonly hostWeight?: number;
  readonly weight?: number;
  readonly name?: string;
}

let port = 0;

function locality({ healthy = 0, degraded = 0, unhealthy = 0, hostWeight = 1, weight = 0, name = "" }: Group): LocalityHosts {
  const make = (count: number, health: HostHealth): UpstreamHost[] =>
    Array.from({ length: count }, () => {
      const address = { address: "10.0.0.1", port: ++port };
      return new UpstreamHost({ address, hostname: "", weight: hostWeight, locality: name, health, labels: undefined }, 0);
    });
  return { locality: name, weight, hosts: [...make(healthy, "healthy"), ...make(degraded, "degraded"), ...make(unhealthy, "unhealthy")] };
}

class Bench {
  panics = 0;
  readonly set: HostSet;
  readonly #priorities: readonly (readonly LocalityHosts[])[];

  constructor(levels: readonly (readonly Group[])[], over: Partial<HostSetOptions> = {}) {
    const random = seededRandom(5);
    this.#priorities = levels.map((groups) => groups.map(locality));
    for (const [priority, localities] of this.#priorities.entries())
      for (const { hosts } of localities) for (const host of hosts) (host as UpstreamHost).priority = priority;
    this.set = new HostSet(this.#priorities, {
      overprovisioning: 1.4,
      weightedPriorityHealth: false,
      panicThreshold: 0,
      failTrafficOnPanic: false,
      onPanic: () => this.panics++,
      localityWeighted: false,
      zones: undefined,
      hashing: true,
      makeBalancer: (weighted) =>
        new RoundRobin(
          weighted.map(({ host }) => host),
          random,
        ),
      random,
      ...over,
    });
  }

  /** What hashes 0 to 99 meet, by priority and health: exactly the loads in per cent. */
  get loads(): Record<string, number> {
    return this.counts(100, ({ priority, health }) => `${priority} ${health}`, true);
  }

  counts(requests: number, name: (host: UpstreamHost) => string, hashed = false): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let i = 0; i < requests; i++) {
      const host = this.set.choose(hashed ? BigInt(i) : undefined, 0) as UpstreamHost | undefined;
      const key = host === undefined ? "nobody" : name(host);
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }
}

const at = (healthy: number, of: number, degraded = 0): Group[] => [{ healthy, degraded, unhealthy: of - healthy - degraded }];

test("priorities take what their healthy hosts can, in whole per cent, as Envoy's documentation says", () => {
  const two = (first: number, second: number): unknown => new Bench([at(first, 100), at(second, 100)]).loads;
  assert.deepEqual(two(100, 100), { "0 healthy": 100 });
  assert.deepEqual(two(72, 72), { "0 healthy": 100 });
  assert.deepEqual(two(71, 71), { "0 healthy": 99, "1 healthy": 1 });
  assert.deepEqual(two(50, 50), { "0 healthy": 70, "1 healthy": 30 });
  assert.deepEqual(two(25, 100), { "0 healthy": 35, "1 healthy": 65 });
  assert.deepEqual(two(25, 25), { "0 healthy": 50, "1 healthy": 50 });
});

test("degraded hosts take what healthy ones of all priorities leave", () => {
  const levels = [at(10, 140, 20), at(20, 140, 10), at(10, 140)];
  // 10 %, 20 %, 10 % and 20 %, 10 %, 0 %, scaled to 100; the first takes what rounding leaves.
  assert.deepEqual(new Bench(levels).loads, { "0 healthy": 16, "1 healthy": 28, "2 healthy": 14, "0 degraded": 28, "1 degraded": 14 });
});

test("what a third leaves goes to the first", () => {
  assert.deepEqual(new Bench([at(1, 3), at(3, 3)]).loads, { "0 healthy": 46, "1 healthy": 54 });
  assert.deepEqual(new Bench([at(1, 7), at(1, 7), at(1, 7)]).loads, { "0 healthy": 34, "1 healthy": 33, "2 healthy": 33 });
});

test("weighted_priority_health goes by weights instead of numbers", () => {
  const group: Group[] = [
    { healthy: 1, hostWeight: 3 },
    { unhealthy: 1, hostWeight: 1 },
  ];
  const light: Group[] = [
    { healthy: 1, hostWeight: 1 },
    { unhealthy: 1, hostWeight: 3 },
  ];
  const loads = (first: Group[], weightedPriorityHealth: boolean): unknown =>
    new Bench([first, at(1, 1)], { weightedPriorityHealth }).loads;
  assert.deepEqual(loads(group, false), { "0 healthy": 70, "1 healthy": 30 });
  assert.deepEqual(loads(group, true), { "0 healthy": 100 });
  assert.deepEqual(loads(light, true), { "0 healthy": 35, "1 healthy": 65 });
});

test("panic is a matter of the priority that is chosen, and may mean nobody", () => {
  const levels = [at(2, 10), at(3, 10)];
  const bench = new Bench(levels, { panicThreshold: 25 });
  // 28 % and 42 % make 40 and 60 of 100; the first uses all its hosts.
  const { "0 healthy": well = 0, "0 unhealthy": ill = 0, "1 healthy": second = 0 } = bench.loads;
  assert.deepEqual([well + ill, second], [40, 60]);
  assert.ok(ill > 0);
  assert.equal(bench.panics, 40);
  const failing = new Bench(levels, { panicThreshold: 25, failTrafficOnPanic: true });
  assert.deepEqual(failing.loads, { nobody: 40, "1 healthy": 60 });
  assert.equal(failing.panics, 40);
});

test("where all priorities are in panic traffic goes by number of hosts, whatever weights localities have", () => {
  const bench = new Bench([at(0, 2), at(0, 1)], { panicThreshold: 50 });
  assert.deepEqual(bench.loads, { "0 unhealthy": 67, "1 unhealthy": 33 });
  const localities: Group[] = [
    { unhealthy: 1, weight: 9, name: "a" },
    { unhealthy: 1, weight: 1, name: "b" },
  ];
  const weighted = new Bench([localities], { panicThreshold: 50, localityWeighted: true, hashing: false });
  assert.deepEqual(
    weighted.counts(100, (host) => host.locality),
    { a: 50, b: 50 },
  );
});

test("localities take turns by weight, less where more hosts are lost than overprovisioning covers", () => {
  const share = (a: Group, b: Group, over: Partial<HostSetOptions> = {}): Record<string, number> =>
    new Bench(
      [
        [
          { ...a, name: "a" },
          { ...b, name: "b" },
        ],
      ],
      { localityWeighted: true, hashing: false, ...over },
    ).counts(3000, (host) => host.locality);
  assert.deepEqual(share({ healthy: 10, weight: 1 }, { healthy: 10, weight: 2 }), { a: 1000, b: 2000 });
  // From Envoy's documentation of locality weights: 70 % healthy change nothing, 50 % make 26 of 100.
  const near = (counts: Record<string, number>, a: number): void => assert.ok(Math.abs(counts["a"]! - a) <= 2, JSON.stringify(counts));
  near(share({ healthy: 72, unhealthy: 28, weight: 1 }, { healthy: 100, weight: 2 }), 1000);
  near(share({ healthy: 50, unhealthy: 50, weight: 1 }, { healthy: 100, weight: 2 }), Math.round((3000 * 0.7) / 2.7));
  assert.deepEqual(share({ healthy: 1, weight: 0 }, { healthy: 1, weight: 1 }), { b: 3000 });
  near(share({ healthy: 1, weight: 0 }, { healthy: 1, weight: 0 }), 1500);
  // Degraded hosts are weighed for themselves.
  near(share({ degraded: 10, weight: 1 }, { degraded: 5, unhealthy: 5, weight: 1 }), Math.round(3000 / 1.7));
});
