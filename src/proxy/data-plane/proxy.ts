// One proxy on the main thread: its xDS client, its share of the traffic threads, its statistics, its access logs, its admin endpoint.
import { fromBinary } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { AdminServer } from "#proxy/admin/admin-server";
import { silentStats } from "#proxy/admin/silent-stats";
import type { AdminSource, ClusterSummary, CommandLine } from "#proxy/admin/admin-source";
import { SocketConnector } from "#proxy/net/socket-connector";
import { SharedLocalInfo } from "#proxy/local-info";
import type { DrainDirection } from "#proxy/local-info";
import { SystemDnsResolver } from "#proxy/net/system-dns-resolver";
import { LayeredRuntime } from "#proxy/runtime/layered-runtime";
import { XdsClient } from "#proxy/xds-client/xds-client";
import { CounterReset } from "#telemetry/stats/counter-reset";
import { StatsReader } from "#telemetry/stats/stats-reader";
import type { ShownStat, Stat } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { AccessLogWriter } from "./access-log-writer.ts";
import type { Output } from "./access-log-writer.ts";
import { knownServers } from "./bootstrap.ts";
import type { BootstrapConfig } from "./bootstrap.ts";
import { mergeReports } from "./cluster-reports.ts";
import { COMPILERS } from "./composition.ts";
import { ListenerDrain } from "./listener-drain.ts";
import { ListenerSockets } from "./listener-sockets.ts";
import type { Loggers } from "./loggers.ts";
import { resourceChecks } from "./resource-checks.ts";
import { ServerStats, totalConnections } from "./server-stats.ts";
import type { ServerState } from "./server-stats.ts";
import type { ThreadHandle } from "./thread-handle.ts";
import type { ThreadEvent } from "./thread-messages.ts";
import { ThreadUpdates } from "./thread-updates.ts";

export interface ProxyOptions {
  readonly bootstrap: BootstrapConfig;
  readonly threads: readonly ThreadHandle[];
  readonly stateDirectory: string | undefined;
  /** Before each access log line on the process's own output. */
  readonly logPrefix: string;
  readonly version: string;
  readonly drainTimeMs: number;
  readonly maxConnectionsPerListener: number;
  readonly loggers: Loggers;
  readonly commandLine: CommandLine;
  /** The admin endpoint may be at other addresses than loopback's. */
  readonly remoteAdmin: boolean;
  readonly output: Output;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** `/quitquitquit` was posted. */
  readonly onQuit: () => void;
}

/** The main thread's own number among the sources of statistics; threads have generations from 1. */
const MAIN = 0;
const REPORT_MS = 2000;

