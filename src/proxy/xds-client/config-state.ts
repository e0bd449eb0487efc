// The configuration of one proxy: what was accepted, what waits, what is live. Warming as in Envoy: a cluster waits for its endpoints,
// a listener for its routes, and the old one serves until then. Beyond Envoy, so that no request fails while configuration moves: routes
// wait for clusters that are still warming, and a cluster that is taken away stays for a moment while live routes still name it.
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import type { SecretNeed } from "#proxy/transport-socket/secret";
import { ConfigNeeds } from "./config-needs.ts";
import { Patience } from "./patience.ts";
import { emptyUpdate, isEmptyUpdate } from "./proxy-update.ts";
import type { ProxyUpdate, UpdateTarget } from "./proxy-update.ts";
import type { Need } from "./references.ts";
import { BindError } from "./resource-facts.ts";
import type { AssignmentFacts, ClusterFacts, ListenerFacts, ResourceChecks, RouteFacts, SecretFacts } from "./resource-facts.ts";
import { ResourceSlots } from "./resource-slots.ts";
import type { AcceptedResource, ResourceSlot } from "./resource-slots.ts";
import type { IncomingResource, ResponseResult, UnboundListener } from "./response-result.ts";

export interface ConfigStateOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly checks: ResourceChecks;
  readonly target: UpdateTarget;
  /** Every host of the cluster was asked once whether it is well. */
  readonly healthKnown: (cluster: string) => boolean;
  /** Something was accepted, became live or went away. */
  readonly onChange: () => void;
  /** Nothing else is missing for the listener: it begins to listen, or says why it cannot and is as it was before. */
  readonly listen: (name: string) => string | undefined;
  /** Of those that were accepted earlier and waited. */
  readonly onUnbound: (unbound: readonly UnboundListener[]) => void;
  /** The listener is gone from every thread, or was never live: its sockets may go. */
  readonly onListenerGone: (name: string) => void;
  readonly onLive?: (type: string, name: string, modified: boolean, version: string) => void;
  readonly onRemoved?: (type: string, name: string) => void;
  /** It did not come in time; who waited goes on without. */
  readonly onFetchTimeout?: (type: string, name: string) => void;
}

/** How long a cluster that the server took away may stay while live routes name it. */
const REMOVAL_GRACE_MS = 1000;

/** How long routes wait for warming clusters where those wait for ever. */
const ROUTE_PATIENCE_MS = 15_000;

/** Stands where types of resources stand: what DNS says comes from no server of resources. */
const RESOLUTION = "dns";

const SETTLED: Promise<readonly string[]> = Promise.resolve([]);

export class ConfigState {
  /** By SecretNeed.key. */
  readonly secrets = new ResourceSlots<SecretFacts>();
  readonly clusters = new ResourceSlots<ClusterFacts>();
  readonly assignments = new ResourceSlots<AssignmentFacts>();
  /** Hosts of DNS clusters, by DnsConfig.key. */
  readonly resolutions = new ResourceSlots<AssignmentFacts>();
  readonly routes = new ResourceSlots<RouteFacts>();
  readonly listeners = new ResourceSlots<ListenerFacts>();
  readonly needs = new ConfigNeeds(this);
  readonly #options: ConfigStateOptions;
  readonly #patience: Patience;
  readonly #leavingClusters = new Set<string>();
  #updatesInFlight = 0;
  #closed = false;

