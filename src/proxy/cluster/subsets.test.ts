import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { LeastRequestSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb";
import { MaglevSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb";
import { RandomSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb";
import { RingHashSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb";
import { RoundRobinSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb";
import { SubsetSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb";
import { WrrLocalitySchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb";
import { FakeStats } from "#proxy/http/stats.fake";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { xxHash64 } from "#runtime/xx-hash64";
import type { LoadBalancerContext } from "./cluster.ts";
import { parseCluster } from "./cluster-config.ts";
import { parseLoadAssignment } from "./load-assignment.ts";
import { UpstreamCluster } from "./upstream-cluster.ts";

const registry = createRegistry(
  LeastRequestSchema,
  MaglevSchema,
  RandomSchema,
  RingHashSchema,
  RoundRobinSchema,
  SubsetSchema,
  WrrLocalitySchema,
);

/** Hosts by port, with what their metadata says. */
const HOSTS: Readonly<Record<number, JsonObject>> = {
  1: { version: "1", stage: "prod" },
  2: { version: "2", stage: "prod" },
  3: { version: "2", stage: "dev" },
  4: { version: ["3", "4"], stage: "dev" },
};

function cluster(json: JsonObject): { used: (metadataMatch?: JsonObject) => string; stats: FakeStats; running: UpstreamCluster } {
  const stats = new FakeStats();
  const config = parseCluster(
    fromJson(
      ClusterSchema,
      { name: "c", type: "EDS", edsClusterConfig: { edsConfig: { ads: {} } }, commonLbConfig: { healthyPanicThreshold: {} }, ...json },
      { registry },
    ),
  );
  const none = (): never => {
    throw new Error("nothing connects here");
  };
  const running = new UpstreamCluster(config, {
    clock: new ManualClock(),
    random: seededRandom(1),
    stats,
    makePool: none,
    connector: { connect: none },
    secrets: { get: () => undefined },
  });
  const lbEndpoints = Object.entries(HOSTS).map(([port, metadata]) => ({
    endpoint: { address: { socketAddress: { address: "10.0.0.1", portValue: Number(port) } } },
    metadata: { filterMetadata: { "envoy.lb": metadata } },
  }));
  running.setAssignment(parseLoadAssignment(fromJson(ClusterLoadAssignmentSchema, { clusterName: "c", endpoints: [{ lbEndpoints }] })));
  const used = (metadataMatch?: JsonObject): string => {
    const context: LoadBalancerContext = {
      randomValue: 0,
      hash: undefined,
      hostSelectionAttempts: 0,
      shouldSelectAnotherHost: () => false,
      originalDestination: undefined,
      metadataMatch,
    };
    const ports = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const host = running.chooseHost(context);
      if (host !== undefined) ports.add(host.address.port);
    }
    return [...ports].sort((a, b) => a - b).join(",");
  };
  return { used, stats, running };
}

const subsets = (config: JsonObject): ReturnType<typeof cluster> =>
  cluster({ lbSubsetConfig: { subsetSelectors: [{ keys: ["version"] }, { keys: ["stage", "version"] }], ...config } });

describe("subsets", () => {
  it("hold the hosts whose metadata says what the request asks for", () => {
    const { used, stats } = subsets({});
    assert.equal(used({ version: "2" }), "2,3");
    assert.equal(used({ version: "2", stage: "dev" }), "3");
    assert.equal(used({ version: "9" }), "");
    assert.equal(used({ stage: "prod" }), "", "no selector has this key alone");
    assert.equal(used(), "");
    assert.equal(stats.get("lb_subsets_active"), 7);
    assert.equal(stats.get("lb_subsets_selected"), 80);
    assert.equal(stats.get("upstream_cx_none_healthy"), 120);
  });

  it("fall back to any host, or to those of the default subset", () => {
    const any = subsets({ fallbackPolicy: "ANY_ENDPOINT" });
    assert.equal(any.used({ version: "9" }), "1,2,3,4");
    assert.equal(any.used(), "1,2,3,4");
    assert.equal(any.stats.get("lb_subsets_fallback"), 80);
    const chosen = subsets({ fallbackPolicy: "DEFAULT_SUBSET", defaultSubset: { stage: "prod" } });
    assert.equal(chosen.used({ version: "9" }), "1,2");
    const nobody = subsets({ fallbackPolicy: "DEFAULT_SUBSET", defaultSubset: { stage: "x" }, panicModeAny: true });
    assert.equal(nobody.used({ version: "9" }), "1,2,3,4");
    assert.equal(nobody.stats.get("lb_subsets_fallback_panic"), 40);
  });

  it("fall back as their selector says, also to fewer keys", () => {
    const { used } = subsets({
      fallbackPolicy: "ANY_ENDPOINT",
      subsetSelectors: [
        { keys: ["version"], fallbackPolicy: "NO_FALLBACK" },
        { keys: ["stage", "version"], fallbackPolicy: "KEYS_SUBSET", fallbackKeysSubset: ["version"] },
      ],
    });
    assert.equal(used({ version: "9" }), "");
    assert.equal(used({ version: "2", stage: "x" }), "2,3");
    assert.equal(used({ version: "9", stage: "x" }), "");
    assert.equal(used({ other: "1" }), "1,2,3,4");
  });

  it("take a list for each of its values, a single host, and several sets of metadata in turn", () => {
    assert.equal(subsets({}).used({ version: "4" }), "");
    assert.equal(subsets({ listAsAny: true }).used({ version: "4" }), "4");
    assert.equal(subsets({ subsetSelectors: [{ keys: ["version"], singleHostPerSubset: true }] }).used({ version: "2" }), "2");
    const inTurn = subsets({ metadataFallbackPolicy: "FALLBACK_LIST" });
    assert.equal(inTurn.used({ fallback_list: [{ version: "9" }, { version: "2", stage: "dev" }, { version: "1" }] }), "3");
  });

  it("are weighted by locality where locality_weight_aware says so, in proportion to their hosts with scale_locality_weight", () => {
    // Of the hosts of version 2 locality a has one of four, locality b all two.
    const localities = { a: ["2", "1", "1", "1"], b: ["2", "2"] };
    const endpoints = Object.entries(localities).map(([zone, versions]) => ({
      locality: { zone },
      loadBalancingWeight: 1,
      lbEndpoints: versions.map((version, at) => ({
        endpoint: { address: { socketAddress: { address: zone === "a" ? "10.0.0.1" : "10.0.0.2", portValue: at + 1 } } },
        metadata: { filterMetadata: { "envoy.lb": { version } } },
      })),
    }));
    const shareOfA = (config: JsonObject): number => {
      const { running } = cluster({
        commonLbConfig: { healthyPanicThreshold: {}, localityWeightedLbConfig: {} },
        lbSubsetConfig: { subsetSelectors: [{ keys: ["version"] }], ...config },
      });
      running.setAssignment(parseLoadAssignment(fromJson(ClusterLoadAssignmentSchema, { clusterName: "c", endpoints })));
      let ofA = 0;
      for (let i = 0; i < 300; i++) {
        const host = running.chooseHost({
          randomValue: 0,
          hash: undefined,
          hostSelectionAttempts: 0,
          shouldSelectAnotherHost: () => false,
          originalDestination: undefined,
          metadataMatch: { version: "2" },
        });
        if (host?.address.address === "10.0.0.1") ofA++;
      }
      return ofA / 300;
    };
    const near = (share: number, expected: number): void => assert.ok(Math.abs(share - expected) < 0.02, `${share}, not ${expected}`);
    near(shareOfA({}), 1 / 3);
    near(shareOfA({ localityWeightAware: true }), 1 / 2);
    near(shareOfA({ localityWeightAware: true, scaleLocalityWeight: true }), 1 / 5);
  });

  it("follow the hosts", () => {
    const { used, stats, running } = subsets({});
    running.setAssignment(parseLoadAssignment(create(ClusterLoadAssignmentSchema, { clusterName: "c" })));
    assert.equal(used({ version: "2" }), "");
    assert.equal(stats.get("lb_subsets_active"), 0);
    assert.equal(stats.get("lb_subsets_removed"), 7);
  });
});

describe("the hosts of a subset", () => {
  for (const lbPolicy of ["ROUND_ROBIN", "RANDOM", "LEAST_REQUEST", "RING_HASH", "MAGLEV"]) {
    it(`have equal shares by ${lbPolicy}, and nobody else has any`, () => {
      const { running } = cluster({ lbPolicy, lbSubsetConfig: { subsetSelectors: [{ keys: ["version"] }] } });
      const counts: Record<number, number> = {};
      const requests = 4000;
      for (let request = 0; request < requests; request++) {
        const host = running.chooseHost({
          randomValue: 0,
          hash: xxHash64(`request ${request}`),
          hostSelectionAttempts: 0,
          shouldSelectAnotherHost: () => false,
          originalDestination: undefined,
          metadataMatch: { version: "2" },
        })!;
        counts[host.address.port] = (counts[host.address.port] ?? 0) + 1;
      }
      assert.deepEqual(Object.keys(counts), ["2", "3"]);
      const chiSquared = [2, 3].reduce((sum, port) => sum + (counts[port]! - requests / 2) ** 2 / (requests / 2), 0);
      // Chance one in a thousand, with one degree of freedom; a ring of 1,024 places is itself some per cent off.
      assert.ok(chiSquared < (lbPolicy === "RING_HASH" ? 40 : 10.9), JSON.stringify(counts));
    });
  }
});

describe("load_balancing_policy", () => {
  const policy = (type: string, config: JsonObject = {}): JsonObject => ({
    typedExtensionConfig: {
      name: type,
      typedConfig: { "@type": `type.googleapis.com/envoy.extensions.load_balancing_policies.${type}`, ...config },
    },
  });
  const parsed = (...policies: JsonValue[]): unknown => {
    const {
      lb,
      localityWeighted,
      subsets: sets,
    } = parseCluster(fromJson(ClusterSchema, { name: "c", loadBalancingPolicy: { policies } }, { registry }));
    return [lb, localityWeighted, sets !== undefined];
  };

  it("says the same as lb_policy and its options", () => {
    const slowStart = { windowMs: 5000, aggression: 1, minWeightPercent: 10 };
    assert.deepEqual(parsed(policy("round_robin.v3.RoundRobin", { slowStartConfig: { slowStartWindow: "5s" } })), [
      { policy: "round-robin", slowStart },
      false,
      false,
    ]);
    assert.deepEqual(
      parsed(policy("least_request.v3.LeastRequest", { choiceCount: 3, localityLbConfig: { localityWeightedLbConfig: {} } })),
      [{ policy: "least-request", choiceCount: 3, activeRequestBias: 1, slowStart: undefined }, true, false],
    );
    assert.deepEqual(parsed(policy("ring_hash.v3.RingHash", { minimumRingSize: "10", maximumRingSize: "20" })), [
      { policy: "ring-hash", minimumRingSize: 10, maximumRingSize: 20 },
      false,
      false,
    ]);
    assert.deepEqual(parsed(policy("maglev.v3.Maglev", { tableSize: "101" })), [{ policy: "maglev", tableSize: 101 }, false, false]);
  });

  it("is the first that is known, and may hold another", () => {
    const inner = { endpointPickingPolicy: { policies: [policy("round_robin.v3.RoundRobin")] } };
    const unknown = {
      typedExtensionConfig: { name: "mine", typedConfig: { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster" } },
    };
    const list = fromJson(ClusterSchema, { name: "c" });
    assert.ok(list);
    assert.deepEqual(parsed(policy("wrr_locality.v3.WrrLocality", inner)), [{ policy: "round-robin", slowStart: undefined }, true, false]);
    const subset = { subsetSelectors: [{ keys: ["a"] }], subsetLbPolicy: { policies: [policy("least_request.v3.LeastRequest")] } };
    assert.deepEqual((parsed(policy("subset.v3.Subset", subset)) as unknown[])[2], true);
    assert.throws(
      () =>
        parseCluster(
          fromJson(ClusterSchema, { name: "c", loadBalancingPolicy: { policies: [unknown] } }, { registry: createRegistry(ClusterSchema) }),
        ),
      /none of its policies \("mine"\) is known/,
    );
    const random = policy("random.v3.Random", { localityLbConfig: { localityWeightedLbConfig: {} } });
    assert.deepEqual(parsed(random), [{ policy: "random" }, true, false]);
    const byMurmur = policy("ring_hash.v3.RingHash", { hashFunction: "MURMUR_HASH_2" });
    const murmur = (one: JsonObject): unknown => (parsed(one) as [{ readonly murmur?: boolean }])[0].murmur === true;
    assert.deepEqual([murmur(byMurmur), murmur(policy("ring_hash.v3.RingHash", { hashFunction: "XX_HASH" }))], [true, false]);
    const zone = { localityLbConfig: { zoneAwareLbConfig: { routingEnabled: { value: 101 } } } };
    assert.throws(() => parsed(policy("round_robin.v3.RoundRobin", zone)), /zone_aware_lb_config.routing_enabled: must be from 0 to 100/);
  });
});
