// An HTTP/2 connection, either side, without sockets and timers (RFC 9113): bytes come in by `receive`, events go to the handlers, bytes
// go out through `Http2Output`. The session checks everything that a peer may do wrong; its user may send only what makes sense on a
// stream (a head, data, trailers, in this order).
import { HpackDecoder } from "#proxy/codec/hpack/decoder";
import { ClosedStreams } from "./closed-streams.ts";
import type { Http2Error } from "./error-code.ts";
import {
  ErrorCode,
  compressionError,
  floodError,
  flowControlError,
  frameSizeError,
  messagingError,
  protocolError,
  refusedError,
  streamClosedError,
} from "./error-code.ts";
import { Flag, FrameType, MAX_STREAM_ID, PREFACE, read31, read32 } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import type { FrameHandler } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { HeadReader } from "./head-reader.ts";
import type { BlockKind } from "./head-reader.ts";
import { HeaderWriter } from "./header-writer.ts";
import type { Http2Stats } from "./http2-stats.ts";
import type { MessageHead, RequestPseudoFields } from "./message-head.ts";
import { ProtocolConstraints } from "./protocol-constraints.ts";
import type { FloodError } from "./protocol-constraints.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { ResetBudget } from "./reset-budget.ts";
import { SendQueue } from "./send-queue.ts";
import type { SendQueueOwner } from "./send-queue.ts";
import type { Http2SessionOptions } from "./session-options.ts";
import { DEFAULT_WINDOW, MAX_WINDOW, SettingId, applySettings, defaultPeerSettings } from "./settings.ts";
import type { PeerSettings } from "./settings.ts";
import { Http2Stream } from "./stream.ts";
import type { Http2StreamHandler, StreamOwner, StreamResetSource } from "./stream.ts";

export interface Http2Output {
  /** Takes the pieces, which do not change any more. False: the transport is over its limit; `session.onDrain()` follows. */
  write(pieces: readonly Uint8Array[]): boolean;
  /** Everything written so far has left the process. */
  readonly drained: boolean;
  /** There is something to send: `session.flush()` is due before the event loop turns. Said once until then. */
  onWritable(): void;
}

export interface Http2SessionHandler {
  /** Server: a request has come. What is returned gets `onHeaders` next. */
  onStream(stream: Http2Stream): Http2StreamHandler;
  /** A stream is over, well or not, after its last event. Slots of `maxConcurrentStreams` are free again. */
  onStreamEnd(stream: Http2Stream): void;
  /** The peer's SETTINGS, and each change of them: `session.peerSettings`. */
  onSettings(): void;
  onPingAck(payload: number): void;
  /** The peer takes no more streams. Those above `lastStreamId` were reset with source "goaway". */
  onGoaway(lastStreamId: number, code: number): void;
  /** The peer broke the protocol or a limit: GOAWAY is written and all streams are reset; the connection is to be closed. */
  onSessionError(error: Http2Error): void;
}

const NOBODY: Http2StreamHandler = { onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} };
const PING_BYTES = 8;
const MAX_DEBUG_BYTES = 256;

export class Http2Session implements FrameHandler, StreamOwner, SendQueueOwner {
  readonly #options: Http2SessionOptions;
  readonly #server: boolean;
  readonly #handler: Http2SessionHandler;
  readonly #output: Http2Output;
  readonly #stats: Http2Stats;
  readonly #constraints: ProtocolConstraints;
  readonly #reader: FrameReader;
  readonly #writer = new FrameWriter();
  readonly #headers: HeaderWriter;
  readonly #sendQueue: SendQueue;
  readonly #decoder = new HpackDecoder();
  readonly #heads: HeadReader;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #closedStreams = new ClosedStreams();
  readonly #resetBudget: ResetBudget;
  readonly #receiveWindow = new ReceiveWindow(DEFAULT_WINDOW);
  readonly peerSettings: PeerSettings = defaultPeerSettings();
  /** What a new stream of the peer may send at first: the default, while the peer may not know of a smaller one. */
  #streamReceiveWindow: number;
  #settingsAcked = false;
  /** Streams of the peer: the highest so far, and how many are open. */
  #lastPeerStream = 0;
  #nextStream = 1;
  /** Peer's streams above are passed over: our GOAWAY said so. */
  #goawayLast = MAX_STREAM_ID;
  #goawayReceived = false;
  #closed = false;
  #writableTold = false;

