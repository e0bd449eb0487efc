import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameType } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import { readFrames } from "./frames.fake.ts";

function data(writer: FrameWriter, streamId: number, bytes: Buffer): void {
  writer.header(bytes.length, FrameType.DATA, 0, streamId, 0);
  writer.payload(bytes, 0, bytes.length);
}

test("small frames leave as one piece, large payloads as they are", () => {
  const writer = new FrameWriter();
  for (let i = 1; i <= 5; i++) data(writer, i, Buffer.from("abc"));
  assert.equal(writer.bytes, 5 * 12);
  assert.equal(writer.take().length, 1);
  assert.equal(writer.empty, true);
  const large = Buffer.alloc(10_000, "x");
  data(writer, 7, large);
  const pieces = writer.take();
  assert.equal(pieces.length, 2);
  assert.equal(pieces[1], large);
});

test("what was taken is not touched by what comes after", () => {
  const writer = new FrameWriter();
  const taken: { pieces: readonly Uint8Array[]; copy: Buffer }[] = [];
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < round % 13; i++) data(writer, 2 * i + 1, Buffer.alloc((round * 37 + i * 501) % 6000, round));
    const pieces = writer.take();
    taken.push({ pieces, copy: Buffer.concat(pieces) });
  }
  for (const { pieces, copy } of taken) assert.ok(Buffer.concat(pieces).equals(copy));
  taken.forEach(({ copy }, round) => assert.equal(readFrames(copy).length, round % 13));
});
