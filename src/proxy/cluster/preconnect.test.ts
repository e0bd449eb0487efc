import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { Cluster_PreconnectPolicySchema as PolicySchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { readPreconnectPolicy, wantsConnection } from "./preconnect.ts";

test("a ratio of 1 wants connections for streams that wait and find no room", () => {
  assert.equal(wantsConnection({ pending: 0, active: 5, unused: 0 }, 1), false);
  assert.equal(wantsConnection({ pending: 1, active: 5, unused: 0 }, 1), true);
  assert.equal(wantsConnection({ pending: 1, active: 5, unused: 1 }, 1), false);
});

test("a higher ratio wants room ahead, also for a stream that is only coming", () => {
  assert.equal(wantsConnection({ pending: 0, active: 2, unused: 0 }, 1.5), true);
  assert.equal(wantsConnection({ pending: 0, active: 2, unused: 1 }, 1.5), false);
  assert.equal(wantsConnection({ pending: 0, active: 0, unused: 0 }, 2), false);
  assert.equal(wantsConnection({ pending: 0, active: 0, unused: 1 }, 2, 1), true);
  assert.equal(wantsConnection({ pending: 0, active: 0, unused: 2 }, 2, 1), false);
});

test("ratios are from 1 to 3, and 1 unless given", () => {
  const read = (json: JsonObject): unknown => {
    const refused: string[] = [];
    const config = readPreconnectPolicy(fromJson(PolicySchema, json), (path, message) => refused.push(`${path}: ${message}`));
    return refused.length > 0 ? refused : config;
  };
  assert.deepEqual(read({}), { perUpstream: 1, predictive: 1 });
  assert.deepEqual(read({ perUpstreamPreconnectRatio: 1.5, predictivePreconnectRatio: 3 }), { perUpstream: 1.5, predictive: 3 });
  assert.deepEqual(read({ perUpstreamPreconnectRatio: 0.9, predictivePreconnectRatio: 3.1 }), [
    "preconnect_policy.per_upstream_preconnect_ratio: must be from 1 to 3",
    "preconnect_policy.predictive_preconnect_ratio: must be from 1 to 3",
  ]);
});
