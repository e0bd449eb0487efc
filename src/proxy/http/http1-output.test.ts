import assert from "node:assert/strict";
import { test } from "node:test";
import { lendPoisoned } from "#proxy/net/read-buffer";
import { FakeConnection } from "./connection.fake.ts";
import { Http1Output } from "./http1-output.ts";
import { enterBatch, leaveBatch } from "./write-batch.ts";

/** An event within which `text` is lent. */
function lend(text: string, take: (chunk: Buffer) => void): void {
  lendPoisoned(Buffer.from(text, "latin1"), (chunk) => {
    enterBatch();
    try {
      take(chunk);
    } finally {
      leaveBatch();
    }
  });
}

test("a head and the small body that was lent leave in one write, however many pieces there are", () => {
  const connection = new FakeConnection();
  const output = new Http1Output(connection);
  lend("body", (chunk) => {
    output.text("head ");
    output.bytes(chunk);
    assert.equal(connection.writes, 0);
  });
  assert.equal(connection.written, "head body");
  assert.equal(connection.writes, 1);

  lend("body", (chunk) => {
    output.bytes(chunk.subarray(0, 2));
    output.bytes(chunk.subarray(2));
    output.chunk(chunk, true);
    output.text("end");
  });
  assert.equal(connection.written, "head bodybody4\r\nbody\r\n0\r\n\r\nend");
  assert.equal(connection.writes, 2);
});

test("in a batch within another one nothing is written after its bytes are gone", () => {
  const connection = new FakeConnection();
  const output = new Http1Output(connection);
  enterBatch();
  lend("body", (chunk) => output.bytes(chunk));
  assert.equal(connection.writes, 0);
  leaveBatch();
  assert.equal(connection.written, "body");
});

test("outside of a batch everything leaves at once, and a connection that is gone gets nothing", () => {
  const connection = new FakeConnection();
  const output = new Http1Output(connection);
  output.text("head ");
  output.bytes(Buffer.from("body"));
  assert.equal(connection.writes, 2);
  enterBatch();
  output.bytes(Buffer.from("lost"));
  output.discard();
  leaveBatch();
  assert.equal(connection.written, "head body");
});
