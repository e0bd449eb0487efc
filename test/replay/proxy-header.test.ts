import assert from "node:assert/strict";
import { test } from "node:test";
import { readProxyHeader } from "./proxy-header.ts";

test("both versions of the header are read, and their ends found", () => {
  const line = "PROXY TCP4 10.0.0.1 10.0.0.2 1234 80";
  assert.deepEqual(readProxyHeader(Buffer.from(`${line}\r\nGET /`)), { text: line, length: line.length + 2 });
  const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
  const second = Buffer.concat([signature, Buffer.from([0x21, 0x11, 0, 12, 10, 0, 0, 1, 10, 0, 0, 2, 4, 210, 0, 80]), Buffer.from("rest")]);
  assert.deepEqual(readProxyHeader(second), { text: "v2 PROXY TCP4 10.0.0.1", length: 28 });
});

test("a beginning wants more, and anything else is no header", () => {
  assert.equal(readProxyHeader(Buffer.from("PROX")), "more");
  assert.equal(readProxyHeader(Buffer.from("\r\n\r\n\0\r\nQU", "latin1")), "more");
  assert.equal(readProxyHeader(Buffer.from("GET / HTTP/1.1\r\n")), undefined);
});
