// A running cluster: hosts that keep their pool and counters while their address stays, a balancer that is built anew when they change.
import { isDeepStrictEqual } from "node:util";
import type { Counter } from "#telemetry/stats/store";
import type { Random } from "#runtime/random";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { HttpFilterFactory } from "#proxy/http/filter";
import type { HttpVersion } from "#proxy/http/stream";
import { addressText } from "#proxy/net/socket-address";
import type { RoutingPriority } from "#proxy/route/route";
import type { ConnectionPool, Host, HostMetadata, HttpConnectionPool, LoadBalancerContext, TcpConnectionPool } from "./cluster.ts";
import { CircuitBreakers } from "./circuit-breakers.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { ClusterStats } from "./cluster-stats.ts";
import { GrpcStats } from "./grpc-stats.ts";
import { PENDING } from "./health/active-health.ts";
import type { HostsHealth } from "./health/active-health.ts";
import { HostPools } from "./host-pools.ts";
import type { HostPoolsContext, PooledCluster } from "./host-pools.ts";
import { HostSet } from "./host-set.ts";
import type { HostSetOptions } from "./host-set.ts";
import { Subsets, SubsetStats } from "./subsets.ts";
import type { LocalityHosts } from "./host-set.ts";
import { ZoneStats } from "./lb/zone-aware.ts";
import type { LocalZones, ZoneRouting } from "./lb/zone-aware.ts";
import { makeLoadBalancer } from "./lb/make-load-balancer.ts";
import type { EndpointConfig, LoadAssignmentConfig } from "./load-assignment.ts";
import { outlierEventLine } from "./outlier/outlier-event.ts";
import type { OutlierEvent } from "./outlier/outlier-event.ts";
import { OutlierDetector } from "./outlier/outlier-detector.ts";
import type { OutlierSummary } from "./outlier/outlier-detector.ts";
import { originalDestinationOf } from "./original-destination.ts";
import type { OriginalDestinationConfig } from "./original-destination.ts";
import { mayOverride } from "./override-host.ts";
import { connectAhead } from "./preconnect.ts";
import type { UpstreamConnectionStats } from "./upstream-connection-stats.ts";
import { UpstreamHost, hostKey } from "./upstream-host.ts";

export interface UpstreamClusterContext extends HostPoolsContext {
  readonly random: Random;
  /** A host whose health is checked asked, in an answer to traffic, to be left alone. */
  readonly onHostUnhealthy?: ((cluster: string, host: string) => void) | undefined;
  /** A line for the log of outlier detection. */
  readonly writeOutlierEvent?: ((line: string) => void) | undefined;
  /** What the zones of this cluster are compared with; undefined: nothing. */
  readonly localZones?: (cluster: string) => LocalZones | undefined;
  /** Hosts or their health have changed. */
  readonly onHostsChanged?: (cluster: string) => void;
}

const NO_HEALTH: HostsHealth = new Map();

/** Hosts of captured traffic that are remembered; beyond it the oldest idle one goes. */
const MAX_ORIGINAL_DESTINATIONS = 1024;

/** The one host of a LOGICAL_DNS cluster: it keeps its connections when its address changes, new ones go to the new address. */
const LOGICAL_HOST = "logical";

export class UpstreamCluster implements PooledCluster {
  readonly stats: ClusterStats;
  readonly #pools: HostPools;
  #grpcStats: GrpcStats | undefined;
  #config: ClusterConfig;
  readonly #context: UpstreamClusterContext;
  readonly #limits: CircuitBreakers;
  readonly #highLimits: CircuitBreakers;
  #assignment: LoadAssignmentConfig | undefined;
  /** What active health checks found out so far. */
  #health: HostsHealth = NO_HEALTH;
  #hosts = new Map<string, UpstreamHost>();
  #list: readonly UpstreamHost[] = [];
  #priorities: readonly (readonly LocalityHosts[])[] = [];
  #set: HostSet;
  #subsets: Subsets | undefined;
  #subsetStats: SubsetStats | undefined;
  #zoneStats: ZoneStats | undefined;
  #destinationInvalid: Counter | undefined;
  #outliers: OutlierDetector | undefined;

  constructor(config: ClusterConfig, context: UpstreamClusterContext) {
    this.#config = config;
    this.#context = context;
    this.stats = new ClusterStats(context.stats);
    this.#limits = new CircuitBreakers("default", config.circuitBreakers, context.stats);
    this.#highLimits = new CircuitBreakers("high", config.highCircuitBreakers, context.stats);
    this.#pools = new HostPools(this, context);
    this.#set = this.#buildSet([]);
    this.#watchOutliers();
    if (config.discovery.kind === "static") this.setAssignment(config.discovery.assignment);
  }

  get name(): string {
    return this.#config.name;
  }

  get metadata(): HostMetadata {
    return this.#config.metadata;
  }

  get config(): ClusterConfig {
    return this.#config;
  }

