// A running cluster: hosts that keep their pool and counters while their address stays, a balancer that is built anew when they change.
import { isDeepStrictEqual } from "node:util";
import type { StatsScope } from "#telemetry/stats/store";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import { ipBytes } from "#proxy/codec/ip-address";
import { http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { Http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { HttpVersion } from "#proxy/http/stream";
import type { Connector } from "#proxy/net/connector";
import { addressText } from "#proxy/net/socket-address";
import type { RoutingPriority } from "#proxy/route/route";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { UpstreamTransport } from "#proxy/transport-socket/upstream-transport";
import type { Cluster, Host, HttpConnectionPool, LoadBalancerContext } from "./cluster.ts";
import { CircuitBreakers } from "./circuit-breakers.ts";
import type { ClusterConfig, UpstreamConnectionConfig } from "./cluster-config.ts";
import { ClusterStats } from "./cluster-stats.ts";
import { GrpcStats } from "./grpc-stats.ts";
import type { PoolLimits } from "./http-pool.ts";
import { HappyEyeballs } from "./happy-eyeballs.ts";
import { HostConnectors } from "./host-connector.ts";
import { PENDING } from "./health/active-health.ts";
import type { HostsHealth } from "./health/active-health.ts";
import { HostLimits } from "./host-limits.ts";
import { HostSet } from "./host-set.ts";
import type { HostSetOptions } from "./host-set.ts";
import { Subsets, SubsetStats } from "./subsets.ts";
import type { LocalityHosts } from "./host-set.ts";
import type { UpstreamProtocol } from "./http-protocol-options.ts";
import type { LbConfig } from "./lb-config.ts";
import { LeastRequest } from "./lb/least-request.ts";
import type { LoadBalancer, WeightedHost } from "./lb/load-balancer.ts";
import { Maglev } from "./lb/maglev.ts";
import { RandomChoice } from "./lb/random-choice.ts";
import { RingHash } from "./lb/ring-hash.ts";
import { RoundRobin } from "./lb/round-robin.ts";
import { SlowStart } from "./lb/slow-start.ts";
import type { SlowStartConfig } from "./lb/slow-start.ts";
import type { EndpointConfig, LoadAssignmentConfig } from "./load-assignment.ts";
import { OutlierDetector } from "./outlier/outlier-detector.ts";
import { UpstreamConnectionStats } from "./upstream-connection-stats.ts";
import { UpstreamHost, hostKey } from "./upstream-host.ts";

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
}

export type PoolFactory = (context: PoolContext) => HttpConnectionPool;

export interface UpstreamClusterContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: StatsScope;
  readonly makePool: PoolFactory;
  readonly connector: Connector;
  readonly secrets: Secrets;
  /** A host whose health is checked asked, in an answer to traffic, to be left alone. */
  readonly onHostUnhealthy?: ((cluster: string, host: string) => void) | undefined;
}

const NO_HEALTH: HostsHealth = new Map();

/** Hosts of captured traffic that are remembered; beyond it the oldest idle one goes. */
const MAX_ORIGINAL_DESTINATIONS = 1024;

/** What a pool asks for where the configuration has no ALPN of its own. */
const FALLBACK_ALPN: Readonly<Record<PoolProtocol, readonly string[]>> = {
  http1: ["http/1.1"],
  http2: ["h2"],
  auto: ["h2", "http/1.1"],
};

/** The one host of a LOGICAL_DNS cluster: it keeps its connections when its address changes, new ones go to the new address. */
const LOGICAL_HOST = "logical";

function makeBalancer(lb: LbConfig, weighted: readonly WeightedHost[], random: Random, clock: Clock): LoadBalancer {
  const hosts = weighted.map(({ host }) => host);
  switch (lb.policy) {
    case "round-robin":
      return new RoundRobin(hosts, random, slowStartOf(lb, clock));
    case "random":
      return new RandomChoice(hosts, random);
    case "least-request":
      return new LeastRequest(hosts, random, lb, slowStartOf(lb, clock));
    case "ring-hash":
      return new RingHash(weighted, random, lb);
    case "maglev":
      return new Maglev(weighted, random, lb.tableSize, lb.useHostname);
  }
}

