// The HTTP connections to one host, of either version: those that take another stream are used last in, first out; requests that find none
// wait in a bounded queue. Matches Envoy (limits, failure of all waiting requests when a connect fails, statistics) and goes beyond it in
// one point: it obeys the upstream's `Keep-Alive: timeout`, so that no request meets a connection which the upstream is just closing.
import { invariant } from "#runtime/invariant";
import type { Clock, Timer } from "#runtime/clock";
import type { Connection, TransportFailure } from "#proxy/net/connection";
import type { ConnectCallbacks, Connector, PendingConnect } from "#proxy/net/connector";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { HttpClientConnection, HttpClientOwner } from "#proxy/http/client-connection";
import type { HttpVersion, ResponseReceiver } from "#proxy/http/stream";
import { enterBatch, leaveBatch } from "#proxy/http/write-batch";
import { connectFailureReason } from "./cluster.ts";
import type { Host, HttpConnectionPool, PendingStream, PoolCallbacks } from "./cluster.ts";
import { PendingQueue } from "./pending-queue.ts";
import { MAX_PRECONNECTS, wantsConnection } from "./preconnect.ts";
import type { Demand } from "./preconnect.ts";
import type { UpstreamConnectionStats } from "./upstream-connection-stats.ts";

/** The cluster's circuit breakers, as far as a pool needs them. What was acquired is released exactly once. */
export interface PoolLimits {
  tryAcquireConnection(): boolean;
  releaseConnection(): void;
  tryAcquirePending(): boolean;
  releasePending(): void;
}

export interface HttpPoolOptions {
  readonly host: Host;
  readonly connector: Connector;
  /** Speaks HTTP over a connection that stands. `tls` undefined: it is plain. */
  readonly makeClient: (connection: Connection, tls: TlsInfo | undefined, owner: HttpClientOwner) => HttpClientConnection;
  /** What `makeClient` makes; undefined: TLS decides. */
  readonly version: HttpVersion | undefined;
  /** So many waiting requests share one attempt to connect. */
  readonly expectedStreams: number;
  /** There is no connection, or the last one is gone, and nobody waits. */
  readonly onIdle?: () => void;
  /** preconnect_policy.per_upstream_preconnect_ratio */
  readonly preconnectRatio: number;
  readonly clock: Clock;
  readonly limits: PoolLimits;
  readonly stats: UpstreamConnectionStats;
  readonly connectTimeoutMs: number;
  /** 0: idle connections stay. */
  readonly idleTimeoutMs: number;
  /** 0: no limit. */
  readonly maxConnectionDurationMs: number;
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number;
  /** Undefined: the transport's own. */
  readonly bufferLimitBytes?: number | undefined;
  /** Code of ours threw within an event of a connection, which is closed. */
  readonly onFault: (fault: unknown) => void;
}

interface PooledConnection {
  readonly client: HttpClientConnection;
  readonly acquired: boolean;
  /** All that it had, and those on it now. */
  requests: number;
  active: number;
  /** It stands among those that take another stream. */
  ready: boolean;
  /** It takes no more streams and ends with its last one. */
  draining: boolean;
  /** Without streams: monotonic time after which it must not be used again. */
  idleUntilMs: number;
  /** We close it, or it closes because of what we did. */
  closedLocally: boolean;
  broken: boolean;
  /** Until it is too old. */
  age: Timer | undefined;
}

class Waiting implements PendingStream {
  readonly #pool: HttpPool;
  readonly receiver: ResponseReceiver;
  readonly callbacks: PoolCallbacks;

  constructor(pool: HttpPool, receiver: ResponseReceiver, callbacks: PoolCallbacks) {
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
  readonly #pool: HttpPool;
  readonly acquired: boolean;
  readonly startMs: number;
  pending: PendingConnect | undefined;

  constructor(pool: HttpPool, acquired: boolean, startMs: number) {
    this.#pool = pool;
    this.acquired = acquired;
    this.startMs = startMs;
  }

  onConnected(connection: Connection, tls: TlsInfo | undefined): void {
    this.#pool.connected(this, connection, tls);
  }

  onConnectFailed(failure: TransportFailure): void {
    this.#pool.connectFailed(this, failure);
  }
}

export class HttpPool implements HttpConnectionPool, HttpClientOwner {
  readonly #options: HttpPoolOptions;
  /** Below their limits; the one used last is at the end. */
  readonly #ready: PooledConnection[] = [];
  readonly #connections = new Map<HttpClientConnection, PooledConnection>();
  readonly #connecting = new Set<Connecting>();
  readonly #waiting: PendingQueue<Waiting>;
  #sweep: Timer | undefined;
  #draining = false;

