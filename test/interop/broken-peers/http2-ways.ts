// The ways in which HTTP/2 lets a peer leave: the connection's, and those of one stream.
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { goaway, rstStream } from "#proxy/codec/http2/frames.fake";
import type { Peer } from "./peer.ts";
import type { Difference, Scene, Stage } from "./stage.ts";

/** @param streamId of the one that is meant, or the last */
export type Leave = (peer: Peer, streamId: number) => void;

/** A connection that breaks off. */
export const BY_CONNECTION: Readonly<Record<string, Leave>> = {
  "ends its half": (peer) => peer.end(),
  closes: (peer) => peer.close(),
  resets: (peer) => peer.reset(),
};

/** In order: the last stream of the other side's that was looked at, then the end. */
const saysGoaway = (peer: Peer, lastStreamId: number, code: number): void => {
  peer.say(goaway(lastStreamId, code));
  peer.end();
};

/** A client has not looked at any, for there are none. */
export const BY_CLIENTS_GOAWAY: Readonly<Record<string, Leave>> = {
  "says GOAWAY, and ends": (peer) => saysGoaway(peer, 0, ErrorCode.NO_ERROR),
  "says GOAWAY INTERNAL_ERROR, and ends": (peer) => saysGoaway(peer, 0, ErrorCode.INTERNAL_ERROR),
};

export const BY_HOSTS_GOAWAY: Readonly<Record<string, Leave>> = {
  "says GOAWAY, and ends": (peer, streamId) => saysGoaway(peer, streamId, ErrorCode.NO_ERROR),
  "says GOAWAY INTERNAL_ERROR, and ends": (peer, streamId) => saysGoaway(peer, streamId, ErrorCode.INTERNAL_ERROR),
};

/** NO_ERROR of a client, which Envoy does not log, is the business of `http2-resets.test.ts`, as are codes that nobody uses. */
const CODES = ["PROTOCOL_ERROR", "INTERNAL_ERROR", "REFUSED_STREAM", "CANCEL", "ENHANCE_YOUR_CALM"] as const;

export const BY_STREAM: Readonly<Record<string, Leave>> = Object.fromEntries(
  CODES.map((name): [string, Leave] => [`says RST_STREAM ${name}`, (peer, streamId) => peer.say(rstStream(streamId, ErrorCode[name]))]),
);

const MAX_STREAM = 2 ** 31 - 1;

/** The connection stays. */
export const BY_GOAWAY: Readonly<Record<string, Leave>> = {
  "says GOAWAY below its request": (peer, streamId) => peer.say(goaway(Math.max(0, streamId - 2), ErrorCode.NO_ERROR)),
  "says GOAWAY at its request": (peer, streamId) => peer.say(goaway(streamId, ErrorCode.NO_ERROR)),
  "says GOAWAY above its request": (peer) => peer.say(goaway(MAX_STREAM, ErrorCode.NO_ERROR)),
  "says GOAWAY below its request, with INTERNAL_ERROR": (peer, streamId) =>
    peer.say(goaway(Math.max(0, streamId - 2), ErrorCode.INTERNAL_ERROR)),
};

/** One scene for each way. `different`: by way, why ours is not Envoy's. */
export function inWays(
  phase: string,
  ways: Readonly<Record<string, Leave>>,
  play: (stage: Stage, leave: Leave, way: string) => Promise<void>,
  { large = false, different = {} }: { readonly large?: boolean; readonly different?: Readonly<Record<string, Difference>> } = {},
): readonly Scene[] {
  return Object.entries(ways).map(([way, leave]) => {
    const why = different[way] ?? different["*"];
    return { what: `${phase} ${way}`, large, ...(why === undefined ? {} : { different: why }), play: (stage) => play(stage, leave, way) };
  });
}
