// One accepted connection of a connection manager: makes streams for its codec, owns the connection's timers, drains.
import { HTTP1_ERRORS } from "#proxy/codec/http1/http1-error";
import type { Http1Error } from "#proxy/codec/http1/http1-error";
import type { Http2Error } from "#proxy/codec/http2/error-code";
import type { ConnectionContext } from "#proxy/listener/network-filter";
import type { ConnectionInfo, SocketAddress, TransportFailure } from "#proxy/net/connection";
import { ActiveStream } from "./active-stream.ts";
import type { StreamConnection } from "./active-stream.ts";
import { CodecChoice } from "./codec-choice.ts";
import type { ChosenVersion } from "./codec-choice.ts";
import type { LocalReply } from "./filter.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import { Http1ServerConnection } from "./http1-server.ts";
import type { Http1ServerOwner } from "./http1-server.ts";
import { Http2ServerConnection } from "./http2-server.ts";
import type { Http2ServerOwner } from "./http2-server.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import type { ServerCodec, ServerStream } from "./server-codec.ts";
import type { RequestReceiver } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerOwner } from "./timer-wheel.ts";
import { codecErrorReply, recordAbandonedHead, recordUnfitHead, recordUnreadRequest } from "./unread-request.ts";

const IDLE = 0;
const MAX_DURATION = 1;
const HEADERS = 2;
const DRAIN = 3;

/** Envoy's default of per_connection_buffer_limit_bytes. */
const STREAM_BUFFER_BYTES = 1024 * 1024;
/** Of one HTTP/2 stream, where nothing is configured: what waits for the client's window. Many streams share a connection. */
const HTTP2_STREAM_BUFFER_BYTES = 65_536;

export class DownstreamConnection implements Http1ServerOwner, Http2ServerOwner, StreamConnection, TimerOwner {
  readonly runtime: HcmRuntime;
  readonly originalDestination: SocketAddress | undefined;
  readonly #context: ConnectionContext;
  #codec: ServerCodec;
  /** Undefined: not known yet. */
  #version: "HTTP/1" | "HTTP/2" | undefined = undefined;
  #requests = 0;
  #closedByUs = false;
  #closed = false;
  #draining = false;
  readonly #idleTimer = new WheelTimer(this, IDLE);
  #durationTimer: WheelTimer | undefined = undefined;
  readonly #headersTimer = new WheelTimer(this, HEADERS);
  #drainTimer: WheelTimer | undefined = undefined;

  constructor(context: ConnectionContext, runtime: HcmRuntime) {
    this.#context = context;
    this.runtime = runtime;
    const { config, stats } = runtime;
    const { connection, originalDestination } = context;
    this.originalDestination = originalDestination;
    connection.delayedCloseMs = config.delayedCloseTimeoutMs;
    stats.cxTotal.inc();
    stats.cxActive.inc();
    if (context.info.tls !== undefined) {
      stats.cxSslTotal.inc();
      stats.cxSslActive.inc();
    }
    if (config.codec === "http1") this.#codec = this.#http1();
    else if (config.codec === "http2" || context.info.tls?.applicationProtocol === "h2") this.#codec = this.#http2();
    else if ((context.info.tls?.applicationProtocol ?? "") !== "") this.#codec = this.#http1();
    else this.#codec = new CodecChoice(connection, this, (version) => this.#choose(version));
  }

  #choose(version: ChosenVersion): void {
    if (version === undefined) {
      this.runtime.stats.cxProtocolError.inc();
      return;
    }
    this.#codec = version === "HTTP/1" ? this.#http1() : this.#http2();
    if (this.#draining) this.#codec.announceDrain();
    // The first bytes were no head: the connection is as idle as before.
    if (version === "HTTP/2") this.onIdle();
  }

