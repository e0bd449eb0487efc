// How a cluster's hosts get their HTTP/1 pools on one thread.
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Connector } from "#proxy/net/connector";
import type { StatsScope } from "#telemetry/stats/store";
import { Http1PoolStats } from "./http1-pool-stats.ts";
import { Http1Pool } from "./http1-pool.ts";
import type { PoolFactory } from "./upstream-cluster.ts";

export interface Http1PoolFactoryContext {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly log: Log;
}

/** Envoy's limit for the head of a response. */
const MAX_RESPONSE_HEAD_BYTES = 60 * 1024;

export function http1PoolFactory(context: Http1PoolFactoryContext): PoolFactory {
  const { clock, connector, log } = context;
  /** All pools of a cluster count in the same statistics. */
  const statsOf = new WeakMap<StatsScope, Http1PoolStats>();
  return ({ host, config, limits, stats }) => {
    let poolStats = statsOf.get(stats);
    if (poolStats === undefined) statsOf.set(stats, (poolStats = new Http1PoolStats(stats)));
    return new Http1Pool({
      host,
      connector,
      clock,
      limits,
      stats: poolStats,
      connectTimeoutMs: config.connectTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      maxRequestsPerConnection: config.maxRequestsPerConnection,
      headLimits: { maxHeadBytes: MAX_RESPONSE_HEAD_BYTES, maxHeaders: config.maxResponseHeadersCount },
      onFault: (fault) => {
        const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
        log.error("an upstream connection was closed by an internal error", {
          host: `${host.address.address}:${host.address.port}`,
          error,
        });
      },
    });
  };
}
