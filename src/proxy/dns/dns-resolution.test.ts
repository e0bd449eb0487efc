import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily, ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { parseCluster } from "#proxy/cluster/cluster-config";
import type { DnsAnswer, DnsLookupFamily } from "#proxy/net/dns-resolver";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { DnsResolution } from "./dns-resolution.ts";

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, { $typeName: string }>;

const lbEndpoint = (address: string, port: number): object => ({
  hostIdentifier: {
    case: "endpoint",
    value: { address: { address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } } } },
  },
});

function wire(names: readonly string[], more: ClusterInit = {}): ReturnType<typeof create<typeof ClusterSchema>> {
  return create(ClusterSchema, {
    name: "c",
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
    loadAssignment: { clusterName: "c", endpoints: [{ lbEndpoints: names.map((name, at) => lbEndpoint(name, 8000 + at)) }] },
    dnsRefreshRate: { seconds: 60n },
    ...more,
  });
}

interface Bench {
  readonly clock: ManualClock;
  readonly asked: [name: string, family: DnsLookupFamily][];
  /** Hosts as `address:port(name)`, one entry for each time that they were told. */
  readonly told: string[][];
  readonly resolution: DnsResolution;
  readonly count: (name: string) => number;
  /** The oldest question is answered. */
  readonly answer: (answer: DnsAnswer | string[]) => Promise<void>;
}

function bench(cluster: ReturnType<typeof wire>): Bench {
  const { discovery } = parseCluster(cluster);
  assert.ok(discovery.kind === "dns");
  const clock = new ManualClock();
  const stats = new ThreadStats();
  const asked: Bench["asked"] = [];
  const told: string[][] = [];
  const waiting: ((answer: DnsAnswer) => void)[] = [];
  const scope = stats.root.scope("cluster", "c");
  const resolution = new DnsResolution({
    config: discovery.dns,
    resolver: {
      resolve: (name, family) => {
        asked.push([name, family]);
        return new Promise((resolve) => waiting.push(resolve));
      },
    },
    clock,
    random: seededRandom(1),
    log: silentLog,
    stats: scope,
    onHosts: (assignment) => told.push(hosts(assignment)),
  });
  resolution.start();
  return {
    clock,
    asked,
    told,
    resolution,
    count: (name) => stats.root.counter("cluster", "c", name).value,
    async answer(answer) {
      const given: DnsAnswer = Array.isArray(answer) ? { ok: true, addresses: answer.map((address) => ({ address, ttlMs: 0 })) } : answer;
      waiting.shift()?.(given);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function hosts({ endpoints }: ClusterLoadAssignment): string[] {
  return endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ hostIdentifier }) => {
      assert.ok(hostIdentifier.case === "endpoint");
      const { address, hostname } = hostIdentifier.value;
      assert.ok(address?.address.case === "socketAddress");
      return `${address.address.value.address}:${address.address.value.portSpecifier.value}(${hostname})`;
    }),
  );
}

const failed: DnsAnswer = { ok: false, detail: "timeout" };
const withTtl = (...ttls: number[]): DnsAnswer => ({
  ok: true,
  addresses: ttls.map((seconds, at) => ({ address: `10.0.0.${at + 1}`, ttlMs: seconds * 1000 })),
});

test("every address of every name is a host, and the first answer makes the cluster ready", async () => {
  const { asked, told, answer, count } = bench(wire(["a.test", "b.test"]));
  assert.deepEqual(asked, [
    ["a.test", "auto"],
    ["b.test", "auto"],
  ]);
  assert.deepEqual(told, []);
  await answer(["10.0.0.1", "10.0.0.2", "10.0.0.1"]);
  assert.deepEqual(told, [["10.0.0.1:8000(a.test)", "10.0.0.2:8000(a.test)"]]);
  await answer(["10.0.0.3"]);
  assert.deepEqual(told[1], ["10.0.0.1:8000(a.test)", "10.0.0.2:8000(a.test)", "10.0.0.3:8001(b.test)"]);
  assert.deepEqual([count("update_attempt"), count("update_success"), count("update_failure")], [2, 2, 0]);
});

test("a name is asked for again after the refresh rate; the same addresses in another order change nothing", async () => {
  const { clock, asked, told, answer, count } = bench(wire(["a.test"]));
  await answer(["10.0.0.1", "10.0.0.2"]);
  clock.advance(59_999);
  assert.equal(asked.length, 1);
  clock.advance(1);
  assert.equal(asked.length, 2);
  await answer(["10.0.0.2", "10.0.0.1"]);
  assert.equal(told.length, 1);
  assert.equal(count("update_no_rebuild"), 1);
  clock.advance(60_000);
  await answer(["10.0.0.2"]);
  assert.deepEqual(told[1], ["10.0.0.2:8000(a.test)"]);
});

