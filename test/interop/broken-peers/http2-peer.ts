// A peer that speaks HTTP/2 frame by frame, as a client or as a host.
import { FrameType, PREFACE } from "#proxy/codec/http2/frame";
import { END_HEADERS, END_STREAM, block, data, frame, readFrames, settings, settingsAck } from "#proxy/codec/http2/frames.fake";
import type { Frame, Pair } from "#proxy/codec/http2/frames.fake";
import { eventually } from "../../harness/mesh.ts";
import type { Peer } from "./peer.ts";

const PATIENCE_MS = 8_000;
/** HEADERS that do not end their stream. */
export const OPEN = END_HEADERS;
/** HEADERS that do. */
export const WHOLE = END_HEADERS | END_STREAM;

export function framesOf(peer: Peer): readonly Frame[] {
  const { received } = peer;
  const fromClient = received.subarray(0, PREFACE.length).equals(PREFACE);
  return readFrames(fromClient ? received.subarray(PREFACE.length) : received);
}

/** Until a frame of this type has come on a stream; 0: on the connection. */
export function hearsFrame(peer: Peer, type: number, streamId: number, ended = false): Promise<Frame> {
  return eventually(`frame ${type} on stream ${streamId}`, PATIENCE_MS, () =>
    framesOf(peer).find((one) => one.type === type && one.streamId === streamId && (!ended || (one.flags & END_STREAM) !== 0)),
  );
}

/** Until so much DATA has come on a stream. */
export function hearsData(peer: Peer, streamId: number, bytes: number): Promise<true> {
  return eventually(`${bytes} bytes of DATA on stream ${streamId}`, PATIENCE_MS, () => {
    const parts = framesOf(peer).filter((one) => one.type === FrameType.DATA && one.streamId === streamId);
    return parts.reduce((sum, { payload }) => sum + payload.length, 0) >= bytes ? true : undefined;
  });
}

/** Until the proxy has given the stream up, or its connection. */
export function hearsEnd(peer: Peer, streamId: number): Promise<true> {
  return eventually(`the end of stream ${streamId}`, PATIENCE_MS, () =>
    peer.ended !== "open" || framesOf(peer).some((one) => one.streamId === streamId && one.type === FrameType.RST_STREAM)
      ? true
      : undefined,
  );
}

/** The beginning of every client's connection. The acknowledgement waits for what it acknowledges. */
export async function greets(client: Peer): Promise<void> {
  client.say(Buffer.concat([PREFACE, settings()]));
  await hearsFrame(client, FrameType.SETTINGS, 0);
  client.say(settingsAck());
}

/** The beginning of every host's connection. */
export async function welcomes(host: Peer, ...values: [id: number, value: number][]): Promise<void> {
  host.say(settings(...values));
  await hearsFrame(host, FrameType.SETTINGS, 0);
  host.say(settingsAck());
}

export function request(method: "GET" | "POST", path: string, more: readonly Pair[] = []): readonly Pair[] {
  return [[":method", method], [":scheme", "http"], [":path", path], [":authority", "a.example"], ...more];
}

export const OK: readonly Pair[] = [[":status", "200"]];
export const BUSY: readonly Pair[] = [[":status", "503"]];

export function head(streamId: number, pairs: readonly Pair[], flags: number): Buffer {
  return frame(FrameType.HEADERS, flags, streamId, block(pairs));
}

/** A whole answer. */
export function answers(host: Peer, streamId: number, pairs: readonly Pair[] = OK, body = "ok"): void {
  host.say(Buffer.concat([head(streamId, pairs, OPEN), data(streamId, body, END_STREAM)]));
}
