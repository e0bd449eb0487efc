// The discovery server: all connected proxies and agents, and the push of each new mesh to them. Knows no sockets; grpc-listener.ts
// joins it to gRPC.
import type { DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { ResourceCache } from "#control-plane/generate/resource-cache";
import type { Mesh } from "#control-plane/mesh/mesh";
import type { WorkloadRegistrations } from "#control-plane/registry/workload-registrations";
import { SHORT_TYPE } from "#envoy/type-urls";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { ConnectedProxy } from "./connected-proxy.ts";
import { HealthSession } from "./health-session.ts";
import type { ResourceResponse } from "./discovery-session.ts";
import { ProxyConnection, type Push } from "./proxy-connection.ts";
import { PushMetrics } from "./push-metrics.ts";

const DEFAULT_MAX_STREAMS = 10_000;

export interface DiscoveryServerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly registrations: Pick<WorkloadRegistrations, "connect">;
  /** Pushes whatever waits to be pushed, now; or says that it will go with the next push, which is on its way. */
  readonly flush: () => boolean;
  /** What proxies refuse has changed: `refusals` tells. */
  readonly onRejections?: () => void;
  readonly maxStreams?: number;
}

/** How responses reach a proxy, and what its stream is like. */
export interface ProxyStream {
  readonly send: (response: ResourceResponse) => void;
  readonly refusesWholeResponses: boolean;
  readonly onlyType: string | undefined;
}

interface Waiter {
  readonly sequence: number;
  readonly done: (version: string) => void;
}

export class DiscoveryServer {
  readonly metrics = new PushMetrics();
  readonly #options: DiscoveryServerOptions;
  readonly #connections = new Map<number, ProxyConnection>();
  readonly #agents = new Set<HealthSession>();
  readonly #cache = new ResourceCache();
  #nextId = 0;
  #push: Push | undefined;
  #sequence = 0;
  #waiters: Waiter[] = [];

  constructor(options: DiscoveryServerOptions) {
    this.#options = options;
  }

  get connections(): readonly ProxyConnection[] {
    return [...this.#connections.values()];
  }

  /** Every proxy that has said who it is, by id. */
  get proxies(): readonly ConnectedProxy[] {
    const byId = new Map<string, ProxyConnection[]>();
    for (const connection of this.#connections.values()) {
      if (connection.node === undefined) continue;
      const same = byId.get(connection.node.id);
      if (same === undefined) byId.set(connection.node.id, [connection]);
      else same.push(connection);
    }
    return [...byId]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, connections]) => new ConnectedProxy(connections.at(-1)!.node!, connections));
  }

  /** `endpoints`: nothing else differs from the mesh before. Returns the number of the push. */
  push(mesh: Mesh, scope: "all" | "endpoints"): number {
    if (scope === "all") this.#cache.nextRound();
    this.#push = { mesh, sequence: ++this.#sequence, cache: this.#cache, startedMs: this.#options.clock.monotonicMs() };
    for (const connection of this.#connections.values()) connection.push(this.#push, scope);
    this.#wake();
    return this.#sequence;
  }

  /** Sends every proxy everything once more, changed or not. */
  resendAll(): void {
    for (const connection of this.#connections.values()) connection.resendAll();
  }

  /** Resolves with the version of the mesh once every connected proxy has acknowledged it, or has gone. */
  whenLive(): Promise<string> {
    const sequence = this.#options.flush() ? this.#sequence + 1 : this.#sequence;
    return new Promise((done) => {
      this.#waiters.push({ sequence, done });
      this.#wake();
    });
  }

  /** undefined: there are too many streams. */
  connectProxy({ send, ...stream }: ProxyStream): ProxyConnection | undefined {
    if (!this.#hasRoom()) return undefined;
    const connection = new ProxyConnection({
      ...stream,
      id: ++this.#nextId,
      clock: this.#options.clock,
      log: this.#options.log,
      metrics: this.metrics,
      send: (response) => {
        this.metrics.countPush(SHORT_TYPE[response.typeUrl] ?? "other");
        send(response);
      },
      currentPush: () => this.#push,
      onSynced: () => this.#wake(),
      onRejections: () => this.#options.onRejections?.(),
    });
    this.#connections.set(connection.id, connection);
    return connection;
  }

  disconnectProxy(connection: ProxyConnection): void {
    if (!this.#connections.delete(connection.id)) return;
    connection.close();
    this.#options.log.info("a proxy's stream ended", { proxy: connection.node?.id });
    this.#wake();
    if (connection.refusals.length > 0) this.#options.onRejections?.();
  }

  connectAgent(send: (response: DiscoveryResponse) => void): HealthSession | undefined {
    if (!this.#hasRoom()) return undefined;
    const session = new HealthSession({
      connect: (workload) => this.#options.registrations.connect(workload),
      whenLive: () => this.whenLive(),
      send,
    });
    this.#agents.add(session);
    return session;
  }

  disconnectAgent(session: HealthSession): void {
    if (this.#agents.delete(session)) session.close();
  }

  #hasRoom(): boolean {
    if (this.#connections.size + this.#agents.size < (this.#options.maxStreams ?? DEFAULT_MAX_STREAMS)) return true;
    this.metrics.refusedStreams++;
    return false;
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    let applied = this.#sequence;
    for (const connection of this.#connections.values()) {
      // A stream that has not said who it is yet has nothing to be told.
      if (connection.node !== undefined) applied = Math.min(applied, connection.syncedSequence);
    }
    const ready = this.#waiters.filter((waiter) => waiter.sequence <= applied);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > applied);
    const version = this.#push?.mesh.version ?? "";
    for (const waiter of ready) waiter.done(version);
  }
}
