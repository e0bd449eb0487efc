// The configuration side of one proxy: what the bootstrap holds, an ADS stream, streams of one type, files; the configuration that came of
// them, its copy on disk, its statistics. It ACKs when every traffic thread has applied what came, and NACKs by name what cannot be honoured; good resources beside bad ones go live, as in Envoy.
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import type { StatsScope } from "#telemetry/stats/store";
import { HealthChecks } from "#proxy/cluster/health/health-checks";
import type { HealthChecksOptions } from "#proxy/cluster/health/health-checks";
import { DnsClusters } from "#proxy/dns/dns-clusters";
import type { DnsResolver } from "#proxy/net/dns-resolver";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { ADS, sourceKey } from "#proxy/resource-source";
import type { GrpcSource, PathSource, ResourceSource } from "#proxy/resource-source";
import { secretKey } from "#proxy/transport-socket/secret";
import { AcceptedSecrets } from "./accepted-secrets.ts";
import { ConfigState } from "./config-state.ts";
import type { IncomingResource, ResourceChecks, ResponseResult, UnboundListener } from "./config-state.ts";
import { DeltaSubscription } from "./delta-subscription.ts";
import { DiscoveryStream } from "./discovery-stream.ts";
import { FileSubscription } from "./file-subscription.ts";
import type { UpdateTarget } from "./proxy-update.ts";
import type { Need, RouteNeed } from "./references.ts";
import type { ResourceSlots } from "./resource-slots.ts";
import { SecretStream } from "./secret-stream.ts";
import { SavedConfig } from "./saved-config.ts";
import { isStatic } from "./static-resources.ts";
import type { StaticResources } from "./static-resources.ts";
import { XdsStats } from "./xds-stats.ts";

export interface XdsClientOptions {
  readonly node: Node;
  /** Undefined: there is no ADS stream. */
  readonly ads: GrpcSource | undefined;
  /** Where all clusters and all listeners come from. Undefined: the bootstrap has them. */
  readonly cds: ResourceSource | undefined;
  readonly lds: ResourceSource | undefined;
  readonly staticResources: StaticResources;
  /** Clusters of the bootstrap, by name, and where their endpoints are: host:port or unix:PATH. */
  readonly servers: ReadonlyMap<string, readonly string[]>;
  /** Undefined: nothing is kept on disk. */
  readonly stateDirectory: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stats: StatsScope;
  readonly resolver: DnsResolver;
  readonly health: Pick<HealthChecksOptions, "connector" | "hasTraffic" | "writeEvent" | "onHealth">;
  readonly checks: ResourceChecks;
  readonly target: UpdateTarget;
  readonly onListenerGone: (name: string) => void;
  /** Once: the first complete configuration is live. */
  readonly onReady: () => void;
}

/** How long until a listener whose address was taken is tried again. */
const REBIND_MS = 2000;

// Clusters and endpoints before listeners, and listeners before routes, because what nobody wants is not kept.
const ORDER = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE] as const;

/** Private keys are not kept on disk: the control plane or the secret server says them again. */
const SAVED = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE] as const;

/** Who serves resources beside the ADS stream. */
interface OtherSource {
  /** For types that are asked for by name. */
  want(names: ReadonlySet<string>): void;
  close(): void;
}

export class XdsClient {
  readonly state: ConfigState;
  readonly #options: XdsClientOptions;
  readonly #stats: XdsStats;
  readonly #subscriptions: Readonly<Record<(typeof ORDER)[number], DeltaSubscription>>;
  readonly #stream: DiscoveryStream | undefined;
  /** By type, then by sourceKey. */
  readonly #others = new Map<string, Map<string, OtherSource>>();
  #asksForListeners = false;
  readonly #saved: SavedConfig | undefined;
  readonly #dns: DnsClusters;
  readonly #health: HealthChecks;
  /** By SecretNeed.key. */
  readonly #secretStreams = new Map<string, SecretStream>();
  readonly #received = new Set<string>();
  readonly #unbound = new Map<string, UnboundListener>();
  /** The newest response with listeners was refused for nothing but addresses that were taken. */
  #onlyUnbound = false;
  #rebind: Timer | undefined;
  #connected = false;
  #ready = false;
  #closed = false;

