// The clusters of one proxy on one thread, by name. It only indexes: what a cluster does is upstream-cluster.ts.
import type { StatsScope } from "#telemetry/stats/store";
import type { Connector } from "#proxy/net/connector";
import type { Runtime } from "#proxy/runtime/runtime";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { Clock, Timer } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { Cluster, ClusterManager } from "./cluster.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { zonesOf } from "./lb/zone-aware.ts";
import type { LocalZones } from "./lb/zone-aware.ts";
import { isConcerned, keysOfClusters, saysTheSame, underRuntime } from "./runtime-overrides.ts";
import type { HostsHealth } from "./health/active-health.ts";
import type { LoadAssignmentConfig } from "./load-assignment.ts";
import { UpstreamCluster } from "./upstream-cluster.ts";
import type { PoolFactory } from "./host-pools.ts";

export interface ClusterManagerContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly runtime: Runtime;
  /** Root scope of the proxy on this thread. */
  readonly stats: StatsScope;
  readonly makePool: PoolFactory;
  readonly connector: Connector;
  /** A host whose health is checked asked, in an answer to traffic, to be left alone. */
  readonly onHostUnhealthy?: (cluster: string, host: string) => void;
  readonly secrets: Secrets;
  /** A line for the log of outlier detection; undefined: nobody keeps it. */
  readonly writeOutlierEvent?: ((line: string) => void) | undefined;
  /** Undefined: no cluster is that of the proxies like this one. */
  readonly localCluster?: LocalCluster | undefined;
}

/** The cluster of the proxies like this one (cluster_manager.local_cluster_name), and where this one is. */
export interface LocalCluster {
  readonly name: string;
  /** The node's, as LocalityConfig writes it; "": it does not say. */
  readonly locality: string;
}

const LEAVING_CHECK_MS = 1_000;

export class ThreadClusterManager implements ClusterManager {
  readonly #context: ClusterManagerContext;
  readonly #clusters = new Map<string, UpstreamCluster>();
  /** As the control plane says it, without a word of runtime layers. */
  readonly #configured = new Map<string, ClusterConfig>();
  /** Endpoints by EDS service name, or by the key of what was looked up in DNS: they may come before their cluster, and stay when it is replaced. */
  readonly #assignments = new Map<string, LoadAssignmentConfig>();
  /** What active health checks found out, by cluster: it may come before the cluster. */
  readonly #health = new Map<string, HostsHealth>();
  /** Removed, with streams or connections that have not ended. */
  readonly #leaving = new Set<UpstreamCluster>();
  /** By stat name: clusters of one name, the one that comes and the one that goes, count in the same scope. */
  readonly #scopes = new Map<string, { readonly scope: StatsScope; users: number }>();
  #timer: Timer | undefined;

  constructor(context: ClusterManagerContext) {
    this.#context = context;
  }

  get(name: string): Cluster | undefined {
    return this.#clusters.get(name);
  }

  get clusters(): IterableIterator<UpstreamCluster> {
    return this.#clusters.values();
  }

