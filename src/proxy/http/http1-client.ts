// An upstream HTTP/1 connection: one request at a time, its response, then the next. Who keeps it between requests, and for how long, is
// the pool's business; this file knows only whether it can be used again.
import { createResponseParser } from "#proxy/codec/http1/response-parser";
import type { ResponseHandler, ResponseParser } from "#proxy/codec/http1/response-parser";
import type { HeadLines } from "#proxy/codec/http1/head-scanner";
import type { ResponseHead, ResponseHeadLimits } from "#proxy/codec/http1/response-head";
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import { invariant } from "#runtime/invariant";
import type { HttpClientConnection, HttpClientOwner } from "./client-connection.ts";
import { Http1ClientStream } from "./http1-client-stream.ts";
import { Http1ResponseHeaderMap, Http1TrailerMap } from "./http1-header-map.ts";
import { Http1Output } from "./http1-output.ts";
import type { RequestSender, ResponseReceiver, StreamResetReason } from "./stream.ts";
import { enterBatch, leaveBatch } from "./write-batch.ts";

const EMPTY = Buffer.alloc(0);
/** Interim responses cost the client's buffers and reset every idle timer: an upstream that sends more than this of them is broken. */
const MAX_INFORMATIONAL = 64;

export class Http1ClientConnection implements HttpClientConnection, ConnectionHandler, ResponseHandler {
  readonly version = "HTTP/1.1";
  readonly streamLimit = 1;
  readonly connection: Connection;
  readonly #owner: HttpClientOwner;
  readonly #responses: ResponseParser;
  readonly #output: Http1Output;
  #stream: Http1ClientStream | undefined;
  #receiver: ResponseReceiver | undefined;
  #responseStarted = false;
  #informational = 0;
  /** The response is chunked or has a length. */
  #endAnnounced = false;
  #responseDone = true;
  /** The upstream keeps the connection after this response, as far as it said. */
  #upstreamKeeps = true;
  #ended = false;
  #keepAliveTimeoutMs: number | undefined;
  #parsing = false;
  /** The response ended within the bytes being parsed. */
  #overInRead = false;
  #closed = false;

  constructor(connection: Connection, limits: ResponseHeadLimits, owner: HttpClientOwner) {
    this.connection = connection;
    this.#owner = owner;
    this.#responses = createResponseParser(this, limits);
    this.#output = new Http1Output(connection);
    connection.handler = this;
  }

