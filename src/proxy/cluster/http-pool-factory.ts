// How a cluster's hosts get their HTTP pools on one thread.
import type { HttpClientConnection, HttpClientOwner } from "#proxy/http/client-connection";
import { Http1ClientConnection } from "#proxy/http/http1-client";
import { Http2ClientConnection } from "#proxy/http/http2-client";
import type { Connection } from "#proxy/net/connection";
import { addressText } from "#proxy/net/socket-address";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { HttpPool } from "./http-pool.ts";
import type { PoolContext, PoolFactory } from "./host-pools.ts";

export interface HttpPoolFactoryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Envoy's limit for the head of a response. */
const MAX_RESPONSE_HEAD_BYTES = 60 * 1024;
/** Of an HTTP/2 stream, where the cluster sets no limit. */
const STREAM_BUFFER_BYTES = 65_536;

export function httpPoolFactory(context: HttpPoolFactoryContext): PoolFactory {
  const { clock, log } = context;
  return (pool) => {
    const { host, config, limits, stats, connector, protocol } = pool;
    return new HttpPool({
      host,
      connector,
      makeClient: clientMaker(pool, context),
      version: protocol === "http1" ? "HTTP/1.1" : protocol === "http2" ? "HTTP/2" : undefined,
      expectedStreams: protocol === "http1" ? 1 : config.http2.maxConcurrentStreams,
      preconnectRatio: pool.preconnectRatio,
      onIdle: pool.onIdle,
      clock,
      limits,
      stats,
      connectTimeoutMs: config.connectTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      bufferLimitBytes: config.bufferLimitBytes,
      maxConnectionDurationMs: config.maxConnectionDurationMs,
      maxRequestsPerConnection: config.maxRequestsPerConnection,
      onFault: (fault) => {
        const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
        log.scope("upstream").error("an upstream connection was closed by an internal error", {
          host: addressText(host.address),
          error,
        });
      },
    });
  };
}

type MakeClient = (connection: Connection, tls: TlsInfo | undefined, owner: HttpClientOwner) => HttpClientConnection;

function clientMaker({ protocol, config, http2Stats }: PoolContext, { clock, random }: HttpPoolFactoryContext): MakeClient {
  const { http2, maxResponseHeadersCount: maxHeaders } = config;
  const http1: MakeClient = (connection, _tls, owner) =>
    new Http1ClientConnection(connection, { maxHeadBytes: MAX_RESPONSE_HEAD_BYTES, maxHeaders }, owner);
  if (protocol === "http1") return http1;
  const options = {
    http2,
    maxHeadersBytes: MAX_RESPONSE_HEAD_BYTES,
    maxHeadersCount: maxHeaders,
    streamBufferBytes: config.bufferLimitBytes ?? STREAM_BUFFER_BYTES,
    clock,
    random,
  };
  const speakHttp2: MakeClient = (connection, _tls, owner) =>
    new Http2ClientConnection(connection, { ...options, stats: http2Stats() }, owner);
  if (protocol === "http2") return speakHttp2;
  // As in Envoy, an upstream that agrees on nothing speaks HTTP/1.
  return (connection, tls, owner) => (tls?.applicationProtocol === "h2" ? speakHttp2 : http1)(connection, tls, owner);
}
