// Header blocks on their way out: HEADERS, and CONTINUATION where a block is larger than a frame.
import { BEGIN_BOUND, HpackEncoder, encodedBound } from "#proxy/codec/hpack/encoder";
import { CONNECTION_FIELDS } from "./field-kind.ts";
import { FRAME_HEADER_BYTES, Flag, FrameType } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { writeFrameHeader } from "./frame-writer.ts";
import type { RequestPseudoFields } from "./message-head.ts";

const NONE: readonly string[] = [];
const PSEUDO_NAMES = [":method", ":scheme", ":authority", ":path", ":protocol"] as const;

export class HeaderWriter {
  readonly #writer: FrameWriter;
  readonly encoder = new HpackEncoder(CONNECTION_FIELDS);
  maxFrameSize: number;

  constructor(writer: FrameWriter, maxFrameSize: number) {
    this.#writer = writer;
    this.maxFrameSize = maxFrameSize;
  }

  request(
    streamId: number,
    pseudo: RequestPseudoFields,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] = NONE,
  ): void {
    const { method, scheme, authority, path, protocol = "" } = pseudo;
    const room = method.length + scheme.length + authority.length + path.length + protocol.length + 32 * PSEUDO_NAMES.length;
    const out = this.#begin(room, fields);
    let at = this.#writer.at + FRAME_HEADER_BYTES;
    at = this.encoder.begin(out, at);
    at = this.encoder.field(":method", method, false, out, at);
    if (scheme !== "") at = this.encoder.field(":scheme", scheme, false, out, at);
    if (authority !== "") at = this.encoder.field(":authority", authority, false, out, at);
    if (path !== "") at = this.encoder.field(":path", path, false, out, at);
    if (protocol !== "") at = this.encoder.field(":protocol", protocol, false, out, at);
    this.#finish(streamId, fields, endStream, neverIndexed, out, at);
  }

  response(streamId: number, status: number, fields: readonly string[], endStream: boolean, neverIndexed: readonly string[] = NONE): void {
    const out = this.#begin(32, fields);
    const at = this.encoder.begin(out, this.#writer.at + FRAME_HEADER_BYTES);
    this.#finish(streamId, fields, endStream, neverIndexed, out, this.encoder.field(":status", String(status), false, out, at));
  }

  trailers(streamId: number, fields: readonly string[], neverIndexed: readonly string[] = NONE): void {
    const out = this.#begin(0, fields);
    const at = this.encoder.begin(out, this.#writer.at + FRAME_HEADER_BYTES);
    this.#finish(streamId, fields, true, neverIndexed, out, at);
  }

  #begin(room: number, fields: readonly string[]): Buffer {
    let bytes = FRAME_HEADER_BYTES + BEGIN_BOUND + room;
    for (let i = 0; i < fields.length; i += 2) bytes += encodedBound(fields[i]!, fields[i + 1]!);
    return this.#writer.reserve(bytes);
  }

  #finish(streamId: number, fields: readonly string[], endStream: boolean, neverIndexed: readonly string[], out: Buffer, at: number): void {
    const sensitive = neverIndexed.length > 0;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      at = this.encoder.field(name, fields[i + 1]!, sensitive && neverIndexed.includes(name), out, at);
    }
    const start = this.#writer.at;
    const length = at - start - FRAME_HEADER_BYTES;
    const flags = endStream ? Flag.END_STREAM : 0;
    if (length <= this.maxFrameSize) {
      writeFrameHeader(out, start, length, FrameType.HEADERS, flags | Flag.END_HEADERS, streamId);
      this.#writer.advance(at);
    } else this.#split(streamId, Buffer.from(out.subarray(start + FRAME_HEADER_BYTES, at)), flags);
  }

  /** Nothing may come between the frames of a block. */
  #split(streamId: number, block: Buffer, flags: number): void {
    const writer = this.#writer;
    for (let from = 0; from < block.length; from += this.maxFrameSize) {
      const to = Math.min(block.length, from + this.maxFrameSize);
      const endHeaders = to === block.length ? Flag.END_HEADERS : 0;
      if (from === 0) writer.header(to, FrameType.HEADERS, flags, streamId, 0);
      else writer.header(to - from, FrameType.CONTINUATION, endHeaders, streamId, 0);
      writer.payload(block, from, to);
    }
  }
}
