// One TCP connection to a host that no HTTP pool owns, as its cluster counts it: against max_connections, in upstream_cx_* and, as Envoy
// does for TCP, as one request from when it is used. Whoever begins one ends it exactly once, by `failed`, `cancelled` or `closed`.
import { invariant } from "#runtime/invariant";
import type { Clock } from "#runtime/clock";
import type { Connection, TransportFailure } from "#proxy/net/connection";
import type { Cluster, Host } from "./cluster.ts";

export class CountedConnection {
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #onOver: (connection: CountedConnection) => void;
  #connection: Connection | undefined;
  #used = false;
  #closedHere = false;
  #over = false;

  /** Undefined: the cluster has as many connections as it may have. `onOver`: it is counted no more. */
  static begin(cluster: Cluster, host: Host, clock: Clock, onOver: (connection: CountedConnection) => void): CountedConnection | undefined {
    if (cluster.tryAcquireConnection()) return new CountedConnection(cluster, host, clock, onOver);
    cluster.connectionStats.cxOverflow.inc();
    return undefined;
  }

  private constructor(cluster: Cluster, host: Host, clock: Clock, onOver: (connection: CountedConnection) => void) {
    this.#cluster = cluster;
    this.#host = host;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#onOver = onOver;
    const { connectionStats } = cluster;
    connectionStats.cxTotal.inc();
    connectionStats.cxActive.inc();
    host.stats.cxTotal++;
    host.stats.cxActive++;
  }

  connected(connection: Connection): void {
    const { connectionStats, bufferLimitBytes } = this.#cluster;
    this.#connection = connection;
    if (bufferLimitBytes !== undefined) connection.bufferLimitBytes = bufferLimitBytes;
    connectionStats.cxConnectMs.record(Math.trunc(this.#clock.monotonicMs() - this.#startMs));
  }

  /** Somebody has it now. */
  use(): void {
    const { stats } = this.#cluster;
    this.#used = true;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    this.#host.stats.rqTotal++;
    this.#host.stats.rqActive++;
    this.#host.activeRequests++;
  }

  failed(failure: TransportFailure): void {
    const { connectionStats } = this.#cluster;
    connectionStats.cxConnectFail.inc();
    if (failure.kind === "connect-timeout") connectionStats.cxConnectTimeout.inc();
    this.#host.stats.cxConnectFail++;
    this.#end(failure.kind !== "connect-timeout");
  }

  /** Nobody wants it any more, and it was not there yet. */
  cancelled(): void {
    this.#end(false);
  }

  /** `closed` follows, from whoever has it. */
  close(): void {
    this.#closedHere = true;
    this.#connection?.close("now");
  }

  closed(remotely: boolean): void {
    const connection = this.#connection;
    invariant(connection !== undefined, "a connection ends that never began");
    const { connectionStats, stats } = this.#cluster;
    if (this.#used) {
      stats.rqActive.dec();
      this.#host.stats.rqActive--;
      this.#host.activeRequests--;
    }
    connectionStats.cxLengthMs.record(Math.trunc(this.#clock.monotonicMs() - connection.startMs));
    connectionStats.cxRxBytesTotal.add(connection.bytesReceived);
    connectionStats.cxTxBytesTotal.add(connection.bytesSent);
    this.#end(remotely && !this.#closedHere);
  }

  #end(remotely: boolean): void {
    invariant(!this.#over, "a connection ends twice");
    this.#over = true;
    const { connectionStats } = this.#cluster;
    connectionStats.cxActive.dec();
    connectionStats.cxDestroy.inc();
    (remotely ? connectionStats.cxDestroyRemote : connectionStats.cxDestroyLocal).inc();
    if (this.#used) {
      connectionStats.cxDestroyWithActiveRq.inc();
      (remotely ? connectionStats.cxDestroyRemoteWithActiveRq : connectionStats.cxDestroyLocalWithActiveRq).inc();
    }
    this.#host.stats.cxActive--;
    this.#cluster.releaseConnection();
    this.#onOver(this);
  }
}
