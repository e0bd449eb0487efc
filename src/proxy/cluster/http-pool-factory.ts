// How a cluster's hosts get their HTTP pools on one thread.
import { Http1ClientConnection } from "#proxy/http/http1-client";
import { addressText } from "#proxy/net/socket-address";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { HttpPool } from "./http-pool.ts";
import type { PoolFactory } from "./upstream-cluster.ts";

export interface HttpPoolFactoryContext {
  readonly clock: Clock;
  readonly log: Log;
}

/** Envoy's limit for the head of a response. */
const MAX_RESPONSE_HEAD_BYTES = 60 * 1024;

export function httpPoolFactory(context: HttpPoolFactoryContext): PoolFactory {
  const { clock, log } = context;
  return ({ host, config, limits, stats, connector }) => {
    const headLimits = { maxHeadBytes: MAX_RESPONSE_HEAD_BYTES, maxHeaders: config.maxResponseHeadersCount };
    return new HttpPool({
      host,
      connector,
      makeClient: (connection, _tls, owner) => new Http1ClientConnection(connection, headLimits, owner),
      expectedStreams: 1,
      clock,
      limits,
      stats,
      connectTimeoutMs: config.connectTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      bufferLimitBytes: config.bufferLimitBytes,
      maxRequestsPerConnection: config.maxRequestsPerConnection,
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