  constructor(options: ConfigStateOptions) {
    this.#options = options;
    this.#patience = new Patience(options.clock, () => {
      void this.#advance();
      options.onChange();
    });
  }

  /** Traffic threads have not applied everything yet. */
  get busy(): boolean {
    return this.#updatesInFlight > 0;
  }

  /** One response of the server, or a part of what was saved on disk. */
  receive(type: string, resources: readonly IncomingResource[], removed: readonly string[]): ResponseResult {
    switch (type) {
      case SECRET_TYPE:
        return this.#receive(type, this.secrets, (bytes, key) => this.#options.checks.secret(bytes, key), resources, removed);
      case CLUSTER_TYPE:
        return this.#receive(type, this.clusters, (bytes) => this.#options.checks.cluster(bytes), resources, removed);
      case ENDPOINT_TYPE:
        return this.#receive(type, this.assignments, (bytes) => this.#options.checks.assignment(bytes), resources, removed);
      case ROUTE_TYPE:
        return this.#receive(type, this.routes, (bytes) => this.#options.checks.route(bytes), resources, removed);
      case LISTENER_TYPE: {
        const leaving = new Set(removed);
        return this.#receive(type, this.listeners, (bytes) => this.#options.checks.listener(bytes, leaving), resources, removed);
      }
      default:
        return {
          refused: [`resources of type ${type} are not known to this proxy`],
          unbound: [],
          accepted: [],
          changed: false,
          live: SETTLED,
        };
    }
  }

  /** The hosts of a DNS cluster, as far as its names are known: a ClusterLoadAssignment. */
  resolved(key: string, bytes: Uint8Array): void {
    this.resolutions
      .make(key)
      .accept({ name: key, version: "", bytes, facts: { name: key }, acceptedWallMs: this.#options.clock.wallMs() });
    this.#advance().catch((error: unknown) => this.#options.log.error("hosts of a DNS cluster failed", { error: String(error) }));
    this.#options.onChange();
  }

  /** Hosts of a cluster were checked. */
  healthChanged(): void {
    if (!this.clusters.anyWaiting) return;
    this.#advance().catch((error: unknown) => this.#options.log.error("a cluster with health checks failed", { error: String(error) }));
    this.#options.onChange();
  }

  /** All that is live, for a traffic thread that starts late. */
  snapshot(): ProxyUpdate {
    return {
      ...emptyUpdate(),
      secrets: this.secrets.live,
      clusters: this.clusters.live,
      assignments: [...this.assignments.live, ...this.resolutions.live],
      routes: this.routes.live,
      listeners: this.listeners.live,
    };
  }

  close(): void {
    this.#closed = true;
    this.#patience.close();
  }

  #receive<Facts extends { readonly name: string }>(
    type: string,
    slots: ResourceSlots<Facts>,
    check: (bytes: Uint8Array, name: string) => Facts,
    resources: readonly IncomingResource[],
    removed: readonly string[],
  ): ResponseResult {
    const refused: string[] = [];
    const unbound: UnboundListener[] = [];
    const accepted: IncomingResource[] = [];
    const changed: ResourceSlot<Facts>[] = [];
    for (const resource of resources) {
      const slot = slots.get(resource.name);
      if (slot?.newest !== undefined && sameBytes(slot.newest.bytes, resource.bytes)) {
        this.#leavingClusters.delete(type === CLUSTER_TYPE ? resource.name : "");
        accepted.push(resource);
        continue;
      }
      let facts: Facts;
      try {
        facts = check(resource.bytes, resource.name);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        refused.push(reason);
        if (error instanceof BindError) unbound.push({ resource, reason });
        continue;
      }
      if (facts.name !== resource.name) {
        refused.push(`resource "${resource.name}" calls itself "${facts.name}"`);
        continue;
      }
      if (type === CLUSTER_TYPE) this.#leavingClusters.delete(resource.name);
      const target = slots.make(resource.name);
      target.accept({ ...resource, facts, acceptedWallMs: this.#options.clock.wallMs() });
      this.#patience.forget(`${type} ${resource.name}`);
      accepted.push(resource);
      changed.push(target);
    }
    const gone = this.#remove(type, removed);
    const notListening: UnboundListener[] = [];
    const applied = this.#advance(notListening);
    for (const failed of notListening) {
      const index = type === LISTENER_TYPE ? accepted.findIndex(({ name }) => name === failed.resource.name) : -1;
      if (index < 0) {
        this.#options.onUnbound([failed]);
        continue;
      }
      accepted.splice(index, 1);
      refused.push(failed.reason);
      unbound.push(failed);
    }
    this.#options.onChange();
    return { refused, unbound, accepted, changed: changed.length > 0 || gone > 0, live: this.#whenLive(type, changed, applied) };
  }

  /** Clusters and listeners count as answered once accepted, as in Envoy: their endpoints and routes may come much later. */
  async #whenLive<Facts>(
    type: string,
    changed: readonly ResourceSlot<Facts>[],
    applied: Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const waits = type === ENDPOINT_TYPE || type === ROUTE_TYPE ? changed.filter(({ waiting }) => waiting !== undefined) : [];
    const [errors] = await Promise.all([applied, ...waits.map((slot) => new Promise<void>((resolve) => slot.onSettled(resolve)))]);
    return errors;
  }

  #remove(type: string, names: readonly string[]): number {
    let gone = 0;
    for (const name of names) {
      if (type === CLUSTER_TYPE && this.clusters.get(name) !== undefined) {
        gone++;
        this.#leavingClusters.add(name);
        this.#patience.wait(`leaving ${name}`, REMOVAL_GRACE_MS, () => {
          if (this.#leavingClusters.has(name)) this.#dropCluster(name);
        });
      } else if (type === LISTENER_TYPE && this.listeners.get(name) !== undefined) {
        gone++;
        this.#removedListeners.push(name);
      } else if (type === ENDPOINT_TYPE || type === ROUTE_TYPE || type === SECRET_TYPE) {
        // As Envoy: what is there stays until whoever uses it goes; who waits for it waits no more.
        this.#patience.giveUp(`${type} ${name}`);
      }
    }
    return gone;
  }

  readonly #removedListeners: string[] = [];
  readonly #droppedClusters: string[] = [];

  #dropCluster(name: string): void {
    this.#leavingClusters.delete(name);
    this.#droppedClusters.push(name);
    void this.#advance();
    this.#options.onChange();
  }

  /** Makes everything live that waits for nothing any more. `notListening` takes the listeners whose address cannot be had. */
  #advance(notListening?: UnboundListener[]): Promise<readonly string[]> {
    if (this.#closed) return SETTLED;
    const update = { ...emptyUpdate(), removedRoutes: [] as string[], removedAssignments: [] as string[], removedSecrets: [] as string[] };
    const moved: { slot: ResourceSlot<unknown>; type: string; modified: boolean }[] = [];
    const advance = <Facts>(
      type: string,
      slots: ResourceSlots<Facts>,
      ready: (resource: AcceptedResource<Facts>) => boolean,
    ): ResourceBytesList => {
      const list: AcceptedResource<Facts>[] = [];
      for (const slot of slots) {
        if (slot.waiting === undefined || !ready(slot.waiting)) continue;
        list.push(slot.waiting);
        moved.push({ slot: slot as ResourceSlot<unknown>, type, modified: slot.live !== undefined });
        slot.live = slot.waiting;
        slot.waiting = undefined;
      }
      return list;
    };
    const secrets = advance(SECRET_TYPE, this.secrets, () => true);
    const assignments = [...advance(ENDPOINT_TYPE, this.assignments, () => true), ...advance(RESOLUTION, this.resolutions, () => true)];
    const clusters = advance(
      CLUSTER_TYPE,
      this.clusters,
      ({ name, facts }) =>
        this.#endpointsReady(facts) &&
        this.#resolved(facts) &&
        this.#secretsReady(`cluster "${name}"`, facts.secrets) &&
        this.#healthKnown(facts),
    );
    const routes = advance(ROUTE_TYPE, this.routes, ({ name, facts }) => this.#clustersReady(ROUTE_TYPE, name, facts.clusters));
    const listeners = advance(
      LISTENER_TYPE,
      this.listeners,
      ({ name, facts }) =>
        this.#secretsReady(`listener "${name}"`, facts.secrets) &&
        this.#routesReady(facts) &&
        this.#clustersReady(LISTENER_TYPE, name, facts.clusters) &&
        this.#listens(name),
    );
    const removedListeners = this.#removedListeners.splice(0);
    for (const name of removedListeners) this.listeners.delete(name);
    this.#giveBackUnbound(notListening);
    this.#dropUnwanted(ROUTE_TYPE, this.routes, this.needs.routes, update.removedRoutes);
    const removedClusters = this.#takeLeavingClusters();
    for (const name of removedClusters) this.clusters.delete(name);
    this.#dropUnwanted(ENDPOINT_TYPE, this.assignments, this.needs.endpoints, update.removedAssignments);
    this.#dropUnwanted(RESOLUTION, this.resolutions, this.needs.resolutions, update.removedAssignments);
    this.#dropUnwanted(SECRET_TYPE, this.secrets, this.needs.secrets, update.removedSecrets);

    const complete: ProxyUpdate = { ...update, secrets, clusters, assignments, routes, listeners, removedListeners, removedClusters };
    if (isEmptyUpdate(complete)) return SETTLED;
    const applied = this.#options.target.apply(complete);
    this.#updatesInFlight++;
    const settle = (): void => {
      this.#updatesInFlight--;
      for (const { slot } of moved) if (slot.waiting === undefined) slot.settle();
      for (const name of removedListeners) if (this.listeners.get(name) === undefined) this.#options.onListenerGone(name);
      if (!this.#closed) this.#options.onChange();
    };
    for (const { slot, type, modified } of moved) this.#options.onLive?.(type, slot.name, modified, slot.live?.version ?? "");
    for (const name of removedListeners) this.#options.onRemoved?.(LISTENER_TYPE, name);
    for (const name of removedClusters) this.#options.onRemoved?.(CLUSTER_TYPE, name);
    return applied.then(
      (errors) => {
        settle();
        return errors;
      },
      (error: unknown) => {
        settle();
        throw error;
      },
    );
  }

  readonly #notListening = new Map<string, string>();

  #listens(name: string): boolean {
    const reason = this.#options.listen(name);
    if (reason !== undefined) this.#notListening.set(name, reason);
    return reason === undefined;
  }

  /** Where Envoy would take the live one away, too, it stays. */
  #giveBackUnbound(taker: UnboundListener[] | undefined): void {
    const unbound: UnboundListener[] = [];
    for (const [name, reason] of this.#notListening) {
      const slot = this.listeners.get(name);
      if (slot?.waiting === undefined) continue;
      unbound.push({ resource: slot.waiting, reason });
      slot.waiting = undefined;
      if (slot.live === undefined) this.listeners.delete(name);
    }
    this.#notListening.clear();
    if (taker !== undefined) taker.push(...unbound);
    else if (unbound.length > 0) this.#options.onUnbound(unbound);
  }

  #endpointsReady({ name, endpoints }: ClusterFacts): boolean {
    if (endpoints === undefined) return true;
    if (this.assignments.get(endpoints.name) !== undefined) {
      this.#patience.stop(`${ENDPOINT_TYPE} ${endpoints.name}`);
      return true;
    }
    return this.#hasGivenUp(ENDPOINT_TYPE, endpoints, `cluster "${name}" has no endpoints yet`);
  }

  #resolved({ dns }: ClusterFacts): boolean {
    return dns === undefined || this.resolutions.get(dns.config.key) !== undefined;
  }

  #healthKnown(facts: ClusterFacts): boolean {
    if (facts.healthChecked === undefined) return true;
    const nobodyToAsk = facts.healthChecked.discovery.kind !== "static" && this.needs.hostsOf(facts) === undefined;
    return nobodyToAsk || this.#options.healthKnown(facts.name);
  }

  #secretsReady(who: string, needs: readonly SecretNeed[]): boolean {
    let ready = true;
    for (const { key, name, timeoutMs } of needs) {
      if (this.secrets.get(key) !== undefined) this.#patience.stop(`${SECRET_TYPE} ${key}`);
      else if (!this.#hasGivenUp(SECRET_TYPE, { name: key, timeoutMs }, `${who} has no secret "${name}" yet`)) ready = false;
    }
    return ready;
  }

  #routesReady({ name, routes }: ListenerFacts): boolean {
    let ready = true;
    for (const need of routes) {
      if (this.routes.get(need.name) !== undefined) this.#patience.stop(`${ROUTE_TYPE} ${need.name}`);
      if (this.routes.get(need.name)?.live !== undefined) continue;
      // Routes that are here and wait for their clusters will come: only those that are not here can be given up.
      if (this.routes.get(need.name) !== undefined) ready = false;
      else if (!this.#hasGivenUp(ROUTE_TYPE, need, `listener "${name}" has no routes yet`)) ready = false;
    }
    return ready;
  }

  #hasGivenUp(type: string, need: Need, why: string): boolean {
    const key = `${type} ${need.name}`;
    if (this.#patience.over(key)) return true;
    if (need.timeoutMs > 0) {
      this.#patience.wait(key, need.timeoutMs, () => {
        this.#options.log.warn(`${why}; it goes live without`, { missing: need.name });
        this.#options.onFetchTimeout?.(type, need.name);
        this.#patience.giveUp(key);
      });
    }
    return false;
  }

  #clustersReady(type: string, name: string, clusters: ReadonlySet<string>): boolean {
    const key = `clusters of ${type} ${name}`;
    for (const cluster of clusters) {
      if (this.clusters.get(cluster)?.waitsForTheFirstTime !== true) continue;
      if (this.#patience.forget(key)) return true;
      this.#patience.wait(key, ROUTE_PATIENCE_MS, () => this.#patience.giveUp(key));
      return false;
    }
    this.#patience.stop(key);
    return true;
  }

  /** Leaving clusters that no live route or listener names any more, and those whose grace is over. */
  #takeLeavingClusters(): string[] {
    const taken = this.#droppedClusters.splice(0);
    if (this.#leavingClusters.size === 0) return taken;
    const used = new Set<string>();
    for (const { live } of this.routes) for (const name of live?.facts.clusters ?? []) used.add(name);
    for (const { live } of this.listeners) for (const name of live?.facts.clusters ?? []) used.add(name);
    for (const name of this.#leavingClusters) {
      if (used.has(name)) continue;
      this.#leavingClusters.delete(name);
      this.#patience.stop(`leaving ${name}`);
      taken.push(name);
    }
    return taken;
  }

  #dropUnwanted<Facts>(type: string, slots: ResourceSlots<Facts>, wanted: ReadonlyMap<string, unknown>, removed: string[]): void {
    for (const { name } of slots) {
      if (wanted.has(name)) continue;
      slots.delete(name);
      removed.push(name);
    }
    this.#patience.keepOnly(type, wanted);
  }
}

type ResourceBytesList = ProxyUpdate["clusters"];

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