function slowStartOf({ slowStart }: { readonly slowStart: SlowStartConfig | undefined }, clock: Clock): SlowStart | undefined {
  return slowStart === undefined ? undefined : new SlowStart(slowStart, clock);
}

export class UpstreamCluster implements Cluster {
  readonly stats: ClusterStats;
  /** Made with the first connection. */
  #connectionStats: UpstreamConnectionStats | undefined;
  #grpcStats: GrpcStats | undefined;
  #http2Stats: Http2CodecStats | undefined;
  #config: ClusterConfig;
  readonly #context: UpstreamClusterContext;
  readonly #limits: CircuitBreakers;
  readonly #highLimits: CircuitBreakers;
  readonly #connectors: HostConnectors;
  #assignment: LoadAssignmentConfig | undefined;
  /** What active health checks found out so far. */
  #health: HostsHealth = NO_HEALTH;
  #hosts = new Map<string, UpstreamHost>();
  #list: readonly UpstreamHost[] = [];
  #priorities: readonly (readonly LocalityHosts[])[] = [];
  #set: HostSet;
  #subsets: Subsets | undefined;
  #subsetStats: SubsetStats | undefined;
  #outliers: OutlierDetector | undefined;
  /** Pools of removed hosts and of old configurations whose streams still run. */
  #leaving: HttpConnectionPool[] = [];

  constructor(config: ClusterConfig, context: UpstreamClusterContext) {
    this.#config = config;
    this.#context = context;
    this.stats = new ClusterStats(context.stats);
    this.#limits = new CircuitBreakers("default", config.circuitBreakers, context.stats);
    this.#highLimits = new CircuitBreakers("high", config.highCircuitBreakers, context.stats);
    this.#connectors = new HostConnectors(context.connector, context.secrets, context.stats);
    this.#set = this.#buildSet([]);
    this.#watchOutliers();
    if (config.discovery.kind === "static") this.setAssignment(config.discovery.assignment);
  }

  get name(): string {
    return this.#config.name;
  }

  get config(): ClusterConfig {
    return this.#config;
  }

