// One request and its response: checks and header changes of the connection manager, filters, terminal filter, timers, local replies,
// statistics, access log. It ends exactly once (`#end`); after that every call does nothing.
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { RouteEntry, RouteInput } from "#proxy/route/route";
import type { ThreadContext } from "#proxy/thread-context";
import type { HttpFilter, LocalReply } from "./filter.ts";
import { FilterWalk, callRequestFilter, callResponseFilter } from "./filter-walk.ts";
import type { MessagePart } from "./filter-walk.ts";
import { RequestSide, ResponseSide } from "./filter-sides.ts";
import type { FilteredStream } from "./filter-sides.ts";
import type { HcmConfig } from "./hcm-config.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { HcmStats } from "./hcm-stats.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import { localReplyHeaders } from "./local-reply-headers.ts";
import { checkRequest } from "./request-check.ts";
import { mutateRequestHeaders } from "./request-mutation.ts";
import { decorateRequest, decorateResponse } from "./operation-decorator.ts";
import { mutateResponseHeaders } from "./response-mutation.ts";
import { StreamRecord } from "./stream-record.ts";
import type { HttpVersion, RequestReceiver, ResponseSender, StreamResetReason } from "./stream.ts";
import type { TerminalFilter, TerminalStream } from "./terminal-filter.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerOwner, TimerWheel } from "./timer-wheel.ts";

/** The connection below, as a stream sees it. */
export interface StreamConnection {
  readonly runtime: HcmRuntime;
  readonly info: ConnectionInfo;
  readonly originalDestination: SocketAddress | undefined;
  readonly bufferLimitBytes: number;
  /** Of the listener: towards others, not towards the application. */
  readonly outbound: boolean;
  onStreamEnd(stream: ActiveStream): void;
  /** The request is unfit: nothing more is read from this connection once it is answered. */
  closeAfterResponse(): void;
}

const STREAM_IDLE = 0;
const REQUEST_TIMEOUT = 1;

/** Causes for which request reading is stopped: reading goes on when none is left. */
const PAUSED_BY_FILTER = 1;
const PAUSED_BY_TERMINAL = 2;

/** Causes for which the terminal filter must not send more of the response. */
const HELD_BY_FILTER = 1;
const HELD_BY_CLIENT = 2;

const NO_FILTERS: readonly HttpFilter[] = [];

export class ActiveStream implements RequestReceiver, TerminalStream, FilteredStream, RouteInput, TimerOwner {
  readonly info: StreamRecord;
  readonly #config: HcmConfig;
  readonly #runtime: HcmRuntime;
  readonly #connection: StreamConnection;
  readonly sender: ResponseSender;
  #requestHeaders: RequestHeaderMap | undefined = undefined;
  #filters: readonly HttpFilter[] = NO_FILTERS;
  #requestWalk: FilterWalk<RequestHeaderMap> | undefined = undefined;
  #responseWalk: FilterWalk<ResponseHeaderMap> | undefined = undefined;
  #terminal: TerminalFilter | undefined = undefined;
  #requestPauses = 0;
  #responseHolds = 0;
  #requestComplete = false;
  #responseStarted = false;
  #ended = false;
  #upgraded = false;
  #internal = false;
  #operation: string | undefined = undefined;
  #answeredLocally = false;
  #random = -1;
  #route: RouteEntry | undefined = undefined;
  #routeKnown = false;
  #refusal: LocalReply | undefined = undefined;
  #idleTimeoutMs: number;
  readonly #idleTimer = new WheelTimer(this, STREAM_IDLE);
  readonly #requestTimer = new WheelTimer(this, REQUEST_TIMEOUT);

  constructor(connection: StreamConnection, sender: ResponseSender, version: HttpVersion) {
    const runtime = connection.runtime;
    const { clock } = runtime.thread;
    this.#connection = connection;
    this.#runtime = runtime;
    this.#config = runtime.config;
    this.sender = sender;
    this.#idleTimeoutMs = runtime.config.streamIdleTimeoutMs;
    this.info = new StreamRecord(clock.wallMs(), clock.monotonicMs(), connection.info);
    this.info.protocol = version;
    const { stats } = runtime;
    stats.rqTotal.inc();
    stats.rqHttp1Total.inc();
    stats.rqActive.inc();
  }

