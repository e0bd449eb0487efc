import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { seededRandom } from "#runtime/random";
import { xxHash64 } from "#runtime/xx-hash64";
import { UpstreamHost } from "#proxy/cluster/upstream-host";
import type { LoadBalancer, WeightedHost } from "./load-balancer.ts";
import { BoundedLoad } from "./bounded-load.ts";
import { Maglev } from "./maglev.ts";
import { RingHash } from "./ring-hash.ts";

function hosts(ports: readonly number[], weights: readonly number[] = []): WeightedHost[] {
  return ports.map((port, index) => {
    const weight = weights[index] ?? 1;
    const endpoint = {
      address: { address: "127.0.0.1", port },
      hostname: "",
      weight,
      locality: "",
      health: "healthy",
      labels: undefined,
    } as const;
    return { host: new UpstreamHost(endpoint, 0), weight };
  });
}

const SIX = [90, 91, 92, 93, 94, 95];
const ring = (weighted: WeightedHost[], minimumRingSize = 65_536): RingHash =>
  new RingHash(weighted, seededRandom(1), { minimumRingSize, maximumRingSize: 8 << 20 });
const portOf = (balancer: LoadBalancer, hash: bigint | undefined, attempt = 0): number => balancer.choose(hash, attempt)!.address.port;

test("the ring is Envoy's: the places of six hosts, and which of them a hash meets", () => {
  const balancer = ring(hosts(SIX), 12);
  // From Envoy's own ring hash test.
  const rows: readonly (readonly [bigint, number])[] = [
    [0n, 94],
    [833437586790550860n, 94],
    [833437586790550861n, 92],
    [928266305478181109n, 90],
    [3551244743356806947n, 95],
    [5583722120771150862n, 91],
    [7700377290971790572n, 93],
    [13444792449719432967n, 92],
    [16117243373044804889n, 90],
    [16117243373044804890n, 94],
    [0xffff_ffff_ffff_ffffn, 94],
  ];
  for (const [hash, port] of rows) assert.equal(portOf(balancer, hash), port, String(hash));
  assert.equal(portOf(balancer, 0n, 1), 92, "another try goes on along the ring");
});

test("a host's places come from its metadata, or from its name where that is wanted", () => {
  const places = (balancer: LoadBalancer): string => Array.from({ length: 50 }, (_, at) => portOf(balancer, xxHash64(String(at)))).join();
  const named = (name: (port: number) => string, metadata: (port: number) => Record<string, JsonObject>): WeightedHost[] =>
    SIX.map((port) => {
      const address = { address: "127.0.0.1", port };
      const endpoint = { address, hostname: name(port), weight: 1, locality: "", health: "healthy", labels: undefined } as const;
      return { host: new UpstreamHost({ ...endpoint, metadata: metadata(port) }, 0), weight: 1 };
    });
  const none = (): Record<string, JsonObject> => ({});
  const byName = named((port) => `host-${port}`, none);
  const sizes = { minimumRingSize: 100, maximumRingSize: 1000 };
  assert.equal(places(new RingHash(byName, seededRandom(1), sizes)), places(new RingHash(hosts(SIX), seededRandom(1), sizes)));
  assert.notEqual(
    places(new RingHash(byName, seededRandom(1), { ...sizes, useHostname: true })),
    places(new RingHash(byName, seededRandom(1), sizes)),
  );
  const byKey = named(
    () => "",
    (port) => ({ "envoy.lb": { hash_key: `host-${port}` } }),
  );
  assert.equal(places(new Maglev(byKey, seededRandom(1), 101)), places(new Maglev(byName, seededRandom(1), 101, true)));
});

test("Maglev's table is Envoy's", () => {
  const balancer = new Maglev(hosts(SIX), seededRandom(1), 7);
  // From Envoy's own Maglev test.
  assert.deepEqual(
    [0n, 1n, 2n, 3n, 4n, 5n, 6n].map((hash) => portOf(balancer, hash) - 90),
    [2, 4, 0, 1, 5, 0, 3],
  );
  assert.equal(portOf(balancer, 7n), portOf(balancer, 0n));
});

