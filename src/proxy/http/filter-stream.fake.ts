// A stream as filters see it, for their tests: one route, a clock that stands still.
import type { ClusterManager, OverrideHost } from "#proxy/cluster/cluster";
import { SharedLocalInfo } from "#proxy/local-info";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { FilterConfigs } from "#proxy/route/filter-config";
import type { RouteEntry, RouteInput } from "#proxy/route/route";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import type { ThreadContext } from "#proxy/thread-context";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { Random } from "#runtime/random";
import type { FilterStream, LocalReply, MessagePart, PartSink } from "./filter.ts";
import { routeEntry } from "./hcm.fake.ts";
import { PairRequestHeaderMap } from "./pair-header-map.ts";
import { FakeStats } from "./stats.fake.ts";
import { StreamRecord } from "./stream-record.ts";

export class FakeFilterStream implements FilterStream {
  readonly info: StreamRecord;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly connection: ConnectionInfo;
  readonly bufferLimitBytes = 1024;
  ended = false;
  overrideHost: OverrideHost | undefined;
  cleared = 0;
  /** The thread's root scope. */
  readonly stats = new FakeStats();
  readonly local = new SharedLocalInfo("service");
  /** What runtime layers say. */
  readonly runtime = new CurrentRuntime();
  clusters: ClusterManager = { get: () => undefined };
  headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http", upgrade: undefined });
  readonly #route: RouteEntry | undefined;

  /** `null`: no route matches. */
  constructor(route: Partial<RouteEntry> | null = {}, clock = new ManualClock(), random: Random = seededRandom(1)) {
    const local = { address: "127.0.0.1", port: 1 };
    const remote = { address: "10.1.2.3", port: 4000 };
    this.connection = { local, remote, directRemote: remote, requestedServerName: undefined, tls: undefined };
    this.info = new StreamRecord(clock.wallMs(), clock.monotonicMs(), this.connection);
    this.clock = clock;
    this.random = random;
    this.#route = route === null ? undefined : routeEntry(route);
  }

  /** What `withStats` is given beside the statistics. */
  get thread(): ThreadContext {
    const { clock, random, stats, local, clusters, runtime } = this;
    return { nodeId: "test", local, clock, random, stats, clusters, runtime } as unknown as ThreadContext;
  }
  get routeInput(): RouteInput {
    return { headers: this.headers, randomValue: 0.5, runtime: this.runtime, tls: false };
  }
  route(): RouteEntry | undefined {
    return this.#route;
  }
  filterConfigs(): FilterConfigs | undefined {
    return this.#route?.filterConfig;
  }
  clearRouteCache(): void {
    this.cleared++;
  }
}

/** What a filter that takes messages over gives on. */
export class FakeSink<Headers> implements PartSink<Headers> {
  readonly parts: MessagePart<Headers>[] = [];
  reply: LocalReply | undefined;
  error: unknown;
  paused = false;
  readonly #end = Promise.withResolvers<void>();
  push(part: MessagePart<Headers>): void {
    this.parts.push(part);
    if (part.kind === "trailers" || part.endStream) this.#end.resolve();
  }
  /** Settles when the message has come to its end, or cannot. */
  get whenOver(): Promise<void> {
    return this.#end.promise;
  }
  respond(reply: LocalReply): void {
    this.reply = reply;
    this.#end.resolve();
  }
  overflowed = false;
  overflow(): void {
    this.overflowed = true;
    this.#end.resolve();
  }
  fail(error: unknown): void {
    this.error = error;
    this.#end.resolve();
  }
  pause(paused: boolean): void {
    this.paused = paused;
  }
  /** "headers", the texts of chunks, "trailers"; "." marks the end. */
  get text(): string[] {
    return this.parts.map((part) => {
      if (part.kind === "trailers") return "trailers";
      return (part.kind === "headers" ? "headers" : part.chunk.toString("latin1")) + (part.endStream ? "." : "");
    });
  }
  get body(): Buffer {
    return Buffer.concat(this.parts.flatMap((part) => (part.kind === "data" ? [part.chunk] : [])));
  }
}