  constructor(options: Http2SessionOptions, output: Http2Output, handler: Http2SessionHandler, stats: Http2Stats) {
    this.#options = options;
    this.#server = options.role === "server";
    this.#handler = handler;
    this.#output = output;
    this.#stats = stats;
    this.#constraints = new ProtocolConstraints(options);
    this.#reader = new FrameReader(this, this.#constraints, this.#server, options.maxHeadersBytes);
    this.#headers = new HeaderWriter(this.#writer, this.peerSettings.maxFrameSize);
    this.#sendQueue = new SendQueue(
      this.#writer,
      this.#constraints,
      stats,
      this,
      options.streamBufferBytes,
      this.peerSettings.maxFrameSize,
    );
    this.#heads = new HeadReader(options);
    this.#resetBudget = new ResetBudget(() => options.nowMs());
    this.#streamReceiveWindow = Math.max(DEFAULT_WINDOW, options.initialStreamWindowSize);
    this.#headers.encoder.setMaxTableSize(Math.min(this.peerSettings.headerTableSize, options.hpackTableSize));
    this.#begin();
  }

  // What its owner does.

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Client: how many more streams may be opened now. */
  get availableStreams(): number {
    if (this.#closed || this.#goawayReceived || this.#nextStream > MAX_STREAM_ID) return 0;
    return Math.max(0, Math.min(this.peerSettings.maxConcurrentStreams, this.#options.maxConcurrentStreams) - this.#streams.size);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes from the transport; valid until the call returns, and views of it in `onData` likewise. */
  receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#reader.read(chunk);
    if (!this.#closed) this.#checkOutput();
  }

  /** Client: a stream to send a request on, which counts from `sendRequest` on. */
  newStream(handler: Http2StreamHandler): Http2Stream {
    return new Http2Stream(this, handler, this.#streamReceiveWindow, this.peerSettings.initialWindowSize);
  }

  ping(payload: number): void {
    if (this.#closed) return;
    this.#writePing(0, 0, payload);
  }

  /** The first step of a graceful end: the peer is asked to open no more streams, those on their way are still served. */
  announceShutdown(): void {
    if (this.#closed) return;
    this.#stats.goaway_graceful_sent.inc();
    this.#writeGoaway(MAX_STREAM_ID, ErrorCode.NO_ERROR, "");
  }

  /** Streams of the peer that have not come so far are not served any more; those that have are. */
  goaway(code: number): void {
    if (this.#closed) return;
    this.#goawayLast = Math.min(this.#goawayLast, this.#lastPeerStream);
    this.#stats.goaway_sent.inc();
    this.#writeGoaway(this.#goawayLast, code, "");
  }

  /** Writes what waits. Calls nobody back but the output. */
  flush(): void {
    this.#writableTold = false;
    if (this.#writer.empty) return;
    if (this.#output.drained) this.#constraints.outputDrained();
    if (!this.#output.write(this.#writer.take())) this.#sendQueue.blocked = true;
  }

  /** The transport has room again. */
  onDrain(): void {
    if (this.#closed) return;
    this.#constraints.outputDrained();
    this.#sendQueue.blocked = false;
    this.#sendQueue.pump();
    this.#wrote();
    for (const stream of this.#streams.values()) this.#tellDrain(stream);
  }

  /** The transport is gone, or is being closed: all streams end. */
  terminate(code: number, details: string): void {
    if (this.#closed) return;
    this.#close();
    this.#failStreams(code, "connection", details);
  }

  // What a stream does.

  submitRequest(
    stream: Http2Stream,
    pseudo: RequestPseudoFields,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] | undefined,
  ): void {
    if (this.#closed || stream.closed || stream.headSent) return;
    stream.id = this.#nextStream;
    this.#nextStream += 2;
    // SETTINGS may have changed since the stream was made.
    stream.sendWindow = this.peerSettings.initialWindowSize;
    stream.receiveWindow = new ReceiveWindow(this.#streamReceiveWindow);
    stream.bodiless = pseudo.method === "HEAD";
    stream.headSent = true;
    this.#streams.set(stream.id, stream);
    this.#stats.streams_active.add(1);
    this.#headers.request(stream.id, pseudo, fields, endStream, neverIndexed);
    this.#headersSent(stream, endStream);
  }

  submitResponse(
    stream: Http2Stream,
    status: number,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] | undefined,
  ): void {
    if (this.#closed || stream.closed || stream.headSent) return;
    if (status >= 200) stream.headSent = true;
    this.#headers.response(stream.id, status, fields, endStream, neverIndexed);
    this.#headersSent(stream, endStream);
  }

  submitData(stream: Http2Stream, chunk: Uint8Array, endStream: boolean): boolean {
    if (this.#closed || stream.closed || stream.endQueued) return true;
    if (endStream) stream.endQueued = true;
    const below = this.#sendQueue.add(stream, chunk, endStream);
    this.#wrote();
    return below;
  }

  submitTrailers(stream: Http2Stream, fields: readonly string[], neverIndexed: readonly string[] | undefined): void {
    if (this.#closed || stream.closed || stream.endQueued) return;
    stream.trailersQueued = fields;
    stream.trailersNeverIndexed = neverIndexed;
    if (stream.queue.length === 0) this.onQueueEmpty(stream);
    else stream.drainDue = true;
  }

  submitReset(stream: Http2Stream, code: number): void {
    if (this.#closed || stream.closed) return;
    if (stream.id === 0) {
      stream.closed = true; // never sent
      return;
    }
    this.#resetStream(stream, code);
    this.#handler.onStreamEnd(stream);
  }

  consumed(stream: Http2Stream, bytes: number): void {
    if (this.#closed) return;
    this.#giveBack(bytes);
    if (stream.remoteClosed || stream.closed) return;
    const increment = stream.receiveWindow.consume(bytes);
    if (increment > 0) this.#writeWindowUpdate(stream.id, increment);
  }

  onQueueEmpty(stream: Http2Stream): void {
    if (stream.trailersQueued !== undefined) {
      this.#headers.trailers(stream.id, stream.trailersQueued, stream.trailersNeverIndexed);
      stream.trailersQueued = undefined;
      stream.endQueued = true;
      this.#headersSent(stream, true);
    } else if (stream.endQueued) this.#localEnd(stream);
  }

  // Frames.

  onDataStart(streamId: number, length: number, endStream: boolean): boolean {
    if (!this.#receiveWindow.take(length)) {
      this.#fail(flowControlError("the peer sent more than the connection's window"));
      return false;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#giveBack(length);
      this.#onClosedStream(streamId, "DATA");
      return false;
    }
    const error = this.#dataError(stream, length, endStream);
    if (error === undefined) return true;
    this.#giveBack(length);
    this.#streamError(stream, error);
    return false;
  }

  #dataError(stream: Http2Stream, length: number, endStream: boolean): Http2Error | undefined {
    if (stream.remoteClosed) return streamClosedError("DATA on a stream that the peer has ended");
    if (!stream.headReceived) return protocolError("DATA before a response's head");
    if (!stream.receiveWindow.take(length)) return flowControlError("the peer sent more than the stream's window");
    return length === 0 && endStream && !stream.countBody(0, true) ? LENGTH_MISMATCH : undefined;
  }

  onPadding(streamId: number, bytes: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) this.#giveBack(bytes);
    else this.consumed(stream, bytes);
  }

  onData(streamId: number, chunk: Buffer, last: boolean, endStream: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#giveBack(chunk.length); // reset in the middle of a frame
      return;
    }
    const end = last && endStream;
    if (!stream.countBody(chunk.length, end)) {
      this.#giveBack(chunk.length);
      this.#messagingError(stream, LENGTH_MISMATCH);
      return;
    }
    if (end) stream.remoteClosed = true;
    if (chunk.length > 0 || end) stream.handler.onData(chunk, end);
    if (chunk.length > 0) stream.delivered(chunk.length);
    if (end) this.#endIfDone(stream);
  }

  onHeaderBlock(streamId: number, endStream: boolean, dependency: number, bytes: Buffer, start: number, end: number): void {
    const stream = this.#streams.get(streamId);
    const kind = this.#blockKind(stream, streamId);
    if (kind === undefined) {
      if (!this.#closed) this.#fail(protocolError("HEADERS on a stream that the peer cannot open"));
      return;
    }
    this.#heads.begin(kind);
    const hpackError = this.#decoder.decode(bytes, start, end, this.#heads);
    if (hpackError !== undefined) this.#fail(compressionError(hpackError));
    else if (stream !== undefined) this.#onBlock(stream, kind, endStream, dependency);
    else if (!this.#server || streamId <= this.#lastPeerStream) {
      this.#stats.headers_cb_no_stream.inc();
      this.#onClosedStream(streamId, "HEADERS");
    } else this.#onNewStream(streamId, endStream, dependency);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.PRIORITY:
        this.#onPriority(streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.#onReset(streamId, bytes, start, end);
        break;
      case FrameType.SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.PING:
        if (streamId !== 0) this.#fail(protocolError("PING on a stream"));
        else if (end - start !== PING_BYTES) this.#fail(frameSizeError("a PING is not eight bytes long"));
        else if ((flags & Flag.ACK) === 0) this.#writePing(Flag.ACK, read32(bytes, start), read32(bytes, start + 4));
        else if (read32(bytes, start) === 0) this.#handler.onPingAck(read32(bytes, start + 4));
        break;
      case FrameType.GOAWAY:
        this.#onGoaway(streamId, bytes, start, end);
        break;
      default:
        this.#onWindowUpdate(streamId, bytes, start, end);
    }
    if (!this.#closed) this.#checkOutput();
  }

  onFrameError(error: Http2Error): void {
    this.#fail(error);
  }

  onFlood(flood: FloodError): void {
    this.#stats[flood.counter].inc();
    this.#fail(flood.error);
  }

  // Header blocks.

  /** Undefined: the stream was never open, and the peer cannot open it. */
  #blockKind(stream: Http2Stream | undefined, streamId: number): BlockKind | undefined {
    if (stream !== undefined) {
      if (stream.headReceived) return "trailers";
      return this.#server ? "request" : "response";
    }
    if (this.#server) return (streamId & 1) === 1 ? "request" : undefined;
    return (streamId & 1) === 1 && streamId < this.#nextStream ? "response" : undefined;
  }

  #onNewStream(streamId: number, endStream: boolean, dependency: number): void {
    this.#lastPeerStream = streamId;
    if (streamId > this.#goawayLast) return; // RFC 9113 6.8: as if it had not come
    const stream = new Http2Stream(this, NOBODY, this.#streamReceiveWindow, this.peerSettings.initialWindowSize);
    stream.id = streamId;
    this.#streams.set(streamId, stream);
    this.#stats.streams_active.add(1);
    if (this.#streams.size > this.#options.maxConcurrentStreams) {
      this.#stats.stream_refused_errors.inc();
      this.#refuse(stream, refusedError("more streams than SETTINGS_MAX_CONCURRENT_STREAMS"));
      return;
    }
    this.#onBlock(stream, "request", endStream, dependency);
  }

  #onBlock(stream: Http2Stream, kind: BlockKind, endStream: boolean, dependency: number): void {
    if (stream.remoteClosed) {
      this.#streamError(stream, streamClosedError("HEADERS on a stream that the peer has ended"));
      return;
    }
    if (dependency === stream.id) {
      this.#streamError(stream, protocolError("a stream depends on itself"));
      return;
    }
    const { overflow, head } = this.#heads;
    if (overflow !== undefined) {
      this.#stats.header_overflow.inc();
      this.#streamError(stream, overflow);
      return;
    }
    const malformed = this.#heads.malformed() ?? blockError(stream, kind, head, endStream);
    if (malformed !== undefined) {
      this.#messagingError(stream, malformed);
      return;
    }
    if (kind === "trailers") {
      this.#stats.trailers.inc();
      stream.remoteClosed = true;
      stream.handler.onTrailers(head);
    } else {
      this.#onHead(stream, kind, head, endStream);
    }
    if (endStream) this.#endIfDone(stream);
  }

  #onHead(stream: Http2Stream, kind: BlockKind, head: MessageHead, endStream: boolean): void {
    if (kind === "request" || head.status >= 200) {
      stream.headReceived = true;
      if (endStream) stream.remoteClosed = true;
      else if (!mayLackBody(stream, head)) stream.bodyLeft = head.contentLength;
    }
    if (kind === "request") stream.handler = this.#handler.onStream(stream);
    if (!stream.closed) stream.handler.onHeaders(head, endStream);
  }

  // Other frames.

  #onPriority(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) this.#fail(protocolError("PRIORITY on stream 0"));
    else if (end - start !== 5) this.#errorOn(streamId, frameSizeError("a PRIORITY frame is not five bytes long"));
    else if (read31(bytes, start) === streamId) this.#errorOn(streamId, protocolError("a stream depends on itself"));
  }

  #onReset(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) this.#fail(frameSizeError("RST_STREAM is not four bytes long"));
    else if (this.#isIdle(streamId)) this.#fail(protocolError("RST_STREAM on an idle stream"));
    else {
      const stream = this.#streams.get(streamId);
      if (stream === undefined) return;
      const code = read32(bytes, start);
      this.#stats.rx_reset.inc();
      this.#closedStreams.reset(streamId, "by-peer");
      this.#remove(stream);
      const source = "remote";
      stream.handler.onReset(code, source, code === ErrorCode.REFUSED_STREAM ? "http2.remote_refuse" : "http2.remote_reset");
      this.#handler.onStreamEnd(stream);
      this.#spendReset();
    }
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) {
      this.#fail(protocolError("SETTINGS on a stream"));
      return;
    }
    if ((flags & Flag.ACK) !== 0) {
      if (end > start) this.#fail(frameSizeError("an acknowledgement of SETTINGS has a payload"));
      else this.#onSettingsAck();
      return;
    }
    const peer = this.peerSettings;
    const before = peer.initialWindowSize;
    const error = applySettings(peer, bytes, start, end, !this.#server);
    if (error !== undefined) {
      this.#fail(error);
      return;
    }
    this.#headers.encoder.setMaxTableSize(Math.min(peer.headerTableSize, this.#options.hpackTableSize));
    this.#headers.maxFrameSize = peer.maxFrameSize;
    this.#sendQueue.maxFrameSize = peer.maxFrameSize;
    this.#writer.header(0, FrameType.SETTINGS, Flag.ACK, 0, 0);
    this.#controlSent();
    const change = peer.initialWindowSize - before;
    if (change !== 0 && !this.#resizeSendWindows(change)) return;
    this.#handler.onSettings();
  }

  /** Ours are in force. */
  #onSettingsAck(): void {
    if (this.#settingsAcked) return;
    this.#settingsAcked = true;
    this.#decoder.setMaxTableSize(this.#options.hpackTableSize);
    const change = this.#options.initialStreamWindowSize - this.#streamReceiveWindow;
    if (change >= 0) return;
    this.#streamReceiveWindow += change;
    for (const stream of this.#streams.values()) stream.receiveWindow.resize(change);
  }

  /** RFC 9113 6.9.2: windows of open streams change too, below zero if need be. */
  #resizeSendWindows(change: number): boolean {
    for (const stream of this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) {
        this.#fail(flowControlError("SETTINGS_INITIAL_WINDOW_SIZE makes a window larger than 2^31-1"));
        return false;
      }
    }
    if (change > 0) {
      this.#sendQueue.pump();
      for (const stream of this.#streams.values()) this.#tellDrain(stream);
    }
    return true;
  }

  #onGoaway(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) this.#fail(protocolError("GOAWAY on a stream"));
    else if (end - start < 8) this.#fail(frameSizeError("GOAWAY is shorter than eight bytes"));
    else {
      const last = read31(bytes, start);
      const code = read32(bytes, start + 4);
      this.#goawayReceived = true;
      if (!this.#server) {
        for (const stream of this.#streams.values()) {
          if (stream.id <= last) continue;
          this.#remove(stream);
          stream.handler.onReset(ErrorCode.REFUSED_STREAM, "goaway", "http2.remote_refuse");
          this.#handler.onStreamEnd(stream);
        }
      }
      this.#handler.onGoaway(last, code);
    }
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.#fail(frameSizeError("WINDOW_UPDATE is not four bytes long"));
      return;
    }
    const increment = read31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) this.#fail(protocolError("WINDOW_UPDATE by nothing"));
      else if (!this.#sendQueue.increase(increment)) this.#fail(flowControlError("the connection's window is larger than 2^31-1"));
      else {
        this.#sendQueue.pump();
        this.#wrote();
        for (const stream of this.#streams.values()) this.#tellDrain(stream);
      }
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.#isIdle(streamId)) this.#fail(protocolError("WINDOW_UPDATE on an idle stream"));
      return;
    }
    if (increment === 0) {
      this.#streamError(stream, protocolError("WINDOW_UPDATE by nothing"));
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) {
      this.#streamError(stream, flowControlError("a stream's window is larger than 2^31-1"));
      return;
    }
    this.#sendQueue.pumpStream(stream);
    this.#wrote();
    this.#tellDrain(stream);
  }

  #isIdle(streamId: number): boolean {
    if (streamId === 0) return true;
    const ours = (streamId & 1) === (this.#server ? 0 : 1);
    return ours ? this.#server || streamId >= this.#nextStream : streamId > this.#lastPeerStream;
  }

  // Endings.

  /** DATA or HEADERS on a stream that is not there. */
  #onClosedStream(streamId: number, what: string): void {
    if (this.#isIdle(streamId)) {
      this.#fail(protocolError(`${what} on an idle stream`));
      return;
    }
    if (streamId > this.#goawayLast) return;
    switch (this.#closedStreams.ending(streamId)) {
      case "by-us":
        break;
      case "complete":
        this.#fail(streamClosedError(`${what} on a stream that has ended`));
        break;
      default:
        this.#writeReset(streamId, ErrorCode.STREAM_CLOSED);
        this.#spendReset();
    }
  }

  /** An error on a stream, which may not be there. */
  #errorOn(streamId: number, error: Http2Error): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#streamError(stream, error);
    else if (this.#isIdle(streamId)) this.#fail(error);
    else {
      this.#writeReset(streamId, error.code);
      this.#spendReset();
    }
  }

  /** The peer broke a rule on one stream. */
  #streamError(stream: Http2Stream, error: Http2Error): void {
    this.#refuse(stream, error);
    this.#spendReset();
  }

  #refuse(stream: Http2Stream, error: Http2Error): void {
    this.#resetStream(stream, error.code);
    stream.handler.onReset(error.code, "malformed", error.details);
    this.#handler.onStreamEnd(stream);
  }

  #messagingError(stream: Http2Stream, error: Http2Error): void {
    this.#stats.rx_messaging_error.inc();
    if (this.#options.streamErrorOnInvalidHttpMessaging) this.#streamError(stream, error);
    else this.#fail(error);
  }

  #spendReset(): void {
    if (!this.#closed && !this.#resetBudget.spend()) this.#fail(floodError("http2.reset_flood", "streams are reset too often"));
  }

  #resetStream(stream: Http2Stream, code: number): void {
    this.#closedStreams.reset(stream.id, "by-us");
    this.#remove(stream);
    this.#writeReset(stream.id, code);
  }

  #localEnd(stream: Http2Stream): void {
    stream.localClosed = true;
    this.#endIfDone(stream);
  }

  #endIfDone(stream: Http2Stream): void {
    if (stream.closed || !stream.localClosed || !stream.remoteClosed) return;
    this.#remove(stream);
    if (stream.drainDue) {
      stream.drainDue = false;
      stream.handler.onDrain();
    }
    this.#handler.onStreamEnd(stream);
  }

  #remove(stream: Http2Stream): void {
    stream.closed = true;
    this.#sendQueue.discard(stream);
    this.#streams.delete(stream.id);
    this.#stats.streams_active.add(-1);
    this.#giveBack(stream.takeUnconsumed());
  }

  #fail(error: Http2Error): void {
    if (this.#closed) return;
    this.#stats.goaway_sent.inc();
    this.#writeGoaway(Math.min(this.#goawayLast, this.#lastPeerStream), error.code, error.message);
    this.#close();
    this.flush();
    this.#failStreams(error.code, "connection", error.details);
    this.#handler.onSessionError(error);
  }

  #close(): void {
    this.#closed = true;
    this.#reader.stop();
  }

  #failStreams(code: number, source: StreamResetSource, details: string): void {
    for (const stream of this.#streams.values()) {
      this.#remove(stream);
      stream.handler.onReset(code, source, details);
      this.#handler.onStreamEnd(stream);
    }
  }

  #tellDrain(stream: Http2Stream): void {
    if (!stream.drainDue || this.#sendQueue.blocked) return;
    if (stream.endQueued ? stream.queue.length > 0 : stream.queuedBytes * 2 > this.#options.streamBufferBytes) return;
    stream.drainDue = false;
    stream.handler.onDrain();
  }

  // Writing.

  /** The preface, SETTINGS, and the connection's window beyond the default. */
  #begin(): void {
    const options = this.#options;
    if (!this.#server) this.#writer.payload(PREFACE, 0, PREFACE.length);
    const settings: [number, number][] = [];
    if (!this.#server) settings.push([SettingId.ENABLE_PUSH, 0]);
    if (options.hpackTableSize !== 4096) settings.push([SettingId.HEADER_TABLE_SIZE, options.hpackTableSize]);
    // A client's peer opens no streams: with push off there is nothing to limit.
    if (this.#server && options.maxConcurrentStreams < MAX_STREAM_ID)
      settings.push([SettingId.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams]);
    if (options.initialStreamWindowSize !== DEFAULT_WINDOW) settings.push([SettingId.INITIAL_WINDOW_SIZE, options.initialStreamWindowSize]);
    if (this.#server && options.allowConnect) settings.push([SettingId.ENABLE_CONNECT_PROTOCOL, 1]);
    for (const { identifier, value } of options.customSettings) settings.push([identifier, value]);
    this.#writer.header(settings.length * 6, FrameType.SETTINGS, 0, 0, 0);
    for (const [id, value] of settings) {
      const slab = this.#writer.reserve(6);
      const { at } = this.#writer;
      slab[at] = id >>> 8;
      slab[at + 1] = id;
      this.#writer.advance(at + 2);
      this.#writer.uint32(value);
    }
    const more = options.initialConnectionWindowSize - DEFAULT_WINDOW;
    if (more > 0) {
      this.#receiveWindow.resize(more);
      this.#writeWindowUpdate(0, more);
    }
    this.#wrote();
  }

  #headersSent(stream: Http2Stream, endStream: boolean): void {
    this.#constraints.headersSent();
    this.#wrote();
    if (!endStream) return;
    stream.endQueued = true;
    this.#localEnd(stream);
  }

  #giveBack(bytes: number): void {
    if (bytes === 0 || this.#closed) return;
    const increment = this.#receiveWindow.consume(bytes);
    if (increment > 0) this.#writeWindowUpdate(0, increment);
  }

  #writeWindowUpdate(streamId: number, increment: number): void {
    this.#writer.header(4, FrameType.WINDOW_UPDATE, 0, streamId, 0);
    this.#writer.uint32(increment);
    this.#wrote();
  }

  #writeReset(streamId: number, code: number): void {
    this.#stats.tx_reset.inc();
    this.#writer.header(4, FrameType.RST_STREAM, 0, streamId, 0);
    this.#writer.uint32(code);
    this.#controlSent();
  }

  #writePing(flags: number, high: number, low: number): void {
    this.#writer.header(PING_BYTES, FrameType.PING, flags, 0, 0);
    this.#writer.uint32(high);
    this.#writer.uint32(low);
    this.#controlSent();
  }

  #writeGoaway(lastStreamId: number, code: number, message: string): void {
    const debug = Buffer.from(message.slice(0, MAX_DEBUG_BYTES), "latin1");
    this.#writer.header(8 + debug.length, FrameType.GOAWAY, 0, 0, 0);
    this.#writer.uint32(lastStreamId);
    this.#writer.uint32(code);
    this.#writer.payload(debug, 0, debug.length);
    this.#wrote();
  }

  #controlSent(): void {
    this.#constraints.controlSent();
    this.#wrote();
  }

  /** What a peer makes us send without reading it is bounded. */
  #checkOutput(): void {
    const flood = this.#constraints.outboundFlood();
    if (flood !== undefined) this.onFlood(flood);
  }

  #wrote(): void {
    if (this.#writableTold || this.#writer.empty) return;
    this.#writableTold = true;
    this.#output.onWritable();
  }
}

const LENGTH_MISMATCH = messagingError("the body is not as long as content-length says");
const UNFINISHED_TRAILERS = messagingError("trailers do not end the stream");
const INFORMATIONAL_END = messagingError("a 1xx response ends the stream");

/** What is wrong with a block where it stands. */
function blockError(stream: Http2Stream, kind: BlockKind, head: MessageHead, endStream: boolean): Http2Error | undefined {
  if (kind === "trailers") {
    if (!endStream) return UNFINISHED_TRAILERS;
    return stream.countBody(0, true) ? undefined : LENGTH_MISMATCH;
  }
  if (kind === "response" && head.status < 200) return endStream ? INFORMATIONAL_END : undefined;
  return endStream && head.contentLength > 0 && !mayLackBody(stream, head) ? LENGTH_MISMATCH : undefined;
}

/** RFC 9110 8.6: these may say the length of a body that they do not have. */
function mayLackBody(stream: Http2Stream, head: MessageHead): boolean {
  return stream.bodiless || head.status === 304 || (head.status === 204 && head.contentLength <= 0);
}
