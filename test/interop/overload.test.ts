// What endpoints say of too much traffic: so much of it is turned away in front of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { router, seenBy } from "./side-by-side.ts";
import type { SideBySide } from "./side-by-side.ts";

const drops = (numerator: number): JsonObject => ({
  type: "STATIC",
  loadAssignment: {
    clusterName: "c",
    policy: { dropOverloads: [{ category: "throttle", dropPercentage: { numerator } }] },
    endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: 9 } } } }] }],
  },
  edsClusterConfig: null,
});

const seen = (kind: "envoy" | "mizzen", cluster: JsonObject, asks: number, suppressEnvoyHeaders = false): ReturnType<typeof seenBy> => {
  const scene: SideBySide = {
    proxy: { cluster, manager: { httpFilters: [router({ suppressEnvoyHeaders })] } },
    asks: Array.from({ length: asks }, () => ({})),
    headers: /^x-envoy/,
    stats: /local\.upstream_rq_(503|completed|total)$/,
  };
  return seenBy(kind, scene);
};

test("drop_overloads turns everything away as Envoy does", async () => {
  for (const suppress of [false, true]) {
    const [envoy, ours] = await Promise.all([seen("envoy", drops(100), 2, suppress), seen("mizzen", drops(100), 2, suppress)]);
    assert.deepEqual(ours, envoy);
  }
});

test("drop_overloads turns its share away, and says so", async () => {
  const REQUESTS = 200;
  const outcomes = async (kind: "envoy" | "mizzen"): Promise<ReadonlyMap<string, number>> => {
    const { answers, log } = await seen(kind, drops(40), REQUESTS);
    const counts = new Map<string, number>();
    for (const [at, answer] of answers.entries()) {
      const key = `${log[at]} ${answer}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  };
  const [envoy, ours] = await Promise.all([outcomes("envoy"), outcomes("mizzen")]);
  const dropped = (counts: ReadonlyMap<string, number>): number =>
    [...counts].reduce((sum, [key, count]) => (key.includes("drop_overload") ? sum + count : sum), 0);
  assert.deepEqual([...ours.keys()].toSorted(), [...envoy.keys()].toSorted());
  // Four standard deviations around 80.
  for (const counts of [envoy, ours]) assert.ok(Math.abs(dropped(counts) - 80) < 28, `${dropped(counts)} of ${REQUESTS}`);
});
