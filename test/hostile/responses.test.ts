// No two readings of one response: not by our parser when the bytes come in other pieces, not by llhttp of what we pass on.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { codecResponses, splits } from "./codec.ts";
import { llhttpResponses } from "./llhttp.ts";
import { relay } from "./relay.ts";
import { HOSTILE_RESPONSES } from "./responses.ts";

/** What llhttp takes and we refuse, by our word for it. */
const STRICTER: Readonly<Record<string, string>> = {
  "the version is neither HTTP/1.0 nor HTTP/1.1": "llhttp reads HTTP/2.0 in HTTP/1's form",
  "the status line is not HTTP/1.x SP CODE SP REASON": "llhttp takes codes below 100, NUL in a reason, and empty lines before",
  "the only supported Transfer-Encoding is chunked, once": "llhttp reads whatever is not chunked up to the end",
  "Transfer-Encoding must not stand in this message": "llhttp does not mind it in HTTP/1.0 and in 101",
  "the head has more header lines than the limit": "llhttp has no limit of lines",
  "101 Switching Protocols without an upgrade in the request": "llhttp does not know the request",
  "Content-Length must not stand in this message": "llhttp does not mind it in 1xx",
};

/** What we take and llhttp refuses, by its word for it. */
const WIDER: Readonly<Record<string, string>> = {
  HPE_INVALID_CONTENT_LENGTH: "framing lines in trailers are left out of what is passed on",
};

const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll("@", "100"), "latin1");

test("a hostile response is read the same wherever its bytes are parted", () => {
  for (const { name, bytes, ...to } of HOSTILE_RESPONSES) {
    const whole = codecResponses([bytesOf(bytes)], to);
    for (const pieces of splits(bytesOf(bytes))) {
      assert.deepEqual(codecResponses(pieces, to), whole, `${name}, parted at ${pieces.length === 2 ? pieces[0]?.length : "each byte"}`);
    }
  }
});

test("what is passed on of it is read by llhttp, strict or lenient, as one response at most", () => {
  for (const { name, bytes, method = "GET", upgrade = false, end = false } of HOSTILE_RESPONSES) {
    const asked = `${method} /c100 HTTP/1.1\r\nHost: a.example\r\n${upgrade ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : ""}\r\n`;
    const { downstream, faults } = relay([Buffer.from(asked)], bytesOf(bytes).toString("latin1"), end);
    assert.deepEqual(faults, [], name);
    for (const lenient of [false, true]) {
      const { messages, error } = llhttpResponses(Buffer.from(downstream, "latin1"), { method, lenient });
      assert.equal(error, undefined, name);
      assert.ok(messages.filter(({ start }) => Number(start) >= 200).length <= 1, `${name}: ${downstream}`);
    }
  }
});

test("each difference between what llhttp and we make of a hostile response has its reason, and each reason its difference", () => {
  const found = new Set<string>();
  for (const { name, bytes, ...to } of HOSTILE_RESPONSES) {
    const ours = codecResponses([bytesOf(bytes)], to);
    const theirs = llhttpResponses(bytesOf(bytes), to);
    if (ours.error !== undefined) {
      if (theirs.error === undefined) {
        assert.ok(ours.error in STRICTER, `${name}: ${ours.error}`);
        found.add(ours.error);
      }
    } else if (theirs.error !== undefined) {
      assert.ok(theirs.error in WIDER, `${name}: ${theirs.error}`);
      found.add(theirs.error);
    } else assert.ok(isDeepStrictEqual(ours.messages, theirs.messages), `${name}: ${JSON.stringify(ours)} ${JSON.stringify(theirs)}`);
  }
  const known = [...Object.keys(STRICTER), ...Object.keys(WIDER)];
  assert.deepEqual(
    known.filter((difference) => !found.has(difference)),
    [],
    "these differences are gone",
  );
});
