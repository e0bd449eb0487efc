// One accepted connection of a connection manager: makes streams for its codec, owns the connection's timers, drains.
import { HTTP1_ERRORS } from "#proxy/codec/http1/http1-error";
import type { Http1Error } from "#proxy/codec/http1/http1-error";
import type { ConnectionContext } from "#proxy/listener/network-filter";
import type { ConnectionInfo, SocketAddress, TransportFailure } from "#proxy/net/connection";
import { ActiveStream } from "./active-stream.ts";
import type { StreamConnection } from "./active-stream.ts";
import type { LocalReply } from "./filter.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import { Http1ServerConnection } from "./http1-server.ts";
import type { Http1ServerOwner } from "./http1-server.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import type { ServerCodec, ServerStream } from "./server-codec.ts";
import type { RequestReceiver } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerOwner } from "./timer-wheel.ts";
import { codecErrorReply, recordUnreadRequest } from "./unread-request.ts";

const IDLE = 0;
const MAX_DURATION = 1;
const HEADERS = 2;
const DRAIN = 3;

/** Envoy's default of per_connection_buffer_limit_bytes. */
const STREAM_BUFFER_BYTES = 1024 * 1024;

export class DownstreamConnection implements Http1ServerOwner, StreamConnection, TimerOwner {
  readonly runtime: HcmRuntime;
  readonly originalDestination: SocketAddress | undefined;
  readonly #context: ConnectionContext;
  readonly #codec: ServerCodec;
  #requests = 0;
  #closedByUs = false;
  #closed = false;
  #draining = false;
  readonly #idleTimer = new WheelTimer(this, IDLE);
  readonly #durationTimer = new WheelTimer(this, MAX_DURATION);
  readonly #headersTimer = new WheelTimer(this, HEADERS);
  readonly #drainTimer = new WheelTimer(this, DRAIN);

  constructor(context: ConnectionContext, runtime: HcmRuntime) {
    this.#context = context;
    this.runtime = runtime;
    const { config, stats } = runtime;
    const { connection, originalDestination } = context;
    this.originalDestination = originalDestination;
    connection.delayedCloseMs = config.delayedCloseTimeoutMs;
    stats.cxTotal.inc();
    stats.cxActive.inc();
    stats.cxHttp1Total.inc();
    stats.cxHttp1Active.inc();
    this.#codec = new Http1ServerConnection(
      connection,
      {
        maxHeadBytes: config.maxRequestHeadersBytes,
        maxHeaders: config.maxHeadersCount,
        allowAbsoluteUrl: config.allowAbsoluteUrl,
        scheme: context.info.tls === undefined ? "http" : "https",
        proxy100Continue: config.proxy100Continue,
      },
      this,
    );
  }

  /** Starts the clocks; the connection is served from the moment its codec became its handler. */
  open(): void {
    const { config, stats, timers } = this.runtime;
    if (config.connectionIdleTimeoutMs > 0) timers.set(this.#idleTimer, config.connectionIdleTimeoutMs);
    if (config.maxConnectionDurationMs > 0) timers.set(this.#durationTimer, config.maxConnectionDurationMs);
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

  // ---- Http1ServerOwner

  newStream(sender: ServerStream): RequestReceiver {
    const { config, stats, timers } = this.runtime;
    timers.cancel(this.#idleTimer);
    timers.cancel(this.#headersTimer);
    if (config.maxRequestsPerConnection > 0 && ++this.#requests >= config.maxRequestsPerConnection) {
      stats.cxMaxRequestsReached.inc();
      sender.closeAfterResponse();
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
    thread.log.error("a connection was closed by an internal error", { node: thread.nodeId, error: detail });
  }

  onClosed(_failure: TransportFailure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const { stats, timers, thread } = this.runtime;
    for (const timer of [this.#idleTimer, this.#durationTimer, this.#headersTimer, this.#drainTimer]) timers.cancel(timer);
    stats.cxActive.dec();
    stats.cxHttp1Active.dec();
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
        this.#finish();
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
    this.runtime.timers.set(this.#drainTimer, this.runtime.config.drainTimeoutMs);
  }

  /** Finish what runs, then close; an idle connection closes now. */
  #finish(): void {
    if (this.#closed) return;
    this.#closedByUs = true;
    this.#codec.drain();
  }
}
