// Running clusters as the router sees them. Config (parsed, frozen) and running state are different things: see cluster-config.ts.
import type { JsonObject } from "@bufbuild/protobuf";
import type { RoutingPriority } from "#proxy/route/route";
import type { Connection, ConnectionInfo, SocketAddress, TransportFailure } from "#proxy/net/connection";
import type { HttpFilterFactory } from "#proxy/http/filter";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { HttpVersion, RequestSender, ResponseReceiver } from "#proxy/http/stream";
import type { ActiveHealth } from "./health/active-health.ts";
import type { ClusterStats } from "./cluster-stats.ts";
import type { GrpcStats } from "./grpc-stats.ts";
import type { Demand } from "./preconnect.ts";
import type { PreviousPriorities } from "./previous-priorities.ts";
import type { UpstreamConnectionStats } from "./upstream-connection-stats.ts";
import type { HostStats } from "./host-stats.ts";

/** filter_metadata of an endpoint, by namespace. */
export type HostMetadata = Readonly<Record<string, JsonObject>>;

export type HostHealth = "healthy" | "degraded" | "unhealthy";

/** One upstream host. It lives as long as it stands in the cluster or a stream uses it. */
export interface Host {
  readonly address: SocketAddress;
  /** The endpoint's own name, for auto_host_rewrite; "" when it has none. */
  readonly hostname: string;
  readonly weight: number;
  readonly locality: string;
  readonly metadata: HostMetadata;
  /** What the endpoint says of itself, made worse by outlier detection and active health checks. */
  readonly health: HostHealth;
  readonly edsHealth: HostHealth;
  readonly ejected: boolean;
  /** Undefined: it is not checked. */
  readonly activeHealth: ActiveHealth | undefined;
  /** Undefined: it is not checked. Told when the host asks, in an answer to traffic, to be left alone. */
  readonly healthMonitor?: HealthMonitor | undefined;
  /** It counts as if it were not there: neither for loads nor for panic. */
  readonly excluded: boolean;
  /** Discovery has taken it away, and its health keeps it. */
  readonly pendingRemoval: boolean;
  /** Undefined: nobody watches. */
  readonly outlierMonitor: OutlierMonitor | undefined;
  /** Of the level that it is in. */
  readonly priority: number;
  /** Monotonic: when it came into the cluster. */
  readonly addedMs: number;
  /** Streams that are on it now: what least-request compares. */
  activeRequests: number;
  /** Admin `/clusters` counters; plain numbers of this thread. */
  readonly stats: HostStats;
}

export interface HealthMonitor {
  setUnhealthy(): void;
}

/** `connect-success-final`: for protocols that have no answers of their own, like TCP. */
export type OutlierResult = "connect-success" | "connect-success-final" | "connect-failed" | "timeout";

/** Told of everything that happens with a host. */
export interface OutlierMonitor {
  /** An upstream's answer. */
  putStatus(status: number): void;
  /** What happened between this proxy and the host. */
  putResult(result: OutlierResult): void;
  /** In per cent; -1: too few requests to tell. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
}

export interface OverrideHost {
  /** `10.0.0.1:80`, `[::1]:80` */
  readonly address: string;
  /** No other host will do. */
  readonly strict: boolean;
}

export interface LoadBalancerContext {
  readonly overrideHost?: OverrideHost | undefined;
  readonly randomValue: number;
  /** What the route's hash policy made of the request; undefined: nothing. */
  readonly hash: bigint | undefined;
  /** How often another host may be asked for. */
  readonly hostSelectionAttempts: number;
  /** Asked while there are attempts left. */
  shouldSelectAnotherHost(host: Host): boolean;
  /** What the metadata of the host must say, where the cluster has subsets. */
  readonly metadataMatch?: JsonObject | undefined;
  /** Leaves priorities out that earlier tries went to. */
  readonly previousPriorities?: PreviousPriorities | undefined;
  /** Where captured traffic meant to go; undefined when it was addressed to this proxy. Only ORIGINAL_DST clusters look at it. */
  readonly originalDestination: SocketAddress | undefined;
  /** Of the request, or of the connection, that the host is for; ORIGINAL_DST clusters look for a destination in it, too. */
  readonly info?: StreamInfo | undefined;
}

