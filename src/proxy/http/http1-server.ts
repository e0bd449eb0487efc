// A downstream HTTP/1 connection: joins the transport, the request parser and the owner (the connection manager). One request at a time:
// pipelined ones wait in a bounded buffer until the response before them is out. Timers are the owner's.
import { createRequestParser } from "#proxy/codec/http1/request-parser";
import type { RequestHandler } from "#proxy/codec/http1/request-parser";
import { CONTINUE_HEAD, statusLine } from "#proxy/codec/http1/head-text";
import type { HeadLines } from "#proxy/codec/http1/head-scanner";
import { HTTP1_ERRORS } from "#proxy/codec/http1/http1-error";
import type { Http1Error } from "#proxy/codec/http1/http1-error";
import type { MessageParser } from "#proxy/codec/http1/message-parser";
import type { RequestHead, RequestHeadLimits } from "#proxy/codec/http1/request-head";
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import { own } from "#proxy/net/read-buffer";
import type { LocalReply } from "./filter.ts";
import { Http1RequestHeaderMap, Http1TrailerMap } from "./http1-header-map.ts";
import { Http1Output } from "./http1-output.ts";
import { Http1ServerStream } from "./http1-server-stream.ts";
import { PairResponseHeaderMap } from "./pair-header-map.ts";
import type { ServerCodec, ServerCodecOwner } from "./server-codec.ts";
import type { RequestReceiver } from "./stream.ts";
import { enterBatch, leaveBatch } from "./write-batch.ts";

export interface Http1ServerOptions extends RequestHeadLimits {
  /** True: `Expect: 100-continue` goes upstream, and the 100 comes from there. False: answered here, as Envoy does by default. */
  readonly proxy100Continue: boolean;
}

export interface Http1ServerOwner extends ServerCodecOwner {
  /**
   * The bytes are not HTTP/1, or over a limit: what to answer where that is still possible. The connection closes after it.
   * `unread`: they are answered, and no request came of them.
   */
  onCodecError(error: Http1Error, unread: boolean): Pick<LocalReply, "status" | "body" | "headers">;
  /** The client is gone within the head of a request. */
  onHeadAbandoned(): void;
}

/** From so many pipelined bytes on reading stands still. Not before: only who reads sees that the client has left. */
const PAUSE_BYTES = 16_384;
/** With those of one more read. */
const MAX_WAITING_BYTES = PAUSE_BYTES + 131_072;
const EMPTY = Buffer.alloc(0);

export class Http1ServerConnection implements ServerCodec, ConnectionHandler, RequestHandler {
  readonly connection: Connection;
  readonly #owner: Http1ServerOwner;
  readonly #proxy100Continue: boolean;
  readonly #parser: MessageParser;
  readonly #output: Http1Output;
  #stream: Http1ServerStream | undefined;
  #receiver: RequestReceiver | undefined;
  /** The last byte of the current request has come. */
  #requestDone = true;
  #waiting: Buffer | undefined;
  #pausedForPipeline = false;
  /** Within the loop that feeds the parser. */
  #consuming = false;
  #idle = true;
  #announced = false;
  #draining = false;
  #closed = false;
  #closedByUs = false;
  #leftByClient = false;

  constructor(connection: Connection, options: Http1ServerOptions, owner: Http1ServerOwner) {
    this.connection = connection;
    this.#owner = owner;
    this.#proxy100Continue = options.proxy100Continue;
    this.#parser = createRequestParser(this, options);
    this.#output = new Http1Output(connection);
    connection.handler = this;
  }

  /** Responses say that they are the last. */
  get announced(): boolean {
    return this.#announced;
  }

  get closedByUs(): boolean {
    return this.#closedByUs;
  }

  get leftByClient(): boolean {
    return this.#leftByClient;
  }

  announceDrain(): void {
    this.#announced = true;
  }