test("a name that is gone leaves no host, a lookup that failed leaves those there are", async () => {
  const { clock, told, answer, count } = bench(wire(["a.test"]));
  await answer(["10.0.0.1"]);
  clock.advance(60_000);
  await answer(failed);
  assert.equal(told.length, 1);
  assert.equal(count("update_failure"), 1);
  clock.advance(60_000);
  await answer([]);
  assert.deepEqual(told[1], []);
  assert.equal(count("update_success"), 2);
  clock.advance(60_000);
  await answer([]);
  assert.equal(told.length, 2);
  assert.equal(count("update_no_rebuild"), 1);
});

test("a first lookup that failed makes the cluster ready, without hosts", async () => {
  const { told, answer } = bench(wire(["a.test"]));
  await answer(failed);
  assert.deepEqual(told, [[]]);
});

test("the shortest time to live counts where it is respected; none at all is the refresh rate", async () => {
  const { clock, asked, answer } = bench(wire(["a.test"], { respectDnsTtl: true }));
  await answer(withTtl(30, 7));
  clock.advance(6_999);
  assert.equal(asked.length, 1);
  clock.advance(1);
  assert.equal(asked.length, 2);
  await answer(withTtl(0));
  clock.advance(59_999);
  assert.equal(asked.length, 2);
  clock.advance(1);
  assert.equal(asked.length, 3);
});

test("the time to live is not looked at where it is not respected", async () => {
  const { clock, asked, answer } = bench(wire(["a.test"]));
  await answer(withTtl(7));
  clock.advance(59_999);
  assert.equal(asked.length, 1);
});

test("jitter adds to a refresh by chance, never more than it says", async () => {
  const { clock, asked, answer } = bench(wire(["a.test"], { dnsJitter: { seconds: 10n } }));
  for (let round = 1; round < 20; round++) {
    await answer(["10.0.0.1"]);
    clock.advance(59_999);
    assert.equal(asked.length, round);
    clock.advance(10_000);
    assert.equal(asked.length, round + 1);
  }
});

test("failures wait by chance up to a limit that doubles to its maximum, and a success forgets them", async () => {
  const rate = { baseInterval: { seconds: 2n }, maxInterval: { seconds: 4n } };
  const { clock, asked, answer } = bench(wire(["a.test"], { dnsFailureRefreshRate: rate }));
  for (const limit of [2_000, 4_000, 4_000]) {
    const before = asked.length;
    await answer(failed);
    clock.advance(limit);
    assert.equal(asked.length, before + 1);
  }
  await answer(["10.0.0.1"]);
  const before = asked.length;
  clock.advance(59_999);
  assert.equal(asked.length, before);
});

test("a logical cluster has one host, which stays when its name has no address any more", async () => {
  const type = { clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.LOGICAL_DNS } };
  const { clock, told, answer, count } = bench(wire(["a.test"], type));
  await answer(["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(told, [["10.0.0.1:8000(a.test)"]]);
  clock.advance(60_000);
  await answer([]);
  assert.equal(told.length, 1);
  assert.equal(count("update_failure"), 1);
  clock.advance(60_000);
  await answer(["10.0.0.2", "10.0.0.1"]);
  assert.deepEqual(told[1], ["10.0.0.2:8000(a.test)"]);
});

test("a cluster without names is ready at once", () => {
  assert.deepEqual(bench(wire([])).told, [[]]);
});

test("once closed nothing is told and nothing waits", async () => {
  const { clock, told, resolution, answer } = bench(wire(["a.test", "b.test"]));
  await answer(["10.0.0.1"]);
  resolution.close();
  await answer(["10.0.0.2"]);
  assert.equal(told.length, 1);
  assert.equal(clock.pending, 0);
});

test("the family is the cluster's", () => {
  for (const [family, name] of [
    [Cluster_DnsLookupFamily.V4_ONLY, "v4"],
    [Cluster_DnsLookupFamily.V6_ONLY, "v6"],
    [Cluster_DnsLookupFamily.V4_PREFERRED, "v4-preferred"],
    [Cluster_DnsLookupFamily.ALL, "all"],
  ] as const)
    assert.deepEqual(bench(wire(["a.test"], { dnsLookupFamily: family })).asked, [["a.test", name]]);
});
