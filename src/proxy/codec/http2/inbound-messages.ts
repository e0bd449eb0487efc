// The frames that carry messages: DATA and header blocks.
import { HpackDecoder } from "#proxy/codec/hpack/decoder";
import type { Http2Error } from "./error-code.ts";
import { compressionError, flowControlError, protocolError, refusedError, streamClosedError } from "./error-code.ts";
import { HeadReader } from "./head-reader.ts";
import type { BlockKind } from "./head-reader.ts";
import type { MessageHead } from "./message-head.ts";
import { LENGTH_MISMATCH, blockError, mayLackBody } from "./message-rules.ts";
import type { SessionCore } from "./session-core.ts";
import { Http2Stream, NOBODY } from "./stream.ts";

export class InboundMessages {
  readonly #core: SessionCore;
  readonly #heads: HeadReader;
  readonly decoder = new HpackDecoder();

  constructor(core: SessionCore) {
    this.#core = core;
    this.#heads = new HeadReader(core.options);
  }

  /** False: what the frame holds is passed over. */
  onDataStart(streamId: number, length: number, endStream: boolean): boolean {
    const core = this.#core;
    if (!core.receiveWindow.take(length)) {
      core.fail(flowControlError("the peer sent more than the connection's window"));
      return false;
    }
    const stream = core.streams.get(streamId);
    if (stream === undefined) {
      core.giveBack(length);
      core.onClosedStream(streamId, "DATA");
      return false;
    }
    const error = dataError(stream, length);
    if (error === undefined) return !(length === 0 && !endStream);
    core.giveBack(length);
    core.streamError(stream, error);
    return false;
  }

  onPadding(streamId: number, bytes: number): void {
    const stream = this.#core.streams.get(streamId);
    if (stream === undefined) this.#core.giveBack(bytes);
    else this.#core.consumed(stream, bytes);
  }

  onData(streamId: number, chunk: Buffer, last: boolean, endStream: boolean): void {
    const core = this.#core;
    const { length } = chunk;
    const stream = core.streams.get(streamId);
    if (stream === undefined) {
      core.giveBack(length); // it was reset in the middle of the frame
      return;
    }
    const end = last && endStream;
    if (!stream.countBody(length, end)) {
      core.giveBack(length);
      core.messagingError(stream, LENGTH_MISMATCH);
      return;
    }
    if (end) stream.remoteClosed = true;
    if (length > 0 || end) stream.handler.onData(chunk, end);
    if (length > 0) stream.delivered(length);
    if (end) core.endIfDone(stream);
  }

  onHeaderBlock(streamId: number, endStream: boolean, dependency: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    const stream = core.streams.get(streamId);
    const kind = this.#blockKind(stream, streamId);
    if (kind === undefined) {
      core.fail(protocolError("HEADERS on a stream that the peer cannot open"));
      return;
    }
    // Whatever the block is for, it is decoded: the table is shared by all streams.
    this.#heads.begin(kind);
    const hpackError = this.decoder.decode(bytes, start, end, this.#heads);
    if (hpackError !== undefined) core.fail(compressionError(hpackError));
    else if (stream !== undefined) this.#onBlock(stream, kind, endStream, dependency);
    else if (!core.server || streamId <= core.streams.lastOfPeer) core.onClosedStream(streamId, "HEADERS");
    else this.#onNewStream(streamId, endStream, dependency);
  }

  /** Undefined: the stream was never open, and the peer cannot open it. */
  #blockKind(stream: Http2Stream | undefined, streamId: number): BlockKind | undefined {
    const { server, streams } = this.#core;
    if (stream?.headReceived === true) return "trailers";
    if (server) return (streamId & 1) === 1 ? "request" : undefined;
    return streams.isIdle(streamId) ? undefined : "response";
  }

  #onNewStream(streamId: number, endStream: boolean, dependency: number): void {
    const core = this.#core;
    core.streams.sawPeerStream(streamId);
    if (core.streams.isPassedOver(streamId)) return;
    const stream = new Http2Stream(core, NOBODY, core.streamReceiveWindow, core.peerSettings.initialWindowSize);
    stream.id = streamId;
    core.streams.openOfPeer(stream);
    core.stats.streams_active.add(1);
    if (core.streams.size > core.options.maxConcurrentStreams) {
      core.stats.stream_refused_errors.inc();
      core.streamError(stream, refusedError("more streams than SETTINGS_MAX_CONCURRENT_STREAMS"));
      return;
    }
    // Before the head is judged: a handler is told of one that is none.
    stream.handler = core.handler.onStream(stream);
    this.#onBlock(stream, "request", endStream, dependency);
  }

  #onBlock(stream: Http2Stream, kind: BlockKind, endStream: boolean, dependency: number): void {
    const core = this.#core;
    const { overflow, head } = this.#heads;
    if (stream.remoteClosed) core.streamError(stream, streamClosedError("HEADERS on a stream that the peer has ended"));
    else if (dependency === stream.id) core.streamError(stream, protocolError("a stream depends on itself"));
    else if (overflow !== undefined) {
      core.stats.header_overflow.inc();
      core.streamError(stream, overflow);
    } else {
      const malformed = this.#heads.malformed() ?? blockError(stream, kind, head, endStream);
      if (malformed !== undefined) core.messagingError(stream, malformed);
      else this.#deliver(stream, kind, head, endStream);
    }
  }

  #deliver(stream: Http2Stream, kind: BlockKind, head: MessageHead, endStream: boolean): void {
    const core = this.#core;
    if (endStream) stream.remoteClosed = true;
    if (kind === "trailers") {
      // Envoy counts those of clients.
      if (core.server) core.stats.trailers.inc();
      stream.handler.onTrailers(head);
    } else {
      if (kind === "request" || head.status >= 200) {
        stream.headReceived = true;
        if (!endStream && !mayLackBody(stream, head)) stream.bodyLeft = head.contentLength;
      }
      stream.handler.onHeaders(head, endStream);
    }
    if (endStream) core.endIfDone(stream);
  }
}

function dataError(stream: Http2Stream, length: number): Http2Error | undefined {
  if (stream.remoteClosed) return streamClosedError("DATA on a stream that the peer has ended");
  if (!stream.headReceived) return protocolError("DATA before a response's head");
  return stream.receiveWindow.take(length) ? undefined : flowControlError("the peer sent more than the stream's window");
}