  #http1(): Http1ServerConnection {
    const { config, stats } = this.runtime;
    stats.cxHttp1Total.inc();
    stats.cxHttp1Active.inc();
    this.#version = "HTTP/1";
    return new Http1ServerConnection(
      this.#context.connection,
      {
        maxHeadBytes: config.maxRequestHeadersBytes,
        maxHeaders: config.maxHeadersCount,
        allowAbsoluteUrl: config.allowAbsoluteUrl,
        scheme: this.info.tls === undefined ? "http" : "https",
        // As in Envoy: only where clients speak to this proxy first.
        validateScheme: config.mutation.useRemoteAddress && config.mutation.xffNumTrustedHops === 0,
        proxy100Continue: config.proxy100Continue,
      },
      this,
    );
  }

  #http2(): Http2ServerConnection {
    const { config, stats, thread, timers, http2Stats } = this.runtime;
    stats.cxHttp2Total.inc();
    stats.cxHttp2Active.inc();
    this.#version = "HTTP/2";
    return new Http2ServerConnection(
      this.#context.connection,
      {
        session: {
          ...config.http2,
          role: "server",
          nowMs: () => thread.clock.monotonicMs(),
          maxHeadersBytes: config.maxRequestHeadersBytes,
          maxHeadersCount: config.maxHeadersCount,
          streamBufferBytes: this.#context.bufferLimitBytes ?? HTTP2_STREAM_BUFFER_BYTES,
        },
        proxy100Continue: config.proxy100Continue,
        keepalive: config.http2.keepalive,
        headersTimeoutMs: config.requestHeadersTimeoutMs,
        flushTimeoutMs: config.streamIdleTimeoutMs,
        clock: thread.clock,
        random: thread.random,
        timers,
        stats: http2Stats,
      },
      this,
    );
  }

  /** Starts the clocks; the connection is served from the moment its codec became its handler. */
  open(): void {
    const { config, stats, timers } = this.runtime;
    if (config.connectionIdleTimeoutMs > 0) timers.set(this.#idleTimer, config.connectionIdleTimeoutMs);
    if (config.maxConnectionDurationMs > 0)
      timers.set((this.#durationTimer = new WheelTimer(this, MAX_DURATION)), config.maxConnectionDurationMs);
    this.#context.onDrain(() => {
      stats.cxDrainClose.inc();
      this.#beginDrain();
    });
  }

  get info(): ConnectionInfo {
    return this.#context.info;
  }
  get outbound(): boolean {
    return this.#context.direction === "OUTBOUND";
  }
  get bufferLimitBytes(): number {
    return this.#context.bufferLimitBytes ?? STREAM_BUFFER_BYTES;
  }

  drainIfDue(): void {
    const { stats, thread } = this.runtime;
    if (this.#draining) return;
    const { direction, modifyOnly = false } = this.#context;
    if (!thread.local.endsConnection(direction === "INBOUND", modifyOnly, thread.clock.wallMs(), thread.random)) return;
    stats.cxDrainClose.inc();
    this.#beginDrain();
  }

  // ---- Http1ServerOwner

  newStream(sender: ServerStream): RequestReceiver {
    const { config, stats, timers } = this.runtime;
    timers.cancel(this.#idleTimer);
    timers.cancel(this.#headersTimer);
    if (config.maxRequestsPerConnection > 0 && ++this.#requests >= config.maxRequestsPerConnection) {
      stats.cxMaxRequestsReached.inc();
      if (this.#version === "HTTP/2") this.#beginDrain();
      else sender.closeAfterResponse();
    }
    const stream = new ActiveStream(this, sender);
    if (sender.httpVersion === "HTTP/1.0" && !config.acceptHttp10) {
      sender.closeAfterResponse();
      stream.refuse(LOCAL_REPLIES.http10NotAllowed);
    }
    return stream;
  }

  onCodecError(error: Http1Error, unread: boolean): Pick<LocalReply, "status" | "body" | "headers"> {
    const { stats } = this.runtime;
    (error === HTTP1_ERRORS.headTimeout ? stats.rqHeaderTimeout : stats.cxProtocolError).inc();
    this.#closedByUs = true;
    const reply = codecErrorReply(error, this.runtime);
    if (unread && !this.#closed) recordUnreadRequest(error, reply.body.length, this.info, this.runtime);
    return reply;
  }

  onHeadAbandoned(): void {
    recordAbandonedHead(this.#version === "HTTP/2" ? "HTTP/2" : "HTTP/1.1", this.info, this.runtime);
  }

  onProtocolError(_error: Http2Error): void {
    this.runtime.stats.cxProtocolError.inc();
    this.#closedByUs = true;
  }

  onUnfitHead(details: string): void {
    recordUnfitHead(details, this.info, this.runtime);
  }

  onSlowHead(): void {
    this.runtime.stats.rqHeaderTimeout.inc();
  }

  onHeadBegun(): void {
    const { config, timers } = this.runtime;
    timers.cancel(this.#idleTimer);
    if (config.requestHeadersTimeoutMs > 0) timers.set(this.#headersTimer, config.requestHeadersTimeoutMs);
  }

  onIdle(): void {
    const { config, timers } = this.runtime;
    timers.cancel(this.#headersTimer);
    if (config.connectionIdleTimeoutMs > 0 && !this.#closed) timers.set(this.#idleTimer, config.connectionIdleTimeoutMs);
  }

  onFault(fault: unknown): void {
    const { stats, thread } = this.runtime;
    stats.internalErrors.inc();
    this.#closedByUs = true;
    const detail = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    thread.log.scope("http").error("a connection was closed by an internal error", { node: thread.nodeId, error: detail });
  }

  onClosed(_failure: TransportFailure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const { stats, timers, thread } = this.runtime;
    timers.cancel(this.#idleTimer);
    timers.cancel(this.#headersTimer);
    if (this.#durationTimer !== undefined) timers.cancel(this.#durationTimer);
    if (this.#drainTimer !== undefined) timers.cancel(this.#drainTimer);
    stats.cxActive.dec();
    if (this.info.tls !== undefined) stats.cxSslActive.dec();
    if (this.#version === "HTTP/1") stats.cxHttp1Active.dec();
    else if (this.#version === "HTTP/2") stats.cxHttp2Active.dec();
    stats.cxDestroy.inc();
    const byUs = this.#closedByUs || this.#codec.closedByUs;
    (byUs ? stats.cxDestroyLocal : stats.cxDestroyRemote).inc();
    if (this.#codec.leftByClient) {
      stats.cxDestroyActiveRq.inc();
      (byUs ? stats.cxDestroyLocalActiveRq : stats.cxDestroyRemoteActiveRq).inc();
    }
    const { bytesReceived, bytesSent, delayedCloseExpired } = this.#context.connection;
    if (delayedCloseExpired) stats.cxDelayedCloseTimeout.inc();
    stats.cxRxBytesTotal.add(bytesReceived);
    stats.cxTxBytesTotal.add(bytesSent);
    stats.cxLengthMs.record(Math.trunc(thread.clock.monotonicMs() - this.#context.connection.startMs));
  }

  // ---- TimerOwner

  onTimer(kind: number): void {
    const { stats } = this.runtime;
    switch (kind) {
      case IDLE:
        stats.cxIdleTimeout.inc();
        // A client of HTTP/2 is told first, as in Envoy: it may just have sent a request.
        if (this.#version === "HTTP/2") this.#beginDrain();
        else this.#finish();
        break;
      case MAX_DURATION:
        stats.cxMaxDuration.inc();
        this.#beginDrain();
        break;
      case HEADERS:
        this.#codec.refuseSlowHead();
        break;
      case DRAIN:
        this.#finish();
        break;
    }
  }

  /**
   * The next response says `connection: close`. An idle connection is not closed yet: a request may be on its way, and closing on it
   * would fail it. What is still idle when the drain time is over closes then.
   */
  #beginDrain(): void {
    if (this.#closed || this.#draining) return;
    this.#draining = true;
    this.#codec.announceDrain();
    this.runtime.timers.set((this.#drainTimer = new WheelTimer(this, DRAIN)), this.runtime.config.drainTimeoutMs);
  }

  /** Finish what runs, then close; an idle connection closes now. */
  #finish(): void {
    if (this.#closed) return;
    this.#closedByUs = true;
    this.#codec.drain();
  }
}
