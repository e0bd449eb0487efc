// The TCP connections to one host: each is used by one downstream connection and never again; some may be opened ahead (preconnect.ts).
// Matches Envoy: what waits takes the first connection that comes, and all of it fails with the first that does not.
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import type { Connector, PendingConnect } from "#proxy/net/connector";
import { own } from "#proxy/net/read-buffer";
import type { Clock, Timer } from "#runtime/clock";
import { connectFailureReason } from "./cluster.ts";
import type { Cluster, ConnectFailureReason, Host, PendingStream, TcpConnectionPool, TcpPoolCallbacks } from "./cluster.ts";
import { CountedConnection } from "./counted-connection.ts";
import { PendingQueue } from "./pending-queue.ts";
import { MAX_PRECONNECTS, wantsConnection } from "./preconnect.ts";
import type { Demand } from "./preconnect.ts";

export interface TcpPoolOptions {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly connector: Connector;
  readonly clock: Clock;
  /** preconnect_policy.per_upstream_preconnect_ratio */
  readonly preconnectRatio: number;
}

/** Of connections that nobody has used yet: Envoy's default. */
const IDLE_MS = 600_000;

/** One attempt to connect. */
interface Connecting {
  readonly counted: CountedConnection;
  pending: PendingConnect | undefined;
}

/** It stands, and nobody uses it yet. What its host says first is kept for whoever will. */
class Unused implements ConnectionHandler {
  readonly connection: Connection;
  readonly counted: CountedConnection;
  readonly #onLost: (unused: Unused) => void;
  readonly #idle: Timer;
  readonly #early: Buffer[] = [];
  #ended = false;

  constructor(connection: Connection, counted: CountedConnection, idle: Timer, onLost: (unused: Unused) => void) {
    this.connection = connection;
    this.counted = counted;
    this.#idle = idle;
    this.#onLost = onLost;
    connection.handler = this;
  }

