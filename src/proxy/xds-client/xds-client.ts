// The configuration side of one proxy: what the bootstrap holds, an ADS stream, streams of one type, files; the configuration that came of
// them, its copy on disk, its statistics. It ACKs when every traffic thread has applied what came, and NACKs by name what cannot be honoured; good resources beside bad ones go live, as in Envoy.
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, RUNTIME_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import type { StatsScope } from "#telemetry/stats/store";
import { HealthChecks } from "#proxy/cluster/health/health-checks";
import type { HealthChecksOptions } from "#proxy/cluster/health/health-checks";
import { DnsClusters } from "#proxy/dns/dns-clusters";
import type { DnsResolver } from "#proxy/net/dns-resolver";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { ADS, sourceKey } from "#proxy/resource-source";
import type { GrpcSource, PathSource, ResourceSource } from "#proxy/resource-source";
import { secretKey } from "#proxy/transport-socket/secret";
import { AcceptedSecrets } from "./accepted-secrets.ts";
import { ConfigState } from "./config-state.ts";
import { DeltaSubscription } from "./delta-subscription.ts";
import { DiscoveryStream } from "./discovery-stream.ts";
import { FileSubscription } from "./file-subscription.ts";
import type { UpdateTarget } from "./proxy-update.ts";
import type { Need } from "./references.ts";
import type { ResourceChecks } from "./resource-facts.ts";
import type { IncomingResource, ResponseResult, UnboundListener } from "./response-result.ts";
import { RuntimeSources } from "./runtime-sources.ts";
import type { RuntimeServer, RuntimeSourcesOptions } from "./runtime-sources.ts";
import { InitialFetch } from "./initial-fetch.ts";
import { SecretSources } from "./secret-sources.ts";
import { SavedConfig } from "./saved-config.ts";
import { isStatic, takeStatic } from "./static-resources.ts";
import type { StaticResources } from "./static-resources.ts";
import { UnboundListeners } from "./unbound-listeners.ts";
import { XdsStats } from "./xds-stats.ts";

