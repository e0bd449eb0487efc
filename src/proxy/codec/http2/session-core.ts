// What all parts of a session share: its streams, its way out, and how things end. Inside of codec/http2 only; users see session.ts.
import { ControlWriter } from "./control-writer.ts";
import { ErrorCode, floodError, streamClosedError, protocolError } from "./error-code.ts";
import type { Http2Error } from "./error-code.ts";
import { FrameWriter } from "./frame-writer.ts";
import { HeaderWriter } from "./header-writer.ts";
import type { Http2Stats } from "./http2-stats.ts";
import type { RequestPseudoFields } from "./message-head.ts";
import { ProtocolConstraints } from "./protocol-constraints.ts";
import type { FloodError } from "./protocol-constraints.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { ResetBudget } from "./reset-budget.ts";
import { SendQueue } from "./send-queue.ts";
import type { SendQueueOwner } from "./send-queue.ts";
import type { Http2Output, Http2SessionHandler } from "./session-handler.ts";
import type { Http2SessionOptions } from "./session-options.ts";
import { DEFAULT_WINDOW, defaultPeerSettings } from "./settings.ts";
import type { PeerSettings } from "./settings.ts";
import { StreamTable } from "./stream-table.ts";
import { NOBODY } from "./stream.ts";
import type { Http2Stream, StreamOwner, StreamResetSource } from "./stream.ts";

/** What is gathered before it is written within the turn: a full transport shall be noticed, and one that takes all be no flood. */
const MAX_GATHERED_BYTES = 131_072;
const MAX_GATHERED_FRAMES = 1000;

export class SessionCore implements StreamOwner, SendQueueOwner {
  readonly options: Http2SessionOptions;
  readonly server: boolean;
  readonly handler: Http2SessionHandler;
  readonly stats: Http2Stats;
  readonly constraints: ProtocolConstraints;
  readonly control: ControlWriter;
  readonly headers: HeaderWriter;
  readonly sendQueue: SendQueue;
  readonly streams: StreamTable;
  readonly receiveWindow = new ReceiveWindow(DEFAULT_WINDOW);
  readonly peerSettings: PeerSettings = defaultPeerSettings();
  readonly #output: Http2Output;
  readonly #writer = new FrameWriter();
  readonly #resetBudget: ResetBudget;
  /** What a new stream of the peer may send at first: the default, while the peer may not know of a smaller one. */
  streamReceiveWindow: number;
  closed = false;
  #writableTold = false;