  onData(chunk: Buffer): void {
    this.#early.push(own(chunk));
    if (this.#early.length === 1) this.connection.pauseReading("upstream-not-ready");
  }

  onEnd(): void {
    this.#ended = true;
  }

  onDrain(): void {}

  onClose(): void {
    this.#idle.cancel();
    this.#onLost(this);
    this.counted.closed(true);
  }

  /** Somebody takes it. */
  leave(): void {
    this.#idle.cancel();
  }

  /** Its new handler hears what came before. */
  replay(): void {
    for (const chunk of this.#early) this.connection.handler.onData(chunk);
    if (this.#ended) this.connection.handler.onEnd();
    if (this.#early.length > 0) this.connection.resumeReading("upstream-not-ready");
  }
}

export class TcpPool implements TcpConnectionPool {
  readonly #options: TcpPoolOptions;
  readonly #connecting = new Set<Connecting>();
  readonly #unused: Unused[] = [];
  readonly #used = new Set<CountedConnection>();
  readonly #waiting: PendingQueue<TcpPoolCallbacks>;
  #draining = false;

  constructor(options: TcpPoolOptions) {
    this.#options = options;
    // Only max_connections bounds what waits here.
    this.#waiting = new PendingQueue(options.cluster.connectionStats, options.host.stats, () => {});
  }

  get host(): Host {
    return this.#options.host;
  }

  get connectionCount(): number {
    return this.#connecting.size + this.#unused.length + this.#used.size;
  }

  get demand(): Demand {
    return { pending: this.#waiting.length, active: this.#used.size, unused: this.#connecting.size + this.#unused.length };
  }

  /** Calls back at once when a connection is there. Returns undefined after it called back. */
  newConnection(callbacks: TcpPoolCallbacks): PendingStream | undefined {
    const unused = this.#unused.shift();
    if (unused !== undefined) {
      this.#attach(unused.connection, unused.counted, callbacks, unused);
      this.#connectAhead(MAX_PRECONNECTS);
      return undefined;
    }
    const connects = this.#connecting.size > this.#waiting.length;
    if (!connects && !this.#connect()) {
      callbacks.onPoolFailure("overflow", undefined);
      return undefined;
    }
    this.#waiting.add(callbacks);
    this.#connectAhead(connects ? MAX_PRECONNECTS : MAX_PRECONNECTS - 1);
    return { cancel: () => this.#cancel(callbacks) };
  }

  /** For a connection that is expected soon. False: it is not worth it, or it may not be. */
  preconnect(ratio: number): boolean {
    if (this.#draining || this.#options.host.health !== "healthy" || !wantsConnection(this.demand, ratio, 1)) return false;
    return this.#connect();
  }

  /** No new connections; those that are used go on. */
  drain(): void {
    this.#draining = true;
    for (const { counted } of this.#unused) counted.close();
    for (const connecting of this.#connecting) if (this.#connecting.size > this.#waiting.length) this.#giveUp(connecting);
  }

  /** close_connections_on_host_health_failure: those that are used go, too. */
  closeConnections(): void {
    this.drain();
    for (const counted of this.#used) counted.close();
    for (const connecting of this.#connecting) this.#giveUp(connecting);
    this.#failWaiting("connection-failure", { kind: "connect-failed", detail: "the host failed its health check" });
  }

  #connectAhead(most: number): void {
    const { preconnectRatio, host } = this.#options;
    if (preconnectRatio <= 1 || this.#draining || host.health !== "healthy") return;
    for (let i = 0; i < most && wantsConnection(this.demand, preconnectRatio); i++) if (!this.#connect()) return;
  }

  #connect(): boolean {
    const { cluster, host, clock, connector } = this.#options;
    const counted = CountedConnection.begin(cluster, host, clock, (over) => void this.#used.delete(over));
    if (counted === undefined) return false;
    const connecting: Connecting = { counted, pending: undefined };
    this.#connecting.add(connecting);
    connecting.pending = connector.connect(host.address, cluster.connectTimeoutMs, {
      onConnected: (connection) => this.#onConnected(connecting, connection),
      onConnectFailed: (failure) => this.#onConnectFailed(connecting, failure),
    });
    return true;
  }

  #onConnected(connecting: Connecting, connection: Connection): void {
    const { counted } = connecting;
    this.#connecting.delete(connecting);
    counted.connected(connection);
    const waiting = this.#waiting.take();
    if (waiting === undefined) {
      const idle = this.#options.clock.setTimer(
        IDLE_MS,
        () => {
          this.#options.cluster.connectionStats.cxIdleTimeout.inc();
          counted.close();
        },
        true,
      );
      this.#unused.push(new Unused(connection, counted, idle, (lost) => this.#forget(lost)));
      return;
    }
    this.#attach(connection, counted, waiting);
  }

  #forget(lost: Unused): void {
    const at = this.#unused.indexOf(lost);
    if (at !== -1) this.#unused.splice(at, 1);
  }

  #onConnectFailed(connecting: Connecting, failure: TransportFailure): void {
    this.#connecting.delete(connecting);
    connecting.counted.failed(failure);
    this.#failWaiting(connectFailureReason(failure), failure);
  }

  #failWaiting(reason: ConnectFailureReason, failure: TransportFailure): void {
    this.#waiting.fail((callbacks) => callbacks.onPoolFailure(reason, failure));
  }

  #attach(connection: Connection, counted: CountedConnection, callbacks: TcpPoolCallbacks, unused?: Unused): void {
    this.#used.add(counted);
    counted.use();
    unused?.leave();
    callbacks.onPoolReady(connection, counted);
    unused?.replay();
  }

  #cancel(callbacks: TcpPoolCallbacks): void {
    if (!this.#waiting.remove(callbacks)) return;
    // As Envoy: one goes with it, where there are enough for the others.
    if (this.#connecting.size > this.#waiting.length) this.#giveUp(this.#connecting.values().next().value!);
  }

  #giveUp(connecting: Connecting): void {
    this.#connecting.delete(connecting);
    connecting.pending?.cancel();
    connecting.counted.cancelled();
  }
}