export interface XdsClientOptions {
  readonly node: Node;
  /** Undefined: there is no ADS stream. */
  readonly ads: GrpcSource | undefined;
  /** Where all clusters and all listeners come from. Undefined: the bootstrap has them. */
  readonly cds: ResourceSource | undefined;
  readonly lds: ResourceSource | undefined;
  /** Runtime layers that somebody serves. */
  readonly runtime: Pick<RuntimeSourcesOptions, "layers" | "setLayer">;
  /** How long the start waits for the first word of each. 0: for ever. */
  readonly cdsTimeoutMs: number;
  readonly ldsTimeoutMs: number;
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
  readonly health: Pick<HealthChecksOptions, "connector" | "runtime" | "hasTraffic" | "writeEvent" | "onHealth">;
  readonly checks: ResourceChecks;
  readonly target: UpdateTarget;
  readonly listen: (name: string) => string | undefined;
  readonly onListenerGone: (name: string) => void;
  /** Once: the first complete configuration is live. */
  readonly onReady: () => void;
}

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
  readonly stats: XdsStats;
  readonly #subscriptions: Readonly<Record<(typeof ORDER)[number], DeltaSubscription>>;
  readonly #stream: DiscoveryStream | undefined;
  /** By type, then by sourceKey. */
  readonly #others = new Map<string, Map<string, OtherSource>>();
  readonly #firstClusters: InitialFetch;
  readonly #firstListeners: InitialFetch;
  #asksForListeners = false;
  readonly #saved: SavedConfig | undefined;
  readonly #dns: DnsClusters;
  readonly #health: HealthChecks;
  readonly #secrets: SecretSources;
  readonly #runtime: RuntimeSources;
  readonly #received = new Set<string>();
  readonly #unbound: UnboundListeners;
  /** What the bootstrap holds was taken: none of it can be refused any more. */
  #started = false;
  #onClosed: (() => void) | undefined;
  #streaming = false;
  #ready = false;
  #closed = false;

  constructor(options: XdsClientOptions) {
    this.#options = options;
    this.stats = new XdsStats(options.stats, options.clock, options.runtime.layers.length > 0);
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
      listen: options.listen,
      onUnbound: (unbound) => this.#onUnbound(unbound),
      onListenerGone: options.onListenerGone,
      onLive: (type, name, modified, version) => this.stats.live(type, name, modified, version),
      onRemoved: (type, name) => this.stats.removed(type, name),
      onFetchTimeout: (type, name) => this.stats.fetchTimedOut(type, name),
    });
    const { resolver, clock, random, log, stats, health } = options;
    this.#firstClusters = this.#initialFetch(CLUSTER_TYPE, options.cdsTimeoutMs);
    this.#firstListeners = this.#initialFetch(LISTENER_TYPE, options.ldsTimeoutMs);
    this.#unbound = new UnboundListeners(clock, (listeners) => this.#bindAgain(listeners));
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
    this.#runtime = new RuntimeSources({
      ...options.runtime,
      clock,
      onMissing: (layer, cause) => {
        log.warn("a runtime layer has not come yet; the start goes on without it", { layer });
        if (cause === "timeout") this.stats.fetchTimedOut(RUNTIME_TYPE);
      },
      open: (source) => this.#openRuntime(source),
    });
    this.#secrets = new SecretSources({ ...options, state: this.state });
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
    return this.stats.connected.value === 1;
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

  /**
   * Takes what the bootstrap holds and what was saved, then asks; before that waits for runtime layers that somebody serves.
   * @throws Error when something of the bootstrap is refused
   */
  start(): Promise<void> {
    this.#subscriptions[CLUSTER_TYPE].paused = true;
    this.#subscriptions[LISTENER_TYPE].paused = true;
    return new Promise((resolve, reject) => {
      this.#onClosed = resolve;
      this.#runtime.start(() => {
        try {
          this.#begin();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
      const { missing } = this.#runtime;
      if (missing.length === 0) return;
      this.#options.log.info("the start waits for runtime layers", { layers: missing.join() });
      this.#startStream();
    });
  }

  #startStream(): void {
    if (this.#streaming) this.#stream?.flush();
    else this.#stream?.start();
    this.#streaming = true;
  }

  #begin(): void {
    const { cds, lds, staticResources } = this.#options;
    this.#subscriptions[CLUSTER_TYPE].paused = false;
    takeStatic(this.state, CLUSTER_TYPE, staticResources.clusters, this.#options.log);
    takeStatic(this.state, LISTENER_TYPE, staticResources.listeners, this.#options.log);
    // Listeners are asked for once clusters are there: no connection is accepted that could go nowhere.
    if (this.#load()) this.#askForListeners();
    if (cds !== undefined) this.#firstClusters.begin();
    if (cds !== undefined && cds.kind !== "ads") this.#other(CLUSTER_TYPE, cds);
    this.#startStream();
    this.#started = true;
    this.#onChange();
    if (lds === undefined && cds === undefined && staticResources.listeners.length === 0)
      this.#options.log.warn("the bootstrap has no listeners, and names nobody who serves some");
  }

  #askForListeners(): void {
    const { lds } = this.#options;
    if (this.#asksForListeners || lds === undefined) return;
    this.#asksForListeners = true;
    this.#subscriptions[LISTENER_TYPE].paused = false;
    this.#firstListeners.begin();
    if (lds.kind !== "ads") this.#other(LISTENER_TYPE, lds);
  }

  #initialFetch(type: string, timeoutMs: number): InitialFetch {
    return new InitialFetch(this.#options.clock, timeoutMs, () => {
      const what = type === CLUSTER_TYPE ? "clusters" : "listeners";
      this.#options.log.warn(`nobody has sent ${what} yet; the start goes on without`, { waitedMs: timeoutMs });
      this.stats.fetchTimedOut(type);
      this.#onChange();
    });
  }

  /** Good or bad, or a file that cannot be read: the start waits no longer. */
  #answered(type: string): void {
    if (type === CLUSTER_TYPE) this.#firstClusters.answered();
    else if (type === LISTENER_TYPE) this.#firstListeners.answered();
  }

  #subscriptionsOfAds(): DeltaSubscription[] {
    const { cds, lds } = this.#options;
    const ofRuntime = this.#runtime.subscription.names.size > 0 ? [this.#runtime.subscription] : [];
    const others = ORDER.filter((type) => (type === CLUSTER_TYPE ? cds : type === LISTENER_TYPE ? lds : ADS)?.kind === "ads").map(
      (type) => this.#subscriptions[type],
    );
    return [...ofRuntime, ...others];
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
        this.stats.connected.set(connected ? 1 : 0);
        if (!connected) this.stats.disconnected();
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
    const made = source.kind === "path" ? this.#openFile(type, source, () => this.#answered(type)) : this.#openStreamOfType(type, source);
    ofType.set(key, made);
    return made;
  }

  /** `onHeard`: of a first word, good or bad. */
  #openFile(type: string, source: PathSource, onHeard: () => void): OtherSource {
    const file = new FileSubscription({
      source,
      type,
      log: this.#options.log,
      onResponse: async (response) => {
        const refused = await this.#onResponse(response);
        onHeard();
        return refused;
      },
      onUnreadable: () => {
        this.stats.response(type, { changed: false, refused: 1, first: false, version: "", durationMs: 0 });
        onHeard();
      },
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

  #openRuntime(source: GrpcSource | PathSource): RuntimeServer {
    if (source.kind !== "path") return this.#openStreamOfType(RUNTIME_TYPE, source);
    return this.#openFile(RUNTIME_TYPE, source, () => this.#runtime.heard(source));
  }

  close(): void {
    this.#closed = true;
    this.#onClosed?.();
    this.#runtime.close();
    this.#stream?.close();
    for (const ofType of this.#others.values()) for (const other of ofType.values()) other.close();
    this.#secrets.close();
    this.#dns.close();
    this.#health.close();
    this.#unbound.close();
    this.#firstClusters.close();
    this.#firstListeners.close();
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
    const begunMs = this.#options.clock.monotonicMs();
    if (typeUrl === RUNTIME_TYPE) return this.#onRuntime(response, begunMs);
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
    this.#answered(typeUrl);
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
    if (typeUrl === LISTENER_TYPE) refused.push(...this.#unbound.refusedBefore(result, refused.length));
    const durationMs = this.#options.clock.monotonicMs() - begunMs;
    const version = response.systemVersionInfo;
    this.stats.response(typeUrl, { changed: result.changed, refused: refused.length, first, version, durationMs });
    this.stats.refusedOnes(typeUrl, resources, result.accepted);
    this.#onChange();
    const errors = await result.live;
    return [...refused, ...errors].join("; ");
  }

  #onRuntime(response: DeltaDiscoveryResponse, begunMs: number): string {
    const { refused, changed } = this.#runtime.receive(response);
    const first = !this.#received.has(RUNTIME_TYPE);
    this.#received.add(RUNTIME_TYPE);
    const durationMs = this.#options.clock.monotonicMs() - begunMs;
    this.stats.response(RUNTIME_TYPE, { changed, refused: refused.length, first, version: response.systemVersionInfo, durationMs });
    this.#stream?.flush();
    return refused.join("; ");
  }

  #note(type: string, { accepted, unbound }: ResponseResult): void {
    if (!isOurs(type)) return;
    for (const { name, version } of accepted)
      this.#subscriptions[type].accepted(type === SECRET_TYPE ? name.slice(secretKey(ADS, "").length) : name, version);
    if (type === LISTENER_TYPE) this.#unbound.note(accepted, unbound);
  }

  /** They waited, and were answered for long ago. */
  #onUnbound(unbound: readonly UnboundListener[]): void {
    for (const { reason } of unbound) this.#options.log.warn("a listener that was accepted cannot be served", { reason });
    this.stats.listenersFailed(unbound.length);
    this.#unbound.note([], unbound);
  }

  #bindAgain(listeners: readonly IncomingResource[]): void {
    const result = this.state.receive(LISTENER_TYPE, listeners, []);
    for (const { name } of result.accepted)
      this.#options.log.info("the address of a listener is free now; it is served", { listener: name });
    this.#note(LISTENER_TYPE, result);
    result.live.then(
      (errors) => {
        // All that the control plane last sent is served now: it hears so, although it was told the contrary before.
        if (this.#unbound.nothingElseWasRefused && errors.length === 0) this.#stream?.acknowledge(LISTENER_TYPE);
      },
      (error: unknown) => this.#options.log.error("a listener failed", { error: String(error) }),
    );
  }

  /** After anything changed: subscriptions follow, the copy on disk follows, and the start may be complete. */
  #onChange(): void {
    if (this.#closed) return;
    const { state } = this;
    this.#want(ENDPOINT_TYPE, state.needs.endpoints);
    this.#want(ROUTE_TYPE, state.needs.routes);
    this.#dns.want(state.needs.resolutions);
    this.#health.want(state.needs.healthChecks);
    this.#subscriptions[SECRET_TYPE].want(this.#secrets.want(state.needs.secrets));
    this.stats.follow(state.needs.routesOfManagers, state.needs.secrets.values());
    this.stats.totals(state.clusters.count(), state.listeners.count());
    const { cds, lds, staticResources } = this.#options;
    const hasClusters = cds === undefined || this.#firstClusters.over;
    if (this.#started && hasClusters && !state.clusters.anyWaiting) this.#askForListeners();
    this.#stream?.flush();
    this.#saved?.schedule();
    const hasListeners = lds === undefined || this.#firstListeners.over || state.listeners.live.length > staticResources.listeners.length;
    const complete = hasListeners && (lds !== undefined || hasClusters);
    if (this.#started && !this.#ready && complete && !state.busy && !state.clusters.anyWaiting && !state.listeners.anyWaiting) {
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