  constructor(options: Http2SessionOptions, output: Http2Output, handler: Http2SessionHandler, stats: Http2Stats) {
    this.options = options;
    this.server = options.role === "server";
    this.handler = handler;
    this.stats = stats;
    this.streams = new StreamTable(this.server);
    this.#output = output;
    this.constraints = new ProtocolConstraints(options);
    this.control = new ControlWriter(this.#writer, this.constraints);
    this.headers = new HeaderWriter(this.#writer, this.peerSettings.maxFrameSize);
    this.headers.encoder.setMaxTableSize(Math.min(this.peerSettings.headerTableSize, options.hpackTableSize));
    this.sendQueue = new SendQueue(this.#writer, this.constraints, stats, this, options.streamBufferBytes, this.peerSettings.maxFrameSize);
    this.streamReceiveWindow = Math.max(DEFAULT_WINDOW, options.initialStreamWindowSize);
    this.#resetBudget = new ResetBudget(() => options.nowMs());
  }

  // What a stream does.

  submitRequest(
    stream: Http2Stream,
    pseudo: RequestPseudoFields,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] | undefined,
  ): void {
    if (this.closed || stream.closed || stream.headSent) return;
    this.streams.openOurs(stream);
    this.stats.streams_active.add(1);
    // SETTINGS may have changed since the stream was made.
    stream.sendWindow = this.peerSettings.initialWindowSize;
    if (stream.receiveWindow.size !== this.streamReceiveWindow) stream.receiveWindow = new ReceiveWindow(this.streamReceiveWindow);
    stream.bodiless = pseudo.method === "HEAD" || pseudo.method === "CONNECT";
    stream.headSent = true;
    this.headers.request(stream.id, pseudo, fields, endStream, neverIndexed);
    this.#headersSent(stream, endStream);
  }

  submitResponse(
    stream: Http2Stream,
    status: number,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] | undefined,
  ): void {
    if (this.closed || stream.closed || stream.headSent) return;
    if (status >= 200) stream.headSent = true;
    this.headers.response(stream.id, status, fields, endStream, neverIndexed);
    this.#headersSent(stream, endStream);
  }

  submitData(stream: Http2Stream, chunk: Uint8Array, endStream: boolean): boolean {
    if (this.closed || stream.closed || stream.endQueued) return true;
    if (endStream) stream.endQueued = true;
    const below = this.sendQueue.add(stream, chunk, endStream);
    this.wrote();
    return below;
  }

  submitTrailers(stream: Http2Stream, fields: readonly string[], neverIndexed: readonly string[] | undefined): void {
    if (this.closed || stream.closed || stream.endQueued) return;
    stream.trailersQueued = fields;
    stream.trailersNeverIndexed = neverIndexed;
    if (stream.queue.length === 0) this.onQueueEmpty(stream);
    else stream.drainDue = true;
  }

  submitReset(stream: Http2Stream, code: number): void {
    if (this.closed || stream.closed) return;
    if (stream.id === 0) {
      stream.closed = true; // never sent
      return;
    }
    this.#resetStream(stream, code);
    this.ended(stream);
  }

  consumed(stream: Http2Stream, bytes: number): void {
    if (this.closed) return;
    this.giveBack(bytes);
    if (stream.remoteClosed || stream.closed) return;
    const increment = stream.receiveWindow.consume(bytes);
    if (increment === 0) return;
    this.control.windowUpdate(stream.id, increment);
    this.wrote();
  }

  onQueueEmpty(stream: Http2Stream): void {
    if (stream.trailersQueued !== undefined) {
      this.headers.trailers(stream.id, stream.trailersQueued, stream.trailersNeverIndexed);
      stream.trailersQueued = undefined;
      this.#headersSent(stream, true);
    } else if (stream.endQueued) this.#localEnd(stream);
  }

  #headersSent(stream: Http2Stream, endStream: boolean): void {
    this.constraints.headersSent();
    this.wrote();
    if (!endStream) return;
    stream.endQueued = true;
    this.#localEnd(stream);
  }

  // How streams end.