  constructor(options: HttpPoolOptions) {
    this.#options = options;
    const { stats, host, limits } = options;
    this.#waiting = new PendingQueue(stats, host.stats, () => limits.releasePending());
  }

  get connectionCount(): number {
    return this.#connections.size + this.#connecting.size;
  }

  newStream(receiver: ResponseReceiver, callbacks: PoolCallbacks): PendingStream | undefined {
    const ready = this.#takeReady();
    if (ready !== undefined) {
      this.#attach(ready, receiver, callbacks, true);
      if (this.#options.preconnectRatio > 1) this.#connectAhead();
      return undefined;
    }
    const { limits, stats } = this.#options;
    if (!limits.tryAcquirePending()) {
      stats.rqPendingOverflow.inc();
      this.#tellWhenIdle();
      callbacks.onPoolFailure("overflow", undefined, this.#options.host);
      return undefined;
    }
    const waiting = new Waiting(this, receiver, callbacks);
    this.#waiting.add(waiting);
    this.#connectAsNeeded();
    if (this.#options.preconnectRatio > 1) this.#connectAhead();
    return waiting;
  }

  get demand(): Demand {
    const { expectedStreams } = this.#options;
    let active = 0;
    let unused = this.#connecting.size * expectedStreams;
    for (const pooled of this.#connections.values()) {
      active += pooled.active;
      unused += this.#roomOn(pooled);
    }
    return { pending: this.#waiting.length, active, unused };
  }

  preconnect(ratio: number): boolean {
    const wanted = !this.#draining && this.#options.host.health === "healthy" && wantsConnection(this.demand, ratio, 1);
    if (wanted) return this.#connect();
    this.#tellWhenIdle();
    return false;
  }

  drain(): void {
    this.#draining = true;
    for (const pooled of this.#ready.splice(0)) {
      pooled.ready = false;
      if (pooled.active === 0) this.#retire(pooled);
    }
    this.#giveUpSurplus();
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  // Connecting.

  #connectAsNeeded(): void {
    const { expectedStreams } = this.#options;
    while (this.#connecting.size * expectedStreams < this.#waiting.length) if (!this.#connect()) return;
  }

  /** As Envoy: hosts that are not healthy are not given more to do. */
  #connectAhead(): void {
    const { host, preconnectRatio } = this.#options;
    if (this.#draining || host.health !== "healthy") return;
    for (let i = 0; i < MAX_PRECONNECTS && wantsConnection(this.demand, preconnectRatio); i++) if (!this.#connect()) return;
  }

  /** False: the limits leave no more. */
  #connect(): boolean {
    const { limits, stats, host, clock, connector, connectTimeoutMs, version } = this.#options;
    const acquired = limits.tryAcquireConnection();
    if (!acquired) {
      stats.cxOverflow.inc();
      // As Envoy: a host without any connection gets one in any case, or what waits here could wait for ever.
      if (this.connectionCount > 0) return false;
    }
    stats.cxTotal.inc();
    stats.cxActive.inc();
    // As Envoy: also of connections that will not stand.
    if (version !== undefined) this.#countVersion(version);
    host.stats.cxTotal++;
    host.stats.cxActive++;
    const connecting = new Connecting(this, acquired, clock.monotonicMs());
    this.#connecting.add(connecting);
    connecting.pending = connector.connect(host.address, connectTimeoutMs, connecting);
    return acquired;
  }

  connected(connecting: Connecting, connection: Connection, tls: TlsInfo | undefined): void {
    invariant(this.#connecting.delete(connecting), "a connect ends twice");
    const { clock, stats, bufferLimitBytes, makeClient, version, maxConnectionDurationMs } = this.#options;
    if (bufferLimitBytes !== undefined) connection.bufferLimitBytes = bufferLimitBytes;
    stats.cxConnectMs.record(Math.trunc(clock.monotonicMs() - connecting.startMs));
    enterBatch();
    try {
      const client = makeClient(connection, tls, this);
      if (version === undefined) this.#countVersion(client.version);
      const pooled: PooledConnection = {
        client,
        acquired: connecting.acquired,
        requests: 0,
        active: 0,
        ready: false,
        draining: false,
        idleUntilMs: 0,
        closedLocally: false,
        broken: false,
        age: undefined,
      };
      if (maxConnectionDurationMs > 0) pooled.age = clock.setTimer(maxConnectionDurationMs, () => this.#outgrow(pooled), true);
      this.#connections.set(client, pooled);
      try {
        this.#use(pooled, false);
      } catch (fault) {
        this.#options.onFault(fault);
        this.#retire(pooled);
      }
      // It may take fewer streams than was expected of it.
      this.#connectAsNeeded();
    } finally {
      leaveBatch();
    }
  }

  #countVersion(version: HttpVersion): void {
    const { stats } = this.#options;
    (version === "HTTP/2" ? stats.cxHttp2Total : stats.cxHttp1Total).inc();
  }

  connectFailed(connecting: Connecting, failure: TransportFailure): void {
    invariant(this.#connecting.delete(connecting), "a connect ends twice");
    const { stats, host } = this.#options;
    const reason = connectFailureReason(failure);
    const timedOut = failure.kind === "connect-timeout";
    stats.cxConnectFail.inc();
    if (timedOut) stats.cxConnectTimeout.inc();
    host.stats.cxConnectFail++;
    this.#countDestroyed(connecting.acquired, !timedOut, false);
    // As Envoy: all that wait fail, so that their owners can choose another host now rather than queue for a broken one.
    this.#waiting.fail(({ callbacks }) => callbacks.onPoolFailure(reason, failure, host));
    this.#tellWhenIdle();
  }

  #giveUp(connecting: Connecting): void {
    this.#connecting.delete(connecting);
    connecting.pending?.cancel();
    this.#countDestroyed(connecting.acquired, false, false);
    this.#tellWhenIdle();
  }

  cancelWaiting(waiting: Waiting): void {
    if (this.#waiting.remove(waiting) && this.#draining) this.#giveUpSurplus();
    this.#tellWhenIdle();
  }

  /** Connects that nobody waits for any more are not worth finishing. */
  #giveUpSurplus(): void {
    const { expectedStreams } = this.#options;
    for (const connecting of this.#connecting)
      if ((this.#connecting.size - 1) * expectedStreams >= this.#waiting.length) this.#giveUp(connecting);
  }

  // Using connections.

  /** There must be room on it. */
  #attach(pooled: PooledConnection, receiver: ResponseReceiver, callbacks: PoolCallbacks, reused: boolean): void {
    const { maxRequestsPerConnection, stats, host } = this.#options;
    const { client } = pooled;
    pooled.requests++;
    pooled.active++;
    if (maxRequestsPerConnection > 0 && pooled.requests >= maxRequestsPerConnection) {
      stats.cxMaxRequests.inc();
      pooled.draining = true;
    }
    if (pooled.ready && !this.#hasRoom(pooled)) this.#leaveReady(pooled);
    callbacks.onPoolReady(client.newStream(receiver), host, client.connection.local, reused);
  }

  #hasRoom(pooled: PooledConnection): boolean {
    return !pooled.draining && !pooled.client.closed && pooled.active < pooled.client.streamLimit;
  }

  /** How many more streams it can take, the limit of requests on one connection included. */
  #roomOn(pooled: PooledConnection): number {
    if (!this.#hasRoom(pooled)) return 0;
    const { maxRequestsPerConnection } = this.#options;
    const left = maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : maxRequestsPerConnection - pooled.requests;
    return Math.min(pooled.client.streamLimit - pooled.active, left);
  }

  /** A connection has room: the requests that waited longest get it. What is left of it is kept for others. */
  #use(pooled: PooledConnection, reused: boolean): void {
    while (this.#waiting.length > 0 && this.#hasRoom(pooled)) {
      const waiting = this.#waiting.take()!;
      this.#attach(pooled, waiting.receiver, waiting.callbacks, reused);
    }
    if (this.#draining || pooled.draining) {
      if (pooled.active === 0) this.#retire(pooled);
      return;
    }
    if (pooled.active === 0) this.#startIdling(pooled);
    if (!pooled.ready && this.#hasRoom(pooled)) {
      pooled.ready = true;
      this.#ready.push(pooled);
    }
  }

  #startIdling(pooled: PooledConnection): void {
    const { clock, idleTimeoutMs } = this.#options;
    let keepMs = idleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : idleTimeoutMs;
    const upstreamMs = pooled.client.keepAliveTimeoutMs;
    // A second before the upstream closes, so that a request cannot cross its FIN; half of a timeout that is shorter than two.
    if (upstreamMs !== undefined) keepMs = Math.min(keepMs, Math.max(upstreamMs - 1000, upstreamMs / 2));
    if (keepMs <= 0) {
      pooled.draining = true;
      this.#retire(pooled);
      return;
    }
    pooled.idleUntilMs = clock.monotonicMs() + keepMs;
    if (this.#sweep === undefined && keepMs !== Number.POSITIVE_INFINITY) this.#scheduleSweep(keepMs);
  }

  #takeReady(): PooledConnection | undefined {
    for (;;) {
      const pooled = this.#ready.at(-1);
      if (pooled === undefined) return undefined;
      // Its end has been read, but the transport has not said its last word: onClosed will come.
      if (this.#hasRoom(pooled)) {
        if (pooled.active > 0 || pooled.idleUntilMs > this.#options.clock.monotonicMs()) return pooled;
        this.#options.stats.cxIdleTimeout.inc();
        this.#retire(pooled);
      }
      this.#leaveReady(pooled);
    }
  }

  #leaveReady(pooled: PooledConnection): void {
    if (!pooled.ready) return;
    pooled.ready = false;
    if (this.#ready.at(-1) === pooled) this.#ready.pop();
    else this.#ready.splice(this.#ready.indexOf(pooled), 1);
  }

  /** One timer for all idle connections: per request there is none to set or cancel. `#takeReady` has the last word on use. */
  #scheduleSweep(delayMs: number): void {
    this.#sweep = this.#options.clock.setTimer(delayMs, () => this.#closeExpired(), true);
  }

  #closeExpired(): void {
    this.#sweep = undefined;
    const now = this.#options.clock.monotonicMs();
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = this.#ready.length - 1; i >= 0; i--) {
      const pooled = this.#ready[i]!;
      if (pooled.active > 0) continue;
      if (pooled.idleUntilMs > now) {
        earliest = Math.min(earliest, pooled.idleUntilMs);
        continue;
      }
      this.#leaveReady(pooled);
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

  onStreamDone(client: HttpClientConnection, reusable: boolean): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    pooled.active--;
    if (!reusable) {
      pooled.closedLocally ||= client.ended !== true;
      return;
    }
    this.#use(pooled, true);
  }

  onStreamReset(_client: HttpClientConnection, locally: boolean): void {
    const { stats } = this.#options;
    (locally ? stats.rqTxReset : stats.rqRxReset).inc();
  }

  onStreamLimit(client: HttpClientConnection): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    if (!this.#hasRoom(pooled)) this.#leaveReady(pooled);
    else this.#use(pooled, true);
    if (this.#waiting.length > 0) this.#connectAsNeeded();
  }

  onGoAway(client: HttpClientConnection): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined || pooled.draining) return;
    this.#options.stats.cxCloseNotify.inc();
    this.#drainOne(pooled);
  }

  /** max_connection_duration is over. */
  #outgrow(pooled: PooledConnection): void {
    this.#options.stats.cxMaxDurationReached.inc();
    if (!pooled.draining) this.#drainOne(pooled);
  }

  #drainOne(pooled: PooledConnection): void {
    pooled.draining = true;
    this.#leaveReady(pooled);
    if (pooled.active === 0) this.#retire(pooled);
  }

  onProtocolError(client: HttpClientConnection, _details: string): void {
    this.#options.stats.cxProtocolError.inc();
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    pooled.closedLocally = true;
    this.#leaveReady(pooled);
  }

  onFault(fault: unknown): void {
    this.#options.onFault(fault);
  }

  onStreamBroken(client: HttpClientConnection, locally: boolean): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    pooled.active--;
    pooled.broken = true;
    if (client.version === "HTTP/2") this.#options.stats.rqPendingFailureEject.inc();
    pooled.closedLocally = locally;
  }

  onClosed(client: HttpClientConnection, _failure: TransportFailure | undefined): void {
    const pooled = this.#connections.get(client);
    if (pooled === undefined) return;
    this.#connections.delete(client);
    this.#leaveReady(pooled);
    pooled.age?.cancel();
    const { stats, clock } = this.#options;
    stats.cxLengthMs.record(Math.trunc(clock.monotonicMs() - client.connection.startMs));
    stats.rqPerCx.record(pooled.requests);
    stats.cxRxBytesTotal.add(client.connection.bytesReceived);
    stats.cxTxBytesTotal.add(client.connection.bytesSent);
    this.#countDestroyed(pooled.acquired, !pooled.closedLocally && client.closedByUs !== true, pooled.broken);
    // A place within the limits is free: whoever waits for a connection may have one now.
    if (this.#waiting.length > 0) this.#connectAsNeeded();
    if (this.#ready.length === 0 && this.#draining) this.#sweep?.cancel();
    this.#tellWhenIdle();
  }

  #tellWhenIdle(): void {
    if (this.connectionCount === 0 && this.#waiting.length === 0) this.#options.onIdle?.();
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
