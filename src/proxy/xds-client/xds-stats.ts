// Envoy's statistics of dynamic configuration. An update that changes nothing (a control plane that came back with the same resources)
// counts as an attempt only, so that `update_success` and `*_modified` tell real changes.
import type { Counter, Gauge, NamePart, StatsScope } from "#telemetry/stats/store";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, RUNTIME_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import type { SecretNeed } from "#proxy/transport-socket/secret";
import type { Clock } from "#runtime/clock";
import { dottedName } from "#telemetry/stats/stat-name";
import type { TextReadout } from "#telemetry/stats/stats-reader";
import type { RouteNeed } from "./references.ts";
import type { IncomingResource } from "./response-result.ts";
import { SubscriptionStats, versionText } from "./subscription-stats.ts";

interface NamedSubscription {
  readonly type: string;
  readonly name: string;
  readonly stats: SubscriptionStats;
}

interface ResponseOutcome {
  readonly changed: boolean;
  readonly refused: number;
  readonly first: boolean;
  readonly version: string;
  readonly durationMs: number;
}

function routePrefix(statPrefix: string, name: string): readonly NamePart[] {
  return ["http", { tag: "envoy.http_conn_manager_prefix", value: statPrefix }, "rds", { tag: "envoy.rds_route_config", value: name }];
}

export class XdsStats {
  readonly connected: Gauge;
  readonly #stats: StatsScope;
  readonly #clock: Clock;
  /** By type: those of which everything is asked for. */
  readonly #managers: Map<string, SubscriptionStats>;
  /** Of routes and secrets, by what stands before their statistics' names. */
  readonly #named = new Map<string, NamedSubscription>();
  readonly #counters = new Map<string, Counter>();
  /** By cluster: its statistics go with it. */
  readonly #clusterUpdates = new Map<string, { readonly scope: StatsScope; readonly success: Counter }>();
  readonly #clustersActive: Gauge;
  readonly #clustersWarming: Gauge;
  readonly #listenersActive: Gauge;
  readonly #listenersWarming: Gauge;