  /** Adds the cluster or changes it in place: connections stay unless what they are made from has changed. */
  upsertCluster(configured: ClusterConfig): void {
    const config = underRuntime(configured, this.#context.runtime);
    this.#configured.set(config.name, configured);
    const before = this.#clusters.get(config.name);
    if (before !== undefined && before.config.statName === config.statName && before.config.discovery.kind === config.discovery.kind) {
      const service = serviceName(before.config);
      before.configure(config);
      if (service !== serviceName(config)) this.#assign(before);
      return;
    }
    const { localCluster, stats: _, runtime: _runtime, ...shared } = this.#context;
    // In this order counters go on, and the last word on gauges is the new cluster's.
    const stats = this.#useScope(config.statName);
    if (before !== undefined) this.#leave(before);
    const zones =
      localCluster === undefined
        ? {}
        : {
            localZones: (name: string) => this.#localZones(localCluster, name),
            onHostsChanged: (name: string) => this.#onHostsChanged(localCluster, name),
          };
    const cluster = new UpstreamCluster(config, { ...shared, stats, ...zones });
    this.#clusters.set(config.name, cluster);
    const health = this.#health.get(config.name);
    if (health !== undefined) cluster.setHealth(health, undefined);
    this.#assign(cluster);
    if (localCluster !== undefined) this.#onHostsChanged(localCluster, config.name);
  }

  /** Runtime layers say something else under these keys. */
  onRuntimeChanged(changed: ReadonlySet<string>): void {
    const keys = keysOfClusters(changed);
    for (const [name, configured] of this.#configured) {
      if (!isConcerned(configured, keys, changed)) continue;
      const config = underRuntime(configured, this.#context.runtime);
      const cluster = this.#clusters.get(name);
      if (cluster !== undefined && !saysTheSame(cluster.config, config)) cluster.overrule(config);
    }
  }

  removeCluster(name: string): void {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) return;
    this.#configured.delete(name);
    this.#clusters.delete(name);
    this.#leave(cluster);
  }

  /** For every EDS or DNS cluster whose endpoints are those of `config.clusterName`. */
  setLoadAssignment(config: LoadAssignmentConfig): void {
    this.#assignments.set(config.clusterName, config);
    for (const cluster of this.#clusters.values()) {
      if (serviceName(cluster.config) === config.clusterName) cluster.setAssignment(config);
    }
  }

  /** The control plane took the endpoints back: clusters that use them keep the hosts they have, as in Envoy. */
  removeLoadAssignment(name: string): void {
    this.#assignments.delete(name);
  }

  /** `health` undefined: the cluster is not checked any more. `passed`: the key of a host that has just passed a check. */
  setHealth(name: string, health: HostsHealth | undefined, passed: string | undefined): void {
    if (health === undefined) this.#health.delete(name);
    else this.#health.set(name, health);
    if (health !== undefined) this.#clusters.get(name)?.setHealth(health, passed);
  }

  /** The proxy ends: everything drains. */
  close(): void {
    for (const name of this.#clusters.keys()) this.removeCluster(name);
    this.#assignments.clear();
  }

  /** The cluster itself is not balanced by its own zones. */
  #localZones({ name, locality }: LocalCluster, of: string): LocalZones | undefined {
    const local = of === name ? undefined : this.#clusters.get(name);
    return local === undefined ? undefined : { own: locality, zones: zonesOf(local.localities, locality) };
  }

  #onHostsChanged({ name }: LocalCluster, of: string): void {
    if (of !== name) return;
    for (const cluster of this.#clusters.values()) if (cluster.name !== name) cluster.onLocalZonesChanged();
  }

  #assign(cluster: UpstreamCluster): void {
    const service = serviceName(cluster.config);
    const assignment = service === undefined ? undefined : this.#assignments.get(service);
    if (assignment !== undefined) cluster.setAssignment(assignment);
  }

  #leave(cluster: UpstreamCluster): void {
    cluster.drain();
    this.#leaving.add(cluster);
    this.#forgetIdle();
  }

  #useScope(statName: string): StatsScope {
    let used = this.#scopes.get(statName);
    if (used === undefined) {
      used = { scope: this.#context.stats.scope("cluster", { tag: "envoy.cluster_name", value: statName }), users: 0 };
      this.#scopes.set(statName, used);
    }
    used.users++;
    return used.scope;
  }

  /** A cluster's statistics are given back only when nothing counts in them any more. */
  #forgetIdle(): void {
    for (const cluster of this.#leaving) {
      if (!cluster.idle) continue;
      this.#leaving.delete(cluster);
      const name = cluster.config.statName;
      const used = this.#scopes.get(name)!;
      if (--used.users > 0) continue;
      this.#scopes.delete(name);
      used.scope.release();
    }
    if (this.#leaving.size > 0 && this.#timer === undefined) {
      this.#timer = this.#context.clock.setTimer(
        LEAVING_CHECK_MS,
        () => {
          this.#timer = undefined;
          this.#forgetIdle();
        },
        true,
      );
    }
  }
}

function serviceName(config: ClusterConfig): string | undefined {
  const { discovery } = config;
  if (discovery.kind === "dns") return discovery.dns.key;
  return discovery.kind === "eds" ? discovery.serviceName : undefined;
}
