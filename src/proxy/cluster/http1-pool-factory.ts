// How a cluster's hosts get their HTTP/1 pools on one thread.
import { addressText } from "#proxy/net/socket-address";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { Http1Pool } from "./http1-pool.ts";
import type { PoolFactory } from "./upstream-cluster.ts";

export interface Http1PoolFactoryContext {
  readonly clock: Clock;
  readonly log: Log;
}

/** Envoy's limit for the head of a response. */
const MAX_RESPONSE_HEAD_BYTES = 60 * 1024;

export function http1PoolFactory(context: Http1PoolFactoryContext): PoolFactory {
  const { clock, log } = context;
  return ({ host, config, limits, stats, connector }) => {
    return new Http1Pool({
      host,
      connector,
      clock,
      limits,
      stats,
      connectTimeoutMs: config.connectTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      bufferLimitBytes: config.bufferLimitBytes,
      maxRequestsPerConnection: config.maxRequestsPerConnection,
      headLimits: { maxHeadBytes: MAX_RESPONSE_HEAD_BYTES, maxHeaders: config.maxResponseHeadersCount },
      onFault: (fault) => {
        const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
        log.error("an upstream connection was closed by an internal error", {
          host: addressText(host.address),
          error,
        });
      },
    });
  };
}
