import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalityLoadBalancerSetting } from "#api/destination-rule";
import { endpointOf, placeWith } from "#control-plane/generate/cluster/testing";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { localityOf } from "./locality.ts";
import { preferNear, sumOfWeights, type LocalityGroup } from "./locality-load-balancing.ts";
import type { Topology } from "./topology.ts";

function group(locality: string, ...endpoints: readonly Partial<ServiceEndpoint>[]): LocalityGroup {
  const members = (endpoints.length === 0 ? [{}] : endpoints).map((over) => endpointOf({ locality, ...over }));
  return { locality: localityOf(locality), endpoints: members, weight: sumOfWeights(members), priority: 0 };
}

function arrange(
  groups: readonly LocalityGroup[],
  setting: LocalityLoadBalancerSetting,
  caller: Partial<Topology> = { locality: "us-east/a/r1" },
  failover = true,
  byLabels = true,
) {
  return preferNear(groups, { setting, failover }, placeWith(caller), byLabels);
}

const PLACES = ["eu-central/a", "us-east/a/r1", "us-east/a/r2", "us-east/b/r2", "us-west/a/r1"].map((place) => group(place));

function priorities(groups: readonly LocalityGroup[]): readonly number[] {
  return groups.map(({ priority }) => priority);
}

test("farther localities wait for nearer ones, in priorities without a gap", () => {
  assert.deepEqual(priorities(arrange(PLACES, {})), [3, 0, 1, 2, 3]);
  assert.deepEqual(priorities(arrange([PLACES[0]!, PLACES[3]!], {})), [1, 0]);
});

test("the region that takes over comes before other regions", () => {
  const setting = { failover: [{ from: "us-east", to: "us-west" }] };
  assert.deepEqual(priorities(arrange(PLACES, setting)), [4, 0, 1, 2, 3]);
  assert.deepEqual(priorities(arrange(PLACES, { failover: [{ from: "eu-central", to: "us-west" }] })), [3, 0, 1, 2, 3]);
});

test("without a sign of failure nobody waits", () => {
  assert.deepEqual(priorities(arrange(PLACES, {}, { locality: "us-east/a/r1" }, false)), [0, 0, 0, 0, 0]);
});

test("shares are divided among the localities that an entry means, and others get nothing", () => {
  const setting = { distribute: [{ from: "us-east/a/*", to: { "us-east/a/*": 80, "us-east/b/*": 15, "eu-central/*": 5 } }] };
  const made = arrange(PLACES, setting);
  assert.deepEqual(
    made.map(({ weight, endpoints }) => [weight, endpoints.length]),
    [
      [5, 1],
      [40, 1],
      [40, 1],
      [15, 1],
      [1, 0],
    ],
  );
  assert.deepEqual(priorities(made), [0, 0, 0, 0, 0]);
});

test("shares follow the weights within an entry, rounded up", () => {
  const groups = [group("r/a", {}, {}), group("r/b", {})];
  const made = arrange(groups, { distribute: [{ from: "*", to: { "r/*": 100 } }] }, { locality: "r/a" });
  assert.deepEqual(
    made.map(({ weight }) => weight),
    [67, 34],
  );
});

test("shares of another place do not concern the caller", () => {
  const made = arrange(PLACES, { distribute: [{ from: "asia", to: { "us-east": 100 } }] });
  assert.deepEqual(
    made.map(({ weight, endpoints }) => [weight, endpoints.length]),
    PLACES.map(() => [1, 1]),
  );
});

test("the more labels are the caller's, from the first on, the sooner an endpoint's turn", () => {
  const endpoints = [
    { labels: { app: "a", version: "v1" } },
    { labels: { app: "a", version: "v2" } },
    { labels: { app: "b", version: "v1" } },
  ];
  const made = arrange([group("r", ...endpoints)], { failoverPriority: ["app", "version"] }, { labels: { app: "a", version: "v1" } });
  assert.deepEqual(
    made.map(({ priority, endpoints: members, weight }) => [priority, members[0]?.labels, weight]),
    [
      [0, endpoints[0]?.labels, 1],
      [1, endpoints[1]?.labels, 1],
      [2, endpoints[2]?.labels, 1],
    ],
  );
});

test("a label may come with the value that is wanted, and places count as labels", () => {
  const setting = { failoverPriority: ["topology.kubernetes.io/region", "version=v2"] };
  const groups = [group("r1", { labels: { version: "v1" } }, { labels: { version: "v2" } }), group("r2", { labels: { version: "v2" } })];
  const made = arrange(groups, setting, { locality: "r1" });
  assert.deepEqual(
    made.map(({ priority, locality, endpoints }) => [priority, locality.region, endpoints[0]?.labels["version"]]),
    [
      [0, "r1", "v2"],
      [1, "r1", "v1"],
      [2, "r2", "v2"],
    ],
  );
});

test("regions order what labels left equal", () => {
  const setting = { failoverPriority: ["version"], failover: [{ from: "r1", to: "r3" }] };
  const groups = ["r1", "r2", "r3"].map((place) => group(place, { labels: { version: "v1" } }, { labels: { version: "v2" } }));
  const made = arrange(groups, setting, { locality: "r1", labels: { version: "v1" } });
  assert.deepEqual(
    made.map(({ priority, locality, endpoints }) => [priority, locality.region, endpoints[0]?.labels["version"]]),
    [
      [0, "r1", "v1"],
      [3, "r1", "v2"],
      [2, "r2", "v1"],
      [5, "r2", "v2"],
      [1, "r3", "v1"],
      [4, "r3", "v2"],
    ],
  );
});

test("within a cluster of names labels are not looked at, regions are", () => {
  const setting = { failoverPriority: ["version"] };
  assert.deepEqual(priorities(arrange(PLACES, setting, { locality: "us-east/a/r1" }, true, false)), [0, 0, 0, 0, 0]);
});

test("the sum of weights stays within 32 bits", () => {
  assert.equal(sumOfWeights([endpointOf({ weight: 4_000_000_000 }), endpointOf({ weight: 4_000_000_000 })]), 4_294_967_295);
  assert.equal(sumOfWeights([endpointOf({ weight: 0 })]), 1);
});
