import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "#runtime/random";
import type { HostHealth } from "./cluster.ts";
import { HostSet } from "./host-set.ts";
import { RoundRobin } from "./lb/round-robin.ts";
import { PreviousPriorities } from "./previous-priorities.ts";
import { UpstreamHost } from "./upstream-host.ts";

const random = seededRandom(3);

function host(port: number, health: HostHealth = "healthy"): UpstreamHost {
  const address = { address: "10.0.0.1", port };
  return new UpstreamHost({ address, hostname: "", weight: 1, locality: "", health, labels: undefined }, 0);
}

function hostSet(...levels: UpstreamHost[][]): HostSet {
  return new HostSet(
    levels.map((hosts) => [{ locality: "", weight: 0, hosts }]),
    {
      overprovisioning: 1.4,
      panicThreshold: 50,
      weightedPriorityHealth: false,
      failTrafficOnPanic: false,
      onPanic: () => {},
      zones: undefined,
      localityWeighted: false,
      hashing: false,
      makeBalancer: (weighted) =>
        new RoundRobin(
          weighted.map((each) => each.host),
          random,
        ),
      random,
    },
  );
}

/** Priorities in the order in which the tries of one request go to them. */
function tries(count: number, frequency: number, set: HostSet): (number | undefined)[] {
  const priorities = new PreviousPriorities(frequency);
  return Array.from({ length: count }, () => {
    const chosen = priorities.narrow(set).choose(undefined, 0);
    assert.ok(chosen !== undefined);
    priorities.onHostAttempted(chosen);
    return set.priorityOf(chosen);
  });
}

test("tries go from one priority to the next, and begin anew when all were tried", () => {
  const set = hostSet([host(1), host(2)], [host(3)], [host(4)]);
  assert.deepEqual(tries(7, 1, set), [0, 1, 2, 0, 1, 2, 0]);
});

test("priorities are left out after as many tries as update_frequency says", () => {
  assert.deepEqual(tries(6, 2, hostSet([host(1), host(2)], [host(3)], [host(4)])), [0, 0, 1, 1, 2, 2]);
});

test("a priority without a usable host is no place to go", () => {
  assert.deepEqual(tries(4, 1, hostSet([host(1)], [host(2, "unhealthy")], [host(3)])), [0, 2, 0, 2]);
  assert.deepEqual(tries(3, 1, hostSet([host(1)], [host(2, "unhealthy")])), [0, 0, 0]);
});

test("a priority with few usable hosts takes all that is left, without panic", () => {
  const usable = host(2);
  const set = hostSet([host(1)], [usable, host(3, "unhealthy"), host(4, "unhealthy"), host(5, "unhealthy")]);
  const narrowed = set.without(new Set([0]));
  for (let i = 0; i < 20; i++) assert.equal(narrowed.choose(undefined, 0), usable);
});
