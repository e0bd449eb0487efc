import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOfName, answerTo } from "./name-server.ts";

const question = (type: number): Buffer =>
  Buffer.concat([
    Buffer.from("123401000001000000000000", "hex"),
    Buffer.from("\x03www\x07example\x03com\0", "latin1"),
    Buffer.from([0, type, 0, 1]),
  ]);

test("every name has one IPv4 address", () => {
  const answer = answerTo(question(1));
  assert.equal(answer?.readUInt16BE(0), 0x1234);
  assert.equal(answer?.readUInt16BE(6), 1);
  assert.equal([...(answer?.subarray(-4) ?? [])].join("."), addressOfName("www.example.com"));
  assert.equal(addressOfName("WWW.example.com"), addressOfName("www.example.com"));
  assert.notEqual(addressOfName("www.example.com"), addressOfName("web.example.com"));
});

test("a name has no other records, and half a question no answer", () => {
  assert.equal(answerTo(question(28))?.readUInt16BE(6), 0);
  assert.equal(answerTo(question(1).subarray(0, 20)), undefined);
});
