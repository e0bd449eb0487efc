// One request and its response: checks and header changes of the connection manager, filters, terminal filter, timers, local replies,
// statistics, access log. It ends exactly once (`#end`); after that every call does nothing.
import type { AccessLogOptions } from "./access-log-options.ts";
import type { AccessLogType } from "./stream-info.ts";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { OverrideHost } from "#proxy/cluster/cluster";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { FilterConfigs } from "#proxy/route/filter-config";
import type { RouteEntry, RouteInput } from "#proxy/route/route";
import type { ThreadContext } from "#proxy/thread-context";
import type { LocalReply } from "./filter.ts";
import { ActiveRequest } from "./active-request.ts";
import type { RequestingStream } from "./active-request.ts";
import { ActiveResponse } from "./active-response.ts";
import type { AnsweredStream } from "./active-response.ts";
import { hasGrpcContentType } from "./grpc.ts";
import type { HcmConfig } from "./hcm-config.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { HcmStats } from "./hcm-stats.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import { prepareRequest } from "./request-preparation.ts";
import type { PreparedStream } from "./request-preparation.ts";
import { RedirectHistory } from "./redirect-history.ts";
import type { ServerStream } from "./server-codec.ts";
import { requestParts } from "./replayed-request.ts";
import { streamDurationMs } from "./stream-duration.ts";
import { StreamRecord } from "./stream-record.ts";
import type { RequestReceiver, StreamResetReason } from "./stream.ts";
import { StreamTimers, timeoutReply } from "./stream-timers.ts";
import type { StreamTimeout, TimedStream } from "./stream-timers.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** The connection below, as a stream sees it. */
export interface StreamConnection {
  readonly runtime: HcmRuntime;
  readonly info: ConnectionInfo;
  readonly originalDestination: SocketAddress | undefined;
  readonly bufferLimitBytes: number;
  /** Of the listener: towards others, not towards the application. */
  readonly outbound: boolean;
  drainIfDue(): void;
}

export class ActiveStream implements RequestReceiver, RequestingStream, AnsweredStream, PreparedStream, TimedStream {
  readonly info: StreamRecord;
  readonly runtime: HcmRuntime;
  readonly sender: ServerStream;
  readonly #config: HcmConfig;
  readonly #connection: StreamConnection;
  readonly #request: ActiveRequest;
  readonly #response: ActiveResponse;
  /** As it came: what grpc_web makes gRPC is answered as plain HTTP, which that filter turns back. */
  #grpc = false;
  #requestComplete = false;
  #ended = false;
  internalRequest = false;
  upgrades = false;
  operation: string | undefined = undefined;
  #answeredLocally = false;
  overrideHost: OverrideHost | undefined = undefined;
  #refusal: LocalReply | undefined = undefined;
  #redirects: RedirectHistory | undefined = undefined;
  /** Goes on with this request where this stream has ended. */
  #successor: ActiveStream | undefined = undefined;
  readonly #timeouts: StreamTimers;

  constructor(connection: StreamConnection, sender: ServerStream) {
    const runtime = connection.runtime;
    const { clock } = runtime.thread;
    this.#connection = connection;
    this.runtime = runtime;
    this.#config = runtime.config;
    this.sender = sender;
    this.info = new StreamRecord(clock.wallMs(), clock.monotonicMs(), connection.info);
    this.#request = new ActiveRequest(this);
    this.info.clusterSource = this.#request;
    this.#response = new ActiveResponse(this, connection);
    this.info.protocol = sender.httpVersion;
    const { stats } = runtime;
    stats.rqTotal.inc();
    (sender.httpVersion === "HTTP/2" ? stats.rqHttp2Total : stats.rqHttp1Total).inc();
    stats.rqActive.inc();
    this.#timeouts = new StreamTimers(this, runtime.config.streamIdleTimeoutMs, this.info.startMs);
    if (runtime.config.maxStreamDurationMs > 0) this.#timeouts.limitDuration(runtime.config.maxStreamDurationMs);
  }

  // ---- FilterStream, TerminalStream

  get thread(): ThreadContext {
    return this.runtime.thread;
  }
  get clock(): Clock {
    return this.runtime.thread.clock;
  }
  get bufferLimitBytes(): number {
    return this.#connection.bufferLimitBytes;
  }
  get random(): Random {
    return this.runtime.thread.random;
  }
  get timers(): TimerWheel {
    return this.runtime.timers;
  }
  get stats(): HcmStats {
    return this.runtime.stats;
  }
  get ended(): boolean {
    return this.#ended;
  }
  get responseStarted(): boolean {
    return this.#response.started;
  }
  get requestComplete(): boolean {
    return this.#requestComplete;
  }
  get outbound(): boolean {
    return this.#connection.outbound;
  }
  get originalDestination(): SocketAddress | undefined {
    return this.#connection.originalDestination;
  }
  get connection(): ConnectionInfo {
    return this.#connection.info;
  }
  get routeInput(): RouteInput {
    return this.#request;
  }

  route(): RouteEntry | undefined {
    return this.#request.route();
  }

