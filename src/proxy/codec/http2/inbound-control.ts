// The frames that carry no message: PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE.
import type { HpackDecoder } from "#proxy/codec/hpack/decoder";
import { ErrorCode, flowControlError, frameSizeError, protocolError } from "./error-code.ts";
import type { Http2Error } from "./error-code.ts";
import { Flag, FrameType, read31, read32 } from "./frame.ts";
import type { SessionCore } from "./session-core.ts";
import { MAX_WINDOW, applySettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";

const PING_BYTES = 8;

export class InboundControl {
  readonly #core: SessionCore;
  readonly #decoder: HpackDecoder;
  #settingsAcked = false;
  goawayReceived = false;

  constructor(core: SessionCore, decoder: HpackDecoder) {
    this.#core = core;
    this.#decoder = decoder;
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
        this.#onPing(flags, streamId, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        this.#onGoaway(streamId, bytes, start, end);
        break;
      default:
        this.#onWindowUpdate(streamId, bytes, start, end);
    }
    this.#core.checkOutput();
  }

  /** Priorities are ignored (RFC 9113 5.3.2), but not whether they are well formed. */
  #onPriority(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) this.#core.fail(protocolError("PRIORITY on stream 0"));
    else if (end - start !== 5) this.#errorOn(streamId, frameSizeError("a PRIORITY frame is not five bytes long"));
    else if (read31(bytes, start) === streamId) this.#errorOn(streamId, protocolError("a stream depends on itself"));
  }

  /** An error on a stream that may not be there. */
  #errorOn(streamId: number, error: Http2Error): void {
    const core = this.#core;
    const stream = core.streams.get(streamId);
    if (stream !== undefined) core.streamError(stream, error);
    else if (core.streams.isIdle(streamId)) core.fail(error);
    else core.resetUnknown(streamId, error.code);
  }

  #onReset(streamId: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (end - start !== 4) core.fail(frameSizeError("RST_STREAM is not four bytes long"));
    else if (core.streams.isIdle(streamId)) core.fail(protocolError("RST_STREAM on an idle stream"));
    else {
      const stream = core.streams.get(streamId);
      if (stream === undefined) return;
      const code = read32(bytes, start);
      core.stats.rx_reset.inc();
      core.streams.noteReset(streamId, "by-peer");
      core.remove(stream);
      stream.handler.onReset(code, "remote", code === ErrorCode.REFUSED_STREAM ? "http2.remote_refuse" : "http2.remote_reset");
      core.ended(stream);
      // Behind the response's head it is no waste: that is how clients end streams that would last for ever.
      if (!stream.headSent) core.spendReset();
    }
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (streamId !== 0) core.fail(protocolError("SETTINGS on a stream"));
    else if ((flags & Flag.ACK) === 0) this.#onPeerSettings(bytes, start, end);
    else if (end > start) core.fail(frameSizeError("an acknowledgement of SETTINGS has a payload"));
    else this.#onSettingsAck();
  }

  #onPeerSettings(bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    const peer = core.peerSettings;
    const windowBefore = peer.initialWindowSize;
    const error = applySettings(peer, bytes, start, end, !core.server);
    if (error !== undefined) {
      core.fail(error);
      return;
    }
    core.headers.encoder.setMaxTableSize(Math.min(peer.headerTableSize, core.options.hpackTableSize));
    core.headers.maxFrameSize = peer.maxFrameSize;
    core.sendQueue.maxFrameSize = peer.maxFrameSize;
    core.control.settingsAck();
    core.wrote();
    if (this.#resizeSendWindows(peer.initialWindowSize - windowBefore)) core.handler.onSettings();
  }

  /** RFC 9113 6.9.2: the windows of open streams change too, below zero if need be. */
  #resizeSendWindows(change: number): boolean {
    if (change === 0) return true;
    const core = this.#core;
    for (const stream of core.streams.all()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) {
        core.fail(flowControlError("SETTINGS_INITIAL_WINDOW_SIZE makes a window larger than 2^31-1"));
        return false;
      }
    }
    if (change > 0) core.pump();
    return true;
  }

  /** Ours are in force. */
  #onSettingsAck(): void {
    if (this.#settingsAcked) return;
    this.#settingsAcked = true;
    const core = this.#core;
    this.#decoder.setMaxTableSize(core.options.hpackTableSize);
    const change = core.options.initialStreamWindowSize - core.streamReceiveWindow;
    if (change >= 0) return;
    core.streamReceiveWindow += change;
    for (const stream of core.streams.all()) stream.receiveWindow.resize(change);
  }

  #onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (streamId !== 0) core.fail(protocolError("PING on a stream"));
    else if (end - start !== PING_BYTES) core.fail(frameSizeError("a PING is not eight bytes long"));
    else if ((flags & Flag.ACK) === 0) {
      core.control.ping(Flag.ACK, read32(bytes, start), read32(bytes, start + 4));
      core.wrote();
    } else if (read32(bytes, start) === 0) core.handler.onPingAck(read32(bytes, start + 4));
  }

  #onGoaway(streamId: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (streamId !== 0) core.fail(protocolError("GOAWAY on a stream"));
    else if (end - start < 8) core.fail(frameSizeError("GOAWAY is shorter than eight bytes"));
    else {
      this.goawayReceived = true;
      const last = read31(bytes, start);
      if (!core.server) this.#dropAbove(last);
      core.handler.onGoaway(last, read32(bytes, start + 4));
    }
  }

  /** The server has not looked at these and never will: they may be tried elsewhere. */
  #dropAbove(last: number): void {
    const core = this.#core;
    for (const stream of core.streams.all()) {
      if (stream.id <= last) continue;
      core.streams.noteReset(stream.id, "by-us"); // frames that were on their way are no error
      core.remove(stream);
      stream.handler.onReset(ErrorCode.REFUSED_STREAM, "goaway", "http2.remote_refuse");
      core.ended(stream);
    }
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (end - start !== 4) {
      core.fail(frameSizeError("WINDOW_UPDATE is not four bytes long"));
      return;
    }
    const increment = read31(bytes, start);
    if (streamId !== 0) {
      const stream = core.streams.get(streamId);
      if (stream !== undefined) this.#widen(stream, increment);
      else if (core.streams.isIdle(streamId)) core.fail(protocolError("WINDOW_UPDATE on an idle stream"));
    } else if (increment === 0) core.fail(protocolError("WINDOW_UPDATE by nothing"));
    else if (!core.sendQueue.increase(increment)) core.fail(flowControlError("the connection's window is larger than 2^31-1"));
    else core.pump();
  }

  #widen(stream: Http2Stream, increment: number): void {
    const core = this.#core;
    stream.sendWindow += increment;
    if (increment === 0) core.streamError(stream, protocolError("WINDOW_UPDATE by nothing"));
    else if (stream.sendWindow > MAX_WINDOW) core.streamError(stream, flowControlError("a stream's window is larger than 2^31-1"));
    else {
      core.sendQueue.pumpStream(stream);
      core.wrote();
      core.tellDrain(stream);
    }
  }
}