  get connectionStats(): UpstreamConnectionStats {
    return this.#pools.connectionStats;
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

  get serverNameHeader(): string | undefined {
    return this.#config.connection.serverNameHeader;
  }

  get upstreamFilters(): readonly HttpFilterFactory[] | undefined {
    return this.#config.upstreamFilters;
  }

  get maxStreamDurationMs(): number {
    return this.#config.connection.maxStreamDurationMs;
  }

  get dropOverload(): number {
    return this.#assignment?.dropOverload ?? 0;
  }

  get maintenancePercent(): number {
    return this.#config.maintenancePercent;
  }

  get hosts(): readonly Host[] {
    return this.#list;
  }

  /** Streams, connections and retries are over: nothing will count in this cluster's statistics any more. */
  get idle(): boolean {
    if (!this.#limits.idle || !this.#highLimits.idle) return false;
    return this.#pools.idle && this.#list.every((host) => host.connectionCount === 0);
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
    const { connection, preconnect } = before;
    if (!sameSockets || !isDeepStrictEqual({ connection, preconnect }, { connection: config.connection, preconnect: config.preconnect })) {
      for (const host of this.#list) this.#pools.drain(host);
    }
    if (config.discovery.kind === "static") this.setAssignment(config.discovery.assignment);
    else if (this.#assignment !== undefined && config.discovery.kind !== "original-dst") this.setAssignment(this.#assignment);
  }

  /** Runtime layers say something else of it now: no host and no connection is forgotten. */
  overrule(config: ClusterConfig): void {
    this.#config = { ...config, transportSockets: this.#config.transportSockets };
    this.#limits.configure(config.circuitBreakers);
    this.#highLimits.configure(config.highCircuitBreakers);
    if (config.outliers !== undefined) this.#outliers?.configure(config.outliers);
    this.#rebuild();
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
      for (const { locality, weight, endpoints } of localities) {
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
            const before = this.#pools.transport(host);
            host.update(endpoint);
            if (this.#pools.transport(host) !== before) this.#pools.drain(host);
          }
          host.priority = priorities.length;
          host.pendingRemoval = false;
          this.#applyHealth(host);
          hosts.set(key, host);
          group.push(host);
        }
        level.push({ locality, weight, hosts: group });
      }
      priorities.push(level);
    }
    for (const [key, host] of known) {
      if (hosts.has(key)) continue;
      if (this.#staysWhileHealthy(host)) {
        host.pendingRemoval = true;
        hosts.set(key, host);
        while (priorities.length <= host.priority) priorities.push([]);
        priorities[host.priority]!.push({ locality: host.locality, weight: 0, hosts: [host] });
        continue;
      }
      changed = true;
      this.#pools.drain(host);
    }
    this.#hosts = hosts;
    this.#list = [...hosts.values()];
    this.#priorities = priorities;
    this.#outliers?.setHosts(this.#list);
    this.#set = this.#buildSet(priorities);
    this.#context.onHostsChanged?.(this.name);
    if (changed) {
      this.stats.membershipChange.inc();
      if (this.#config.drainsOnHostChange) for (const host of this.#list) this.#pools.drain(host);
    }
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
    if (now.failed) this.#pools.onHostFailure(host);
    else host.addedMs = this.#context.clock.monotonicMs();
  }

  #staysWhileHealthy(host: UpstreamHost): boolean {
    const active = host.activeHealth;
    return this.#config.keepsHealthyHosts && active !== undefined && !active.failed && host.edsHealth !== "unhealthy";
  }

  chooseHost(context: LoadBalancerContext): Host | undefined {
    const { discovery } = this.#config;
    if (discovery.kind === "original-dst") return this.#originalDestination(context, discovery.destination);
    const { overrideHost } = context;
    if (overrideHost !== undefined) {
      const wanted = this.#list.find(({ address }) => addressText(address) === overrideHost.address);
      if (wanted !== undefined && mayOverride(wanted, this.#config.overrideHostStatuses)) return wanted;
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
  ): HttpConnectionPool | undefined {
    const { predictive } = this.#config.preconnect;
    if (predictive > 1) this.#preconnect(predictive, (whose) => this.#pools.pool(whose, proxied, authority, downstream, priority));
    return this.#pools.pool(host as UpstreamHost, proxied, authority, downstream, priority);
  }

  speaksTls(host: Host): boolean {
    return this.#pools.transport(host as UpstreamHost).isTls;
  }

  tcpPool(host: Host, proxied: ConnectionInfo | undefined): TcpConnectionPool {
    const { predictive } = this.#config.preconnect;
    if (predictive > 1) this.#preconnect(predictive, (whose) => this.#pools.tcpPool(whose, proxied));
    return this.#pools.tcpPool(host as UpstreamHost, proxied);
  }

  /** A stream begins: the hosts of those that will follow connect. Envoy's balance is that of all its clusters; the ratio is about this one. */
  #preconnect(ratio: number, pool: (host: UpstreamHost) => ConnectionPool | undefined): void {
    connectAhead(
      ratio,
      () => this.#list.flatMap(({ pools }) => pools.map(({ demand }) => demand)),
      () => (this.#subsets === undefined ? this.#set.peek() : undefined),
      (host) => pool(host as UpstreamHost)?.preconnect(ratio) === true,
    );
  }

  tryAcquireConnection(): boolean {
    return this.#limits.tryAcquireConnection();
  }
  releaseConnection(): void {
    this.#limits.releaseConnection();
  }
  tryAcquireRequest(priority: RoutingPriority = "default"): boolean {
    return this.limitsOf(priority).tryAcquireRequest();
  }
  releaseRequest(priority: RoutingPriority = "default"): void {
    this.limitsOf(priority).releaseRequest();
  }
  tryAcquireRetry(priority: RoutingPriority = "default"): boolean {
    return this.limitsOf(priority).tryAcquireRetry();
  }
  releaseRetry(priority: RoutingPriority = "default"): void {
    this.limitsOf(priority).releaseRetry();
  }

  limitsOf(priority: RoutingPriority): CircuitBreakers {
    return priority === "default" ? this.#limits : this.#highLimits;
  }

  /** The cluster goes: no host can be chosen any more, running streams end in their own time. */
  drain(): void {
    for (const host of this.#list) this.#pools.drain(host);
    this.#outliers?.close();
    this.#outliers = undefined;
    this.#hosts = new Map();
    this.#list = [];
    this.#priorities = [];
    this.#set = this.#buildSet([]);
    this.#countMembers();
  }

  #buildSet(priorities: readonly (readonly LocalityHosts[])[]): HostSet {
    const { lb, panicThreshold, localityWeighted, subsets, zoneAware } = this.#config;
    const { random, clock } = this.#context;
    const hashing = lb.policy === "ring-hash" || lb.policy === "maglev";
    const options: HostSetOptions = {
      overprovisioning: this.#assignment?.overprovisioning ?? 1.4,
      weightedPriorityHealth: this.#assignment?.weightedPriorityHealth ?? false,
      panicThreshold,
      failTrafficOnPanic: zoneAware.failTrafficOnPanic && !hashing,
      onPanic: () => this.stats.panic.inc(),
      localityWeighted,
      zones: hashing ? undefined : this.#zoneRouting(),
      hashing,
      makeBalancer: (hosts) => makeLoadBalancer(lb, hosts, random, clock),
      random,
    };
    const set = new HostSet(priorities, options);
    const stats = subsets === undefined ? undefined : (this.#subsetStats ??= new SubsetStats(this.#context.stats));
    this.#subsets =
      subsets === undefined || stats === undefined ? undefined : new Subsets(subsets, priorities, options, set, this.#subsets, stats);
    return set;
  }

  #zoneRouting(): ZoneRouting | undefined {
    const local = this.#context.localZones?.(this.name);
    if (local === undefined) return undefined;
    return { config: this.#config.zoneAware, local, stats: (this.#zoneStats ??= new ZoneStats(this.#context.stats)) };
  }

  /** The proxies like this one, or their health, have changed. */
  onLocalZonesChanged(): void {
    this.#set = this.#buildSet(this.#priorities);
  }

  /** Of the first priority; what others compare themselves with when this is the cluster of the proxies like this one. */
  get localities(): readonly LocalityHosts[] {
    return this.#priorities[0] ?? [];
  }

  get outlierSummary(): OutlierSummary | undefined {
    return this.#outliers?.summary;
  }

  #watchOutliers(): void {
    this.#outliers?.close();
    const { outliers } = this.#config;
    const { clock, random, stats, writeOutlierEvent: write } = this.#context;
    const onEvent =
      write === undefined ? undefined : (event: OutlierEvent): void => write(outlierEventLine(event, this.name, clock.wallMs()));
    const onChange = (): void => {
      for (const host of this.#list) this.#onEjection(host);
      this.#rebuild();
    };
    this.#outliers = outliers === undefined ? undefined : new OutlierDetector(outliers, { clock, random, stats, onChange, onEvent });
    this.#outliers?.setHosts(this.#list);
    onChange();
  }

  /** As a failed health check: connections that led nowhere are not used again. */
  #onEjection(host: UpstreamHost): void {
    if (host.ejected && !host.drainedByEjection) this.#pools.onHostFailure(host);
    host.drainedByEjection = host.ejected;
  }

  #rebuild(): void {
    this.#set = this.#buildSet(this.#priorities);
    this.#context.onHostsChanged?.(this.name);
    this.#countMembers();
  }

  #countMembers(): void {
    this.stats.membershipTotal.set(this.#list.length);
    this.stats.membershipHealthy.set(this.#list.filter((host) => host.health === "healthy").length);
    this.stats.membershipExcluded.set(this.#list.filter((host) => host.excluded).length);
    this.stats.membershipDegraded.set(this.#list.filter((host) => host.health === "degraded").length);
  }

  #originalDestination(context: LoadBalancerContext, config: OriginalDestinationConfig): Host | undefined {
    const address = originalDestinationOf(context, config, () =>
      (this.#destinationInvalid ??= this.#context.stats.counter("original_dst_host_invalid")).inc(),
    );
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
      this.#pools.drain(oldest);
    }
    this.#hosts.set(key, host);
    this.#list = [...this.#hosts.values()];
    this.#outliers?.setHosts(this.#list);
    this.#countMembers();
    return host;
  }
}
