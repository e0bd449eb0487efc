// Envoy's statistics of dynamic configuration. An update that changes nothing (a control plane that came back with the same resources)
// counts as an attempt only, so that `update_success` and `*_modified` tell real changes.
import type { Counter, Gauge, NamePart, StatsScope } from "#telemetry/stats/store";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { RouteNeed } from "./references.ts";

export class XdsStats {
  readonly connected: Gauge;
  readonly #stats: StatsScope;
  readonly #counters = new Map<string, Counter>();
  /** By cluster: its statistics go with it. */
  readonly #clusterUpdates = new Map<string, { readonly scope: StatsScope; readonly success: Counter }>();
  readonly #clustersActive: Gauge;
  readonly #clustersWarming: Gauge;
  readonly #listenersActive: Gauge;
  readonly #listenersWarming: Gauge;

  constructor(stats: StatsScope) {
    this.#stats = stats;
    this.connected = stats.gauge("control_plane", "connected_state");
    this.#clustersActive = stats.gauge("cluster_manager", "active_clusters");
    this.#clustersWarming = stats.gauge("cluster_manager", "warming_clusters");
    this.#listenersActive = stats.gauge("listener_manager", "total_listeners_active");
    this.#listenersWarming = stats.gauge("listener_manager", "total_listeners_warming");
    // Made at once: a statistic that shows up only with its first event looks like one that does not exist.
    for (const manager of ["cluster_manager.cds", "listener_manager.lds"]) {
      for (const what of ["update_success", "update_rejected"]) this.#count(0, ...manager.split("."), what);
      // As Envoy, asking is an attempt, and so is each answer.
      this.#count(1, ...manager.split("."), "update_attempt");
    }
    for (const kind of ["cluster", "listener"]) {
      for (const what of ["added", "modified", "removed"]) this.#count(0, `${kind}_manager`, `${kind}_${what}`);
    }
    this.#count(0, "listener_manager", "listener_create_failure");
  }

  /** One response. `names`: the resources of it that were accepted and differ from before. */
  response(type: string, result: { readonly changed: boolean; readonly refused: number; readonly first: boolean }): void {
    const manager = type === CLUSTER_TYPE ? ["cluster_manager", "cds"] : type === LISTENER_TYPE ? ["listener_manager", "lds"] : undefined;
    if (manager === undefined) return;
    this.#count(1, ...manager, "update_attempt");
    if (result.refused > 0) this.#count(1, ...manager, "update_rejected");
    else if (result.changed || result.first) this.#count(1, ...manager, "update_success");
    if (type === LISTENER_TYPE && result.refused > 0) this.#count(result.refused, "listener_manager", "listener_create_failure");
  }

  live(type: string, name: string, modified: boolean, users: readonly RouteNeed[]): void {
    if (type === CLUSTER_TYPE) this.#count(1, "cluster_manager", modified ? "cluster_modified" : "cluster_added");
    else if (type === LISTENER_TYPE) this.#count(1, "listener_manager", modified ? "listener_modified" : "listener_added");
    else if (type === ENDPOINT_TYPE) this.#endpointsUpdated(name);
    else if (type === ROUTE_TYPE) {
      for (const { statPrefix } of users) {
        const scope = [
          "http",
          { tag: "envoy.http_conn_manager_prefix", value: statPrefix },
          "rds",
          { tag: "envoy.rds_route_config", value: name },
        ];
        this.#count(1, ...scope, "update_success");
        this.#count(1, ...scope, "config_reload");
      }
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