test("a host with more than its share is passed over for others, in an order that the hash decides", () => {
  const all = hosts(SIX);
  const balancer = new BoundedLoad(ring(all), all, 100, seededRandom(1));
  const hash = 5_583_722_120_771_150_862n;
  const first = balancer.choose(hash, 0)!;
  assert.equal(first, ring(all).choose(hash, 0));
  // 12 requests of one hash, all of them running: evenly spread, and the same way each time.
  const place = (): number[] => {
    for (const { host } of all) host.stats.rqActive = 0;
    return Array.from({ length: 12 }, () => {
      const host = balancer.choose(hash, 0)!;
      host.stats.rqActive++;
      return host.address.port;
    });
  };
  const ports = place();
  assert.deepEqual(ports, place());
  // A host is full when it has more than its slots, of which there is at least one: that makes room for one more than the share.
  for (const port of SIX) assert.ok(ports.filter((one) => one === port).length <= 4, ports.join());
  assert.ok(new Set(ports).size >= 4, ports.join());
  const loose = new BoundedLoad(ring(all), all, 10_000, seededRandom(1));
  for (const { host } of all) host.stats.rqActive = 2;
  assert.equal(loose.choose(hash, 0), first);
});

test("where all hosts have too much the least loaded one is chosen, and without hosts none", () => {
  const all = hosts([1, 2, 3]);
  for (const [at, { host }] of all.entries()) host.stats.rqActive = at === 1 ? 8 : 100;
  // 209 slots by 100 per cent, 70 a host: two are full, and by weight the third is far from it.
  assert.equal(new BoundedLoad(ring(all), all, 100, seededRandom(1)).choose(1n, 0)!.address.port, 2);
  assert.equal(new BoundedLoad(ring([]), [], 100, seededRandom(1)).choose(1n, 0), undefined);
});

/** Of the requests of other hosts. */
const MOVED = { "ring hash": 0.1, Maglev: 0.005 };

for (const [name, make] of [
  ["ring hash", (weighted: WeightedHost[]) => ring(weighted)],
  ["Maglev", (weighted: WeightedHost[]) => new Maglev(weighted, seededRandom(1), 65_537)],
] as const) {
  const five = hosts([1, 2, 3, 4, 5], [1, 1, 2, 1, 1]);
  const weights = [1, 1, 2, 1, 1];

  test(`${name}: places follow weights, and requests follow places by chi-squared`, () => {
    const balancer = make(five);
    // Hashes at even distances over all there are, or over Maglev's table, measure what each host has of them.
    const points = 65_537;
    const step = name === "Maglev" ? 1n : 0xffff_ffff_ffff_ffffn / BigInt(points);
    const places = weights.map(() => 0);
    for (let at = 0; at < points; at++) places[portOf(balancer, step * BigInt(at)) - 1]!++;
    for (const [at, weight] of weights.entries()) {
      const expected = (points * weight) / 6;
      assert.ok(Math.abs(places[at]! - expected) < expected * (name === "Maglev" ? 0.001 : 0.05), places.join());
    }
    const requests = 20_000;
    const counts = weights.map(() => 0);
    for (let request = 0; request < requests; request++) counts[portOf(balancer, xxHash64(`request ${request}`)) - 1]!++;
    const chiSquared = counts.reduce((sum, count, at) => {
      const expected = (requests * places[at]!) / points;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // Chance one in a thousand, with four degrees of freedom.
    assert.ok(chiSquared < 18.5, `${chiSquared}: ${counts.join()}`);
  });

  test(`${name}: a host that goes or comes moves its own requests and few others`, () => {
    const [all, without] = [make(five), make(five.filter(({ host }) => host.address.port !== 5))];
    const requests = 20_000;
    let [own, others] = [0, 0];
    for (let request = 0; request < requests; request++) {
      const hash = xxHash64(`request ${request}`);
      const [before, after] = [portOf(all, hash), portOf(without, hash)];
      if (before === 5) own++;
      else if (before !== after) others++;
    }
    assert.ok(own > requests / 8 && own < requests / 4, `${own} of its own`);
    // The ring, and the table, keep their size, so that the places of a host that goes are given to others and take a little from all.
    assert.ok(others < requests * MOVED[name], `${others} requests of other hosts moved`);
  });

  test(`${name}: without hosts there is none, without a hash any`, () => {
    assert.equal(make([]).choose(1n, 0), undefined);
    const balancer = make(hosts([1, 2, 3]));
    const seen = new Set(Array.from({ length: 100 }, () => portOf(balancer, undefined)));
    assert.equal(seen.size, 3);
  });
}