  /** `runtime`: somebody serves layers of it. */
  constructor(stats: StatsScope, clock: Clock, runtime: boolean) {
    this.#stats = stats;
    this.#clock = clock;
    this.connected = stats.gauge("control_plane", "connected_state");
    this.#clustersActive = stats.gauge("cluster_manager", "active_clusters");
    this.#clustersWarming = stats.gauge("cluster_manager", "warming_clusters");
    this.#listenersActive = stats.gauge("listener_manager", "total_listeners_active");
    this.#listenersWarming = stats.gauge("listener_manager", "total_listeners_warming");
    // Made at once: a statistic that shows up only with its first event looks like one that does not exist.
    this.#managers = new Map<string, SubscriptionStats>([
      [CLUSTER_TYPE, new SubscriptionStats(stats, ["cluster_manager", "cds"])],
      [LISTENER_TYPE, new SubscriptionStats(stats, ["listener_manager", "lds"])],
    ]);
    if (runtime) this.#managers.set(RUNTIME_TYPE, new SubscriptionStats(stats, ["runtime"]));
    for (const kind of ["cluster", "listener"]) {
      for (const what of ["added", "modified", "removed"]) this.#count(0, `${kind}_manager`, `${kind}_${what}`);
    }
    this.#count(0, "listener_manager", "listener_create_failure");
  }

  /** One response. */
  response(type: string, result: ResponseOutcome): void {
    const stats = this.#managers.get(type);
    if (stats === undefined) return;
    stats.attempt();
    if (result.refused > 0) stats.reject();
    else if (result.changed || result.first) stats.succeed(result.version, this.#clock.wallMs(), result.durationMs);
    else stats.hold(result.version);
    if (type === LISTENER_TYPE) this.listenersFailed(result.refused);
  }

  listenersFailed(count: number): void {
    this.#count(count, "listener_manager", "listener_create_failure");
  }

  /** `name`: of what is asked for by name. */
  fetchTimedOut(type: string, name?: string): void {
    if (name === undefined) this.#managers.get(type)?.fetchTimedOut();
    else for (const one of this.#named.values()) if (one.type === type && one.name === name) one.stats.fetchTimedOut();
  }

  /** Nobody could be asked. */
  disconnected(): void {
    for (const stats of this.#managers.values()) stats.fail();
    for (const { stats } of this.#named.values()) stats.fail();
  }

  /** Of what is asked for by name, that which came and was not accepted. */
  refusedOnes(type: string, came: readonly IncomingResource[], accepted: readonly IncomingResource[]): void {
    const names = new Set(came.map(({ name }) => name));
    for (const { name } of accepted) names.delete(name);
    for (const one of names.size === 0 ? [] : this.#named.values()) {
      if (one.type !== type || !names.has(one.name)) continue;
      one.stats.attempt();
      one.stats.reject();
    }
  }

  /** What is asked for by name now. */
  follow(routes: Iterable<RouteNeed>, secrets: Iterable<SecretNeed>): void {
    const wanted = new Set<string>();
    const want = (type: string, name: string, prefix: readonly NamePart[], more: readonly string[]): void => {
      const key = dottedName(prefix);
      wanted.add(key);
      if (this.#named.has(key)) return;
      this.#named.set(key, { type, name, stats: new SubscriptionStats(this.#stats, prefix, more) });
    };
    for (const { statPrefix, name } of routes) want(ROUTE_TYPE, name, routePrefix(statPrefix, name), ["config_reload", "update_empty"]);
    for (const { key, name, server } of secrets)
      if (server.kind !== "static") want(SECRET_TYPE, key, ["sds", name], ["key_rotation_failed"]);
    for (const [key, { stats }] of this.#named) {
      if (wanted.has(key)) continue;
      stats.release();
      this.#named.delete(key);
    }
  }

  versionInfo(type: string): string {
    return this.#managers.get(type)?.versionText.value ?? "";
  }

  /** Which version of what is held. Those of clusters' endpoints are named by the endpoints: another name is rare. */
  texts(assignments: readonly { readonly name: string; readonly version: string }[]): TextReadout[] {
    const texts = [
      ...[...this.#managers.values()].map(({ versionText }) => versionText),
      ...[...this.#named.values()].map(({ stats }) => stats.versionText),
      ...assignments.map(({ name, version }) => versionText(["cluster", { tag: "envoy.cluster_name", value: name }], version)),
    ];
    return texts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  live(type: string, name: string, modified: boolean, version: string): void {
    if (type === CLUSTER_TYPE) this.#count(1, "cluster_manager", modified ? "cluster_modified" : "cluster_added");
    else if (type === LISTENER_TYPE) this.#count(1, "listener_manager", modified ? "listener_modified" : "listener_added");
    else if (type === ENDPOINT_TYPE) this.#endpointsUpdated(name);
    for (const one of this.#named.values()) {
      if (one.type !== type || one.name !== name) continue;
      one.stats.attempt();
      one.stats.succeed(version, this.#clock.wallMs(), 0);
      if (type === ROUTE_TYPE) one.stats.count("config_reload");
    }
  }

  removed(type: string, name: string): void {
    if (type === CLUSTER_TYPE) {
      this.#count(1, "cluster_manager", "cluster_removed");
      this.#clusterUpdates.get(name)?.scope.release();
      this.#clusterUpdates.delete(name);
    } else if (type === LISTENER_TYPE) this.#count(1, "listener_manager", "listener_removed");
  }

  totals(clusters: { live: number; warming: number }, listeners: { live: number; warming: number }): void {
    this.#clustersActive.set(clusters.live);
    this.#clustersWarming.set(clusters.warming);
    this.#listenersActive.set(listeners.live);
    this.#listenersWarming.set(listeners.warming);
  }

  #endpointsUpdated(cluster: string): void {
    let updates = this.#clusterUpdates.get(cluster);
    if (updates === undefined) {
      const scope = this.#stats.scope("cluster", { tag: "envoy.cluster_name", value: cluster });
      updates = { scope, success: scope.counter("update_success") };
      this.#clusterUpdates.set(cluster, updates);
    }
    updates.success.inc();
  }

  #count(n: number, ...parts: NamePart[]): void {
    const key = JSON.stringify(parts);
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#stats.counter(...parts);
      this.#counters.set(key, counter);
    }
    if (n > 0) counter.add(n);
  }
}
