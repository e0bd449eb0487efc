import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { DnsClusters } from "./dns-clusters.ts";
import type { DnsNeed } from "./dns-clusters.ts";

const need = (key: string, statName: string, name: string): DnsNeed => ({
  statName,
  config: {
    key,
    logical: false,
    assignment: create(ClusterLoadAssignmentSchema, {
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: "endpoint",
                value: {
                  address: {
                    address: { case: "socketAddress", value: { address: name, portSpecifier: { case: "portValue", value: 80 } } },
                  },
                },
              },
            },
          ],
        },
      ],
    }),
    family: "v4",
    refreshMs: 1000,
    jitterMs: 0,
    failureBackOff: undefined,
    respectTtl: false,
  },
});

test("what is wanted is looked up once, what is not is forgotten with its statistics", async () => {
  const clock = new ManualClock();
  const stats = new ThreadStats();
  const asked: string[] = [];
  const resolved: string[] = [];
  const none = stats.nameCount;
  const clusters = new DnsClusters({
    resolver: {
      resolve: async (name) => {
        asked.push(name);
        return { ok: true, addresses: [{ address: "10.0.0.1", ttlMs: 0 }] };
      },
    },
    clock,
    random: seededRandom(1),
    log: silentLog,
    stats: stats.root,
    onResolved: (key, bytes) => resolved.push(`${key} ${fromBinary(ClusterLoadAssignmentSchema, bytes).clusterName}`),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const first = need("k1", "web", "a.test");
  clusters.want(new Map([["k1", first]]));
  clusters.want(new Map([["k1", first]]));
  await turn();
  assert.deepEqual(asked, ["a.test"]);
  assert.deepEqual(resolved, ["k1 k1"]);
  // The cluster changes its name: both are looked up until the old one goes, and count in the same place.
  clusters.want(
    new Map([
      ["k1", first],
      ["k2", need("k2", "web", "b.test")],
    ]),
  );
  await turn();
  clusters.want(new Map([["k2", need("k2", "web", "b.test")]]));
  clock.advance(1000);
  await turn();
  assert.deepEqual(asked, ["a.test", "b.test", "b.test"]);
  assert.equal(stats.root.counter("cluster", { tag: "envoy.cluster_name", value: "web" }, "update_success").value, 3);
  clusters.close();
  assert.equal(clock.pending, 0);
  assert.equal(stats.nameCount, none + 1, "but for the one that this test asked for");
});
