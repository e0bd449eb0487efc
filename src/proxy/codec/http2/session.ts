// An HTTP/2 connection, either side, without sockets and timers (RFC 9113): bytes come in by `receive`, events go to the handlers, bytes
// go out through `Http2Output`. The session checks everything that a peer may do wrong; its user sends on a stream only what makes
// sense there (a head, data, trailers, in this order).
import { ErrorCode } from "./error-code.ts";
import type { Http2Error } from "./error-code.ts";
import { MAX_STREAM_ID } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import type { FrameHandler } from "./frame-reader.ts";
import type { Http2Stats } from "./http2-stats.ts";
import { InboundControl } from "./inbound-control.ts";
import { InboundMessages } from "./inbound-messages.ts";
import type { FloodError } from "./protocol-constraints.ts";
import { SessionCore } from "./session-core.ts";
import type { Http2Output, Http2SessionHandler } from "./session-handler.ts";
import type { Http2SessionOptions } from "./session-options.ts";
import { DEFAULT_WINDOW } from "./settings.ts";
import type { PeerSettings } from "./settings.ts";
import { Http2Stream } from "./stream.ts";
import type { Http2StreamHandler } from "./stream.ts";

export class Http2Session implements FrameHandler {
  readonly #core: SessionCore;
  readonly #messages: InboundMessages;
  readonly #control: InboundControl;
  readonly #reader: FrameReader;

  /** Writes its SETTINGS, for the first `flush`. */
  constructor(options: Http2SessionOptions, output: Http2Output, handler: Http2SessionHandler, stats: Http2Stats) {
    const core = new SessionCore(options, output, handler, stats);
    this.#core = core;
    this.#messages = new InboundMessages(core);
    this.#control = new InboundControl(core, this.#messages.decoder);
    this.#reader = new FrameReader(this, core.constraints, core.server, options.maxHeadersBytes);
    core.control.begin(options);
    const more = options.initialConnectionWindowSize - DEFAULT_WINDOW;
    if (more > 0) {
      core.receiveWindow.resize(more);
      core.control.windowUpdate(0, more);
    }
    core.wrote();
  }

  get peerSettings(): Readonly<PeerSettings> {
    return this.#core.peerSettings;
  }

  /** The stream whose header block has begun to come, and is not complete; 0: none. */
  get openBlock(): number {
    return this.#reader.openBlock;
  }

  /** Server: a request has begun to come, and its head is not complete. */
  get inRequestHead(): boolean {
    const { openBlock } = this;
    return !this.#core.closed && openBlock !== 0 && this.#core.streams.isIdle(openBlock);
  }

  /** Streams that are open. */
  get streamCount(): number {
    return this.#core.streams.size;
  }

  /** Client: how many more streams may be opened now. */
  get availableStreams(): number {
    const { closed, streams, peerSettings, options } = this.#core;
    if (closed || this.#control.goawayReceived || !streams.hasIds) return 0;
    return Math.max(0, Math.min(peerSettings.maxConcurrentStreams, options.maxConcurrentStreams) - streams.size);
  }

  /** Nothing is sent or received any more. */
  get closed(): boolean {
    return this.#core.closed;
  }

  /** Bytes from the transport; valid until the call returns, and views of it in `onData` likewise. */
  receive(chunk: Buffer): void {
    if (this.#core.closed) return;
    this.#reader.read(chunk);
    this.#core.checkOutput();
  }

  /** Client: a stream to send a request on, which counts from `sendRequest` on. */
  newStream(handler: Http2StreamHandler): Http2Stream {
    return new Http2Stream(this.#core, handler, this.#core.streamReceiveWindow, this.#core.peerSettings.initialWindowSize);
  }

  /** A number below 2^32, which comes back by `onPingAck`. */
  ping(payload: number): void {
    if (this.#core.closed) return;
    this.#core.control.ping(0, 0, payload);
    this.#core.wrote();
  }

  /** The first step of a graceful end: the peer is asked to open no more streams, those on their way are still served. */
  announceShutdown(): void {
    if (this.#core.closed) return;
    this.#core.stats.goaway_graceful_sent.inc();
    this.#core.control.goaway(MAX_STREAM_ID, ErrorCode.NO_ERROR, "");
    this.#core.wrote();
  }

  /** The peer's streams that have not come so far are not served any more; those that have are. */
  goaway(code: number): void {
    const { closed, streams, stats, control } = this.#core;
    if (closed) return;
    streams.goawayLast = Math.min(streams.goawayLast, streams.lastOfPeer);
    stats.goaway_sent.inc();
    control.goaway(streams.goawayLast, code, "");
    this.#core.wrote();
  }

  /** Writes what waits. Calls nobody back but the output. */
  flush(): void {
    this.#core.flush();
  }

  /** The transport has room again. */
  onDrain(): void {
    if (this.#core.closed) return;
    this.#core.constraints.transportDrained();
    this.#core.sendQueue.blocked = false;
    this.#core.pump();
  }

  /** The transport is gone, or is being closed: all streams end. */
  terminate(code: number, details: string): void {
    if (this.#core.closed) return;
    this.#core.closed = true;
    this.#core.failStreams(code, "connection", details);
  }

  // What the frame reader finds.

  get stopped(): boolean {
    return this.#core.closed;
  }

  onDataStart(streamId: number, length: number, endStream: boolean): boolean {
    return this.#messages.onDataStart(streamId, length, endStream);
  }

  onPadding(streamId: number, bytes: number): void {
    this.#messages.onPadding(streamId, bytes);
  }

  onData(streamId: number, chunk: Buffer, last: boolean, endStream: boolean): void {
    this.#messages.onData(streamId, chunk, last, endStream);
  }

  onHeaderBlock(streamId: number, endStream: boolean, dependency: number, bytes: Buffer, start: number, end: number): void {
    this.#messages.onHeaderBlock(streamId, endStream, dependency, bytes, start, end);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#control.onFrame(type, flags, streamId, bytes, start, end);
  }

  onFrameError(error: Http2Error): void {
    this.#core.fail(error);
  }

  onFlood(flood: FloodError): void {
    this.#core.flood(flood);
  }
}
