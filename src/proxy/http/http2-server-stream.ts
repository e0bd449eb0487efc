// One request and its response on an HTTP/2 connection: between the session's stream and the connection manager.
import { ErrorCode } from "#proxy/codec/http2/error-code";
import type { MessageHead } from "#proxy/codec/http2/message-head";
import type { Http2Stream, Http2StreamHandler, StreamResetSource } from "#proxy/codec/http2/stream";
import { invariant } from "#runtime/invariant";
import { own } from "#proxy/net/read-buffer";
import type { ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { http2RequestHeaders } from "./http2-request.ts";
import type { Http2ServerConnection } from "./http2-server.ts";
import { PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";
import type { ServerStream } from "./server-codec.ts";
import type { RequestReceiver, StreamResetReason } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerOwner } from "./timer-wheel.ts";

const FLUSH = 0;
/** Of a tunnel that is not there yet. */
const MAX_EARLY_BYTES = 1024 * 1024;

export class Http2ServerStream implements ServerStream, Http2StreamHandler, TimerOwner {
  readonly httpVersion = "HTTP/2";
  readonly #server: Http2ServerConnection;
  readonly #stream: Http2Stream;
  #receiver: RequestReceiver | undefined = undefined;
  #state: "waiting" | "started" | "done" = "waiting";
  #headSeen = false;
  #requestDone = false;
  /** An extended CONNECT: its answer says 200 where HTTP/1 would say 101. */
  #upgrade = false;
  /** What came for a tunnel before it was agreed to: an HTTP/1 upstream could take it for a request. */
  #early: Buffer[] | undefined = undefined;
  #earlyBytes = 0;
  /** Of a response that is complete: its bytes have to leave in time. */
  #flushTimer: WheelTimer | undefined = undefined;
  #pendingBytes = 0;

  constructor(server: Http2ServerConnection, stream: Http2Stream) {
    this.#server = server;
    this.#stream = stream;
  }

  // ---- Http2StreamHandler: the request

  onHeaders(head: MessageHead, endStream: boolean): void {
    const { owner, options } = this.#server;
    this.#upgrade = head.protocol !== undefined;
    if (head.method === "CONNECT") this.#early = [];
    this.#headSeen = true;
    this.#requestDone = endStream;
    const headers = http2RequestHeaders(head, options.random);
    if (!options.proxy100Continue && headers.get("expect")?.toLowerCase() === "100-continue") {
      headers.remove("expect");
      if (!endStream) this.sendInformational(new PairResponseHeaderMap(100));
    }
    const receiver = owner.newStream(this);
    this.#receiver = receiver;
    receiver.onRequestHeaders(headers, endStream);
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (endStream) this.#requestDone = true;
    if (this.#early === undefined) this.#receiver?.onRequestData(chunk, endStream);
    else this.#holdEarly(this.#early, chunk);
  }

  #holdEarly(early: Buffer[], chunk: Buffer): void {
    if (this.#receiver === undefined) return;
    if (early.length === 0) this.#stream.pauseReading();
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > MAX_EARLY_BYTES) {
      const receiver = this.#receiver;
      this.reset("overflow");
      receiver.onRequestReset("protocol-error", "http2.early_tunnel_data");
      return;
    }
    early.push(own(chunk));
  }

  /** The tunnel is there. */
  #releaseEarly(): void {
    const early = this.#early;
    this.#early = undefined;
    if (early === undefined) return;
    for (const [at, chunk] of early.entries()) this.#receiver?.onRequestData(chunk, this.#requestDone && at === early.length - 1);
    this.#stream.resumeReading();
  }

  onTrailers(trailers: MessageHead): void {
    this.#requestDone = true;
    const map = new PairTrailerMap(undefined, trailers.fields);
    map.neverIndexed = trailers.neverIndexed;
    this.#receiver?.onRequestTrailers(map);
  }

  onReset(code: number, source: StreamResetSource, details: string): void {
    this.#state = "done";
    const receiver = this.#receiver;
    this.#receiver = undefined;
    if (receiver === undefined && !this.#headSeen && code !== ErrorCode.REFUSED_STREAM) this.#server.owner.onUnfitHead(details);
    // As in Envoy also where it is the client that says so of us.
    const said = source === "remote" && code === ErrorCode.PROTOCOL_ERROR;
    const byProtocol = said || source === "malformed" || (source === "connection" && !this.#server.lost);
    receiver?.onRequestReset(byProtocol ? "protocol-error" : "remote-reset", details);
  }

  onDrain(): void {
    if (this.#state === "done") this.#settle();
    else this.#receiver?.onResponseDrain();
  }

  /** The session has forgotten the stream. */
  onEnd(): void {
    this.#receiver = undefined;
    if (this.#flushTimer !== undefined) this.#server.options.timers.cancel(this.#flushTimer);
  }

  // ---- ServerStream: the response

  closeAfterResponse(): void {}

  sendInformational(headers: ResponseHeaderMap): void {
    invariant(headers.status < 200 && headers.status !== 101, "an informational response is 1xx but 101");
    if (this.#state === "waiting") this.#stream.sendResponse(headers.status, headers.toFields(), false, headers.neverIndexed);
  }

  sendHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#state === "done") return;
    invariant(this.#state === "waiting", "response headers are sent twice");
    this.#state = "started";
    let { status } = headers;
    if (status === 101) {
      invariant(this.#upgrade, "101 without an upgrade in the request");
      status = 200;
      headers.remove("content-length");
      headers.remove("sec-websocket-accept");
    }
    this.#stream.sendResponse(status, headers.toFields(), endStream, headers.neverIndexed);
    if (endStream) this.#finish();
    else if (status < 300) this.#releaseEarly();
  }

  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    if (this.#state === "done") return true;
    invariant(this.#state === "started", "response data before headers");
    // Frames wait for the end of the event loop's turn, and for the client's window.
    const flowing = this.#stream.sendData(own(chunk), endStream);
    if (endStream) this.#finish();
    return flowing;
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#state === "done") return;
    this.#stream.sendTrailers(trailers.toFields(), trailers.neverIndexed);
    this.#finish();
  }

  reset(reason: StreamResetReason): void {
    if (this.#state === "done") return;
    this.#state = "done";
    this.#receiver = undefined;
    this.#stream.reset(reason === "remote-refused" ? ErrorCode.REFUSED_STREAM : ErrorCode.INTERNAL_ERROR);
  }

  pauseReading(): void {
    this.#stream.pauseReading();
  }

  resumeReading(): void {
    this.#stream.resumeReading();
  }

  // ---- the end

  #finish(): void {
    this.#state = "done";
    this.#receiver = undefined;
    // What still comes of the request is passed over, and must not wait for anybody.
    this.#stream.resumeReading();
    this.#settle();
  }

  /** The response is complete: it has to leave, and a request that is not complete has no use any more (RFC 9113 8.1). */
  #settle(): void {
    const stream = this.#stream;
    if (stream.closed) return;
    if (stream.localClosed) {
      if (!this.#requestDone) stream.reset(ErrorCode.NO_ERROR);
      return;
    }
    const { flushTimeoutMs, timers } = this.#server.options;
    if (flushTimeoutMs === 0) return;
    this.#pendingBytes = stream.pendingBytes;
    this.#flushTimer ??= new WheelTimer(this, FLUSH);
    timers.set(this.#flushTimer, flushTimeoutMs);
  }

  onTimer(): void {
    const stream = this.#stream;
    if (stream.closed) return;
    if (stream.pendingBytes < this.#pendingBytes) {
      this.#settle();
      return;
    }
    this.#server.options.stats.tx_flush_timeout.inc();
    stream.reset(ErrorCode.INTERNAL_ERROR);
  }
}