  filterConfigs(): FilterConfigs | undefined {
    return this.#request.filterConfigs();
  }

  clearRouteCache(): void {
    this.#request.clearRoute();
  }

  onRoute(route: RouteEntry | undefined): void {
    const { maxStreamDurationMs, streamIdleTimeoutMs } = this.#config;
    if (route?.maxStreamDuration !== undefined) {
      this.#timeouts.limitDuration(streamDurationMs(route.maxStreamDuration, this.#request.head!, maxStreamDurationMs));
    }
    this.#timeouts.setIdle(route?.idleTimeoutMs ?? streamIdleTimeoutMs);
  }

  get redirects(): RedirectHistory {
    return (this.#redirects ??= new RedirectHistory());
  }

  recreate(response: ResponseHeaderMap, body: readonly Uint8Array[], trailers: TrailerMap | undefined): void {
    if (this.#ended) return;
    this.info.noteInternalRedirect(response);
    this.stats.rqCodes.charge(response.status);
    const next = new ActiveStream(this.#connection, this.sender);
    this.#successor = next;
    next.#redirects = this.#redirects;
    this.#end();
    next.#begin(this.#request.head!, this.info, body, trailers);
  }

  /** The request was checked and changed as a stranger's already. */
  #begin(headers: RequestHeaderMap, before: StreamRecord, body: readonly Uint8Array[], trailers: TrailerMap | undefined): void {
    try {
      const { info } = this;
      this.#request.head = headers;
      info.requestHeaders = headers;
      info.originalPath = headers.path;
      info.downstreamRemote = before.downstreamRemote;
      // As Envoy: what came for the first pass counts again.
      info.bytesReceived = before.bytesReceived;
      this.internalRequest = headers.get("x-envoy-internal") === "true";
      this.#onRequestComplete(this.clock.monotonicMs());
      this.#timeouts.touch();
      this.#makeFilters();
      for (const part of requestParts(headers, body, trailers)) {
        if (this.#ended || this.#answeredLocally) return;
        if (part.kind === "data") info.bytesReceived += part.chunk.length;
        this.#request.pushPart(part);
      }
    } catch (error) {
      this.internalError(error);
    }
  }

  /** The connection knows already that this request gets no more than this answer. */
  refuse(reply: LocalReply): void {
    this.#refusal = reply;
  }

  // ---- RequestReceiver: from the downstream codec

  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#ended) return;
    try {
      this.#request.head = headers;
      this.#grpc = hasGrpcContentType(headers);
      this.info.requestHeaders = headers;
      this.info.originalPath = headers.path;
      if (endStream) this.#onRequestComplete(this.info.startMs);
      else this.#timeouts.limitRequest(this.#config.requestTimeoutMs);
      this.#timeouts.touch();
      const refused = this.#refusal ?? prepareRequest(this, headers);
      // Envoy's codecs do it, before there is anything that could know of gRPC, or answer at all.
      if (refused === LOCAL_REPLIES.underscoreInHeader || refused === LOCAL_REPLIES.http10NotAllowed) this.#grpc = false;
      if (refused === LOCAL_REPLIES.underscoreInHeader && this.info.protocol === "HTTP/2") {
        this.sender.reset("protocol-error");
        this.onRequestReset("remote-reset", "http2.unexpected_underscore");
        return;
      }
      if (refused !== undefined) this.#request.settleRoute();
      this.#makeFilters();
      if (refused !== undefined) {
        this.respondLocally(refused);
        return;
      }
      const { accessLogOptions } = this.#config;
      if (accessLogOptions !== undefined) this.#beginLog(accessLogOptions);
      this.#request.pushHeaders(headers, endStream);
    } catch (error) {
      this.internalError(error);
    }
  }

  onRequestData(chunk: Buffer, endStream: boolean): void {
    if (this.#ended) return;
    try {
      this.info.bytesReceived += chunk.length;
      if (endStream) this.#onRequestComplete(this.clock.monotonicMs());
      this.#timeouts.touch();
      if (this.#answeredLocally) return;
      this.#request.pushData(chunk, endStream);
    } catch (error) {
      this.internalError(error);
    }
  }

  onRequestTrailers(trailers: TrailerMap): void {
    if (this.#ended) return;
    try {
      this.#onRequestComplete(this.clock.monotonicMs());
      this.#timeouts.touch();
      if (this.#answeredLocally) return;
      this.#request.pushTrailers(trailers);
    } catch (error) {
      this.internalError(error);
    }
  }

  onRequestReset(reason: StreamResetReason, details: string, answeredWith = 0): void {
    if (this.#successor !== undefined) this.#successor.onRequestReset(reason, details, answeredWith);
    if (this.#ended) return;
    this.stats.rqRxReset.inc();
    if (reason === "protocol-error" && answeredWith > 0) this.stats.rqCodes.charge(answeredWith);
    this.info.noteRequestReset(reason, details, answeredWith);
    this.#end();
  }

  onResponseDrain(): void {
    if (this.#successor !== undefined) this.#successor.onResponseDrain();
    if (this.#ended) return;
    this.#timeouts.touch();
    try {
      if (this.#response.onDrain()) this.#request.terminal?.onResponseDrain();
    } catch (error) {
      this.internalError(error);
    }
  }

  // ---- TerminalStream: from the router

  respondInformational(headers: ResponseHeaderMap): void {
    if (this.#ended || this.#answeredLocally || this.#response.started) return;
    this.#timeouts.touch();
    this.stats.rqCodes.charge(headers.status);
    this.sender.sendInformational(headers);
  }

  respondHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#ended || this.#answeredLocally) return;
    this.#timeouts.touch();
    this.#response.headers(headers, endStream);
  }

  respondData(chunk: Buffer, endStream: boolean): boolean {
    if (this.#ended || this.#answeredLocally) return true;
    this.#timeouts.touch();
    return this.#response.data(chunk, endStream);
  }

  respondTrailers(trailers: TrailerMap): void {
    if (this.#ended || this.#answeredLocally) return;
    this.#timeouts.touch();
    this.#response.trailers(trailers);
  }

  respondLocally(reply: LocalReply, finalize?: RouteEntry): void {
    this.#reply(reply, finalize, false);
  }

  replyDirectly(reply: LocalReply): void {
    this.#reply(reply, undefined, true);
  }

  #reply(original: LocalReply, finalize: RouteEntry | undefined, past: boolean): void {
    if (this.#ended) return;
    const { info } = this;
    if (original.flag !== undefined) info.flags.add(original.flag);
    info.responseCodeDetails = original.details;
    if (this.#response.started) {
      this.resetResponse("local-reset");
      return;
    }
    // Filters see one local reply at most, and none while one of them still holds the response.
    const direct = past || this.#answeredLocally || this.#response.waiting;
    this.#answeredLocally = true;
    this.#request.stop();
    this.#response.stop();

    const { headers, chunk } = this.#request.composeLocalReply(original, finalize, this.#grpc);
    this.#response.local(headers, chunk, direct);
  }

  resetResponse(reason: StreamResetReason): void {
    if (this.#ended) return;
    this.stats.rqTxReset.inc();
    // Envoy's codecs tell of every reset, its own ones too.
    this.stats.rqRxReset.inc();
    this.sender.reset(reason);
    this.#end();
  }

  pauseRequest(): void {
    this.#request.pause();
  }

  resumeRequest(): void {
    this.#request.resume();
  }

  // ---- TimedStream

  onTimeout(timeout: StreamTimeout): void {
    if (this.#ended) return;
    this.respondLocally(timeoutReply(timeout, this.#requestComplete, this.stats));
  }

  onAccessLogTime(): void {
    if (this.#ended) return;
    this.#timeouts.logIn(this.#config.accessLogOptions?.flushIntervalMs ?? 0);
    this.#log("DownstreamPeriodic");
  }

  #log(type: AccessLogType): void {
    this.info.accessLogType = type;
    if (type !== "DownstreamEnd") this.info.loggedMs = this.clock.monotonicMs();
    this.runtime.accessLogger?.log(this.info);
  }

  #beginLog({ flushIntervalMs, logsNewRequests }: AccessLogOptions): void {
    if (flushIntervalMs > 0) this.#timeouts.logIn(flushIntervalMs);
    if (logsNewRequests) this.#log("DownstreamStart");
  }

  // ---- the way in

  #makeFilters(): void {
    const filters = this.#request.makeFilters();
    if (filters !== undefined) this.#response.useFilters(filters, this.bufferLimitBytes);
  }

  #onRequestComplete(atMs: number): void {
    this.#requestComplete = true;
    this.info.requestCompleteMs = atMs;
    this.#timeouts.requestComplete();
  }

  // ---- AnsweredStream

  holdTerminal(hold: boolean): void {
    const { terminal } = this.#request;
    if (hold) terminal?.pauseResponse();
    else terminal?.resumeResponse();
  }

  onResponseEnd(): void {
    this.#end();
  }

  /** Our own bug, or a filter's: this stream pays for it, nobody else. */
  internalError(error: unknown): void {
    this.stats.internalErrors.inc();
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.thread.log.scope("http").error("a stream was ended by an internal error", { node: this.thread.nodeId, error: detail });
    if (this.#ended) return;
    this.info.responseCodeDetails = LOCAL_REPLIES.internalError.details;
    if (this.#response.started || this.#answeredLocally) this.resetResponse("local-reset");
    else this.respondLocally(LOCAL_REPLIES.internalError);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { info, stats } = this;
    this.#timeouts.stop();
    this.#request.stop();
    this.#response.stop();
    this.#request.destroyFilters();
    const endMs = this.clock.monotonicMs();
    info.endMs = endMs;
    stats.rqActive.dec();
    if (this.upgrades) stats.cxUpgradesActive.dec();
    if (this.#response.started) stats.rqCodes.charge(info.responseCode);
    stats.rqTime.record(Math.trunc(endMs - info.startMs));
    this.#log("DownstreamEnd");
  }
}
