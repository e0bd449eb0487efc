import { test } from "node:test";
import assert from "node:assert/strict";
import { GrpcMessageCounter } from "./grpc-messages.ts";

function message(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length, 1);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

test("messages are counted however the body is cut", () => {
  const body = Buffer.concat([message(0), message(3), message(300), message(0)]);
  for (let size = 1; size <= body.length; size++) {
    const counter = new GrpcMessageCounter();
    let count = 0;
    for (let at = 0; at < body.length; at += size) count += counter.push(body.subarray(at, at + size));
    assert.equal(count, 4, `in chunks of ${size}`);
  }
});

test("a message counts when its first byte is there", () => {
  const counter = new GrpcMessageCounter();
  assert.equal(counter.push(message(10).subarray(0, 1)), 1);
  assert.equal(counter.push(message(10).subarray(1)), 0);
  assert.equal(counter.push(Buffer.alloc(0)), 0);
  assert.equal(counter.push(message(4_000_000_000 % 1000)), 1);
});
