import { describe, it } from "node:test";
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createResponseParser } from "./response-parser.ts";

const LIMITS = { maxHeadBytes: 60 * 1024, maxHeaders: 100 };

interface Seen {
  status: number;
  body: string;
  trailers: number;
  complete: boolean;
  keepAliveTimeoutSeconds: number;
}

function run(pieces: readonly Buffer[], method: string, upgrade: boolean, end: boolean): { responses: Seen[]; error: string | undefined } {
  const responses: Seen[] = [];
  const last = (): Seen => responses[responses.length - 1]!;
  const { parser, expect } = createResponseParser(
    {
      onResponseHead(head, endStream) {
        responses.push({
          status: head.status,
          body: "",
          trailers: 0,
          complete: endStream,
          keepAliveTimeoutSeconds: head.keepAliveTimeoutSeconds,
        });
      },
      onBody(chunk, start, end, isLast) {
        last().body += chunk.toString("latin1", start, end);
        last().complete = isLast;
      },
      onBodyEnd() {
        last().complete = true;
      },
      onTrailers(lines) {
        last().trailers = lines.lineCount - lines.removed;
        last().complete = true;
      },
    },
    LIMITS,
  );
  expect(method, upgrade);
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    let position = 0;
    while (position < bytes.length && parser.error === undefined) position += parser.execute(bytes, position, bytes.length);
    bytes.fill(0x58);
  }
  if (end && parser.error === undefined) parser.finish();
  return { responses, error: parser.error?.details };
}

function read(text: string, { method = "GET", upgrade = false, end = false } = {}): ReturnType<typeof run> {
  const bytes = Buffer.from(text, "latin1");
  const expected = run([bytes], method, upgrade, end);
  if (bytes.length < 400) {
    for (let i = 1; i < bytes.length; i++) {
      assert.deepEqual(run([bytes.subarray(0, i), bytes.subarray(i)], method, upgrade, end), expected, `split at ${i}`);
    }
  }
  return expected;
}

describe("response parser", () => {
  it("reads a body by its length", () => {
    const { responses } = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: max=3, timeout=7\r\n\r\nhello");
    assert.deepEqual(responses, [{ status: 200, body: "hello", trailers: 0, complete: true, keepAliveTimeoutSeconds: 7 }]);
  });

  it("waits for no body of an answer to HEAD, also where the request asked for an upgrade", () => {
    const { responses } = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", { method: "HEAD", upgrade: true });
    assert.equal(responses[0]!.complete, true);
  });

  it("reads a chunked body with trailers", () => {
    const { responses } = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n");
    assert.equal(responses[0]!.body, "abc");
    assert.equal(responses[0]!.trailers, 1);
  });

  it("reads a body up to the end of the connection", () => {
    const text = "HTTP/1.1 200 OK\r\n\r\nhello";
    assert.equal(read(text).responses[0]!.complete, false);
    assert.equal(read(text, { end: true }).responses[0]!.complete, true);
  });

  it("takes a status line without a reason, with or without its space", () => {
    assert.equal(read("HTTP/1.1 204\r\n\r\n").responses[0]!.status, 204);
    assert.equal(read("HTTP/1.0 204 \r\n\r\n").responses[0]!.status, 204);
  });

  it("knows responses that have no body", () => {
    assert.equal(read("HTTP/1.1 204 No Content\r\n\r\n").responses[0]!.complete, true);
    assert.equal(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").responses[0]!.complete, true);
    assert.equal(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { method: "HEAD" }).responses[0]!.complete, true);
    assert.equal(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", { method: "HEAD" }).responses[0]!.complete, true);
    assert.equal(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").responses[0]!.complete, true);
  });

  it("reads informational responses before the response proper", () => {
    const { responses } = read(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    );
    assert.deepEqual(
      responses.map(({ status }) => status),
      [100, 103, 200],
    );
  });

  it("treats everything behind an expected 101 as data", () => {
    const { responses } = read("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nHTTP/1.1 200", {
      upgrade: true,
    });
    assert.deepEqual(
      responses.map(({ status, body }) => [status, body]),
      [[101, "HTTP/1.1 200"]],
    );
  });

  it("treats everything behind 200 to CONNECT as data", () => {
    assert.equal(read("HTTP/1.1 200 OK\r\n\r\nxyz", { method: "CONNECT" }).responses[0]!.body, "xyz");
    assert.equal(read("HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nxyz", { method: "CONNECT" }).responses[0]!.complete, true);
  });

  const refused: readonly (readonly [name: string, text: string])[] = [
    ["length and encoding", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"],
    ["a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"],
    ["an unknown encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ["encoding twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"],
    ["encoding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["204 with a length", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"],
    ["204 with encoding", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["100 with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"],
    ["101 without an upgrade", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"],
    ["bare LF", "HTTP/1.1 200 OK\nX: y\r\n\r\n"],
    ["bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n"],
    ["folded lines", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n"],
    ["NUL in a value", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\nX: y\r\n\r\n"],
    ["no version", "200 OK\r\nX: yyyyyyyyyyy\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\nX: y\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\nX: y\r\n\r\n"],
    ["status 099", "HTTP/1.1 099 OK\r\nX: y\r\n\r\n"],
    ["a leading empty line", "\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n"],
    ["a bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"],
    ["too many headers", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(101)}\r\n`],
    ["a head that is too large", `HTTP/1.1 200 OK\r\nX: ${"v".repeat(61 * 1024)}\r\n\r\n`],
  ];
  for (const [name, text] of refused) {
    it(`refuses ${name}`, () => {
      assert.notEqual(read(text).error, undefined);
    });
  }

  it("knows a truncated message from a complete one", () => {
    assert.equal(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", { end: true }).error, "http1.codec_error");
    assert.equal(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", { end: true }).error, "http1.codec_error");
    assert.equal(read("HTTP/1.1 200", { end: true }).error, "http1.codec_error");
  });

  it("neither throws nor loops on random bytes", () => {
    const parts = fc.constantFrom(
      "HTTP/1.1 ",
      "200 OK",
      "\r\n",
      "\n",
      "\r",
      "X: y",
      "Content-Length: 3",
      "Transfer-Encoding: chunked",
      "0",
      "\0",
      "3\r\nabc\r\n",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 30 }), fc.nat(200), (pieces, cut) => {
        const bytes = Buffer.from(pieces.join(""), "latin1");
        const at = Math.min(cut, bytes.length);
        run([bytes.subarray(0, at), bytes.subarray(at)], "GET", false, true);
      }),
      { numRuns: 300 },
    );
  });
});