  drain(): void {
    this.#announced = true;
    this.#draining = true;
    if (this.#idle && this.#stream === undefined) this.#close("flush");
  }

  refuseSlowHead(): void {
    if (this.#closed || this.#stream !== undefined) return;
    this.#guard(() => this.#refuse(HTTP1_ERRORS.headTimeout));
  }

  // Transport events.

  onData(chunk: Buffer): void {
    if (this.#closed) return;
    if (this.#waiting !== undefined) {
      this.#wait(chunk);
      return;
    }
    this.#consume(chunk);
  }

  /** Nobody is left for an answer; what came through a tunnel is worth delivering. */
  get resetIsLoss(): boolean {
    return this.#stream?.opaque !== true;
  }

  onEnd(): void {
    if (this.#closed) return;
    if (this.#stream !== undefined && this.#stream.opaque) {
      this.#guard(() => {
        this.#parser.finish();
        if (this.#stream?.finished === true) this.#end();
      });
      return;
    }
    // As Envoy: a client that ends is gone; one cannot tell half a close from a whole one, and an answer nobody reads costs an upstream.
    this.#guard(() => this.#leave());
    this.#close("flush");
    this.#closedByUs = false;
  }

  onDrain(): void {
    this.#output.onDrain();
    if (this.#receiver !== undefined) this.#guard(() => this.#receiver?.onResponseDrain());
  }

  onClose(failure: TransportFailure | undefined): void {
    const byUs = this.#closed;
    this.#closed = true;
    this.#output.discard();
    if (!byUs || this.#stream !== undefined) this.#guard(() => this.#leave());
    this.#owner.onClosed(failure);
  }

  /** The client is gone. */
  #leave(): void {
    const inHead = this.#stream === undefined && this.#requestDone && !this.#parser.idle;
    this.#leftByClient = inHead || this.#stream !== undefined;
    if (inHead) this.#owner.onHeadAbandoned();
    else this.#abandon("remote-reset", "downstream_remote_disconnect");
  }

  // Parser events.

  onRequestHead(head: RequestHead, endStream: boolean): void {
    this.#activate();
    const opaqueLater = head.upgradeProtocol !== undefined || head.method === "CONNECT";
    this.#requestDone = endStream;
    const stream = new Http1ServerStream(this, this.#output, head, opaqueLater);
    this.#stream = stream;
    const headers = new Http1RequestHeaderMap(head);
    if (head.expectContinue && !this.#proxy100Continue) {
      headers.remove("expect");
      if (!endStream) this.#output.text(CONTINUE_HEAD);
    }
    const receiver = this.#owner.newStream(stream);
    this.#receiver = receiver;
    receiver.onRequestHeaders(headers, endStream && !opaqueLater);
  }

  onBody(chunk: Buffer, start: number, end: number, last: boolean): void {
    if (last) this.#requestDone = true;
    const whole = start === 0 && end === chunk.length;
    // The end of an upgraded stream is the end of the connection, not of the body of the request that asked for it.
    this.#receiver?.onRequestData(whole ? chunk : chunk.subarray(start, end), last && this.#stream?.opaqueLater !== true);
  }

  onBodyEnd(): void {
    this.#requestDone = true;
    this.#receiver?.onRequestData(EMPTY, true);
  }

  onTrailers(lines: HeadLines): void {
    this.#requestDone = true;
    this.#receiver?.onRequestTrailers(new Http1TrailerMap(lines));
  }

  // What the stream asks of its connection.

  get requestDone(): boolean {
    return this.#requestDone;
  }

  /** The request is still in the loop: the rest of it may stand in the same read. */
  get consuming(): boolean {
    return this.#consuming;
  }

  /** The protocol is switched: what waited behind the request is data. */
  becomeOpaque(): void {
    this.#parser.becomeOpaque();
    this.#requestDone = false;
    this.#goOn();
  }

  /** The response's last byte is written. */
  responseDone(stream: Http1ServerStream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#receiver = undefined;
    stream.releasePauses();
    if (stream.opaque || stream.opaqueLater || stream.closes) {
      // A client that has said so sends nothing more: there is no byte that could turn the end into a reset.
      if (stream.lastOfClient && this.#requestDone) this.connection.delayedCloseMs = 0;
      this.#close("flush");
      return;
    }
    if (this.#consuming) return; // the loop decides, when it knows whether the request is complete
    this.#settle();
  }

  /** The response cannot be finished: the client must see that. */
  abort(stream: Http1ServerStream, mode: "flush" | "reset"): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#receiver = undefined;
    this.#close(mode);
  }

  /** Both directions of an opaque stream end on their own: ours has. */
  endOpaque(): void {
    if (this.#requestDone) {
      this.#end();
      return;
    }
    this.#output.flushNow();
    this.connection.end();
  }

  /** Both sides of the stream are over, and the connection with it. */
  #end(): void {
    this.#stream = undefined;
    this.#receiver = undefined;
    this.#close("flush");
  }

  // The loop.

  #consume(bytes: Buffer): void {
    enterBatch();
    try {
      this.#feed(bytes);
      if (!this.#closed && this.#stream === undefined) this.#settle();
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  #feed(bytes: Buffer): void {
    this.#consuming = true;
    try {
      let position = 0;
      while (position < bytes.length && !this.#closed) {
        if (this.#stream !== undefined) {
          if (this.#requestDone) {
            this.#wait(bytes.subarray(position));
            return;
          }
        } else if (this.#requestDone && this.#parser.idle) {
          if (this.#draining) return;
          if (!this.#idle) this.#becomeIdle();
        } // else: a head in pieces, or the rest of a request whose response is out already, which is passed over
        position += this.#parser.execute(bytes, position, bytes.length);
        const { error } = this.#parser;
        if (error !== undefined) {
          this.#refuse(error);
          return;
        }
        if (this.#idle && !this.#parser.idle) this.#activate();
      }
    } finally {
      this.#consuming = false;
    }
  }

  /** Holds bytes back that belong to later requests, or to the protocol that a request asked to switch to. */
  #wait(bytes: Buffer): void {
    const waiting = this.#waiting;
    if (waiting !== undefined && waiting.length + bytes.length > MAX_WAITING_BYTES) {
      this.#owner.onCodecError(HTTP1_ERRORS.pipelineOverflow, false);
      this.#close("flush");
      return;
    }
    if (waiting !== undefined) this.#waiting = Buffer.concat([waiting, bytes]);
    else this.#waiting = own(bytes);
    if (this.#pausedForPipeline || this.#waiting.length < PAUSE_BYTES) return;
    this.#pausedForPipeline = true;
    this.connection.pauseReading("pipelined");
  }

  /** Parses what waited, if anything did. */
  #goOn(): void {
    if (this.#consuming) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#pausedForPipeline) {
      this.#pausedForPipeline = false;
      this.connection.resumeReading("pipelined");
    }
    if (waiting !== undefined) this.#consume(waiting);
  }

  /** Between two requests: close, wait, or go on with what is there. */
  #settle(): void {
    if (!this.#requestDone || (this.#draining && this.#parser.idle)) {
      this.#close("flush");
      return;
    }
    if (!this.#idle && this.#parser.idle) this.#becomeIdle();
    this.#goOn();
  }

  #becomeIdle(): void {
    this.#idle = true;
    this.#owner.onIdle();
  }

  #activate(): void {
    if (!this.#idle) return;
    this.#idle = false;
    this.#owner.onHeadBegun();
  }

  #refuse(error: Http1Error): void {
    const stream = this.#stream;
    // Nothing can be answered in the middle of a response, nor twice to one request.
    const answerable = stream === undefined ? this.#requestDone : !stream.responseStarted;
    // The owner learns of it first: a request that is there gets the one line of the access log.
    const reply = this.#owner.onCodecError(error, stream === undefined && answerable);
    this.#abandon("protocol-error", error.details, answerable ? error.status : 0);
    if (stream !== undefined && !answerable) {
      this.#close("reset");
      return;
    }
    if (answerable) {
      const headers = new PairResponseHeaderMap(reply.status, reply.headers);
      headers.set("connection", "close");
      headers.set("content-length", String(Buffer.byteLength(reply.body)));
      if (reply.body !== "" && !headers.has("content-type")) headers.set("content-type", "text/plain");
      this.#output.text(`${statusLine(reply.status)}${headers.toHttp1()}\r\n${Buffer.from(reply.body).toString("latin1")}`);
    }
    this.#close("flush");
  }

  #abandon(reason: "remote-reset" | "protocol-error", details: string, answeredWith = 0): void {
    const receiver = this.#receiver;
    this.#stream?.abandon();
    this.#stream = undefined;
    this.#receiver = undefined;
    receiver?.onRequestReset(reason, details, answeredWith);
  }

  #close(mode: "flush" | "reset"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedByUs = true;
    this.#waiting = undefined;
    this.#output.flushNow();
    this.connection.close(mode);
  }

  #guard(task: () => void): void {
    enterBatch();
    try {
      task();
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  #fault(fault: unknown): void {
    this.#owner.onFault(fault);
    this.#close("reset");
  }
}
