// One running host. Its identity is its address: while the address stays in the cluster, so do its pool, its counters and its streams.
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import type { SocketAddress } from "#proxy/net/connection";
import type { TransportLabels } from "#proxy/transport-socket/transport-sockets";
import type { ConnectionPool, HealthMonitor, Host, HostHealth, HostMetadata, HttpConnectionPool, OutlierMonitor } from "./cluster.ts";
import type { ActiveHealth } from "./health/active-health.ts";
import type { EndpointConfig } from "./load-assignment.ts";
import type { TcpPool } from "./tcp-pool.ts";
import { makeHostStats } from "./host-stats.ts";

const NO_ADDRESSES: readonly SocketAddress[] = Object.freeze([]);
const NO_METADATA: HostMetadata = Object.freeze({});
const MAX_NAMED_POOLS = 100;

export class UpstreamHost implements Host {
  address: SocketAddress;
  additionalAddresses: readonly SocketAddress[];
  readonly key: string;
  /** Also when it came back to health: it starts slowly then, too. */
  addedMs: number;
  hostname: string;
  weight: number;
  locality: string;
  metadata: HostMetadata;
  edsHealth: HostHealth;
  edsStatus: HealthStatus;
  priority = 0;
  ejected = false;
  /** Its connections know of the ejection. */
  drainedByEjection = false;
  activeHealth: ActiveHealth | undefined;
  healthMonitor: HealthMonitor | undefined;
  /** Its endpoint says that it is never checked. */
  unchecked: boolean;
  pendingRemoval = false;
  ignoredWhileNew = false;
  outlierMonitor: OutlierMonitor | undefined;
  /** Chooses the transport socket. */
  labels: TransportLabels | undefined;
  activeRequests = 0;
  readonly stats = makeHostStats();
  /** Made with the first request; `http2Pool` where the client's version decides on the upstream's. */
  pool: HttpConnectionPool | undefined;
  http2Pool: HttpConnectionPool | undefined;
  tcpPool: TcpPool | undefined;
  /** By priority, version, and what else is part of a connection: the server name that requests ask for, the client that the host is told of. */
  #namedPools: Map<string, HttpConnectionPool> | undefined;

  constructor(endpoint: EndpointConfig, addedMs: number) {
    this.addedMs = addedMs;
    this.address = endpoint.address;
    this.additionalAddresses = endpoint.additionalAddresses ?? NO_ADDRESSES;
    this.key = hostKey(endpoint.address);
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.edsHealth = endpoint.health;
    this.edsStatus = endpoint.healthStatus ?? HealthStatus.UNKNOWN;
    this.labels = endpoint.labels;
    this.metadata = endpoint.metadata ?? NO_METADATA;
    this.unchecked = endpoint.healthCheck?.disabled === true;
  }

  get health(): HostHealth {
    if (this.ejected || this.activeHealth?.failed === true) return "unhealthy";
    return this.edsHealth === "healthy" && this.activeHealth?.degraded === true ? "degraded" : this.edsHealth;
  }

  get excluded(): boolean {
    const active = this.activeHealth;
    return active !== undefined && (active.excluded || (active.pending && this.ignoredWhileNew));
  }

  get connectionCount(): number {
    return this.pools.reduce((count, pool) => count + pool.connectionCount, 0);
  }

  get pools(): ConnectionPool[] {
    return [this.pool, this.http2Pool, this.tcpPool, ...(this.#namedPools?.values() ?? [])].filter((pool) => pool !== undefined);
  }

  namedPool(name: string, make: () => HttpConnectionPool): HttpConnectionPool {
    const pools = (this.#namedPools ??= new Map());
    let pool = pools.get(name);
    if (pool === undefined) {
      // Names come from clients: pools without a connection are no loss.
      if (pools.size >= MAX_NAMED_POOLS) for (const [other, { connectionCount }] of pools) if (connectionCount === 0) pools.delete(other);
      pool = make();
      pools.set(name, pool);
    }
    return pool;
  }

  /** The next request makes a new one. */
  forget(pool: ConnectionPool): void {
    if (this.pool === pool) this.pool = undefined;
    if (this.http2Pool === pool) this.http2Pool = undefined;
    for (const [name, other] of this.#namedPools ?? []) if (other === pool) this.#namedPools?.delete(name);
  }

  /** Unless another one has taken its name meanwhile. */
  forgetNamed(name: string, pool: HttpConnectionPool): void {
    if (this.#namedPools?.get(name) === pool) this.#namedPools.delete(name);
  }

  /** All of them, to be drained: the next request makes new ones. */
  takePools(): ConnectionPool[] {
    const { pools } = this;
    this.pool = undefined;
    this.tcpPool = undefined;
    this.http2Pool = undefined;
    this.#namedPools = undefined;
    return pools;
  }

  /** Takes over what may change while the host stays the same. */
  update(endpoint: EndpointConfig): void {
    this.address = endpoint.address;
    this.additionalAddresses = endpoint.additionalAddresses ?? NO_ADDRESSES;
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.edsHealth = endpoint.health;
    this.edsStatus = endpoint.healthStatus ?? HealthStatus.UNKNOWN;
    this.labels = endpoint.labels;
    this.metadata = endpoint.metadata ?? NO_METADATA;
    this.unchecked = endpoint.healthCheck?.disabled === true;
  }
}

export function hostKey(address: SocketAddress): string {
  return `${address.address}|${address.port}`;
}