  #localEnd(stream: Http2Stream): void {
    stream.localClosed = true;
    this.endIfDone(stream);
  }

  endIfDone(stream: Http2Stream): void {
    if (stream.closed || !stream.localClosed || !stream.remoteClosed) return;
    this.remove(stream);
    this.#resetBudget.earn();
    this.tellDrain(stream);
    this.ended(stream);
  }

  remove(stream: Http2Stream): void {
    stream.closed = true;
    this.sendQueue.discard(stream);
    this.streams.remove(stream);
    this.stats.streams_active.add(-1);
    this.giveBack(stream.takeUnconsumed());
  }

  /** A request that was refused before anybody saw it does not end either. */
  ended(stream: Http2Stream): void {
    if (stream.handler !== NOBODY) this.handler.onStreamEnd(stream);
  }

  /** The peer broke a rule on one stream. */
  streamError(stream: Http2Stream, error: Http2Error): void {
    this.refuse(stream, error);
    this.spendReset();
  }

  /** The same, and it is not the peer's fault. */
  refuse(stream: Http2Stream, error: Http2Error): void {
    this.#resetStream(stream, error.code);
    stream.handler.onReset(error.code, "malformed", error.details);
    this.ended(stream);
  }

  /** A malformed message: the option says what it costs. */
  messagingError(stream: Http2Stream, error: Http2Error): void {
    this.stats.rx_messaging_error.inc();
    if (this.options.streamErrorOnInvalidHttpMessaging) this.streamError(stream, error);
    else this.fail(error);
  }

  /** DATA or HEADERS on a stream that is not there. */
  onClosedStream(streamId: number, what: "DATA" | "HEADERS"): void {
    if (this.streams.isPassedOver(streamId)) return;
    if (this.streams.isIdle(streamId)) {
      this.fail(protocolError(`${what} on an idle stream`));
      return;
    }
    switch (this.streams.ending(streamId)) {
      case "by-us":
        break;
      case "skipped":
        this.fail(protocolError(`${what} on a stream whose id was passed over`));
        break;
      case "complete":
        this.fail(streamClosedError(`${what} on a stream that has ended`));
        break;
      default:
        this.resetUnknown(streamId, ErrorCode.STREAM_CLOSED);
    }
  }

  /** A stream that is not open any more; the peer pays for it like for one that is. */
  resetUnknown(streamId: number, code: number): void {
    this.#writeReset(streamId, code);
    this.spendReset();
  }

  /** A server's alone: a client has opened its streams itself. */
  spendReset(): void {
    if (this.server && !this.closed && !this.#resetBudget.spend())
      this.fail(floodError("http2.reset_flood", "streams are reset too often"));
  }

  #resetStream(stream: Http2Stream, code: number): void {
    this.streams.noteReset(stream.id, "by-us");
    this.remove(stream);
    this.#writeReset(stream.id, code);
  }

  #writeReset(streamId: number, code: number): void {
    this.stats.tx_reset.inc();
    this.control.reset(streamId, code);
    this.wrote();
  }

  // How the session ends.

  /** The peer broke the protocol: it is told, and all is over. */
  fail(error: Http2Error): void {
    if (this.closed) return;
    this.stats.goaway_sent.inc();
    this.control.goaway(Math.min(this.streams.goawayLast, this.streams.lastOfPeer), error.code, error.message);
    this.closed = true;
    this.flush();
    this.failStreams(error.code, "connection", error.details);
    this.handler.onSessionError(error);
  }

  flood(flood: FloodError): void {
    if (this.closed) return;
    this.stats[flood.counter].inc();
    this.fail(flood.error);
  }

  failStreams(code: number, source: StreamResetSource, details: string): void {
    for (const stream of this.streams.all()) {
      this.remove(stream);
      stream.handler.onReset(code, source, details);
      this.ended(stream);
    }
  }

  // The way out.

  /** Bytes of the connection's window have been passed on. */
  giveBack(bytes: number): void {
    if (bytes === 0 || this.closed) return;
    const increment = this.receiveWindow.consume(bytes);
    if (increment === 0) return;
    this.control.windowUpdate(0, increment);
    this.wrote();
  }

  /** After something was written. */
  wrote(): void {
    if (this.#writer.bytes > MAX_GATHERED_BYTES || this.constraints.gatheredFrames > MAX_GATHERED_FRAMES) this.flush();
    if (this.#writableTold || this.#writer.empty) return;
    this.#writableTold = true;
    this.#output.onWritable();
  }

  flush(): void {
    this.#writableTold = false;
    if (this.#writer.empty) return;
    this.constraints.written(this.#writer.bytes, this.#output.pendingBytes);
    if (!this.#output.write(this.#writer.take())) this.sendQueue.blocked = true;
  }

  /** What a peer makes us send without reading it is bounded. */
  checkOutput(): void {
    if (this.closed) return;
    const flood = this.constraints.outboundFlood();
    if (flood !== undefined) this.flood(flood);
  }

  /** Windows have grown, or the transport has room: what waits goes on. */
  pump(): void {
    this.sendQueue.pump();
    this.wrote();
    for (const stream of this.streams.all()) this.tellDrain(stream);
  }

  tellDrain(stream: Http2Stream): void {
    if (!stream.drainDue || (this.sendQueue.blocked && !stream.closed)) return;
    if (stream.endQueued ? stream.queue.length > 0 : stream.queuedBytes * 2 > this.options.streamBufferBytes) return;
    stream.drainDue = false;
    stream.handler.onDrain();
  }
}
