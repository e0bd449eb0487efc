import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStats } from "#proxy/http/stats.fake";
import { CircuitBreakers } from "./circuit-breakers.ts";
import type { ConnectionPool } from "./cluster.ts";
import type { CircuitBreakerConfig } from "./cluster-config.ts";
import { PoolPlaces } from "./pool-places.ts";

const LIMITS: CircuitBreakerConfig = { maxConnections: 9, maxPendingRequests: 9, maxRequests: 9, maxRetries: 9, trackRemaining: true };

class Pool implements ConnectionPool {
  readonly connectionCount = 1;
  demand = { pending: 0, active: 1, unused: 0 };
  drain(): void {}
  preconnect(): boolean {
    return false;
  }
}

function places(maxConnectionPools: number, high = maxConnectionPools) {
  const stats = new FakeStats();
  const breakers = {
    default: new CircuitBreakers("default", { ...LIMITS, maxConnectionPools }, stats),
    high: new CircuitBreakers("high", { ...LIMITS, maxConnectionPools: high }, stats),
  };
  const closed: ConnectionPool[] = [];
  const all = new PoolPlaces((priority) => breakers[priority], stats);
  const take = (pool: Pool, priority: "default" | "high" = "default", others: readonly Pool[] = []): boolean =>
    all.take(pool, priority, others, (other) => closed.push(other));
  return { stats, closed, all, take };
}

test("there are no more than max_connection_pools of a priority, and one that has a place keeps it", () => {
  const { stats, take, all } = places(2, 1);
  const [a, b, c] = [new Pool(), new Pool(), new Pool()];
  assert.deepEqual([take(a), take(b), take(a), take(c)], [true, true, true, false]);
  assert.equal(take(c, "high"), true);
  assert.equal(stats.get("upstream_cx_pool_overflow"), 1);
  assert.equal(stats.get("circuit_breakers.default.cx_pool_open"), 1);
  assert.equal(stats.get("circuit_breakers.default.remaining_cx_pools"), 0);
  all.release(b);
  all.release(b);
  assert.equal(stats.get("circuit_breakers.default.cx_pool_open"), 0);
  assert.equal(stats.get("circuit_breakers.default.remaining_cx_pools"), 1);
  assert.equal(take(new Pool()), true);
});

test("a pool of the same host and priority without work gives its place up", () => {
  const { closed, take } = places(1);
  const [idle, next, third] = [new Pool(), new Pool(), new Pool()];
  idle.demand = { pending: 0, active: 0, unused: 1 };
  assert.equal(take(idle), true);
  assert.equal(take(next, "default", [idle, next]), true);
  assert.deepEqual(closed, [idle]);
  assert.equal(take(third, "default", [next, third]), false, "that one works");
  assert.equal(take(third, "high", [next, third]), true);
});
