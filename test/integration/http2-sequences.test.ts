// The table of frame sequences against the session alone: in one read, byte by byte, and cut in two at every place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FrameType } from "#proxy/codec/http2/frame";
import { headers, hello, readFrames } from "#proxy/codec/http2/frames.fake";
import { FakePeer } from "#proxy/codec/http2/session.fake";
import { SEQUENCES } from "../interop/http2-sequences.ts";
import type { Sequence } from "../interop/http2-sequences.ts";

const PROBE = 101;
const NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** `cuts` of the bytes of one step: where it is taken apart. */
function outcome(sequence: Sequence, cuts: (length: number) => readonly number[]): string {
  const server = new FakePeer("server", { streamErrorOnInvalidHttpMessaging: true });
  server.onRequest = (notes) => {
    notes.stream!.sendResponse(200, [], false);
    notes.stream!.sendData(Buffer.from("ok"), true);
  };
  const written: Buffer[] = [];
  const feed = (bytes: Buffer): void => {
    let from = 0;
    for (const cut of [...cuts(bytes.length), bytes.length]) {
      const chunk = Buffer.from(bytes.subarray(from, cut));
      server.session.receive(chunk);
      chunk.fill(0x58);
      from = cut;
    }
    written.push(server.take());
  };
  feed(hello());
  for (const step of sequence.steps) feed(step);
  feed(headers(PROBE));
  const frames = readFrames(Buffer.concat(written));
  const goaway = frames.find((frame) => frame.type === FrameType.GOAWAY);
  if (goaway !== undefined) {
    assert.equal(server.session.closed, true);
    return `connection ${NAMES.get(goaway.payload.readUInt32BE(4))}`;
  }
  const probed = frames.some((frame) => frame.type === FrameType.HEADERS && frame.streamId === PROBE);
  assert.ok(probed, "the request behind it is answered");
  const reset = frames.find((frame) => frame.type === FrameType.RST_STREAM);
  return reset === undefined ? "served" : `stream ${NAMES.get(reset.payload.readUInt32BE(0))}`;
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

test("there are three hundred of them, each with a name of its own", () => {
  assert.ok(SEQUENCES.length >= 300);
  assert.equal(new Set(SEQUENCES.map(({ name }) => name)).size, SEQUENCES.length);
});

for (const sequence of SEQUENCES) {
  test(`${sequence.name}: ${sequence.expected[0]}`, () => {
    assert.equal(
      outcome(sequence, () => []),
      sequence.expected[0],
    );
    assert.equal(
      outcome(sequence, (length) => range(1, length)),
      sequence.expected[0],
      "byte by byte",
    );
    const longest = Math.max(...sequence.steps.map((step) => step.length));
    for (const cut of range(1, Math.min(longest, 300))) {
      assert.equal(
        outcome(sequence, (length) => (cut < length ? [cut] : [])),
        sequence.expected[0],
        `cut at ${cut}`,
      );
    }
  });
}