  get connectionStats(): UpstreamConnectionStats {
    return (this.#connectionStats ??= new UpstreamConnectionStats(this.#context.stats));
  }

  get grpcStats(): GrpcStats {
    return (this.#grpcStats ??= new GrpcStats(this.#context.stats));
  }

  get connectTimeoutMs(): number {
    return this.#config.connection.connectTimeoutMs;
  }

  get bufferLimitBytes(): number | undefined {
    return this.#config.connection.bufferLimitBytes;
  }

  get hosts(): readonly Host[] {
    return this.#list;
  }

  /** Streams, connections and retries are over: nothing will count in this cluster's statistics any more. */
  get idle(): boolean {
    if (!this.#limits.idle || !this.#highLimits.idle) return false;
    this.#forgetEmptyPools();
    return this.#leaving.length === 0 && this.#list.every((host) => host.connectionCount === 0);
  }

  /** Endpoints may change, limits and policy too, without touching a connection; what connections are made from may not. */
  configure(config: ClusterConfig): void {
    const before = this.#config;
    // The same sockets keep what they know: contexts that are built, sessions that may be resumed.
    const sameSockets = before.transportKey === config.transportKey;
    this.#config = sameSockets ? { ...config, transportSockets: before.transportSockets } : config;
    this.#limits.configure(config.circuitBreakers);
    this.#highLimits.configure(config.highCircuitBreakers);
    if (!isDeepStrictEqual(before.outliers, config.outliers)) this.#watchOutliers();
    if (!sameSockets || !isDeepStrictEqual(before.connection, config.connection)) {
      for (const host of this.#list) this.#drainPool(host);
    }
    if (config.discovery.kind === "static") this.setAssignment(config.discovery.assignment);
    else if (this.#assignment !== undefined && config.discovery.kind !== "original-dst") this.setAssignment(this.#assignment);
  }

  setAssignment(assignment: LoadAssignmentConfig): void {
    this.#assignment = assignment;
    const known = this.#hosts;
    const hosts = new Map<string, UpstreamHost>();
    let changed = false;
    const priorities: LocalityHosts[][] = [];
    const { discovery } = this.#config;
    const logical = discovery.kind === "dns" && discovery.dns.logical;
    for (const localities of assignment.priorities) {
      const level: LocalityHosts[] = [];
      for (const { weight, endpoints } of localities) {
        const group: UpstreamHost[] = [];
        for (const endpoint of endpoints) {
          const key = logical ? LOGICAL_HOST : hostKey(endpoint.address);
          // An address that is listed twice is one host, in the first place it is listed, as in Envoy.
          if (hosts.has(key)) continue;
          let host = known.get(key);
          if (host === undefined) {
            host = new UpstreamHost(endpoint, this.#context.clock.monotonicMs());
            changed = true;
          } else {
            const before = this.#transport(host);
            host.update(endpoint);
            if (this.#transport(host) !== before) this.#drainPool(host);
          }
          host.priority = priorities.length;
          host.pendingRemoval = false;
          this.#applyHealth(host);
          hosts.set(key, host);
          group.push(host);
        }
        level.push({ weight, hosts: group });
      }
      priorities.push(level);
    }
    for (const [key, host] of known) {
      if (hosts.has(key)) continue;
      if (this.#staysWhileHealthy(host)) {
        host.pendingRemoval = true;
        hosts.set(key, host);
        while (priorities.length <= host.priority) priorities.push([]);
        priorities[host.priority]!.push({ weight: 0, hosts: [host] });
        continue;
      }
      changed = true;
      this.#drainPool(host);
    }
    this.#hosts = hosts;
    this.#list = [...hosts.values()];
    this.#priorities = priorities;
    this.#outliers?.setHosts(this.#list);
    this.#set = this.#buildSet(priorities);
    if (changed) this.stats.membershipChange.inc();
    this.#countMembers();
  }

  /** `passed`: the key of a host that has just passed a check. */
  setHealth(health: HostsHealth, passed: string | undefined): void {
    this.#health = health;
    let left = false;
    for (const host of this.#list) {
      this.#applyHealth(host);
      if (host.pendingRemoval && !this.#staysWhileHealthy(host)) left = true;
    }
    const back = passed === undefined ? undefined : this.#hosts.get(passed);
    if (back !== undefined) this.#outliers?.onHealthCheckPassed(back);
    if (left && this.#assignment !== undefined) this.setAssignment(this.#assignment);
    else this.#rebuild();
  }

  #applyHealth(host: UpstreamHost): void {
    const { healthCheck, ignoresNewHosts } = this.#config;
    const before = host.activeHealth;
    const checked = healthCheck !== undefined && !host.unchecked;
    const now = checked ? (this.#health.get(hostKey(host.address)) ?? PENDING) : undefined;
    host.activeHealth = now;
    if (!checked) host.healthMonitor = undefined;
    else host.healthMonitor ??= { setUnhealthy: () => this.#context.onHostUnhealthy?.(this.name, hostKey(host.address)) };
    host.ignoredWhileNew = ignoresNewHosts;
    if (before === undefined || now === undefined || before.failed === now.failed) return;
    // As Envoy: running requests end in their own time, new ones need new connections.
    if (now.failed) this.#drainPool(host);
    else host.addedMs = this.#context.clock.monotonicMs();
  }

  #staysWhileHealthy(host: UpstreamHost): boolean {
    const active = host.activeHealth;
    return this.#config.keepsHealthyHosts && active !== undefined && !active.failed && host.edsHealth !== "unhealthy";
  }

  chooseHost(context: LoadBalancerContext): Host | undefined {
    if (this.#config.discovery.kind === "original-dst") return this.#originalDestination(context.originalDestination);
    const { overrideHost } = context;
    if (overrideHost !== undefined) {
      const wanted = this.#list.find(({ address }) => addressText(address) === overrideHost.address);
      // Envoy's default of override_host_status leaves out who is certainly unhealthy.
      if (wanted !== undefined && wanted.health !== "unhealthy") return wanted;
      if (overrideHost.strict) {
        this.stats.noneHealthy.inc();
        return undefined;
      }
    }
    const all = this.#subsets === undefined ? this.#set : this.#subsets.setFor(context.metadataMatch);
    if (all === undefined) {
      this.stats.noneHealthy.inc();
      return undefined;
    }
    if (all.inPanic) this.stats.panic.inc();
    const set = context.previousPriorities?.narrow(all) ?? all;
    let host = set.choose(context.hash, 0);
    // Predicates of the retry policy: ask again while the answer is not wanted; the last answer counts when the attempts are used up.
    for (let attempt = 1; attempt <= context.hostSelectionAttempts; attempt++) {
      if (host === undefined || !context.shouldSelectAnotherHost(host)) break;
      host = set.choose(context.hash, attempt);
    }
    if (host === undefined) this.stats.noneHealthy.inc();
    return host;
  }

  pool(
    host: Host,
    proxied: ConnectionInfo | undefined,
    authority: string,
    downstream: HttpVersion | undefined,
    priority: RoutingPriority = "default",
  ): HttpConnectionPool {
    const own = host as UpstreamHost;
    const { protocol } = this.#config.connection;
    const used = protocol !== "downstream" ? protocol : downstream === "HTTP/2" ? "http2" : "http1";
    if (priority === "default") {
      const known = protocol === "downstream" && used === "http2" ? own.http2Pool : own.pool;
      if (known !== undefined) return known;
    }
    return this.#specialPool(own, used, proxied, authority, priority);
  }

  /** The first pool, or one of several. */
  #specialPool(
    own: UpstreamHost,
    protocol: PoolProtocol,
    proxied: ConnectionInfo | undefined,
    authority: string,
    priority: RoutingPriority,
  ): HttpConnectionPool {
    const transport = this.#transport(own);
    const { autoServerName, autoSanValidation } = this.#config.connection;
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
      this.#toHost(own, this.#connectors.for(transport, this.#config.socketOptions, { ...names, proxied: whose }));
    if (!transport.perDownstreamConnection) {
      const make = (): HttpConnectionPool => this.#makePool(own, protocol, connector(undefined), priority);
      if (named !== undefined || priority !== "default") return own.namedPool(`${priority} ${protocol} ${named ?? ""}`, make);
      if (protocol === "http2" && this.#config.connection.protocol === "downstream") return (own.http2Pool ??= make());
      return (own.pool ??= make());
    }
    // What one connection tells the host of its client is true for this request alone.
    const pool = this.#makePool(own, protocol, connector(proxied), priority, 1);
    this.#forgetEmptyPools();
    this.#leaving.push(pool);
    return pool;
  }

  connector(host: Host, proxied: ConnectionInfo | undefined): Connector {
    const own = host as UpstreamHost;
    return this.#toHost(own, this.#connectors.for(this.#transport(own), this.#config.socketOptions, { proxied }));
  }

  /** By any of the addresses that it has when a connection is made. */
  #toHost(host: UpstreamHost, connector: Connector): Connector {
    return new HappyEyeballs(connector, () => host.additionalAddresses, this.#context.clock);
  }

  #transport({ labels }: UpstreamHost): UpstreamTransport {
    return this.#config.transportSockets.choose(labels);
  }

  tryAcquireConnection(): boolean {
    return this.#limits.tryAcquireConnection();
  }
  releaseConnection(): void {
    this.#limits.releaseConnection();
  }
  tryAcquireRequest(priority: RoutingPriority = "default"): boolean {
    return this.#limitsOf(priority).tryAcquireRequest();
  }
  releaseRequest(priority: RoutingPriority = "default"): void {
    this.#limitsOf(priority).releaseRequest();
  }
  tryAcquireRetry(priority: RoutingPriority = "default"): boolean {
    return this.#limitsOf(priority).tryAcquireRetry();
  }
  releaseRetry(priority: RoutingPriority = "default"): void {
    this.#limitsOf(priority).releaseRetry();
  }

  #limitsOf(priority: RoutingPriority): CircuitBreakers {
    return priority === "default" ? this.#limits : this.#highLimits;
  }

  /** The cluster goes: no host can be chosen any more, running streams end in their own time. */
  drain(): void {
    for (const host of this.#list) this.#drainPool(host);
    this.#outliers?.close();
    this.#outliers = undefined;
    this.#hosts = new Map();
    this.#list = [];
    this.#priorities = [];
    this.#set = this.#buildSet([]);
    this.#countMembers();
  }

  #makePool(
    host: UpstreamHost,
    protocol: PoolProtocol,
    connector: Connector,
    priority: RoutingPriority,
    maxRequests?: number,
  ): HttpConnectionPool {
    const { connection } = this.#config;
    const limits = new HostLimits(this.#limitsOf(priority), host, () => this.#config.maxConnectionsPerHost);
    const config = maxRequests === undefined ? connection : { ...connection, maxRequestsPerConnection: maxRequests };
    return this.#context.makePool({
      host,
      protocol,
      config,
      limits,
      stats: this.connectionStats,
      http2Stats: () => (this.#http2Stats ??= http2CodecStats(this.#context.stats)),
      connector,
    });
  }

  #drainPool(host: UpstreamHost): void {
    for (const pool of host.takePools()) {
      pool.drain();
      if (pool.connectionCount > 0) this.#leaving.push(pool);
    }
    this.#forgetEmptyPools();
  }

  #forgetEmptyPools(): void {
    if (this.#leaving.length > 0) this.#leaving = this.#leaving.filter((pool) => pool.connectionCount > 0);
  }

  #buildSet(priorities: readonly (readonly LocalityHosts[])[]): HostSet {
    const { lb, panicThreshold, localityWeighted, subsets } = this.#config;
    const { random, clock } = this.#context;
    const options: HostSetOptions = {
      overprovisioning: this.#assignment?.overprovisioning ?? 1.4,
      panicThreshold,
      localityWeighted,
      hashing: lb.policy === "ring-hash" || lb.policy === "maglev",
      makeBalancer: (hosts) => makeBalancer(lb, hosts, random, clock),
      random,
    };
    const set = new HostSet(priorities, options);
    const stats = subsets === undefined ? undefined : (this.#subsetStats ??= new SubsetStats(this.#context.stats));
    this.#subsets =
      subsets === undefined || stats === undefined ? undefined : new Subsets(subsets, priorities, options, set, this.#subsets, stats);
    return set;
  }

  #watchOutliers(): void {
    this.#outliers?.close();
    const { outliers } = this.#config;
    const { clock, random, stats } = this.#context;
    const onChange = (): void => this.#rebuild();
    this.#outliers = outliers === undefined ? undefined : new OutlierDetector(outliers, { clock, random, stats, onChange });
    this.#outliers?.setHosts(this.#list);
    onChange();
  }

  #rebuild(): void {
    this.#set = this.#buildSet(this.#priorities);
    this.#countMembers();
  }

  #countMembers(): void {
    this.stats.membershipTotal.set(this.#list.length);
    this.stats.membershipHealthy.set(this.#list.filter((host) => host.health === "healthy").length);
    this.stats.membershipExcluded.set(this.#list.filter((host) => host.excluded).length);
    this.stats.membershipDegraded.set(this.#list.filter((host) => host.health === "degraded").length);
  }

  #originalDestination(address: SocketAddress | undefined): Host | undefined {
    if (address === undefined) {
      this.stats.noneHealthy.inc();
      return undefined;
    }
    const key = hostKey(address);
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const endpoint: EndpointConfig = { address, hostname: "", weight: 1, locality: "", health: "healthy", labels: undefined };
    const host = new UpstreamHost(endpoint, this.#context.clock.monotonicMs());
    if (this.#hosts.size >= MAX_ORIGINAL_DESTINATIONS) {
      const oldest = this.#list.find((other) => other.activeRequests === 0) ?? this.#list[0]!;
      this.#hosts.delete(oldest.key);
      this.#drainPool(oldest);
    }
    this.#hosts.set(key, host);
    this.#list = [...this.#hosts.values()];
    this.#outliers?.setHosts(this.#list);
    this.#countMembers();
    return host;
  }
}

/** Of an authority, without port and brackets. */
function hostOf(authority: string): string {
  if (authority.startsWith("[")) return authority.slice(1, authority.indexOf("]"));
  const colon = authority.lastIndexOf(":");
  return colon === -1 ? authority : authority.slice(0, colon);
}
