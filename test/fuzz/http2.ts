// HTTP/2 frames and HPACK blocks: no bytes make a session throw, every error ends all of its streams, and where the bytes are parted
// changes nothing of what was heard.
import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { HpackDecoder } from "#proxy/codec/hpack/decoder";
import {
  POST,
  block,
  continuation,
  data,
  goaway,
  headers,
  hello,
  ping,
  priority,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from "#proxy/codec/http2/frames.fake";
import { FakePeer } from "#proxy/codec/http2/session.fake";
import { mutated, cuts, parted } from "./mutation.ts";

const CONVERSATIONS: readonly Buffer[] = [
  [headers(1), ping(), headers(3)],
  [headers(1, POST, 4), data(1, "hello"), data(1, "", 1), windowUpdate(0, 100), windowUpdate(1, 1)],
  [headers(1, POST, 0), continuation(1, block([["x-a", "b"]])), data(1, "hello", 1), rstStream(1, 8)],
  [settings([4, 100], [1, 0]), settingsAck(), headers(1), priority(1, 3), goaway(1, 0)],
].map((frames) => Buffer.concat(frames));

interface Heard {
  readonly error: unknown;
  readonly rest: unknown;
}

function heard(pieces: readonly Buffer[]): Heard {
  const peer = new FakePeer("server");
  peer.session.receive(hello());
  for (const piece of pieces) {
    if (peer.error !== undefined) break;
    const chunk = Buffer.from(piece);
    peer.session.receive(chunk);
    chunk.fill(0x58);
  }
  assert.ok(peer.take().length < 1_000_000);
  if (peer.error !== undefined) assert.equal(peer.session.streamCount, 0);
  return {
    error: peer.error,
    rest: {
      ended: peer.ended,
      goaways: peer.goaways,
      streams: peer.streams.map(({ heads, body, trailers, ended, reset }) => ({
        heads: heads.length,
        body,
        trailers: trailers !== undefined,
        ended,
        reset,
      })),
    },
  };
}

/** More than any frame lacks. */
const REST = Buffer.alloc(32_768);

export const http2 = fc.property(mutated(CONVERSATIONS), cuts, (bytes, places) => {
  const pieces = parted(bytes, places);
  const whole = heard([bytes]);
  const inPieces = heard(pieces);
  // What is wrong with a frame may be known by its header, or when all of it has come.
  if (whole.error !== undefined && inPieces.error === undefined) assert.deepEqual(heard([...pieces, REST]).error, whole.error);
  else assert.deepEqual(inPieces, whole);
});

const BLOCKS: readonly Buffer[] = [
  block(POST),
  Buffer.from("828684418cf1e3c2e5f23a6ba0ab90f4ff", "hex"),
  Buffer.from("3fe11f828684be58086e6f2d6361636865", "hex"),
  Buffer.from("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", "hex"),
];

export const hpack = fc.property(fc.array(mutated(BLOCKS), { minLength: 1, maxLength: 4 }), (blocks) => {
  const decoder = new HpackDecoder();
  for (const bytes of blocks) {
    let fields = 0;
    const error = decoder.decode(bytes, 0, bytes.length, { onField: () => void fields++ });
    assert.ok(fields <= bytes.length);
    assert.ok(decoder.tableSize <= 4096);
    if (error !== undefined) return;
  }
});
