// Frames made by hand, right or wrong, and a reader of what comes back: shares nothing with the codec but the numbers of RFC 9113.
import { FrameType, PREFACE } from "./frame.ts";

export type Pair = readonly [name: string, value: string];

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;
const ACK = 0x1;

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array | string = "", length?: number): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const header = Buffer.alloc(9);
  header.writeUIntBE(length ?? bytes.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, bytes]);
}

const string = (text: string): Buffer => {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push(128 | (rest & 127));
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
};

/** A header block of plain literals, which touch no table. */
export function block(pairs: readonly Pair[]): Buffer {
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), string(name), string(value)]));
}

export const GET: readonly Pair[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a.example"],
];
export const POST: readonly Pair[] = [[":method", "POST"], ...GET.slice(1)];

export function headers(streamId: number, pairs: readonly Pair[] = GET, flags = END_STREAM | END_HEADERS): Buffer {
  return frame(FrameType.HEADERS, flags, streamId, block(pairs));
}

export function data(streamId: number, text: string, flags = 0): Buffer {
  return frame(FrameType.DATA, flags, streamId, text);
}

const uint32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
};

export function settings(...pairs: [id: number, value: number][]): Buffer {
  return frame(
    FrameType.SETTINGS,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)]))),
  );
}

export const settingsAck = (): Buffer => frame(FrameType.SETTINGS, ACK, 0);
export const windowUpdate = (streamId: number, increment: number): Buffer => frame(FrameType.WINDOW_UPDATE, 0, streamId, uint32(increment));
export const rstStream = (streamId: number, code: number): Buffer => frame(FrameType.RST_STREAM, 0, streamId, uint32(code));
export const ping = (flags = 0, streamId = 0): Buffer => frame(FrameType.PING, flags, streamId, uint32(0, 7));
export const goaway = (lastStreamId: number, code: number): Buffer => frame(FrameType.GOAWAY, 0, 0, uint32(lastStreamId, code));
export const priority = (streamId: number, dependency: number): Buffer =>
  frame(FrameType.PRIORITY, 0, streamId, Buffer.concat([uint32(dependency), Buffer.from([15])]));
export const continuation = (streamId: number, part: Uint8Array | string, flags = END_HEADERS): Buffer =>
  frame(FrameType.CONTINUATION, flags, streamId, part);

/** What a well behaved client says first. */
export const hello = (): Buffer => Buffer.concat([PREFACE, settings(), settingsAck()]);

/** Whole frames; a rest that is none is left out. */
export function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      streamId: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}