export class Proxy {
  readonly nodeId: string;
  readonly #local: SharedLocalInfo;
  readonly #options: ProxyOptions;
  readonly #sockets = new ListenerSockets();
  readonly #updates: ThreadUpdates;
  readonly #xds: XdsClient;
  readonly #runtime: LayeredRuntime;
  readonly #mainStats = new ThreadStats();
  readonly #serverStats: ServerStats;
  readonly #reader = new StatsReader();
  readonly #accessLogs: AccessLogWriter;
  readonly #admin: AdminServer | undefined;
  readonly #startedMs: number;
  readonly #reports = new Map<
    number,
    { missing: Set<ThreadHandle>; readonly got: (readonly ClusterSummary[])[]; readonly done: () => void }
  >();
  readonly #removing = new Map<ThreadHandle, () => void>();
  readonly #drain: ListenerDrain;
  readonly #counterReset = new CounterReset();
  readonly #keepsStat: ((stat: ShownStat) => boolean) | undefined;
  #sequence = 0;
  #state: "live" | "draining" = "live";
  #removed: Promise<void> | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { bootstrap, threads, clock, random, log, loggers, output, logPrefix } = options;
    this.nodeId = bootstrap.node.id;
    const { keepsStat } = bootstrap;
    this.#keepsStat = keepsStat === undefined ? undefined : ({ name }) => keepsStat(name);
    this.#local = new SharedLocalInfo(bootstrap.node.cluster);
    this.#drain = new ListenerDrain({
      clock,
      local: this.#local,
      drainTimeMs: options.drainTimeMs,
      stopListeners: (direction) => this.#stopListeners(direction),
    });
    this.#startedMs = clock.monotonicMs();
    this.#accessLogs = new AccessLogWriter(output, logPrefix, loggers.of("file", log));
    this.#runtime = new LayeredRuntime({
      layers: bootstrap.runtimeLayers,
      serviceCluster: bootstrap.node.cluster,
      stats: this.#mainStats.root,
      log: loggers.of("config", log),
      onChange: (values) => this.#updates.tellRuntime(values),
    });
    this.#updates = new ThreadUpdates({
      threads,
      add: {
        type: "add-proxy",
        proxy: this.nodeId,
        nodeCluster: this.#local.cluster,
        localInfo: this.#local.shared,
        clusterManager: bootstrap.clusterManager,
        drainTimeMs: options.drainTimeMs,
        maxConnectionsPerListener: options.maxConnectionsPerListener,
      },
      sockets: this.#sockets,
      runtime: () => this.#runtime.values,
      snapshot: () => this.#xds.state.snapshot(),
      health: () => this.#xds.health,
    });
    this.#xds = new XdsClient({
      node: bootstrap.node,
      ads: bootstrap.ads,
      cds: bootstrap.cds,
      lds: bootstrap.lds,
      runtime: {
        layers: bootstrap.runtimeLayers.filter((layer) => layer.kind === "rtds"),
        setLayer: (layer, values) => this.#runtime.setResource(layer, values),
      },
      cdsTimeoutMs: bootstrap.cdsTimeoutMs,
      ldsTimeoutMs: bootstrap.ldsTimeoutMs,
      staticResources: bootstrap.staticResources,
      servers: bootstrap.servers,
      stateDirectory: options.stateDirectory,
      clock,
      random,
      log: loggers.of("config", log),
      stats: this.#mainStats.root,
      resolver: new SystemDnsResolver(),
      health: {
        connector: new SocketConnector(clock, false),
        runtime: this.#runtime.current,
        hasTraffic: (cluster) => this.#reader.counted(`cluster.${cluster}.upstream_cx_total`),
        writeEvent: (file, line) => this.#accessLogs.write(file, line, () => {}),
        onHealth: (cluster, health, passed) => this.#updates.tellHealth(cluster, health, passed),
      },
      checks: resourceChecks(COMPILERS, this.#sockets, knownServers(bootstrap)),
      target: this.#updates,
      listen: (name) => this.#sockets.listen(name),
      onListenerGone: (name) => this.#sockets.release(name),
      onReady: () => loggers.of("main", log).info("ready: the first configuration is live"),
    });
    this.#admin =
      bootstrap.admin === undefined
        ? undefined
        : new AdminServer(bootstrap.admin, this.#adminSource(), loggers.of("admin", log), options.remoteAdmin);
    this.#serverStats = new ServerStats(this.#mainStats.root, threads.length, options.version);
  }

  /** Opens the admin endpoint and begins to serve. @throws Error when the admin address cannot be had */
  async start(): Promise<void> {
    await this.#admin?.listen();
    await this.#xds.start();
  }

  /** Requests and TCP connections that are being worked on. */
  inFlight(): number {
    let sum = 0;
    for (const stat of this.#allStats()) {
      if (stat.kind !== "gauge") continue;
      const { name } = stat;
      if (name.endsWith(".downstream_rq_active") && name.startsWith("http.")) sum += stat.value;
      else if (name.endsWith(".downstream_cx_active") && name.startsWith("tcp.")) sum += stat.value;
    }
    return sum;
  }

  get #serverState(): ServerState {
    return this.#state === "draining" || this.#local.healthCheckFailed ? "DRAINING" : this.#xds.ready ? "LIVE" : "PRE_INITIALIZING";
  }

  #uptimeMs(): number {
    return this.#options.clock.monotonicMs() - this.#startedMs;
  }

  readStats(): readonly Stat[] {
    const stats = this.#counterReset.shown(this.#allStats());
    return this.#keepsStat === undefined ? stats : stats.filter(this.#keepsStat);
  }

  #allStats(): readonly Stat[] {
    this.#serverStats.update({ state: this.#serverState, uptimeMs: this.#uptimeMs() });
    const update = this.#mainStats.takeUpdate();
    if (update !== undefined) this.#reader.apply(MAIN, update);
    return this.#reader.read();
  }

  onEvent(thread: ThreadHandle, event: Exclude<ThreadEvent, { type: "online" | "log" }>): void {
    switch (event.type) {
      case "applied":
        this.#updates.applied(thread, event.sequence, event.errors);
        return;
      case "stats":
        this.#reader.apply(thread.generation, event.update);
        return;
      case "access-log":
        this.#accessLogs.write(event.path, event.text, () => thread.send({ type: "log-written", proxy: this.nodeId, bytes: event.bytes }));
        return;
      case "report":
        this.#reported(thread, event.sequence, event.clusters);
        return;
      case "host-unhealthy":
        this.#xds.setUnhealthy(event.cluster, event.host);
        return;
      case "removed":
        this.#removing.get(thread)?.();
        return;
    }
  }

  /** A thread died and has a replacement. */
  onReplaced(thread: ThreadHandle, before: number): void {
    this.#reader.endThread(before);
    this.#removing.get(thread)?.();
    for (const sequence of this.#reports.keys()) this.#reported(thread, sequence, []);
    if (this.#state === "live") this.#updates.replaced(thread);
  }

  hosts(thread: ThreadHandle): boolean {
    return this.#options.threads.includes(thread);
  }

  /** Stops accepting, lets what runs end for at most `drainMs`, then ends. Again with 0: waits no longer. */
  remove(drainMs: number): Promise<void> {
    const gone = this.#options.threads.map((thread) => {
      const sent = thread.send({ type: "remove-proxy", proxy: this.nodeId, drainMs });
      if (!sent || this.#removed !== undefined) return Promise.resolve();
      return new Promise<void>((resolve) => this.#removing.set(thread, resolve));
    });
    return (this.#removed ??= this.#end(gone));
  }

  async #end(threadsGone: readonly Promise<void>[]): Promise<void> {
    this.#state = "draining";
    this.#xds.close();
    this.#runtime.close();
    this.#drain.close();
    // Ours too, now: who comes while the rest drains is refused by the kernel instead of waiting in its queue.
    this.#sockets.close();
    await Promise.all(threadsGone);
    this.#updates.close();
    await this.#accessLogs.close();
    await this.#admin?.close();
  }

  #stopListeners(direction: DrainDirection): void {
    for (const thread of this.#options.threads) thread.send({ type: "stop-listeners", proxy: this.nodeId, direction });
    const inbound = ({ bytes }: { readonly bytes: Uint8Array }): boolean =>
      fromBinary(ListenerSchema, bytes).trafficDirection === TrafficDirection.INBOUND;
    this.#sockets.stop(direction === "all" ? "all" : this.#xds.state.listeners.live.filter(inbound).map(({ name }) => name));
  }

  #report(): Promise<ClusterSummary[]> {
    const sequence = ++this.#sequence;
    const asked = this.#options.threads.filter((thread) => thread.send({ type: "report", proxy: this.nodeId, sequence }));
    return new Promise((resolve) => {
      const got: (readonly ClusterSummary[])[] = [];
      // A thread that is busy for long is left out: admin must answer when something is wrong.
      const timer: Timer = this.#options.clock.setTimer(REPORT_MS, () => done(), true);
      const done = (): void => {
        timer.cancel();
        this.#reports.delete(sequence);
        resolve(mergeReports(got));
      };
      this.#reports.set(sequence, { missing: new Set(asked), got, done });
      if (asked.length === 0) done();
    });
  }

  #reported(thread: ThreadHandle, sequence: number, clusters: readonly ClusterSummary[]): void {
    const waiting = this.#reports.get(sequence);
    if (waiting === undefined || !waiting.missing.delete(thread)) return;
    waiting.got.push(clusters);
    if (waiting.missing.size === 0) waiting.done();
  }

  #adminSource(): AdminSource {
    const { bootstrap, threads, version } = this.#options;
    return {
      bootstrap: bootstrap.wire,
      staticResources: bootstrap.staticResources,
      version,
      concurrency: threads.length,
      state: () => this.#serverState,
      uptimeMs: () => this.#uptimeMs(),
      wallMs: () => this.#options.clock.wallMs(),
      loggers: this.#options.loggers,
      drainTimeMs: this.#options.drainTimeMs,
      commandLine: this.#options.commandLine,
      resetCounters: async () => {
        await this.#report();
        this.#counterReset.reset(this.#allStats());
      },
      config: this.#xds.state,
      versionInfo: (type) => this.#xds.stats.versionInfo(type),
      listenerAddresses: (name) => this.#sockets.addresses(name),
      clusters: async (): Promise<ClusterSummary[]> => this.#report(),
      stats: async () => {
        // Also brings the names of statistics that threads made since their last word.
        await this.#report();
        const shown = this.readStats();
        const more = [...silentStats(shown), totalConnections(shown), ...this.#xds.stats.texts(this.#xds.state.assignments.live)];
        return [...shown, ...(this.#keepsStat === undefined ? more : more.filter(this.#keepsStat))].sort(byName);
      },
      runtime: this.#runtime,
      drainListeners: (order) => this.#drain.begin(order),
      failHealthChecks: (fail) => this.#local.failHealthChecks(fail),
      quit: this.#options.onQuit,
    };
  }
}

function byName(a: ShownStat, b: ShownStat): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
