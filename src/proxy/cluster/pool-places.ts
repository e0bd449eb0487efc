// max_connection_pools: a cluster has so many HTTP connection pools of one priority at a time. A pool has a place from when it is asked for
// until its last connection and its last request that waits are gone.
import type { Counter, StatsScope } from "#telemetry/stats/store";
import type { RoutingPriority } from "#proxy/route/route";
import type { CircuitBreakers } from "./circuit-breakers.ts";
import type { ConnectionPool } from "./cluster.ts";

interface Place {
  readonly priority: RoutingPriority;
  readonly limits: CircuitBreakers;
}

export class PoolPlaces {
  readonly #limitsOf: (priority: RoutingPriority) => CircuitBreakers;
  readonly #stats: StatsScope;
  readonly #taken = new Map<ConnectionPool, Place>();
  #overflow: Counter | undefined;

  constructor(limitsOf: (priority: RoutingPriority) => CircuitBreakers, stats: StatsScope) {
    this.#limitsOf = limitsOf;
    this.#stats = stats;
  }

  /** False: there is none. As Envoy, a pool of the same host gives its place up where nothing runs on it: `close` ends that one. */
  take(pool: ConnectionPool, priority: RoutingPriority, others: readonly ConnectionPool[], close: (pool: ConnectionPool) => void): boolean {
    if (this.#taken.has(pool)) return true;
    const limits = this.#limitsOf(priority);
    if (!limits.tryAcquirePool()) {
      const idle = others.find((other) => this.#taken.get(other)?.priority === priority && isIdle(other));
      if (idle !== undefined) {
        this.release(idle);
        close(idle);
      }
      if (idle === undefined || !limits.tryAcquirePool()) {
        (this.#overflow ??= this.#stats.counter("upstream_cx_pool_overflow")).inc();
        return false;
      }
    }
    this.#taken.set(pool, { priority, limits });
    return true;
  }

  release(pool: ConnectionPool): void {
    const place = this.#taken.get(pool);
    if (place === undefined) return;
    this.#taken.delete(pool);
    place.limits.releasePool();
  }
}

function isIdle({ demand }: ConnectionPool): boolean {
  return demand.pending === 0 && demand.active === 0;
}
