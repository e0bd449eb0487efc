// The frames that carry no message: SETTINGS, PING, GOAWAY, RST_STREAM, WINDOW_UPDATE, and the preface.
import { Flag, FrameType, MAX_STREAM_ID, PREFACE } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { ProtocolConstraints } from "./protocol-constraints.ts";
import type { Http2SessionOptions } from "./session-options.ts";
import { DEFAULT_TABLE_SIZE, DEFAULT_WINDOW, SettingId } from "./settings.ts";

const PING_BYTES = 8;

export class ControlWriter {
  readonly #writer: FrameWriter;
  readonly #constraints: ProtocolConstraints;

  constructor(writer: FrameWriter, constraints: ProtocolConstraints) {
    this.#writer = writer;
    this.#constraints = constraints;
  }

  /** The first bytes of a connection: a client's preface, and SETTINGS, which say only what is not the default. */
  begin(options: Http2SessionOptions): void {
    const server = options.role === "server";
    if (!server) this.#writer.payload(PREFACE, 0, PREFACE.length);
    const settings: [id: number, value: number][] = [];
    if (options.hpackTableSize !== DEFAULT_TABLE_SIZE) settings.push([SettingId.HEADER_TABLE_SIZE, options.hpackTableSize]);
    // A client's peer opens no streams: with push off there is nothing to limit.
    if (!server) settings.push([SettingId.ENABLE_PUSH, 0]);
    else if (options.maxConcurrentStreams < MAX_STREAM_ID) settings.push([SettingId.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams]);
    if (options.initialStreamWindowSize !== DEFAULT_WINDOW) settings.push([SettingId.INITIAL_WINDOW_SIZE, options.initialStreamWindowSize]);
    if (server && options.allowConnect) settings.push([SettingId.ENABLE_CONNECT_PROTOCOL, 1]);
    for (const { identifier, value } of options.customSettings) settings.push([identifier, value]);
    this.#writer.header(settings.length * 6, FrameType.SETTINGS, 0, 0, 0);
    for (const [id, value] of settings) {
      this.#writer.uint16(id);
      this.#writer.uint32(value);
    }
  }

  settingsAck(): void {
    this.#writer.header(0, FrameType.SETTINGS, Flag.ACK, 0, 0);
    this.#constraints.controlSent();
  }

  ping(flags: number, high: number, low: number): void {
    this.#writer.header(PING_BYTES, FrameType.PING, flags, 0, PING_BYTES);
    this.#writer.uint32(high);
    this.#writer.uint32(low);
    this.#constraints.controlSent();
  }

  goaway(lastStreamId: number, code: number, message: string): void {
    const debug = Buffer.from(message, "latin1");
    this.#writer.header(8 + debug.length, FrameType.GOAWAY, 0, 0, 8);
    this.#writer.uint32(lastStreamId);
    this.#writer.uint32(code);
    this.#writer.payload(debug, 0, debug.length);
  }

  reset(streamId: number, code: number): void {
    this.#writer.header(4, FrameType.RST_STREAM, 0, streamId, 4);
    this.#writer.uint32(code);
    this.#constraints.controlSent();
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#writer.header(4, FrameType.WINDOW_UPDATE, 0, streamId, 4);
    this.#writer.uint32(increment);
  }
}
