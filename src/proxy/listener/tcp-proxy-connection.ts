// One proxied TCP connection: downstream is paused until the upstream stands, then each side is the other's backpressure.
import type { Cluster, Host, PendingStream, UsedConnection } from "#proxy/cluster/cluster";
import { FilterState } from "#proxy/http/filter-state";
import { DISABLE_TUNNELING_KEY, IDLE_TIMEOUT_KEY } from "#proxy/http/filter-state-values";
import { StreamRecord } from "#proxy/http/stream-record";
import type { AccessLogType, StreamInfo } from "#proxy/http/stream-info";
import type { Connection, ConnectionHandler, ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { ThreadContext } from "#proxy/thread-context";
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";
import type { Timer } from "#runtime/clock";
import type { ConnectionContext } from "./network-filter.ts";
import { HttpTunnel, headersAsText } from "./http-tunnel.ts";
import type { TcpProxyCluster, TcpProxyConfig } from "./tcp-proxy-config.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";
import type { TunnelingConfig } from "./tunneling-config.ts";

/** Where the answer to the request for a tunnel is left for access logs. */
const RESPONSE_HEADERS_KEY = "envoy.tcp_proxy.propagate_response_headers";
const RESPONSE_TRAILERS_KEY = "envoy.tcp_proxy.propagate_response_trailers";

export interface TcpProxyStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly noRoute: Counter;
  readonly received: Counter;
  readonly sent: Counter;
  readonly idleTimeout: Counter;
  readonly maxDuration: Counter;
  readonly flowPaused: Counter;
  readonly flowResumed: Counter;
}

export function makeTcpProxyStats(scope: StatsScope): TcpProxyStats {
  return {
    cxTotal: scope.counter("downstream_cx_total"),
    cxActive: scope.gauge("downstream_cx_active"),
    noRoute: scope.counter("downstream_cx_no_route"),
    received: scope.counter("downstream_cx_rx_bytes_total"),
    sent: scope.counter("downstream_cx_tx_bytes_total"),
    idleTimeout: scope.counter("idle_timeout"),
    flowPaused: scope.counter("downstream_flow_control_paused_reading_total"),
    flowResumed: scope.counter("downstream_flow_control_resumed_reading_total"),
    maxDuration: scope.counter("max_downstream_connection_duration"),
  };
}

export class TcpProxyConnection {
  readonly #context: ConnectionContext;
  readonly #config: TcpProxyConfig;
  readonly #thread: ThreadContext;
  readonly #stats: TcpProxyStats;
  readonly #logger: { log(info: StreamInfo): void } | undefined;
  readonly #info: StreamRecord;
  readonly #randomValue: number;
  #upstream: TcpUpstream | undefined;
  #connecting: PendingStream | undefined;
  #tunnel: HttpTunnel | undefined;
  #idle: Timer | undefined;
  #duration: Timer | undefined;
  #logFlush: Timer | undefined;
  readonly #idleTimeoutMs: number;
  #lastActivityMs = 0;
  #over = false;
  /** Whose end was the last: that of the whole. */
  #endedLast: "client" | "upstream" | undefined;
  /** Is not read from until the other side has taken what it has. */
  #clientPaused = false;
  /** The same of the upstream: where that is counted. */
  #pausedFor: Cluster["stats"] | undefined;

  constructor(
    context: ConnectionContext,
    config: TcpProxyConfig,
    thread: ThreadContext,
    stats: TcpProxyStats,
    logger: { log(info: StreamInfo): void } | undefined,
  ) {
    this.#context = context;
    this.#config = config;
    this.#thread = thread;
    this.#stats = stats;
    this.#logger = logger;
    this.#randomValue = thread.random.next();
    this.#info = new StreamRecord(thread.clock.wallMs(), thread.clock.monotonicMs(), context.info);
    this.#idleTimeoutMs = ownIdleTimeoutMs(context.info) ?? config.idleTimeoutMs;
    this.#info.dynamicMetadata = context.info.dynamicMetadata;
    context.streamInfo = this.#info;
  }

  start(): void {
    const { connection } = this.#context;
    this.#stats.cxTotal.inc();
    this.#stats.cxActive.inc();
    connection.handler = this.#downstreamHandler();
    connection.pauseReading("upstream-not-ready");
    const { maxDurationMs, accessLogFlushIntervalMs } = this.#config;
    if (this.#logger !== undefined && accessLogFlushIntervalMs > 0) this.#flushLogIn(accessLogFlushIntervalMs);
    if (maxDurationMs > 0) this.#duration = this.#thread.clock.setTimer(maxDurationMs, () => this.#onMaxDuration(), true);
    this.#connect();
  }

  #chooseCluster(): Pick<TcpProxyCluster, "name" | "metadataMatch"> {
    const chosen = this.#context.tcpProxyCluster;
    const { clusters, totalWeight, metadataMatch } = this.#config;
    if (chosen !== undefined) return { name: chosen, metadataMatch };
    let point = this.#randomValue * totalWeight;
    for (const cluster of clusters) {
      point -= cluster.weight;
      if (point < 0) return cluster;
    }
    return clusters[clusters.length - 1]!;
  }

