import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { inspectProtocol } from "./protocol-inspector.ts";

const of = (text: string): string => inspectProtocol(Buffer.from(text, "latin1"));

test("the first line tells the protocol", () => {
  assert.equal(of("GET / HTTP/1.1\r\nhost: a\r\n"), "http/1.1");
  assert.equal(of("POST /x?y=1 HTTP/1.0\n"), "http/1.0");
  assert.equal(of("GET /\r\n"), "http/1.0");
  assert.equal(of("OPTIONS * HTTP/1.1\r\n"), "http/1.1");
  assert.equal(of("GET http://a/ HTTP/1.1\r\n"), "http/1.1");
  assert.equal(of("CONNECT a:443 HTTP/1.1\r\n"), "http/1.1");
  assert.equal(of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "h2c");
});

test("what is no request line is not HTTP, as soon as that is clear", () => {
  assert.equal(of("\r\nGET / HTTP/1.1\r\n"), "none");
  assert.equal(of("\x16\x03\x01"), "none");
  assert.equal(of("GET\r\n"), "none");
  assert.equal(of("GET / HTTP/1.1 more\r\n"), "none");
  assert.equal(of("GET / HTTPS/1.1\r\n"), "none");
  assert.equal(of("hello world\r\n"), "none");
  assert.equal(of("*1:"), "none");
});

test("it waits for the whole line, however it is split", () => {
  for (const line of ["GET /index.html HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) {
    for (let end = 0; end < line.length; end++) assert.equal(of(line.slice(0, end)), "more", line.slice(0, end));
    assert.notEqual(of(line), "more");
  }
});

test("more bytes never take an answer back", () => {
  const bytes = fc.array(
    fc.constantFrom("GET ", "PRI * HTTP/2.0\r\n\r\n", "SM\r\n\r\n", "/", " ", "HTTP/1.1", "\r\n", "\n", "x", "\x00", "*"),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(bytes, fc.nat(30), (parts, cut) => {
      const early = of(parts.join("").slice(0, cut));
      if (early !== "more") assert.equal(of(parts.join("")), early);
    }),
    { numRuns: 2000 },
  );
});