  constructor(options: XdsClientOptions) {
    this.#options = options;
    this.#stats = new XdsStats(options.stats);
    this.#subscriptions = {
      [CLUSTER_TYPE]: new DeltaSubscription(CLUSTER_TYPE, true),
      [ENDPOINT_TYPE]: new DeltaSubscription(ENDPOINT_TYPE, false),
      [LISTENER_TYPE]: new DeltaSubscription(LISTENER_TYPE, true),
      [ROUTE_TYPE]: new DeltaSubscription(ROUTE_TYPE, false),
      [SECRET_TYPE]: new DeltaSubscription(SECRET_TYPE, false),
    };
    this.state = new ConfigState({
      clock: options.clock,
      log: options.log,
      checks: options.checks,
      target: options.target,
      healthKnown: (cluster) => this.#health.ready(cluster),
      onChange: () => this.#onChange(),
      onListenerGone: options.onListenerGone,
      onLive: (type, name, modified) => this.#stats.live(type, name, modified, type === ROUTE_TYPE ? this.#usersOfRoute(name) : []),
      onRemoved: (type, name) => this.#stats.removed(type, name),
    });
    const { resolver, clock, random, log, stats, health } = options;
    this.#health = new HealthChecks({
      ...health,
      clock,
      random,
      stats,
      secrets: new AcceptedSecrets(this.state.secrets),
      onHealth: (cluster, hosts, passed) => {
        health.onHealth(cluster, hosts, passed);
        this.state.healthChanged();
      },
    });
    this.#dns = new DnsClusters({ resolver, clock, random, log, stats, onResolved: (key, bytes) => this.state.resolved(key, bytes) });
    this.#stream = options.ads === undefined ? undefined : this.#openStream(options.ads, undefined, this.#subscriptionsOfAds());
    this.#saved =
      options.stateDirectory === undefined
        ? undefined
        : new SavedConfig({
            directory: options.stateDirectory,
            nodeId: options.node.id,
            clock: options.clock,
            log: options.log,
            collect: () => this.#collect(),
          });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** What active health checks found out, for a traffic thread that starts late. */
  get health(): ReturnType<HealthChecks["all"]> {
    return this.#health.all();
  }

  /** A host asked, in an answer to traffic, to be left alone. */
  setUnhealthy(cluster: string, host: string): void {
    this.#health.setUnhealthy(cluster, host);
  }

  /** The first complete configuration, from disk or from the control plane, was live. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Takes what the bootstrap holds and what was saved, then asks. @throws Error when something of the bootstrap is refused */
  start(): void {
    const { cds, lds, staticResources } = this.#options;
    this.#subscriptions[LISTENER_TYPE].paused = true;
    this.#takeStatic(CLUSTER_TYPE, staticResources.clusters);
    this.#takeStatic(LISTENER_TYPE, staticResources.listeners);
    // Listeners are asked for once clusters are there: no connection is accepted that could go nowhere.
    if (this.#load()) this.#askForListeners();
    if (cds !== undefined && cds.kind !== "ads") this.#other(CLUSTER_TYPE, cds);
    this.#stream?.start();
    this.#onChange();
    if (lds === undefined && cds === undefined && staticResources.listeners.length === 0)
      this.#options.log.warn("the bootstrap has no listeners, and names nobody who serves some");
  }

  #takeStatic(type: string, resources: readonly IncomingResource[]): void {
    if (resources.length === 0) return;
    const { refused, live } = this.state.receive(type, resources, []);
    if (refused.length > 0) throw new Error(refused.join("; "));
    live.then(
      (errors) => errors.forEach((error) => this.#options.log.error("a static resource failed", { error })),
      (error: unknown) => this.#options.log.error("static resources failed", { error: String(error) }),
    );
  }

  #askForListeners(): void {
    const { lds } = this.#options;
    if (this.#asksForListeners || lds === undefined) return;
    this.#asksForListeners = true;
    this.#subscriptions[LISTENER_TYPE].paused = false;
    if (lds.kind !== "ads") this.#other(LISTENER_TYPE, lds);
  }

  #subscriptionsOfAds(): DeltaSubscription[] {
    const { cds, lds } = this.#options;
    return ORDER.filter((type) => (type === CLUSTER_TYPE ? cds : type === LISTENER_TYPE ? lds : ADS)?.kind === "ads").map(
      (type) => this.#subscriptions[type],
    );
  }

  #openStream(source: GrpcSource, type: string | undefined, subscriptions: readonly DeltaSubscription[]): DiscoveryStream {
    const { node, clock, random, log, servers } = this.#options;
    return new DiscoveryStream({
      targets: servers.get(source.cluster) ?? [],
      protocol: source.protocol,
      type,
      node,
      clock,
      random,
      log,
      subscriptions,
      onResponse: (response) => this.#onResponse(response),
      onConnected: (connected) => {
        this.#connected = connected;
        this.#stats.connected.set(connected ? 1 : 0);
      },
    });
  }

  /** Makes and starts a source when it is not there yet. */
  #other(type: string, source: GrpcSource | PathSource): OtherSource {
    let ofType = this.#others.get(type);
    if (ofType === undefined) this.#others.set(type, (ofType = new Map()));
    const key = sourceKey(source);
    const known = ofType.get(key);
    if (known !== undefined) return known;
    const made = source.kind === "path" ? this.#openFile(type, source) : this.#openStreamOfType(type, source);
    ofType.set(key, made);
    return made;
  }

  #openFile(type: string, source: PathSource): OtherSource {
    const file = new FileSubscription({
      source,
      type,
      log: this.#options.log,
      onResponse: (response) => this.#onResponse(response),
      onUnreadable: () => this.#stats.response(type, { changed: false, refused: 1, first: false }),
    });
    file.start();
    return file;
  }

  #openStreamOfType(type: string, source: GrpcSource): OtherSource {
    const wildcard = type === CLUSTER_TYPE || type === LISTENER_TYPE;
    const subscription = wildcard ? this.#subscriptions[type] : new DeltaSubscription(type, false);
    const stream = this.#openStream(source, type, [subscription]);
    stream.start();
    return {
      want: (names) => {
        subscription.want(names);
        stream.flush();
      },
      close: () => stream.close(),
    };
  }

  close(): void {
    this.#closed = true;
    this.#stream?.close();
    for (const ofType of this.#others.values()) for (const other of ofType.values()) other.close();
    for (const stream of this.#secretStreams.values()) stream.close();
    this.#dns.close();
    this.#health.close();
    this.#rebind?.cancel();
    this.#saved?.close();
    this.state.close();
  }

  #load(): boolean {
    const saved = this.#saved?.load();
    if (saved === undefined) return false;
    let count = 0;
    for (const type of SAVED) {
      const resources = saved.get(type) ?? [];
      count += resources.length;
      const result = this.state.receive(type, resources, []);
      this.#note(type, result);
      for (const reason of result.refused) this.#options.log.warn("saved configuration is refused", { reason });
      result.live.catch((error: unknown) => this.#options.log.error("saved configuration failed", { error: String(error) }));
    }
    this.#options.log.info("serving the saved configuration until the control plane answers", { resources: count });
    return count > 0;
  }

  async #onResponse(response: DeltaDiscoveryResponse): Promise<string | undefined> {
    const { typeUrl } = response;
    const resources: IncomingResource[] = [];
    const refused: string[] = [];
    for (const { name, version, resource } of response.resources) {
      if (isStatic(this.#options.staticResources, typeUrl, name)) continue;
      if (resource === undefined || resource.typeUrl !== typeUrl) refused.push(`resource "${name}" is not of type ${typeUrl}`);
      // A copy of its own: the decoded bytes are a view of the whole response, which would be kept and cloned to threads with each.
      else resources.push({ name: slotName(typeUrl, name), version, bytes: new Uint8Array(resource.value) });
    }
    const first = !this.#received.has(typeUrl);
    this.#received.add(typeUrl);
    for (const name of response.removedResources) {
      this.#unbound.delete(name);
      if (isOurs(typeUrl)) this.#subscriptions[typeUrl].removed(name);
    }
    const result = this.state.receive(
      typeUrl,
      resources,
      response.removedResources
        .filter((name) => !isStatic(this.#options.staticResources, typeUrl, name))
        .map((name) => slotName(typeUrl, name)),
    );
    refused.push(...result.refused);
    this.#note(typeUrl, result);
    if (typeUrl === LISTENER_TYPE) {
      // Those of earlier responses are said again: an ACK would tell the control plane that all its listeners are served.
      const now = new Set(result.unbound.map(({ resource }) => resource.name));
      for (const { resource, reason } of this.#unbound.values()) if (!now.has(resource.name)) refused.push(reason);
      this.#onlyUnbound = refused.length === this.#unbound.size;
    }
    this.#stats.response(typeUrl, { changed: result.changed, refused: refused.length, first });
    this.#onChange();
    const errors = await result.live;
    return [...refused, ...errors].join("; ");
  }

  #note(type: string, { accepted, unbound }: ResponseResult): void {
    if (!isOurs(type)) return;
    for (const { name, version } of accepted)
      this.#subscriptions[type].accepted(type === SECRET_TYPE ? name.slice(secretKey(ADS, "").length) : name, version);
    if (type !== LISTENER_TYPE) return;
    for (const { name } of accepted) this.#unbound.delete(name);
    for (const listener of unbound) this.#unbound.set(listener.resource.name, listener);
    if (this.#unbound.size > 0) this.#rebind ??= this.#options.clock.setTimer(REBIND_MS, () => this.#bindAgain(), true);
  }

  #bindAgain(): void {
    this.#rebind = undefined;
    const again = [...this.#unbound.values()].map(({ resource }) => resource);
    const result = this.state.receive(LISTENER_TYPE, again, []);
    for (const { name } of result.accepted)
      this.#options.log.info("the address of a listener is free now; it is served", { listener: name });
    this.#note(LISTENER_TYPE, result);
    result.live.then(
      (errors) => {
        // All that the control plane last sent is served now: it hears so, although it was told the contrary before.
        if (again.length > 0 && this.#unbound.size === 0 && this.#onlyUnbound && errors.length === 0)
          this.#stream?.acknowledge(LISTENER_TYPE);
      },
      (error: unknown) => this.#options.log.error("a listener failed", { error: String(error) }),
    );
  }

  /** After anything changed: subscriptions follow, the copy on disk follows, and the start may be complete. */
  #onChange(): void {
    if (this.#closed) return;
    const { state } = this;
    this.#want(ENDPOINT_TYPE, state.endpointNeeds);
    this.#want(ROUTE_TYPE, state.routeNeeds);
    this.#dns.want(state.dnsNeeds);
    this.#health.want(state.healthCheckNeeds);
    this.#wantSecrets();
    this.#stats.totals(totals(state.clusters), totals(state.listeners));
    const { cds, lds, staticResources } = this.#options;
    const hasClusters = cds === undefined || this.#received.has(CLUSTER_TYPE);
    if (hasClusters && !state.clusters.anyWaiting) this.#askForListeners();
    this.#stream?.flush();
    this.#saved?.schedule();
    const hasListeners =
      lds === undefined || this.#received.has(LISTENER_TYPE) || state.listeners.live.length > staticResources.listeners.length;
    const complete = hasListeners && (lds !== undefined || hasClusters);
    if (!this.#ready && complete && !state.busy && !state.clusters.anyWaiting && !state.listeners.anyWaiting) {
      this.#ready = true;
      this.#options.onReady();
    }
  }

  #want(type: typeof ENDPOINT_TYPE | typeof ROUTE_TYPE, needs: ReadonlyMap<string, Need>): void {
    const fromAds = new Set<string>();
    const others = new Map<string, Set<string>>();
    for (const { name, source = ADS } of needs.values()) {
      if (source.kind === "ads") fromAds.add(name);
      else {
        const other = this.#other(type, source);
        const key = sourceKey(source);
        others.set(key, (others.get(key) ?? new Set()).add(name));
        other.want(others.get(key) ?? new Set());
      }
    }
    this.#subscriptions[type].want(fromAds);
    this.#closeOthers(type, others);
  }

  #closeOthers(type: string, wanted: ReadonlyMap<string, unknown>): void {
    const ofType = this.#others.get(type);
    for (const [key, other] of ofType ?? []) {
      if (wanted.has(key)) continue;
      other.close();
      ofType?.delete(key);
    }
  }

  #wantSecrets(): void {
    const needs = this.state.secretNeeds;
    const fromAds = new Set<string>();
    const files = new Map<string, unknown>();
    for (const { key, name, server } of needs.values()) {
      if (server.kind === "ads") fromAds.add(name);
      else if (server.kind === "static") this.#takeStaticSecret(key, name);
      else if (server.kind === "path") {
        files.set(key, undefined);
        this.#readSecret(key, name, server);
      } else if (!this.#secretStreams.has(key)) this.#askForSecret(key, name, server.name);
    }
    this.#subscriptions[SECRET_TYPE].want(fromAds);
    this.#closeOthers(SECRET_TYPE, files);
    for (const [key, stream] of this.#secretStreams) {
      if (needs.has(key)) continue;
      stream.close();
      this.#secretStreams.delete(key);
    }
  }

  #takeStaticSecret(key: string, name: string): void {
    const secret = this.#options.staticResources.secrets.get(name);
    if (secret === undefined || this.state.secrets.get(key) !== undefined) return;
    this.#takeStatic(SECRET_TYPE, [{ ...secret, name: key }]);
  }

  #readSecret(key: string, name: string, source: PathSource): void {
    let ofType = this.#others.get(SECRET_TYPE);
    if (ofType === undefined) this.#others.set(SECRET_TYPE, (ofType = new Map()));
    if (ofType.has(key)) return;
    const file = new FileSubscription({
      source,
      type: SECRET_TYPE,
      log: this.#options.log,
      onUnreadable: () => {},
      onResponse: async ({ resources }) => {
        const found = resources.find((resource) => resource.name === name);
        if (found?.resource === undefined) return `there is no secret "${name}"`;
        const { refused, live } = this.state.receive(SECRET_TYPE, [{ name: key, version: found.version, bytes: found.resource.value }], []);
        return [...refused, ...(await live)].join("; ");
      },
    });
    ofType.set(key, file);
    file.start();
  }

  #askForSecret(key: string, secretName: string, cluster: string): void {
    const { servers, node, clock, random, log } = this.#options;
    const target = servers.get(cluster)?.[0];
    // A resource that asks an unknown server was refused.
    if (target === undefined) return;
    const stream = new SecretStream({
      target,
      secretName,
      node,
      clock,
      random,
      log,
      onSecret: async (bytes, version) => {
        const { refused, live } = this.state.receive(SECRET_TYPE, [{ name: key, version, bytes }], []);
        return [...refused, ...(await live)].join("; ");
      },
    });
    this.#secretStreams.set(key, stream);
    stream.start();
  }

  #usersOfRoute(name: string): RouteNeed[] {
    const users = new Map<string, RouteNeed>();
    for (const { newest } of this.state.listeners) {
      for (const need of newest?.facts.routes ?? []) if (need.name === name) users.set(need.statPrefix, need);
    }
    return [...users.values()];
  }

  #collect(): Map<string, readonly IncomingResource[]> {
    const { clusters, assignments, listeners, routes } = this.state;
    const { staticResources } = this.#options;
    return new Map<string, readonly IncomingResource[]>([
      [CLUSTER_TYPE, clusters.live.filter(({ name }) => !isStatic(staticResources, CLUSTER_TYPE, name))],
      [ENDPOINT_TYPE, assignments.live],
      [LISTENER_TYPE, listeners.live.filter(({ name }) => !isStatic(staticResources, LISTENER_TYPE, name))],
      [ROUTE_TYPE, routes.live],
    ]);
  }
}

/** Secrets of several servers live in one place. */
function slotName(type: string, name: string): string {
  return type === SECRET_TYPE ? secretKey(ADS, name) : name;
}

function isOurs(type: string): type is (typeof ORDER)[number] {
  return (ORDER as readonly string[]).includes(type);
}

function totals<Facts>(slots: ResourceSlots<Facts>): { live: number; warming: number } {
  let live = 0;
  let warming = 0;
  for (const slot of slots) {
    if (slot.live !== undefined) live++;
    if (slot.waiting !== undefined) warming++;
  }
  return { live, warming };
}
