// One proxy on one traffic thread: its clusters, route tables, listeners and statistics, and how an update is applied to them.
import { decodeMessage } from "#envoy/decode";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { ClusterSummary } from "#proxy/admin/admin-source";
import { parseCluster } from "#proxy/cluster/cluster-config";
import { ThreadClusterManager } from "#proxy/cluster/cluster-manager";
import { httpPoolFactory } from "#proxy/cluster/http-pool-factory";
import { parseLoadAssignment } from "#proxy/cluster/load-assignment";
import { ActiveListener } from "#proxy/listener/active-listener";
import { compileListener } from "#proxy/listener/listener-config";
import { ListenerDirectory } from "#proxy/listener/listener-directory";
import { closeDescriptor } from "#proxy/net/listen-socket";
import { SocketConnector } from "#proxy/net/socket-connector";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import type { RuntimeValues } from "#proxy/runtime/runtime";
import type { RouteTable } from "#proxy/route/route";
import { routeTableSteps } from "#proxy/route/route-table";
import { readRouteConfiguration } from "#proxy/route/route-configuration-bytes";
import { Violations } from "#proxy/field-check";
import type { Secret } from "#proxy/transport-socket/secret";
import { SharedLocalInfo } from "#proxy/local-info";
import type { DrainDirection } from "#proxy/local-info";
import type { ThreadContext } from "#proxy/thread-context";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { AccessLogBatches } from "./access-log-batches.ts";
import { withDefaults } from "./cluster-manager-config.ts";
import type { CompilerTables } from "./resource-checks.ts";
import { inSlices, turnOfEventLoop } from "./sliced-work.ts";
import type { AddProxyCommand, HealthCommand, ThreadEvent, UpdateCommand } from "./thread-messages.ts";

export interface ThreadProxyOptions {
  readonly command: AddProxyCommand;
  readonly tables: CompilerTables;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly poison: boolean;
  readonly post: (event: ThreadEvent) => void;
}

