import assert from "node:assert/strict";
import { test } from "node:test";
import { hold, lendPoisoned, own, ReadBuffer, release, stable } from "./read-buffer.ts";

/** A read of so many bytes, all of them `value`. */
function read(buffer: ReadBuffer, length: number, value: number, take: (chunk: Buffer) => void): void {
  buffer.bytes.fill(value, 0, length);
  buffer.lend(length, { onData: take });
}

test("what is owned of a small read is a copy, what is only lent is overwritten", () => {
  const buffer = new ReadBuffer(true);
  let lent: Buffer = Buffer.alloc(0);
  let owned = lent;
  read(buffer, 10, 1, (chunk) => {
    lent = chunk;
    owned = own(chunk.subarray(2, 4));
  });
  assert.deepEqual([...owned], [1, 1]);
  assert.equal(lent.includes(1), false);
  assert.equal(own(lent), lent, "nothing is lent between reads");
});

test("all connections read small chunks into the same memory, and one that reads much into its own", () => {
  const [one, other] = [new ReadBuffer(false), new ReadBuffer(false)];
  assert.equal(one.bytes.buffer, other.bytes.buffer);
  read(one, 40_000, 1, (chunk) => assert.notEqual(stable(chunk).buffer, chunk.buffer, "a write out of shared memory needs a copy"));
  assert.notEqual(one.bytes.buffer, other.bytes.buffer);
  const own1 = one.bytes;
  read(one, 40_000, 1, (chunk) => assert.equal(stable(chunk), chunk));
  assert.equal(one.bytes, own1, "nobody holds it: the next read may have it");
  for (let small = 0; small < 16; small++) read(one, 10, 1, () => {});
  assert.equal(one.bytes.buffer, other.bytes.buffer);
});

test("memory out of which somebody writes or owns a part is not read into, and comes back when the write has ended", () => {
  const buffer = new ReadBuffer(true);
  read(buffer, 40_000, 1, () => {});
  const first = buffer.bytes;
  let kept: Uint8Array = first;
  read(buffer, 40_000, 2, (chunk) => (kept = own(chunk)));
  assert.notEqual(buffer.bytes, first);
  assert.equal(kept[39_999], 2);

  const second = buffer.bytes;
  let held: ReturnType<typeof hold>;
  read(buffer, 40_000, 3, (chunk) => (held = hold(["head", chunk])));
  const third = buffer.bytes;
  assert.notEqual(third, second);
  assert.equal(second[0], 3, "the kernel still reads it");
  assert.ok(held !== undefined);
  release(held);
  read(buffer, 40_000, 4, (chunk) => void hold([chunk]));
  assert.equal(buffer.bytes, second);
});

test("lent bytes from elsewhere are overwritten too", () => {
  let lent: Buffer = Buffer.alloc(0);
  lendPoisoned(Buffer.from("secret"), (chunk) => {
    lent = chunk;
    assert.equal(own(chunk).toString(), "secret");
  });
  assert.equal(lent.includes("secret"), false);
});