  #connect(): void {
    const { name, metadataMatch } = this.#chooseCluster();
    const cluster = this.#thread.clusters.get(name);
    if (cluster === undefined) {
      this.#info.flags.add("NC");
      this.#stats.noRoute.inc();
      this.#giveUp();
      return;
    }
    this.#info.upstreamCluster = name;
    const host = cluster.chooseHost({
      randomValue: this.#randomValue,
      hash: this.#config.hash?.(this.#context.info),
      hostSelectionAttempts: 0,
      shouldSelectAnotherHost: () => false,
      metadataMatch,
      originalDestination: this.#context.originalDestination,
      info: this.#info,
    });
    if (host === undefined) {
      this.#withoutHost();
      return;
    }
    const { tunneling } = this.#config;
    if (tunneling === undefined || this.#context.info.filterState?.get(DISABLE_TUNNELING_KEY) === "true")
      this.#openConnection(cluster, host);
    else this.#openTunnel(cluster, host, tunneling);
  }

  #withoutHost(): void {
    this.#info.flags.add("UH");
    this.#giveUp();
  }

  #openConnection(cluster: Cluster, host: Host): void {
    const info = this.#info;
    info.upstreamHost = host.address;
    info.attemptCount++;
    this.#connecting = cluster.tcpPool(host, this.#context.info).newConnection({
      onPoolReady: (upstream, used) => this.#onConnected(upstream, cluster, host, used),
      onPoolFailure: (reason, failure) => {
        this.#connecting = undefined;
        if (reason === "overflow") {
          // Nothing was tried.
          info.upstreamHost = undefined;
          info.attemptCount--;
          info.flags.add("UO");
          this.#giveUp();
          return;
        }
        this.#tryAgain(cluster, host, reason === "connection-timeout" ? "timeout" : "connect-failed", failure?.detail ?? "");
      },
    });
  }

  #openTunnel(cluster: Cluster, host: Host, tunneling: TunnelingConfig): void {
    const info = this.#info;
    const request = tunneling.requestHeaders(info, cluster.speaksTls(host));
    info.upstreamHost = host.address;
    info.attemptCount++;
    const tunnel = new HttpTunnel(
      {
        onTunnelReady: (local) => {
          this.#onUpstream(tunnel, host, local);
          return this.#upstreamHandler(cluster, undefined);
        },
        onTunnelFailed: (cause, detail) => {
          this.#tunnel = undefined;
          if (cause !== "overflow") {
            this.#tryAgain(cluster, host, cause === "connect-timeout" ? "timeout" : "connect-failed", detail);
            return;
          }
          info.flags.add("UO");
          this.#giveUp();
        },
        onTunnelHeaders: (headers) => {
          if (tunneling.propagatesResponseHeaders) this.#leave(RESPONSE_HEADERS_KEY, headersAsText(headers.status, headers));
        },
        onTunnelTrailers: (trailers) => {
          if (tunneling.propagatesResponseTrailers) this.#leave(RESPONSE_TRAILERS_KEY, headersAsText(undefined, trailers));
        },
      },
      cluster,
      host,
      request,
    );
    this.#tunnel = tunnel;
    const pool = cluster.pool(host, this.#context.info, request.authority, undefined);
    if (pool === undefined) this.#withoutHost();
    else tunnel.start(pool);
  }

  #leave(key: string, text: string): void {
    const { info } = this.#context;
    const state = (this.#info.filterState ??= info.filterState ??= new FilterState());
    state.set(key, text, false);
  }

  #tryAgain(cluster: Cluster, host: Host, result: "timeout" | "connect-failed", detail: string): void {
    if (this.#over) return;
    host.outlierMonitor?.putResult(result);
    this.#info.upstreamTransportFailure = detail;
    if (this.#info.attemptCount < this.#config.maxConnectAttempts) {
      this.#connect();
      return;
    }
    this.#info.flags.add("UF");
    // Envoy says so also of the only attempt.
    cluster.connectionStats.cxConnectAttemptsExceeded.inc();
    this.#info.flags.add("URX");
    this.#giveUp();
  }

  #onConnected(upstream: Connection, cluster: Cluster, host: Host, used: UsedConnection): void {
    this.#connecting = undefined;
    upstream.handler = this.#upstreamHandler(cluster, used);
    this.#onUpstream(upstream, host, upstream.local);
  }

  #onUpstream(upstream: TcpUpstream, host: Host, local: SocketAddress | undefined): void {
    this.#upstream = upstream;
    host.outlierMonitor?.putResult("connect-success-final");
    this.#info.upstreamLocal = local;
    if (this.#config.logsOnConnected) this.#log("TcpUpstreamConnected");
    this.#context.connection.resumeReading("upstream-not-ready");
    this.#touch();
    this.#watchIdle();
  }

  #downstreamHandler(): ConnectionHandler {
    return {
      onData: (chunk) => {
        this.#touch();
        this.#stats.received.add(chunk.length);
        this.#info.bytesReceived += chunk.length;
        if (this.#upstream?.write(chunk) === false) this.#pauseClient();
      },
      onEnd: () => {
        this.#endedLast = "client";
        this.#upstream?.end();
      },
      onDrain: () => this.#resumeUpstream(),
      onClose: (failure) => {
        if (failure !== undefined) this.#endedLast = "client";
        this.#upstream?.close(failure === undefined ? "flush" : "reset");
        this.#finish();
      },
    };
  }

  #upstreamHandler(cluster: Cluster, used: UsedConnection | undefined): ConnectionHandler {
    const { connection } = this.#context;
    return {
      onData: (chunk) => {
        this.#touch();
        this.#stats.sent.add(chunk.length);
        if (!connection.write(chunk)) this.#pauseUpstream(cluster);
      },
      onEnd: () => {
        this.#endedLast = "upstream";
        connection.end();
      },
      onDrain: () => this.#resumeClient(),
      onClose: (failure) => {
        // As Envoy, which has no flag for a client's reset.
        if (used !== undefined && failure?.kind === "reset") this.#info.flags.add("UR");
        // An upstream that follows the client was closed by us.
        if (failure !== undefined) this.#endedLast = "upstream";
        used?.closed((this.#endedLast ?? (this.#over ? "client" : "upstream")) === "upstream");
        connection.close(failure === undefined ? "flush" : "reset");
      },
    };
  }

  #onMaxDuration(): void {
    this.#stats.maxDuration.inc();
    this.#info.flags.add("DT");
    this.#context.connection.close("now");
  }

  /** As Envoy: what the client said and nobody took makes the end a reset. */
  #giveUp(): void {
    const { connection } = this.#context;
    connection.close(connection.bytesReceived > 0 ? "reset" : "now");
  }

  #pauseClient(): void {
    if (this.#clientPaused) return;
    this.#clientPaused = true;
    this.#stats.flowPaused.inc();
    this.#context.connection.pauseReading("backpressure");
  }

  #resumeClient(): void {
    if (!this.#clientPaused) return;
    this.#clientPaused = false;
    this.#stats.flowResumed.inc();
    this.#context.connection.resumeReading("backpressure");
  }

  #pauseUpstream({ stats }: Cluster): void {
    if (this.#pausedFor !== undefined) return;
    this.#pausedFor = stats;
    stats.flowPaused.inc();
    this.#upstream?.pauseReading("backpressure");
  }

  #resumeUpstream(): void {
    const stats = this.#pausedFor;
    if (stats === undefined) return;
    this.#pausedFor = undefined;
    stats.flowResumed.inc();
    this.#upstream?.resumeReading("backpressure");
  }

  #touch(): void {
    this.#lastActivityMs = this.#thread.clock.monotonicMs();
  }

  // One timer that is set anew when it fires: a timer per chunk would cost more than what it guards.
  #watchIdle(): void {
    const idleTimeoutMs = this.#idleTimeoutMs;
    if (idleTimeoutMs === 0 || this.#over) return;
    const left = this.#lastActivityMs + idleTimeoutMs - this.#thread.clock.monotonicMs();
    if (left > 0) {
      this.#idle = this.#thread.clock.setTimer(left, () => this.#watchIdle(), true);
      return;
    }
    this.#stats.idleTimeout.inc();
    this.#context.connection.close("now");
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#idle?.cancel();
    this.#duration?.cancel();
    this.#connecting?.cancel();
    this.#tunnel?.cancel();
    this.#logFlush?.cancel();
    this.#stats.cxActive.dec();
    this.#info.endMs = this.#thread.clock.monotonicMs();
    this.#log("TcpConnectionEnd");
  }

  #flushLogIn(intervalMs: number): void {
    this.#logFlush = this.#thread.clock.setTimer(
      intervalMs,
      () => {
        this.#log("TcpPeriodic");
        this.#flushLogIn(intervalMs);
      },
      true,
    );
  }

  #log(type: AccessLogType): void {
    if (this.#logger === undefined) return;
    this.#info.accessLogType = type;
    this.#info.loggedMs = this.#thread.clock.monotonicMs();
    const { connection } = this.#context;
    this.#info.bytesSent = connection.bytesSent;
    this.#logger.log(this.#info);
  }
}

/** What a filter before this one left for this connection alone. */
function ownIdleTimeoutMs({ filterState }: ConnectionInfo): number | undefined {
  const text = filterState?.get(IDLE_TIMEOUT_KEY);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