  /** `Keep-Alive: timeout=N` of the last response. */
  get keepAliveTimeoutMs(): number | undefined {
    return this.#keepAliveTimeoutMs;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The connection must be free. */
  newStream(receiver: ResponseReceiver): RequestSender {
    invariant(this.#stream === undefined && !this.#closed, "a stream is started on a connection that is not free");
    const stream = new Http1ClientStream(this, this.#output);
    this.#stream = stream;
    this.#receiver = receiver;
    this.#responseStarted = false;
    this.#informational = 0;
    this.#responseDone = false;
    return stream;
  }

  /** Closes a free connection. */
  close(): void {
    this.#close("flush");
  }

  // Transport events.

  onData(chunk: Buffer): void {
    if (this.#closed) return;
    enterBatch();
    try {
      this.#parse(chunk);
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  onEnd(): void {
    if (this.#closed) return;
    this.#ended = true;
    enterBatch();
    try {
      const opaque = this.#stream?.opaque === true;
      const error = this.#stream === undefined ? undefined : this.#responses.parser.finish();
      if (error !== undefined || (this.#stream !== undefined && !this.#responseDone)) this.#broken("");
      else if (opaque && this.#stream !== undefined) return; // our half goes on
      this.#close("flush");
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  onDrain(): void {
    this.#output.onDrain();
    if (this.#receiver === undefined) return;
    enterBatch();
    try {
      this.#receiver.onRequestDrain();
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  onClose(failure: TransportFailure | undefined): void {
    this.#closed = true;
    this.#output.discard();
    enterBatch();
    try {
      this.#broken(failure?.detail ?? "");
    } catch (fault) {
      this.#owner.onFault(fault);
    } finally {
      leaveBatch();
    }
    this.#owner.onClosed(this, failure);
  }

  // Parser events.

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    const headers = new Http1ResponseHeaderMap(head);
    if (head.status < 200 && head.status !== 101) {
      if (++this.#informational > MAX_INFORMATIONAL) this.#refuse("http1.too_many_informational_responses");
      else this.#receiver?.onInformational(headers);
      return;
    }
    this.#responseStarted = true;
    this.#endAnnounced = head.chunked || head.contentLength >= 0;
    this.#upstreamKeeps = head.minorVersion === 1 ? !head.close : head.keepAlive && !head.close;
    if (!this.#upstreamKeeps) this.#owner.onGoAway(this);
    this.#keepAliveTimeoutMs = head.keepAliveTimeoutSeconds < 0 ? undefined : head.keepAliveTimeoutSeconds * 1000;
    if (!head.chunked && head.contentLength < 0 && !endStream) this.#upstreamKeeps = false;
    const stream = this.#stream;
    if (stream !== undefined && head.status === 101) stream.becomeOpaque();
    else if (stream !== undefined && stream.isConnect && head.status < 300) stream.becomeOpaque();
    const receiver = this.#receiver;
    if (endStream) this.#responseDone = true;
    receiver?.onResponseHeaders(headers, endStream);
    if (endStream) this.#finished(stream);
  }

  onBody(chunk: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#stream;
    if (last) this.#responseDone = true;
    const whole = start === 0 && end === chunk.length;
    this.#receiver?.onResponseData(whole ? chunk : chunk.subarray(start, end), last);
    if (last) this.#finished(stream);
  }

  onBodyEnd(): void {
    const stream = this.#stream;
    this.#responseDone = true;
    this.#receiver?.onResponseData(EMPTY, true);
    this.#finished(stream);
  }

  onTrailers(lines: HeadLines): void {
    const stream = this.#stream;
    this.#responseDone = true;
    this.#receiver?.onResponseTrailers(new Http1TrailerMap(lines));
    this.#finished(stream);
  }

  // What the stream asks of its connection.

  expect(method: string, upgrade: boolean): void {
    this.#responses.expect(method, upgrade);
  }

  /** The request's last byte is written. */
  requestDone(stream: Http1ClientStream): void {
    if (this.#stream === stream && stream.opaque) {
      this.#output.flushNow();
      if (this.#responseDone) this.#finished(stream);
      else this.connection.end();
    }
  }

  /** The stream is given up: nothing of it is told any more. */
  abort(stream: Http1ClientStream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#receiver = undefined;
    this.#owner.onStreamBroken(this, true);
    this.#close("now");
  }

  /** The request cannot be finished as its headers announced it: the upstream must not wait, nor read what comes next as its rest. */
  failed(stream: Http1ClientStream, details: string): void {
    if (this.#stream !== stream) return;
    this.#reset("local-reset", details, true);
    this.#close("now");
  }

  // Inside.

  #parse(chunk: Buffer): void {
    const { parser } = this.#responses;
    let position = 0;
    while (position < chunk.length && !this.#closed) {
      if (this.#stream === undefined) {
        // Nothing was asked: a late answer to a request that timed out elsewhere, or an attack on the next one.
        this.#owner.onProtocolError(this, "data on an idle connection");
        this.#close("now");
        return;
      }
      this.#parsing = true;
      try {
        position += parser.execute(chunk, position, chunk.length);
      } finally {
        this.#parsing = false;
      }
      if (this.#overInRead) {
        this.#overInRead = false;
        this.#release(position < chunk.length);
        continue;
      }
      const { error } = parser;
      if (error !== undefined) {
        this.#refuse(error.details);
        return;
      }
    }
  }

  /** The upstream's bytes are not to be trusted any more. */
  #refuse(details: string): void {
    this.#owner.onProtocolError(this, details);
    this.#reset("protocol-error", details, true);
    this.#close("now");
  }

  #finished(stream: Http1ClientStream | undefined): void {
    // The receiver may have given the stream up within its last callback.
    if (stream === undefined || this.#stream !== stream) return;
    if (stream.opaque && !stream.requestSent) return;
    // Not before the parser has said how far the response went: the next request must not be started on bytes that were sent before it.
    if (this.#parsing) this.#overInRead = true;
    else this.#release(false);
  }

  /** The exchange is over. `surplus`: the read holds more than its response. */
  #release(surplus: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#receiver = undefined;
    stream.releasePauses();
    if (surplus) {
      this.#owner.onProtocolError(this, "data behind the response");
      this.#close("now");
    }
    const reusable = !this.#closed && this.#upstreamKeeps && stream.requestSent && stream.reusable;
    // As Envoy: a response that comes before its request is complete ends the connection, for the rest must not follow.
    if (!reusable) this.#close(stream.requestSent ? "flush" : "now");
    stream.retire();
    this.#owner.onStreamDone(this, reusable);
  }

  /** The peer has ended the connection before the response was whole. */
  #broken(details: string): void {
    if (this.#stream === undefined) return;
    // As in Envoy: the end within a head, or within a body whose end was announced, is a broken protocol, not only a lost connection.
    const cut = this.#responseStarted ? this.#endAnnounced : !this.#responses.parser.idle;
    if (!cut) {
      this.#reset("connection-termination", details, false);
      return;
    }
    // What the socket said is then not the reason.
    this.#owner.onProtocolError(this, "the connection ended within a response");
    this.#reset("protocol-error", "", false);
  }

  #reset(reason: StreamResetReason, details: string, locally: boolean): void {
    const receiver = this.#receiver;
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#receiver = undefined;
    stream.retire();
    this.#owner.onStreamBroken(this, locally);
    receiver?.onResponseReset(reason, details);
  }

  #close(mode: "flush" | "now" | "reset"): void {
    if (this.#closed) return;
    this.#closed = true;
    if (mode === "flush") this.#output.flushNow();
    else this.#output.discard();
    this.connection.close(mode);
  }

  #fault(fault: unknown): void {
    this.#owner.onFault(fault);
    this.#close("reset");
  }
}
