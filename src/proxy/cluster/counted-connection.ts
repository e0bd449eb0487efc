// One TCP connection to a host that no HTTP pool owns, as its cluster counts it: against max_connections, in upstream_cx_* and, as Envoy
// does for TCP, as one request. Whoever begins one ends it exactly once, by `failed`, `cancelled` or `closed`.
import { invariant } from "#runtime/invariant";
import type { Clock } from "#runtime/clock";
import type { Connection, TransportFailure } from "#proxy/net/connection";
import type { Cluster, Host } from "./cluster.ts";

export class CountedConnection {
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #startMs: number;
  #connection: Connection | undefined;
  #over = false;

  /** Undefined: the cluster has as many connections as it may have. */
  static begin(cluster: Cluster, host: Host, clock: Clock): CountedConnection | undefined {
    if (cluster.tryAcquireConnection()) return new CountedConnection(cluster, host, clock);
    cluster.connectionStats.cxOverflow.inc();
    return undefined;
  }

  private constructor(cluster: Cluster, host: Host, clock: Clock) {
    this.#cluster = cluster;
    this.#host = host;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    const { connectionStats } = cluster;
    connectionStats.cxTotal.inc();
    connectionStats.cxActive.inc();
    connectionStats.rqPendingTotal.inc();
    connectionStats.rqPendingActive.inc();
    host.stats.cxTotal++;
    host.stats.cxActive++;
  }

  connected(connection: Connection): void {
    const { connectionStats, stats, bufferLimitBytes } = this.#cluster;
    this.#connection = connection;
    if (bufferLimitBytes !== undefined) connection.bufferLimitBytes = bufferLimitBytes;
    connectionStats.rqPendingActive.dec();
    connectionStats.cxConnectMs.record(Math.trunc(this.#clock.monotonicMs() - this.#startMs));
    stats.rqTotal.inc();
    stats.rqActive.inc();
    this.#host.stats.rqTotal++;
    this.#host.stats.rqActive++;
    this.#host.activeRequests++;
  }

  failed(failure: TransportFailure): void {
    const { connectionStats } = this.#cluster;
    connectionStats.cxConnectFail.inc();
    connectionStats.rqPendingFailureEject.inc();
    connectionStats.rqPendingActive.dec();
    if (failure.kind === "connect-timeout") connectionStats.cxConnectTimeout.inc();
    this.#host.stats.cxConnectFail++;
    this.#end(failure.kind !== "connect-timeout");
  }

  /** Nobody wants it any more, and it was not there yet. */
  cancelled(): void {
    this.#cluster.connectionStats.rqPendingActive.dec();
    this.#end(false);
  }

  closed(remotely: boolean): void {
    const connection = this.#connection;
    invariant(connection !== undefined, "a connection ends that never began");
    const { connectionStats, stats } = this.#cluster;
    stats.rqActive.dec();
    this.#host.stats.rqActive--;
    this.#host.activeRequests--;
    connectionStats.cxLengthMs.record(Math.trunc(this.#clock.monotonicMs() - connection.startMs));
    connectionStats.cxRxBytesTotal.add(connection.bytesReceived);
    connectionStats.cxTxBytesTotal.add(connection.bytesSent);
    this.#end(remotely);
  }

  #end(remotely: boolean): void {
    invariant(!this.#over, "a connection ends twice");
    this.#over = true;
    const { connectionStats } = this.#cluster;
    connectionStats.cxActive.dec();
    connectionStats.cxDestroy.inc();
    (remotely ? connectionStats.cxDestroyRemote : connectionStats.cxDestroyLocal).inc();
    this.#host.stats.cxActive--;
    this.#cluster.releaseConnection();
  }
}