export interface Cluster {
  readonly name: string;
  /** filter_metadata, by namespace. */
  readonly metadata: HostMetadata;
  chooseHost(context: LoadBalancerContext): Host | undefined;
  /**
   * The HTTP connection pool to a host, for a request of this client, authority and HTTP version: each may be part of how connections
   * begin. `downstream` undefined: the request is the proxy's own. Each priority has connections of its own. Undefined: there may be no
   * more pools.
   */
  pool(
    host: Host,
    proxied: ConnectionInfo | undefined,
    authority: string,
    downstream: HttpVersion | undefined,
    priority?: RoutingPriority,
  ): HttpConnectionPool | undefined;
  /** What each try goes through; undefined: what its router says. */
  readonly upstreamFilters?: readonly HttpFilterFactory[] | undefined;
  /** override_auto_sni_header: whose value names the server in the place of the authority. */
  readonly serverNameHeader?: string | undefined;
  /** Of one try of a request; 0 or none: for ever. */
  readonly maxStreamDurationMs?: number;
  /** Connections to this host are TLS. */
  speaksTls(host: Host): boolean;
  /** The TCP connections to a host, for a client: it may be part of how connections begin. */
  tcpPool(host: Host, proxied: ConnectionInfo | undefined): TcpConnectionPool;
  /** Of the requests, that are answered with 503 at once. */
  readonly maintenancePercent?: number;
  /** In [0, 1]: so much of the traffic is turned away because its endpoints say so. */
  readonly dropOverload?: number;
  readonly hosts: readonly Host[];
  readonly stats: ClusterStats;
  readonly connectionStats: UpstreamConnectionStats;
  readonly grpcStats: GrpcStats;
  readonly connectTimeoutMs: number;
  /** Of each connection; undefined: the transport's own limit. */
  readonly bufferLimitBytes: number | undefined;
  /** For TCP connections. */
  tryAcquireConnection(): boolean;
  releaseConnection(): void;
  /** Circuit breakers, for what the router counts itself. */
  tryAcquireRequest(priority?: RoutingPriority): boolean;
  releaseRequest(priority?: RoutingPriority): void;
  tryAcquireRetry(priority?: RoutingPriority): boolean;
  releaseRetry(priority?: RoutingPriority): void;
}

export interface ClusterManager {
  get(name: string): Cluster | undefined;
}

/** `overflow`: a circuit breaker or pending limit; the rest: the connect failed. */
export type PoolFailureReason = "overflow" | ConnectFailureReason;
export type ConnectFailureReason = "connection-failure" | "local-connection-failure" | "connection-timeout";

export function connectFailureReason({ kind }: TransportFailure): ConnectFailureReason {
  return kind === "connect-timeout" ? "connection-timeout" : kind === "local" ? "local-connection-failure" : "connection-failure";
}

export interface PoolCallbacks {
  /** The stream has a connection. The router sends on `sender`; answers come to the receiver it gave to newStream. */
  onPoolReady(sender: RequestSender, host: Host, local: SocketAddress, connectionReused: boolean): void;
  /** `overflow`: a circuit breaker or pending limit; the rest: the connect failed. The request was certainly not sent. */
  onPoolFailure(reason: PoolFailureReason, failure: TransportFailure | undefined, host: Host): void;
}

export interface PendingStream {
  /** The stream is not wanted any more; no callback comes after it. */
  cancel(): void;
}

/** What pools of both kinds have in common. */
export interface ConnectionPool {
  /** No new streams on the connections there are; closes idle ones now and busy ones after their stream. */
  drain(): void;
  /** Opens a connection for a request that is expected, where so much room for streams is wanted. False: none was opened. */
  preconnect(ratio: number): boolean;
  readonly demand: Demand;
  /** Active and idle connections, for tests and admin. */
  readonly connectionCount: number;
}

export interface HttpConnectionPool extends ConnectionPool {
  /** Calls back at once when an idle connection is there. Returns undefined after it called back. */
  newStream(receiver: ResponseReceiver, callbacks: PoolCallbacks): PendingStream | undefined;
}

/** A TCP connection that its pool counts until it is told of the end. */
export interface UsedConnection {
  closed(remotely: boolean): void;
}

export interface TcpPoolCallbacks {
  /** The callee sets `connection.handler` before it returns, and tells `used` when it has closed. */
  onPoolReady(connection: Connection, used: UsedConnection): void;
  /** `overflow`: the cluster has as many connections as it may have. */
  onPoolFailure(reason: PoolFailureReason, failure: TransportFailure | undefined): void;
}

export interface TcpConnectionPool extends ConnectionPool {
  /** Calls back at once when a connection is there. Returns undefined after it called back. */
  newConnection(callbacks: TcpPoolCallbacks): PendingStream | undefined;
}
