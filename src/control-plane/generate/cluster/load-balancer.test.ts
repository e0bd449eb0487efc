import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { LoadBalancerSettings } from "#api/destination-rule";
import { loadBalancing } from "./load-balancer.ts";

function json(settings: LoadBalancerSettings | undefined) {
  return toJson(ClusterSchema, create(ClusterSchema, loadBalancing(settings)));
}

test("the endpoint with the fewest requests is chosen unless a rule says otherwise", () => {
  for (const simple of ["UNSPECIFIED", "LEAST_CONN", "LEAST_REQUEST"] as const)
    assert.deepEqual(json({ simple }), { lbPolicy: "LEAST_REQUEST" });
  assert.deepEqual(json(undefined), { lbPolicy: "LEAST_REQUEST" });
  assert.deepEqual(json({ simple: "RANDOM" }), { lbPolicy: "RANDOM" });
  assert.deepEqual(json({ simple: "ROUND_ROBIN" }), {});
});

test("a ring has 1024 nodes unless the rule or its older field says otherwise; Envoy decides about an empty ringHash", () => {
  const hash = { useSourceIp: true };
  assert.deepEqual(json({ consistentHash: hash }), { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "1024" } });
  assert.deepEqual(json({ consistentHash: { ...hash, minimumRingSize: 2 } }), {
    lbPolicy: "RING_HASH",
    ringHashLbConfig: { minimumRingSize: "2" },
  });
  assert.deepEqual(json({ consistentHash: { ...hash, ringHash: { minimumRingSize: 7 } } }), {
    lbPolicy: "RING_HASH",
    ringHashLbConfig: { minimumRingSize: "7" },
  });
  assert.deepEqual(json({ consistentHash: { ...hash, ringHash: {} } }), { lbPolicy: "RING_HASH" });
});

test("Maglev has Envoy's table size unless the rule says otherwise", () => {
  assert.deepEqual(json({ consistentHash: { useSourceIp: true, maglev: {} } }), { lbPolicy: "MAGLEV" });
  assert.deepEqual(json({ consistentHash: { useSourceIp: true, maglev: { tableSize: 65_537 } } }), {
    lbPolicy: "MAGLEV",
    maglevLbConfig: { tableSize: "65537" },
  });
});

test("warm-up spares new endpoints where requests are counted or taken in turns, and nowhere else", () => {
  const slowStartConfig = {
    slowStartWindow: "30s",
    aggression: { defaultValue: 1, runtimeKey: "(" },
    minWeightPercent: { value: 10 },
  };
  const warmup = { duration: 30_000 };
  assert.deepEqual(json({ warmup }), { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { slowStartConfig } });
  assert.deepEqual(json({ simple: "ROUND_ROBIN", warmup }), { roundRobinLbConfig: { slowStartConfig } });
  assert.deepEqual(json({ simple: "RANDOM", warmup }), { lbPolicy: "RANDOM" });
  assert.deepEqual(json({ simple: "ROUND_ROBIN", warmupDurationSecs: 5000 }), {
    roundRobinLbConfig: { slowStartConfig: { slowStartWindow: "5s" } },
  });
  const written = json({ warmup: { duration: 1000, aggression: 2.5, minimumPercent: 0 } });
  assert.deepEqual(written, {
    lbPolicy: "LEAST_REQUEST",
    leastRequestLbConfig: {
      slowStartConfig: { slowStartWindow: "1s", aggression: { defaultValue: 2.5, runtimeKey: "(" }, minWeightPercent: {} },
    },
  });
});
