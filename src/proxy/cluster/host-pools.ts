// The HTTP connection pools of a cluster's hosts: which one a request gets, what a new one is made from, and those that are on their way
// out with the streams that they still have.
import type { StatsScope } from "#telemetry/stats/store";
import type { Clock } from "#runtime/clock";
import type { ConnectionInfo } from "#proxy/net/connection";
import { ipBytes } from "#proxy/codec/ip-address";
import { http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { Http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { HttpVersion } from "#proxy/http/stream";
import type { Connector } from "#proxy/net/connector";
import { addressText } from "#proxy/net/socket-address";
import type { RoutingPriority } from "#proxy/route/route";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { UpstreamTransport } from "#proxy/transport-socket/upstream-transport";
import type { CircuitBreakers } from "./circuit-breakers.ts";
import type { Cluster, ConnectionPool, Host, HttpConnectionPool } from "./cluster.ts";
import type { ClusterConfig, UpstreamConnectionConfig } from "./cluster-config.ts";
import { HappyEyeballs } from "./happy-eyeballs.ts";
import { HostConnectors } from "./host-connector.ts";
import { HostLimits } from "./host-limits.ts";
import type { UpstreamProtocol } from "./http-protocol-options.ts";
import type { PoolLimits } from "./http-pool.ts";
import { PoolPlaces } from "./pool-places.ts";
import { TcpPool } from "./tcp-pool.ts";
import { UpstreamConnectionStats } from "./upstream-connection-stats.ts";
import type { UpstreamHost } from "./upstream-host.ts";

/** What the connections of one pool speak: `auto` is ALPN's choice. */
export type PoolProtocol = Exclude<UpstreamProtocol, "downstream">;

/** What the pool of one host is made from. */
export interface PoolContext {
  readonly host: Host;
  readonly protocol: PoolProtocol;
  readonly config: UpstreamConnectionConfig;
  readonly limits: PoolLimits;
  readonly stats: UpstreamConnectionStats;
  /** Made with the first HTTP/2 connection. */
  readonly http2Stats: () => Http2CodecStats;
  readonly connector: Connector;
  readonly preconnectRatio: number;
  /** It has no connection, or its last one is gone, and nobody waits. */
  readonly onIdle: () => void;
}

export type PoolFactory = (context: PoolContext) => HttpConnectionPool;

export interface HostPoolsContext {
  readonly clock: Clock;
  readonly stats: StatsScope;
  readonly makePool: PoolFactory;
  readonly connector: Connector;
  readonly secrets: Secrets;
}

/** The cluster, as far as its pools need it. */
export interface PooledCluster extends Cluster {
  readonly config: ClusterConfig;
  limitsOf(priority: RoutingPriority): CircuitBreakers;
}

/** What a pool asks for where the configuration has no ALPN of its own. */
const FALLBACK_ALPN: Readonly<Record<PoolProtocol, readonly string[]>> = {
  http1: ["http/1.1"],
  http2: ["h2"],
  auto: ["h2", "http/1.1"],
};

export class HostPools {
  readonly #cluster: PooledCluster;
  readonly #context: HostPoolsContext;
  readonly #connectors: HostConnectors;
  readonly #places: PoolPlaces;
  /** Made with the first connection. */
  #connectionStats: UpstreamConnectionStats | undefined;
  #http2Stats: Http2CodecStats | undefined;
  /** Of removed hosts and of old configurations whose streams still run. */
  #leaving: ConnectionPool[] = [];

  constructor(cluster: PooledCluster, context: HostPoolsContext) {
    this.#cluster = cluster;
    this.#context = context;
    this.#places = new PoolPlaces((priority) => cluster.limitsOf(priority), context.stats);
    this.#connectors = new HostConnectors(context.connector, context.secrets, context.stats);
  }

  get connectionStats(): UpstreamConnectionStats {
    return (this.#connectionStats ??= new UpstreamConnectionStats(this.#context.stats));
  }

  /** No pool that was given up has a connection any more. */
  get idle(): boolean {
    this.#forgetEmpty();
    return this.#leaving.length === 0;
  }

  /** Undefined: there may be no more pools. */
  pool(
    host: UpstreamHost,
    proxied: ConnectionInfo | undefined,
    authority: string,
    downstream: HttpVersion | undefined,
    priority: RoutingPriority,
  ): HttpConnectionPool | undefined {
    const { protocol } = this.#cluster.config.connection;
    const { limitsPools } = this.#cluster.limitsOf(priority);
    const used = protocol !== "downstream" ? protocol : downstream === "HTTP/2" ? "http2" : "http1";
    if (priority === "default" && !limitsPools && !this.#cluster.config.poolPerDownstreamConnection) {
      const known = protocol === "downstream" && used === "http2" ? host.http2Pool : host.pool;
      if (known !== undefined) return known;
    }
    const pool = this.#special(host, used, proxied, authority, priority);
    if (!limitsPools || this.#places.take(pool, priority, host.pools, (other) => this.#giveUp(host, other))) return pool;
    if (pool.connectionCount === 0) host.forget(pool);
    return undefined;
  }

  #giveUp(host: UpstreamHost, pool: ConnectionPool): void {
    host.forget(pool);
    this.#drainPool(pool);
    this.#forgetEmpty();
  }

  /** The first pool, or one of several. */
  #special(
    host: UpstreamHost,
    protocol: PoolProtocol,
    proxied: ConnectionInfo | undefined,
    authority: string,
    priority: RoutingPriority,
  ): HttpConnectionPool {
    const { config } = this.#cluster;
    const transport = this.transport(host);
    const { autoServerName, autoSanValidation } = config.connection;
    const http = { fallbackProtocols: FALLBACK_ALPN[protocol] };
    const named = transport.isTls && (autoServerName || autoSanValidation) ? hostOf(authority) : undefined;
    const names =
      named === undefined
        ? http
        : {
            ...http,
            serverName: autoServerName && ipBytes(named) === undefined ? named : undefined,
            requiredName: autoSanValidation ? named : undefined,
          };
    const connector = (whose: ConnectionInfo | undefined): Connector =>
      this.#toHost(host, this.#connectors.for(transport, config.socketOptions, { ...names, proxied: whose }));
    // What a connection tells the host of a client is true for that client alone.
    const whose = transport.perDownstreamConnection ? proxied : undefined;
    const owner = config.poolPerDownstreamConnection && proxied !== undefined ? `#${downstreamId(proxied)}` : "";
    if (named !== undefined || priority !== "default" || transport.perDownstreamConnection || owner !== "") {
      const name = `${priority} ${protocol} ${named ?? ""} ${whose === undefined ? "" : clientKey(whose)} ${owner}`;
      return host.namedPool(name, () => this.#make(host, protocol, connector(whose), priority, name));
    }
    const make = (): HttpConnectionPool => this.#make(host, protocol, connector(undefined), priority);
    if (protocol === "http2" && config.connection.protocol === "downstream") return (host.http2Pool ??= make());
    return (host.pool ??= make());
  }

  tcpPool(host: UpstreamHost, proxied: ConnectionInfo | undefined): TcpPool {
    const { perDownstreamConnection } = this.transport(host);
    if (!perDownstreamConnection) return (host.tcpPool ??= this.#makeTcpPool(host, undefined));
    const pool = this.#makeTcpPool(host, proxied, 1);
    this.#forgetEmpty();
    this.#leaving.push(pool);
    return pool;
  }

  #makeTcpPool(
    host: UpstreamHost,
    proxied: ConnectionInfo | undefined,
    preconnectRatio = this.#cluster.config.preconnect.perUpstream,
  ): TcpPool {
    const connector = this.#toHost(host, this.#connectors.for(this.transport(host), this.#cluster.config.socketOptions, { proxied }));
    return new TcpPool({ cluster: this.#cluster, host, connector, clock: this.#context.clock, preconnectRatio });
  }

  transport({ labels }: UpstreamHost): UpstreamTransport {
    return this.#cluster.config.transportSockets.choose(labels);
  }

  /** No new request on the host's connections: the next one makes new ones. */
  drain(host: UpstreamHost): void {
    for (const pool of host.takePools()) this.#drainPool(pool);
    this.#forgetEmpty();
  }

  #drainPool(pool: ConnectionPool): void {
    pool.drain();
    if (pool.connectionCount > 0) this.#leaving.push(pool);
  }

  /** The host has failed: new requests make new connections, and close_connections_on_host_health_failure ends TCP connections that are used. */
  onHostFailure(host: UpstreamHost): void {
    this.drain(host);
    if (!this.#cluster.config.closesConnectionsOnHealthFailure) return;
    for (const pool of this.#leaving) if (pool instanceof TcpPool && pool.host === host) pool.closeConnections();
  }

  /** By any of the addresses that it has when a connection is made. */
  #toHost(host: UpstreamHost, connector: Connector): Connector {
    return new HappyEyeballs(
      connector,
      () => host.additionalAddresses,
      () => this.#cluster.config.addressOrder,
      this.#context.clock,
    );
  }

  #make(host: UpstreamHost, protocol: PoolProtocol, connector: Connector, priority: RoutingPriority, name?: string): HttpConnectionPool {
    const cluster = this.#cluster;
    const { connection } = cluster.config;
    const limits = new HostLimits(cluster.limitsOf(priority), host, () => cluster.config.maxConnectionsPerHost);
    const pool: HttpConnectionPool = this.#context.makePool({
      onIdle: () => {
        this.#places.release(pool);
        // Names come from clients: what is not used is not kept.
        if (name !== undefined) host.forgetNamed(name, pool);
      },
      host,
      protocol,
      config: connection,
      limits,
      stats: this.connectionStats,
      preconnectRatio: cluster.config.preconnect.perUpstream,
      http2Stats: () => (this.#http2Stats ??= http2CodecStats(this.#context.stats)),
      connector,
    });
    return pool;
  }

  #forgetEmpty(): void {
    if (this.#leaving.length > 0) this.#leaving = this.#leaving.filter((pool) => pool.connectionCount > 0);
  }
}

const downstreamIds = new WeakMap<ConnectionInfo, number>();
let lastDownstreamId = 0;

/** A client may come by the same address again: that is another connection. */
function downstreamId(connection: ConnectionInfo): number {
  let id = downstreamIds.get(connection);
  if (id === undefined) downstreamIds.set(connection, (id = ++lastDownstreamId));
  return id;
}

/** All that an upstream PROXY header may tell of a client's connection. */
function clientKey({ remote, local, proxyProtocolTlvs = [] }: ConnectionInfo): string {
  const tlvs = proxyProtocolTlvs.map(({ type, value }) => `${type}=${Buffer.from(value).toString("hex")}`);
  return [addressText(remote), addressText(local), ...tlvs].join(" ");
}

/** Of an authority, without port and brackets. */
function hostOf(authority: string): string {
  if (authority.startsWith("[")) return authority.slice(1, authority.indexOf("]"));
  const colon = authority.lastIndexOf(":");
  return colon === -1 ? authority : authority.slice(0, colon);
}
