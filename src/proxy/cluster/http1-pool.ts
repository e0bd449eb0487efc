// The HTTP/1 connections to one host: idle ones are reused last in, first out; requests without a connection wait in a bounded queue.
// Matches Envoy (limits, failure of all waiting requests when a connect fails, statistics) and goes beyond it in one point: it obeys the
// upstream's `Keep-Alive: timeout`, so that no request meets a connection which the upstream is just closing.
import { invariant } from "#runtime/invariant";
import type { Clock, Timer } from "#runtime/clock";
import type { Connection, TransportFailure } from "#proxy/net/connection";
import type { ConnectCallbacks, Connector, PendingConnect } from "#proxy/net/connector";
import type { ResponseHeadLimits } from "#proxy/codec/http1/response-head";
import { Http1ClientConnection } from "#proxy/http/http1-client";
import type { Http1ClientOwner } from "#proxy/http/http1-client";
import type { ResponseReceiver } from "#proxy/http/stream";
import { enterBatch, leaveBatch } from "#proxy/http/write-batch";
import type { Host, HttpConnectionPool, PendingStream, PoolCallbacks } from "./cluster.ts";
import type { UpstreamConnectionStats } from "./upstream-connection-stats.ts";

/** The cluster's circuit breakers, as far as a pool needs them. What was acquired is released exactly once. */
export interface PoolLimits {
  tryAcquireConnection(): boolean;
  releaseConnection(): void;
  tryAcquirePending(): boolean;
  releasePending(): void;
}

export interface Http1PoolOptions {
  readonly host: Host;
  readonly connector: Connector;
  readonly clock: Clock;
  readonly limits: PoolLimits;
  readonly stats: UpstreamConnectionStats;
  readonly connectTimeoutMs: number;
  /** 0: idle connections stay. */
  readonly idleTimeoutMs: number;
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number;
  /** Undefined: the transport's own. */
  readonly bufferLimitBytes?: number | undefined;
  /** Of responses: Envoy's defaults are 60 KiB and 100 lines. */
  readonly headLimits: ResponseHeadLimits;
  /** Code of ours threw within an event of a connection, which is closed. */
  readonly onFault: (fault: unknown) => void;
}

interface PooledConnection {
  readonly client: Http1ClientConnection;
  readonly acquired: boolean;
  requests: number;
  /** Monotonic time after which it must not be used again. */
  idleUntilMs: number;
  /** We close it, or it closes because of what we did. */
  closedLocally: boolean;
  broken: boolean;
}

class Waiting implements PendingStream {
  readonly #pool: Http1Pool;
  readonly receiver: ResponseReceiver;
  readonly callbacks: PoolCallbacks;

  constructor(pool: Http1Pool, receiver: ResponseReceiver, callbacks: PoolCallbacks) {
    this.#pool = pool;
    this.receiver = receiver;
    this.callbacks = callbacks;
  }

  cancel(): void {
    this.#pool.cancelWaiting(this);
  }
}

/** One attempt to connect. */
class Connecting implements ConnectCallbacks {
  readonly #pool: Http1Pool;
  readonly acquired: boolean;
  readonly startMs: number;
  pending: PendingConnect | undefined;

  constructor(pool: Http1Pool, acquired: boolean, startMs: number) {
    this.#pool = pool;
    this.acquired = acquired;
    this.startMs = startMs;
  }

  onConnected(connection: Connection): void {
    this.#pool.connected(this, connection);
  }

  onConnectFailed(failure: TransportFailure): void {
    this.#pool.connectFailed(this, failure);
  }
}

export class Http1Pool implements HttpConnectionPool, Http1ClientOwner {
  readonly #options: Http1PoolOptions;
  /** The one used last is at the end. */
  readonly #idle: PooledConnection[] = [];
  readonly #connections = new Map<Http1ClientConnection, PooledConnection>();
  readonly #connecting = new Set<Connecting>();
  #waiting: Waiting[] = [];
  #sweep: Timer | undefined;
  #draining = false;

  constructor(options: Http1PoolOptions) {
    this.#options = options;
  }

  get connectionCount(): number {
    return this.#connections.size + this.#connecting.size;
  }