  // ---- FilterStream, TerminalStream, RouteInput

  get thread(): ThreadContext {
    return this.#runtime.thread;
  }
  get clock(): Clock {
    return this.#runtime.thread.clock;
  }
  get bufferLimitBytes(): number {
    return this.#connection.bufferLimitBytes;
  }
  get random(): Random {
    return this.#runtime.thread.random;
  }
  get timers(): TimerWheel {
    return this.#runtime.timers;
  }
  get stats(): HcmStats {
    return this.#runtime.stats;
  }
  get ended(): boolean {
    return this.#ended;
  }
  get responseStarted(): boolean {
    return this.#responseStarted;
  }
  get internalRequest(): boolean {
    return this.#internal;
  }
  get originalDestination(): SocketAddress | undefined {
    return this.#connection.originalDestination;
  }
  get connection(): ConnectionInfo {
    return this.#connection.info;
  }
  get tls(): boolean {
    return this.#connection.info.tls !== undefined;
  }
  get clientCertificate(): RouteInput["clientCertificate"] {
    const { tls } = this.#connection.info;
    if (tls?.peer === undefined) return undefined;
    return tls.peerValidated ? "validated" : "presented";
  }
  get routeInput(): RouteInput {
    return this;
  }
  get headers(): RequestHeaderMap {
    return this.#requestHeaders!;
  }
  get randomValue(): number {
    if (this.#random < 0) this.#random = this.random.next();
    return this.#random;
  }

  route(): RouteEntry | undefined {
    if (this.#routeKnown) return this.#route;
    this.#routeKnown = true;
    const source = this.#config.routes;
    const table = source.kind === "inline" ? source.table : this.thread.routes.get(source.name);
    const route = table?.match(this);
    this.#route = route;
    this.info.routeName = route?.name;
    this.info.virtualHostName = route?.virtualHost;
    const idleTimeoutMs = route?.idleTimeoutMs ?? this.#config.streamIdleTimeoutMs;
    if (idleTimeoutMs !== this.#idleTimeoutMs) {
      this.#idleTimeoutMs = idleTimeoutMs;
      this.timers.cancel(this.#idleTimer);
      this.#touch();
    }
    return route;
  }

  clearRouteCache(): void {
    this.#routeKnown = false;
    this.#route = undefined;
  }

  /** The connection knows already that this request gets no more than this answer. */
  refuse(reply: LocalReply): void {
    this.#refusal = reply;
  }

  // ---- RequestReceiver: from the downstream codec

  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#ended) return;
    try {
      this.#requestHeaders = headers;
      this.info.requestHeaders = headers;
      this.info.originalPath = headers.path;
      if (endStream) this.#onRequestComplete(this.info.startMs);
      else if (this.#config.requestTimeoutMs > 0) this.timers.set(this.#requestTimer, this.#config.requestTimeoutMs);
      this.#touch();
      const refused = this.#refusal ?? this.#prepare(headers);
      this.#makeFilters();
      if (refused !== undefined) {
        this.respondLocally(refused);
        return;
      }
      if (this.#requestWalk === undefined) this.#terminal!.onRequestHeaders(headers, endStream);
      else this.#requestWalk.push({ kind: "headers", headers, endStream });
    } catch (error) {
      this.#onInternalError(error);
    }
  }

  onRequestData(chunk: Buffer, endStream: boolean): void {
    if (this.#ended) return;
    try {
      this.info.bytesReceived += chunk.length;
      if (endStream) this.#onRequestComplete(this.clock.monotonicMs());
      this.#touch();
      if (this.#answeredLocally) return;
      // The bytes go to an upstream socket, a queue or a retry buffer: all of them outlive this call.
      this.sender.keepChunk();
      if (this.#requestWalk === undefined) this.#terminal!.onRequestData(chunk, endStream);
      else this.#requestWalk.push({ kind: "data", chunk, endStream });
    } catch (error) {
      this.#onInternalError(error);
    }
  }

  onRequestTrailers(trailers: TrailerMap): void {
    if (this.#ended) return;
    try {
      this.#onRequestComplete(this.clock.monotonicMs());
      this.#touch();
      if (this.#answeredLocally) return;
      if (this.#requestWalk === undefined) this.#terminal!.onRequestTrailers(trailers);
      else this.#requestWalk.push({ kind: "trailers", trailers });
    } catch (error) {
      this.#onInternalError(error);
    }
  }

  onRequestReset(reason: StreamResetReason, details: string, answeredWith = 0): void {
    if (this.#ended) return;
    this.stats.rqRxReset.inc();
    const { info } = this;
    if (reason === "protocol-error") {
      info.flags.add("DPE");
      info.responseCodeDetails ??= details;
      if (answeredWith > 0) {
        info.responseCode = answeredWith;
        this.stats.rqCodes.charge(answeredWith);
      }
    } else {
      info.flags.add("DC");
      // Envoy's access log shows code 0 for a client that left before its answer, and this detail in either case.
      info.responseCodeDetails = "downstream_remote_disconnect";
    }
    this.#end();
  }

  onResponseDrain(): void {
    if (this.#ended) return;
    this.#touch();
    try {
      if (this.#responseWalk === undefined) this.#terminal?.onResponseDrain();
      else this.#holdResponse(HELD_BY_CLIENT, false);
    } catch (error) {
      this.#onInternalError(error);
    }
  }

  // ---- TerminalStream: from the router

  respondInformational(headers: ResponseHeaderMap): void {
    if (this.#ended || this.#answeredLocally || this.#responseStarted) return;
    this.#touch();
    this.sender.sendInformational(headers);
  }

  respondHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#ended || this.#answeredLocally) return;
    this.#touch();
    if (this.#responseWalk === undefined) this.#sendHeaders(headers, endStream);
    else this.#responseWalk.push({ kind: "headers", headers, endStream });
  }

  respondData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#ended || this.#answeredLocally) return true;
    this.#touch();
    if (this.#responseWalk === undefined) return this.#sendData(chunk, endStream);
    this.#responseWalk.push({ kind: "data", chunk, endStream });
    return true;
  }

  respondTrailers(trailers: TrailerMap): void {
    if (this.#ended || this.#answeredLocally) return;
    this.#touch();
    if (this.#responseWalk === undefined) this.#sendTrailers(trailers);
    else this.#responseWalk.push({ kind: "trailers", trailers });
  }

  respondLocally(reply: LocalReply, finalize?: RouteEntry): void {
    this.#reply(reply, finalize, false);
  }

  /** FilteredStream: an answer that a filter gives on the response's way; no filter sees it, as in Envoy. */
  replyDirectly(reply: LocalReply): void {
    this.#reply(reply, undefined, true);
  }

  #reply(original: LocalReply, finalize: RouteEntry | undefined, past: boolean): void {
    if (this.#ended) return;
    const { info } = this;
    if (original.flag !== undefined) info.flags.add(original.flag);
    info.responseCodeDetails = original.details;
    if (this.#responseStarted) {
      this.resetResponse("local-reset");
      return;
    }
    // Filters see one local reply at most, and none while one of them still holds the response.
    const direct = past || this.#answeredLocally || this.#responseWalk?.waiting === true;
    this.#answeredLocally = true;
    this.#releaseTerminal();
    this.#requestWalk?.stop();
    this.#responseWalk?.stop();

    this.#noteCluster();
    const request = this.#requestHeaders;
    const mapped = this.#config.localReplies?.(original, info);
    const { headers, body } = localReplyHeaders(mapped?.reply ?? original, request);
    mapped?.headers?.applyToResponse(headers, info);
    finalize?.finalizeResponse(headers, info, undefined);
    const isHead = request?.method === "HEAD";
    const chunk = body === "" || isHead ? undefined : Buffer.from(body, "utf8");
    const walk = direct ? undefined : this.#responseWalk;
    if (walk === undefined) {
      this.#sendHeaders(headers, chunk === undefined);
      if (chunk !== undefined) this.#sendData(chunk, true);
      return;
    }
    walk.push({ kind: "headers", headers, endStream: chunk === undefined });
    if (chunk !== undefined && !this.#ended) walk.push({ kind: "data", chunk, endStream: true });
  }

  /** As in Envoy, the log names the cluster to which the request would have gone, also when a filter answered instead. */
  #noteCluster(): void {
    if (this.info.upstreamCluster !== undefined || this.#route === undefined) return;
    const name = this.#route.chooseCluster(this)?.cluster;
    if (name !== undefined && this.thread.clusters.get(name) !== undefined) this.info.upstreamCluster = name;
  }

  resetResponse(reason: StreamResetReason): void {
    if (this.#ended) return;
    this.stats.rqTxReset.inc();
    this.sender.reset(reason);
    this.#end();
  }

  pauseRequest(): void {
    this.#pause(PAUSED_BY_TERMINAL);
  }

  resumeRequest(): void {
    this.#resume(PAUSED_BY_TERMINAL);
  }

  // ---- TimerOwner

  onTimer(kind: number): void {
    if (this.#ended) return;
    if (kind === STREAM_IDLE) {
      this.stats.rqIdleTimeout.inc();
      this.respondLocally(this.#requestComplete ? LOCAL_REPLIES.streamIdleTimeout : LOCAL_REPLIES.streamIdleTimeoutInRequest);
    } else {
      this.stats.rqTimeout.inc();
      this.respondLocally(LOCAL_REPLIES.requestTimeout);
    }
  }

  // ---- the way in

  /** Checks and header changes before the filters. @returns the answer when the request is refused */
  #prepare(headers: RequestHeaderMap): LocalReply | undefined {
    const { local, remote, tls } = this.#connection.info;
    const config = this.#config;
    config.earlyMutation?.applyToRequest(headers, this.info);
    const refused = checkRequest(headers, this.info.protocol, local.port, config, this.stats);
    if (refused !== undefined) {
      this.#connection.closeAfterResponse();
      return refused;
    }
    const client = mutateRequestHeaders(headers, remote, local, tls, config.mutation, this.random);
    this.info.downstreamRemote = client.remote;
    this.#internal = client.internal;

    const upgrade = headers.method === "CONNECT" ? "connect" : headers.upgrade;
    // Where no route is either, the router says so: 404 before 403, as in Envoy.
    if (upgrade !== undefined && !this.#allowsUpgrade(upgrade) && this.route() !== undefined) {
      this.stats.rqWsOnNonWsRoute.inc();
      return LOCAL_REPLIES.upgradeFailed;
    }
    if (config.tracing) this.#operation = decorateRequest(headers, this.route()?.decorator, this.#connection.outbound);
    return undefined;
  }

  #allowsUpgrade(type: string): boolean {
    const byRoute = this.#config.upgrades.size === 0 ? undefined : this.route()?.upgrades?.get(type);
    return byRoute ?? this.#config.upgrades.get(type) ?? false;
  }

  #makeFilters(): void {
    const { filters: factories } = this.#runtime;
    let filters: HttpFilter[] | undefined;
    for (const factory of factories) {
      const filter = factory.create(this);
      if (filter !== undefined) (filters ??= []).push(filter);
    }
    this.#terminal = this.#config.terminal.createTerminal(this);
    if (filters === undefined) return;
    this.#filters = filters;
    this.#requestWalk = new FilterWalk(filters, callRequestFilter, new RequestSide(this), this.bufferLimitBytes);
    this.#responseWalk = new FilterWalk(filters.toReversed(), callResponseFilter, new ResponseSide(this), this.bufferLimitBytes);
  }

  #onRequestComplete(atMs: number): void {
    this.#requestComplete = true;
    this.info.requestCompleteMs = atMs;
    this.timers.cancel(this.#requestTimer);
  }

  /** Something moved: the idle time starts anew. */
  #touch(): void {
    if (this.#idleTimeoutMs > 0) this.timers.set(this.#idleTimer, this.#idleTimeoutMs);
  }

  #pause(cause: number): void {
    if (this.#ended) return;
    if (this.#requestPauses === 0) {
      this.stats.flowPaused.inc();
      this.sender.pauseReading();
    }
    this.#requestPauses |= cause;
  }

  #resume(cause: number): void {
    if (this.#ended || this.#requestPauses === 0) return;
    this.#requestPauses &= ~cause;
    if (this.#requestPauses !== 0) return;
    this.stats.flowResumed.inc();
    this.sender.resumeReading();
  }

  // ---- the way out

  #sendHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    const { info } = this;
    if (this.#config.tracing) decorateResponse(headers, this.#operation, this.#connection.outbound);
    mutateResponseHeaders(headers, this.#requestHeaders, this.#runtime);
    if (headers.status === 101 && !this.#upgraded) {
      this.#upgraded = true;
      this.stats.cxUpgradesTotal.inc();
      this.stats.cxUpgradesActive.inc();
    }
    info.responseHeaders = headers;
    info.responseCode = headers.status;
    info.downstreamFirstByteSentMs = this.clock.monotonicMs();
    this.#responseStarted = true;
    if (!this.#requestComplete) {
      this.stats.rqResponseBeforeComplete.inc();
      // HTTP/1 has no other way to be rid of the rest of the request.
      if (!this.#upgraded && this.#requestHeaders?.method !== "CONNECT") this.#connection.closeAfterResponse();
    }
    this.sender.sendHeaders(headers, endStream);
    if (endStream) this.#end();
  }

  #sendData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#ended) return true;
    this.info.bytesSent += chunk.length;
    const goOn = this.sender.sendData(chunk, endStream);
    if (endStream) this.#end();
    return goOn;
  }

  #sendTrailers(trailers: TrailerMap): void {
    if (this.#ended) return;
    this.info.responseTrailers = trailers;
    this.sender.sendTrailers(trailers);
    this.#end();
  }

  /** FilteredStream: a part of the request passed all filters. */
  requestPart(part: MessagePart<RequestHeaderMap>): void {
    const terminal = this.#terminal;
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

  /** FilteredStream: a part of the response passed all filters. */
  responsePart(part: MessagePart<ResponseHeaderMap>): void {
    switch (part.kind) {
      case "headers":
        this.#sendHeaders(part.headers, part.endStream);
        break;
      case "data":
        if (!this.#sendData(part.chunk, part.endStream)) this.#holdResponse(HELD_BY_CLIENT, true);
        break;
      case "trailers":
        this.#sendTrailers(part.trailers);
        break;
    }
  }

  requestPaused(paused: boolean): void {
    if (paused) this.#pause(PAUSED_BY_FILTER);
    else this.#resume(PAUSED_BY_FILTER);
  }

  responsePaused(paused: boolean): void {
    this.#holdResponse(HELD_BY_FILTER, paused);
  }

  #holdResponse(cause: number, hold: boolean): void {
    const before = this.#responseHolds;
    this.#responseHolds = hold ? before | cause : before & ~cause;
    if (before === 0 && this.#responseHolds !== 0) this.#terminal?.pauseResponse();
    else if (before !== 0 && this.#responseHolds === 0) this.#terminal?.resumeResponse();
  }

  requestOverflow(): void {
    this.stats.rqTooLarge.inc();
    this.respondLocally(LOCAL_REPLIES.requestPayloadTooLarge);
  }

  /** FilteredStream: also for what a filter's promise rejects with. */
  internalError(error: unknown): void {
    this.#onInternalError(error);
  }

  /** Our own bug, or a filter's: this stream pays for it, nobody else. */
  #onInternalError(error: unknown): void {
    this.stats.internalErrors.inc();
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.thread.log.error("a stream was ended by an internal error", { node: this.thread.nodeId, error: detail });
    if (this.#ended) return;
    this.info.responseCodeDetails = LOCAL_REPLIES.internalError.details;
    if (this.#responseStarted || this.#answeredLocally) this.resetResponse("local-reset");
    else this.respondLocally(LOCAL_REPLIES.internalError);
  }

  #releaseTerminal(): void {
    const terminal = this.#terminal;
    this.#terminal = undefined;
    terminal?.onDestroy();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { info, stats } = this;
    this.timers.cancel(this.#idleTimer);
    this.timers.cancel(this.#requestTimer);
    this.#requestWalk?.stop();
    this.#responseWalk?.stop();
    this.#releaseTerminal();
    for (const filter of this.#filters) filter.onDestroy?.();
    const endMs = this.clock.monotonicMs();
    info.endMs = endMs;
    stats.rqActive.dec();
    if (this.#upgraded) stats.cxUpgradesActive.dec();
    if (this.#responseStarted) stats.rqCodes.charge(info.responseCode);
    stats.rqTime.record(Math.trunc(endMs - info.startMs));
    this.#runtime.accessLogger?.log(info);
    this.#connection.onStreamEnd(this);
  }
}