export class ThreadProxy {
  readonly #options: ThreadProxyOptions;
  readonly #context: ThreadContext;
  readonly #clusters: ThreadClusterManager;
  readonly #routes = new Map<string, RouteTable>();
  readonly #secrets = new Map<string, Secret>();
  readonly #listeners = new ListenerDirectory();
  /** Removed listeners whose connections have not ended. */
  readonly #leaving = new Set<ActiveListener>();
  readonly #accessLogs: AccessLogBatches;
  readonly #stats = new ThreadStats();
  readonly #runtime = new CurrentRuntime();
  #whenEmpty: (() => void) | undefined;
  /** Settles when every update so far is live; never rejects. */
  #updated: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: ThreadProxyOptions) {
    this.#options = options;
    const { clock, random, log, poison, command, post } = options;
    const connector = new SocketConnector(clock, poison);
    const stats = this.#stats.root;
    this.#accessLogs = new AccessLogBatches({
      clock,
      dropped: stats.counter("access_logs", "lines_dropped"),
      post: (path, text, bytes) => post({ type: "access-log", proxy: command.proxy, path, text, bytes }),
    });
    const secrets = { get: (key: string): Secret | undefined => this.#secrets.get(key) };
    const { localCluster, outlierEventLog } = command.clusterManager;
    this.#clusters = new ThreadClusterManager({
      clock,
      random,
      stats,
      makePool: httpPoolFactory({ clock, random, log }),
      connector,
      secrets,
      runtime: this.#runtime,
      localCluster,
      writeOutlierEvent: outlierEventLog === undefined ? undefined : (line) => this.#accessLogs.open(outlierEventLog).write(line),
      onHostUnhealthy: (cluster, host) => post({ type: "host-unhealthy", proxy: command.proxy, cluster, host }),
    });
    this.#context = {
      nodeId: command.proxy,
      local: new SharedLocalInfo(command.nodeCluster, command.localInfo),
      clock,
      random,
      log,
      stats,
      clusters: this.#clusters,
      routes: { get: (name) => this.#routes.get(name) },
      secrets,
      accessLogs: this.#accessLogs,
      runtime: this.#runtime,
      poison,
    };
  }

  /**
   * One update after the other. All or nothing per resource; what fails here passed the main thread's check, so it is a fault of ours and
   * is told as such. Route tables, which may be large, are compiled between requests; then everything becomes live at once.
   */
  apply(command: UpdateCommand): Promise<string[]> {
    const applied = this.#updated.then(() => this.#apply(command));
    this.#updated = applied.then(() => {});
    return applied;
  }

  async #apply({ update, sockets }: UpdateCommand): Promise<string[]> {
    const errors: string[] = [];
    const tables = new Map<string, RouteTable>();
    for (const { name, bytes } of update.routes) {
      try {
        tables.set(name, await this.#compileRoutes(bytes));
      } catch (error) {
        errors.push(`${name}: ${messageOf(error)}`);
      }
    }
    if (this.#closed !== undefined) {
      for (const fd of [...sockets.values()].flat()) closeDescriptor(fd);
      return ["the proxy has ended"];
    }
    const each = <T>(list: readonly T[], name: (item: T) => string, change: (item: T) => void): void => {
      for (const item of list) {
        try {
          change(item);
        } catch (error) {
          errors.push(`${name(item)}: ${messageOf(error)}`);
        }
      }
    };
    const named = ({ name }: { readonly name: string }): string => name;
    const itself = (name: string): string => name;
    each(update.secrets, named, ({ name, bytes }) => this.#secrets.set(name, decodeMessage(SecretSchema, bytes)));
    const { command, tables: compilers } = this.#options;
    each(update.clusters, named, ({ bytes }) =>
      this.#clusters.upsertCluster(
        parseCluster(withDefaults(decodeMessage(ClusterSchema, bytes), command.clusterManager), compilers.upstreamHttp),
      ),
    );
    each(update.assignments, named, ({ bytes }) =>
      this.#clusters.setLoadAssignment(parseLoadAssignment(decodeMessage(ClusterLoadAssignmentSchema, bytes))),
    );
    for (const [name, table] of tables) this.#routes.set(name, table);
    each(update.listeners, named, ({ name, bytes }) => this.#setListener(name, bytes, sockets.get(name)));
    each(update.removedListeners, itself, (name) => this.#removeListener(name));
    each(update.removedRoutes, itself, (name) => this.#routes.delete(name));
    each(update.removedClusters, itself, (name) => this.#clusters.removeCluster(name));
    each(update.removedAssignments, itself, (name) => this.#clusters.removeLoadAssignment(name));
    each(update.removedSecrets, itself, (name) => this.#secrets.delete(name));
    this.postStats();
    return errors;
  }

  /** The main thread has checked which fields are honoured. */
  #compileRoutes(bytes: Uint8Array): Promise<RouteTable> {
    const { config, hosts } = readRouteConfiguration(bytes);
    const steps = routeTableSteps(config, hosts, { filters: this.#options.tables.http }, new Violations());
    return inSlices(steps, this.#options.clock, turnOfEventLoop);
  }

  /** New names of statistics; the values are in shared memory. */
  postStats(): void {
    const update = this.#stats.takeUpdate();
    if (update !== undefined) this.#options.post({ type: "stats", proxy: this.#context.nodeId, update });
  }

  report(): ClusterSummary[] {
    return [...this.#clusters.clusters].map(({ name, hosts, outlierSummary: outliers }) => ({
      name,
      outliers,
      hosts: hosts.map((host) => ({
        ...host.stats,
        address: host.address.address,
        port: host.address.port,
        hostname: host.hostname,
        weight: host.weight,
        locality: host.locality,
        priority: host.priority,
        edsHealth: host.edsHealth,
        ejected: host.ejected,
        activeHealth: host.activeHealth,
        pendingRemoval: host.pendingRemoval,
        successRate: host.outlierMonitor?.successRate ?? -1,
        localOriginSuccessRate: host.outlierMonitor?.localOriginSuccessRate ?? -1,
      })),
    }));
  }

  setHealth({ cluster, health, passed }: HealthCommand): void {
    this.#clusters.setHealth(cluster, health, passed);
  }

  setRuntime(values: RuntimeValues): void {
    this.#clusters.onRuntimeChanged(this.#runtime.set(values));
  }

  logWritten(bytes: number): void {
    this.#accessLogs.written(bytes);
  }

  /** Those that are there, with what the updates before this still bring. */
  stopListeners(direction: DrainDirection): void {
    void this.#updated.then(() => {
      for (const name of this.#listeners.names()) {
        const listener = this.#listeners.get(name);
        if (direction === "all" || listener?.config.direction === "INBOUND") listener?.stopAccepting();
      }
    });
  }

  #drainListeners(): void {
    for (const name of this.#listeners.names()) this.#removeListener(name);
  }

  /** Drains for at most `drainMs`, then ends everything. Called again with 0 it waits no longer. */
  close(drainMs: number): Promise<void> {
    if (drainMs === 0) this.#whenEmpty?.();
    return (this.#closed ??= this.#drainAndClose(drainMs));
  }

  async #drainAndClose(drainMs: number): Promise<void> {
    this.#drainListeners();
    if (this.#leaving.size > 0 && drainMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.setTimer(drainMs, resolve);
        this.#whenEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const listener of this.#leaving) listener.close();
    this.#clusters.close();
    this.#accessLogs.flush();
    this.postStats();
  }

  #setListener(name: string, bytes: Uint8Array, descriptors: readonly number[] | undefined): void {
    const existing = this.#listeners.get(name);
    let taken = false;
    try {
      const config = compileListener(decodeMessage(ListenerSchema, bytes), this.#options.tables.network, this.#context, existing?.config);
      const { drainTimeMs, maxConnectionsPerListener: maxConnections } = this.#options.command;
      const listener =
        existing ??
        new ActiveListener(config, this.#context, { drainTimeMs, maxConnections, listenerAt: (address) => this.#listeners.at(address) });
      if (existing !== undefined) existing.update(config);
      this.#listeners.set(name, listener);
      taken = true;
      if (descriptors !== undefined) listener.listen(descriptors);
    } finally {
      if (!taken) for (const fd of descriptors ?? []) closeDescriptor(fd);
    }
  }

  #removeListener(name: string): void {
    const listener = this.#listeners.get(name);
    if (listener === undefined) return;
    this.#listeners.delete(name);
    this.#leaving.add(listener);
    listener.drain();
    listener.whenEnded(() => {
      this.#leaving.delete(listener);
      listener.releaseStats();
      if (this.#leaving.size === 0) this.#whenEmpty?.();
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