  newStream(receiver: ResponseReceiver, callbacks: PoolCallbacks): PendingStream | undefined {
    const idle = this.#takeIdle();
    if (idle !== undefined) {
      this.#attach(idle, receiver, callbacks, true);
      return undefined;
    }
    const { limits, stats } = this.#options;
    if (!limits.tryAcquirePending()) {
      stats.rqPendingOverflow.inc();
      callbacks.onPoolFailure("overflow", undefined, this.#options.host);
      return undefined;
    }
    stats.rqPendingTotal.inc();
    stats.rqPendingActive.inc();
    const waiting = new Waiting(this, receiver, callbacks);
    this.#waiting.push(waiting);
    this.#connectAsNeeded();
    return waiting;
  }

  drain(): void {
    this.#draining = true;
    for (const idle of this.#idle.splice(0)) this.#retire(idle);
    // Connects that nobody waits for any more are not worth finishing.
    for (const connecting of this.#connecting) if (this.#connecting.size > this.#waiting.length) this.#giveUp(connecting);
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  // Connecting.

  #connectAsNeeded(): void {
    const { limits, stats, host, clock, connector, connectTimeoutMs } = this.#options;
    while (this.#connecting.size < this.#waiting.length) {
      const acquired = limits.tryAcquireConnection();
      if (!acquired) {
        stats.cxOverflow.inc();
        // As Envoy: a host without any connection gets one in any case, or what waits here could wait for ever.
        if (this.connectionCount > 0) return;
      }
      stats.cxTotal.inc();
      stats.cxHttp1Total.inc();
      stats.cxActive.inc();
      host.stats.cxTotal++;
      host.stats.cxActive++;
      const connecting = new Connecting(this, acquired, clock.monotonicMs());
      this.#connecting.add(connecting);
      connecting.pending = connector.connect(host.address, connectTimeoutMs, connecting);
    }
  }

  connected(connecting: Connecting, connection: Connection): void {
    invariant(this.#connecting.delete(connecting), "a connect ends twice");
    const { clock, headLimits, stats, bufferLimitBytes } = this.#options;
    if (bufferLimitBytes !== undefined) connection.bufferLimitBytes = bufferLimitBytes;
    stats.cxConnectMs.record(Math.trunc(clock.monotonicMs() - connecting.startMs));
    const client = new Http1ClientConnection(connection, headLimits, this);
    const pooled: PooledConnection = {
      client,
      acquired: connecting.acquired,
      requests: 0,
      idleUntilMs: 0,
      closedLocally: false,
      broken: false,
    };
    this.#connections.set(client, pooled);
    enterBatch();
    try {
      this.#use(pooled, false);
    } catch (fault) {
      this.#options.onFault(fault);
      this.#retire(pooled);
    } finally {
      leaveBatch();
    }
  }

  connectFailed(connecting: Connecting, failure: TransportFailure): void {
    invariant(this.#connecting.delete(connecting), "a connect ends twice");
    const { stats, host } = this.#options;
    const timedOut = failure.kind === "connect-timeout";
    stats.cxConnectFail.inc();
    if (timedOut) stats.cxConnectTimeout.inc();
    host.stats.cxConnectFail++;
    this.#countDestroyed(connecting.acquired, !timedOut, false);
    // As Envoy: all that wait fail, so that their owners can choose another host now rather than queue for a broken one.
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of waiting) {
      this.#leaveQueue();
      stats.rqPendingFailureEject.inc();
      stream.callbacks.onPoolFailure(timedOut ? "connection-timeout" : "connection-failure", failure, host);
    }
  }

  #giveUp(connecting: Connecting): void {
    this.#connecting.delete(connecting);
    connecting.pending?.cancel();
    this.#countDestroyed(connecting.acquired, false, false);
  }

  cancelWaiting(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#leaveQueue();
    if (this.#draining)
      for (const connecting of this.#connecting) if (this.#connecting.size > this.#waiting.length) this.#giveUp(connecting);
  }

  #leaveQueue(): void {
    this.#options.limits.releasePending();
    this.#options.stats.rqPendingActive.dec();
  }

  // Using connections.

  #attach(pooled: PooledConnection, receiver: ResponseReceiver, callbacks: PoolCallbacks, reused: boolean): void {
    pooled.requests++;
    callbacks.onPoolReady(pooled.client.newStream(receiver), this.#options.host, pooled.client.connection.local, reused);
  }

  /** A connection is free: the request that waited longest gets it, else it is kept. */
  #use(pooled: PooledConnection, reused: boolean): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      this.#leaveQueue();
      this.#attach(pooled, waiting.receiver, waiting.callbacks, reused);
      return;
    }
    if (this.#draining) {
      this.#retire(pooled);
      return;
    }
    this.#keep(pooled);
  }

  #keep(pooled: PooledConnection): void {
    const { clock, idleTimeoutMs } = this.#options;
    let keepMs = idleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : idleTimeoutMs;
    const upstreamMs = pooled.client.keepAliveTimeoutMs;
    // A second before the upstream closes, so that a request cannot cross its FIN; half of a timeout that is shorter than two.
    if (upstreamMs !== undefined) keepMs = Math.min(keepMs, Math.max(upstreamMs - 1000, upstreamMs / 2));
    if (keepMs <= 0) {
      this.#retire(pooled);
      return;
    }
    pooled.idleUntilMs = clock.monotonicMs() + keepMs;
    this.#idle.push(pooled);
    if (this.#sweep === undefined && keepMs !== Number.POSITIVE_INFINITY) this.#scheduleSweep(keepMs);
  }

  #takeIdle(): PooledConnection | undefined {
    if (this.#idle.length === 0) return undefined;
    const now = this.#options.clock.monotonicMs();
    for (;;) {
      const pooled = this.#idle.pop();
      if (pooled === undefined) return undefined;
      // Its end has been read, but the transport has not said its last word: onClosed will come.
      if (pooled.client.closed) continue;
      if (pooled.idleUntilMs > now) return pooled;
      this.#options.stats.cxIdleTimeout.inc();
      this.#retire(pooled);
    }
  }

  /** One timer for all idle connections: per request there is none to set or cancel. `#takeIdle` has the last word on use. */
  #scheduleSweep(delayMs: number): void {
    this.#sweep = this.#options.clock.setTimer(delayMs, () => this.#closeExpired(), true);
  }

  #closeExpired(): void {
    this.#sweep = undefined;
    const now = this.#options.clock.monotonicMs();
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const pooled = this.#idle[i]!;
      if (pooled.idleUntilMs > now) {
        earliest = Math.min(earliest, pooled.idleUntilMs);
        continue;
      }
      this.#idle.splice(i, 1);
      this.#options.stats.cxIdleTimeout.inc();
      this.#retire(pooled);
    }
    if (earliest !== Number.POSITIVE_INFINITY) this.#scheduleSweep(Math.max(1, earliest - now));
  }

  #retire(pooled: PooledConnection): void {
    pooled.closedLocally = true;
    pooled.client.close();
  }

  // Events of connections.

  onStreamDone(client: Http1ClientConnection, reusable: boolean): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    const { maxRequestsPerConnection, stats } = this.#options;
    if (!reusable) {
      if (!pooled.closedLocally) stats.cxCloseNotify.inc();
      pooled.closedLocally = true;
      return;
    }
    if (maxRequestsPerConnection > 0 && pooled.requests >= maxRequestsPerConnection) {
      stats.cxMaxRequests.inc();
      this.#retire(pooled);
      return;
    }
    this.#use(pooled, true);
  }

  onProtocolError(client: Http1ClientConnection, _details: string): void {
    this.#options.stats.cxProtocolError.inc();
    const pooled = this.#connections.get(client);
    if (pooled !== undefined) pooled.closedLocally = true;
    const at = this.#idle.findIndex((idle) => idle.client === client);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  onFault(fault: unknown): void {
    this.#options.onFault(fault);
  }

  onStreamBroken(client: Http1ClientConnection, locally: boolean): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    pooled.broken = true;
    pooled.closedLocally = locally;
  }

  onClosed(client: Http1ClientConnection, _failure: TransportFailure | undefined): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    this.#connections.delete(client);
    const at = this.#idle.indexOf(pooled);
    if (at !== -1) this.#idle.splice(at, 1);
    const { stats, clock } = this.#options;
    stats.cxLengthMs.record(Math.trunc(clock.monotonicMs() - client.connection.startMs));
    stats.rqPerCx.record(pooled.requests);
    stats.cxRxBytesTotal.add(client.connection.bytesReceived);
    stats.cxTxBytesTotal.add(client.connection.bytesSent);
    this.#countDestroyed(pooled.acquired, !pooled.closedLocally, pooled.broken);
    // A place within the limits is free: whoever waits for a connection may have one now.
    if (this.#waiting.length > 0) this.#connectAsNeeded();
    if (this.#idle.length === 0 && this.#draining) this.#sweep?.cancel();
  }

  #countDestroyed(acquired: boolean, remotely: boolean, withActiveRequest: boolean): void {
    const { stats, host, limits } = this.#options;
    stats.cxActive.dec();
    host.stats.cxActive--;
    stats.cxDestroy.inc();
    (remotely ? stats.cxDestroyRemote : stats.cxDestroyLocal).inc();
    if (withActiveRequest) {
      stats.cxDestroyWithActiveRq.inc();
      (remotely ? stats.cxDestroyRemoteWithActiveRq : stats.cxDestroyLocalWithActiveRq).inc();
    }
    if (acquired) limits.releaseConnection();
  }
}
