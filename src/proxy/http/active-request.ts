// The request half of a stream: what the client sends goes through the filters to the terminal filter, and what routes make of it. It
// keeps the route and what stops the reading of more; the stream that it belongs to keeps the rest.
import { own } from "#proxy/net/read-buffer";
import type { FilterConfigs } from "#proxy/route/filter-config";
import type { RouteEntry, RouteInput } from "#proxy/route/route";
import type { Runtime } from "#proxy/runtime/runtime";
import type { HttpFilter, LocalReply, MessagePart } from "./filter.ts";
import { requestPath } from "./filter-path.ts";
import type { FilterPath } from "./filter-path.ts";
import type { WalkOwner } from "./filter-walk.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import { addReplyHeaders, finishReply } from "./local-reply-headers.ts";
import { PairResponseHeaderMap } from "./pair-header-map.ts";
import type { ServerStream } from "./server-codec.ts";
import type { StreamRecord } from "./stream-record.ts";
import type { TerminalFilter, TerminalStream } from "./terminal-filter.ts";

/** Causes for which request reading is stopped: reading goes on when none is left. */
const PAUSED_BY_FILTER = 1;
const PAUSED_BY_TERMINAL = 2;

/** The stream whose request it is. */
export interface RequestingStream extends TerminalStream {
  readonly info: StreamRecord;
  readonly runtime: HcmRuntime;
  readonly sender: ServerStream;
  readonly ended: boolean;
  /** A route was looked for: its times are the stream's from now on. */
  onRoute(route: RouteEntry | undefined): void;
  internalError(error: unknown): void;
}

export class ActiveRequest implements WalkOwner<RequestHeaderMap>, RouteInput {
  readonly #stream: RequestingStream;
  #filters: HttpFilter[] | undefined = undefined;
  #walk: FilterPath<RequestHeaderMap> | undefined = undefined;
  #pauses = 0;
  #random = -1;
  #routeKnown = false;
  #route: RouteEntry | undefined = undefined;
  /** Undefined: nothing has come yet. */
  head: RequestHeaderMap | undefined = undefined;
  terminal: TerminalFilter | undefined = undefined;

  constructor(stream: RequestingStream) {
    this.#stream = stream;
  }

  /** Those that have something to do with this stream; undefined: none. */
  makeFilters(): readonly HttpFilter[] | undefined {
    const stream = this.#stream;
    const { filters: factories, config } = stream.runtime;
    let filters: HttpFilter[] | undefined;
    for (const factory of factories) {
      const filter = factory.create(stream);
      if (filter !== undefined) (filters ??= []).push(filter);
    }
    this.terminal = config.terminal.createTerminal(stream);
    if (filters === undefined) return undefined;
    this.#filters = filters;
    this.#walk = requestPath(filters, this, stream.bufferLimitBytes);
    return filters;
  }

  pushHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#walk === undefined) this.terminal?.onRequestHeaders(headers, endStream);
    else this.#walk.push({ kind: "headers", headers, endStream });
  }

  pushData(chunk: Buffer, endStream: boolean): void {
    if (this.#walk === undefined) this.terminal?.onRequestData(chunk, endStream);
    // Filters may keep what they see.
    else this.#walk.push({ kind: "data", chunk: own(chunk), endStream });
  }

  pushTrailers(trailers: TrailerMap): void {
    if (this.#walk === undefined) this.terminal?.onRequestTrailers(trailers);
    else this.#walk.push({ kind: "trailers", trailers });
  }

  pushPart(part: MessagePart<RequestHeaderMap>): void {
    if (this.#walk === undefined) this.onPart(part);
    else this.#walk.push(part);
  }

  pause(): void {
    this.#pause(PAUSED_BY_TERMINAL);
  }

  resume(): void {
    this.#resume(PAUSED_BY_TERMINAL);
  }

  /** The terminal filter is told that it is over, and what waits is dropped. */
  stop(): void {
    const { terminal } = this;
    this.terminal = undefined;
    terminal?.onDestroy();
    this.#walk?.stop();
  }

  /** After `stop`, once. */
  destroyFilters(): void {
    if (this.#filters !== undefined) for (const filter of this.#filters) filter.onDestroy?.();
  }

  #pause(cause: number): void {
    const stream = this.#stream;
    if (stream.ended) return;
    if (this.#pauses === 0) {
      stream.stats.flowPaused.inc();
      stream.sender.pauseReading();
    }
    this.#pauses |= cause;
  }

  #resume(cause: number): void {
    const stream = this.#stream;
    if (stream.ended || this.#pauses === 0) return;
    this.#pauses &= ~cause;
    if (this.#pauses !== 0) return;
    stream.stats.flowResumed.inc();
    stream.sender.resumeReading();
  }

  // ---- RouteInput

  get headers(): RequestHeaderMap {
    return this.head!;
  }
  get runtime(): Runtime {
    return this.#stream.thread.runtime;
  }
  get tls(): boolean {
    return this.#stream.connection.tls !== undefined;
  }
  get clientCertificate(): RouteInput["clientCertificate"] {
    const { tls } = this.#stream.connection;
    if (tls?.peer === undefined) return undefined;
    return tls.peerValidated ? "validated" : "presented";
  }
  get dynamicMetadata(): RouteInput["dynamicMetadata"] {
    return this.#stream.info.dynamicMetadata;
  }
  get randomValue(): number {
    if (this.#random < 0) this.#random = this.#stream.random.next();
    return this.#random;
  }

  // ---- the route

  route(): RouteEntry | undefined {
    if (this.#routeKnown) return this.#route;
    this.#routeKnown = true;
    const stream = this.#stream;
    const source = stream.runtime.config.routes;
    const table = source.kind === "inline" ? source.table : stream.thread.routes.get(source.name);
    const route = table?.match(this);
    this.#route = route;
    stream.info.routeName = route?.name;
    stream.info.virtualHostName = route?.virtualHost;
    stream.info.routeMetadata = route?.metadata;
    stream.info.virtualHostMetadata = route?.virtualHostMetadata;
    stream.onRoute(route);
    return route;
  }

  filterConfigs(): FilterConfigs | undefined {
    const route = this.route();
    return route?.weightedFilterConfig?.(this) ?? route?.filterConfig;
  }

  clearRoute(): void {
    this.#routeKnown = false;
    this.#route = undefined;
  }

  /** What is refused before a route was asked for has none: filters of its answer must not find one either. */
  settleRoute(): void {
    this.#routeKnown = true;
  }

  /** As in Envoy, logs and formats name the cluster to which the request would go, also before it does, or when a filter answers instead. */
  noteCluster(): void {
    const { info, thread } = this.#stream;
    if (info.upstreamCluster !== undefined || this.#route === undefined) return;
    const name = this.#route.chooseCluster(this)?.cluster;
    const cluster = name === undefined ? undefined : thread.clusters.get(name);
    if (cluster === undefined) return;
    info.upstreamCluster = name;
    info.clusterMetadata = cluster.metadata;
  }

  /** What the proxy's own answer to this request is, after what the configuration makes of it. */
  composeLocalReply(
    original: LocalReply,
    replying: RouteEntry | undefined,
    grpc: boolean,
  ): { readonly headers: ResponseHeaderMap; readonly chunk: Buffer | undefined } {
    this.noteCluster();
    const { info, runtime, thread } = this.#stream;
    const headers: ResponseHeaderMap = new PairResponseHeaderMap(original.status);
    let reply = original;
    let retyped = false;
    if (original.ofFilter === true) addReplyHeaders(headers, original);
    else {
      // A redirect or direct response is the route's own answer, which its mutations see; another answer they cannot change.
      if (replying !== undefined) addReplyHeaders(headers, original);
      this.#finalize(headers, replying);
      if (replying === undefined) addReplyHeaders(headers, original);
      const type = headers.getJoined("content-type");
      reply = runtime.config.localReplies?.(original, info, headers, thread) ?? original;
      retyped = reply.body !== original.body && headers.getJoined("content-type") === type;
      // Of gRPC too it is the status for HTTP, as long as filters see the answer.
      info.responseCode = reply.status;
    }
    const body = finishReply(headers, reply, retyped, grpc);
    return { headers, chunk: body === "" || this.head?.method === "HEAD" ? undefined : Buffer.from(body, "utf8") };
  }

  /** As in Envoy, a route that forwards changes the headers of every answer, whoever gives it. */
  #finalize(headers: ResponseHeaderMap, replying: RouteEntry | undefined): void {
    const route = replying ?? (this.#route?.reply === undefined ? this.#route : undefined);
    if (route === undefined) return;
    const { info } = this.#stream;
    info.responseHeaders = headers;
    route.finalizeResponse(headers, info, route.chooseCluster(this));
  }

  // ---- WalkOwner

  get ended(): boolean {
    return this.#stream.ended;
  }

  onPart(part: MessagePart<RequestHeaderMap>): void {
    const { terminal } = this;
    if (terminal === undefined) return;
    switch (part.kind) {
      case "headers":
        terminal.onRequestHeaders(part.headers, part.endStream);
        break;
      case "data":
        terminal.onRequestData(part.chunk, part.endStream);
        break;
      case "trailers":
        terminal.onRequestTrailers(part.trailers);
        break;
    }
  }

  onLocalReply(reply: LocalReply): void {
    this.#stream.respondLocally(reply);
  }

  onOverflow(): void {
    this.#stream.stats.rqTooLarge.inc();
    this.#stream.respondLocally(LOCAL_REPLIES.requestPayloadTooLarge);
  }

  /** Also for what a filter's promise rejects with. */
  onFilterError(error: unknown): void {
    this.#stream.internalError(error);
  }

  onPaused(paused: boolean): void {
    if (paused) this.#pause(PAUSED_BY_FILTER);
    else this.#resume(PAUSED_BY_FILTER);
  }
}
