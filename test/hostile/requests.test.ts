// No two readings of one request: not by our parser when the bytes come in other pieces, not by llhttp of what we forward.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { codecRequests, splits } from "./codec.ts";
import { bytesOf } from "./hostile-case.ts";
import { llhttpRequests } from "./llhttp.ts";
import { relay } from "./relay.ts";
import { HOSTILE_CASES, PIPELINED_CASES } from "./requests.ts";

const NUMBER = 100;

/** What llhttp takes and we refuse, by our word for it. */
const STRICTER: Readonly<Record<string, string>> = {
  "the only supported Transfer-Encoding is chunked, once": "what other codings mean is a matter between two programs that know them",
  "Content-Length is not a whole number in digits": "a length over 2^53 is none that can be counted",
  "a chunk size is not a hexadecimal number that fits": "the same of a chunk",
  "the trailers have more lines than the limit": "llhttp has no limit of lines",
  "the head has more header lines than the limit": "llhttp has no limit of lines",
  "the request line is not METHOD SP TARGET SP HTTP/x.y": "llhttp passes spaces over, and any number of empty lines",
  "the request target has none of the forms of RFC 9112 3.2": "llhttp leaves the form to its user",
  "an https URL came over a connection without TLS": "llhttp knows nothing of the connection",
  "an HTTP/1.1 request has no Host": "node:http looks for Host, llhttp does not",
  "the authority is not HOST or HOST:PORT": "llhttp leaves the form to its user",
  "Content-Length must not stand in this message": "llhttp takes what follows CONNECT for the tunnel's",
  "the request target holds a fragment, which never belongs on the wire": "llhttp leaves the form to its user",
  "CR without LF": "llhttp passes CR over before a request",
  "Host is not HOST or HOST:PORT": "llhttp leaves the value to its user",
  "more than one Host": "llhttp leaves the value to its user",
  "Connection names too many headers, or one that must stay": "llhttp takes no line away",
};

/** What we take and llhttp refuses, by its word for it. */
const WIDER: Readonly<Record<string, string>> = {
  HPE_INVALID_TRANSFER_ENCODING: "a tab behind a value is no part of it (RFC 9110 5.5); it is not forwarded",
  HPE_STRICT: "an extension may lack a name or hold obs-text: it is read over and not forwarded",
  HPE_INVALID_CONTENT_LENGTH: "framing lines in trailers are left out of what is forwarded",
  HPE_CLOSED_CONNECTION: "the owner of a connection ends it after `close`, not its parser",
};

/** What both take, and read differently. */
const OTHERWISE: Readonly<Record<string, RegExp>> = {
  "h2c is not spoken here: what follows is HTTP/1 (RFC 9110 7.8), to llhttp it is of the new protocol": /^options: h2c/,
  "HTTP/1.0 has no Upgrade (RFC 9110 7.8)": /^options: an upgrade in HTTP.1.0/,
};

test("a hostile request is read the same wherever its bytes are parted", () => {
  for (const testCase of HOSTILE_CASES) {
    const bytes = bytesOf(testCase, NUMBER);
    const whole = codecRequests([bytes]);
    for (const pieces of splits(bytes)) {
      assert.deepEqual(
        codecRequests(pieces),
        whole,
        `${testCase.name}, parted at ${pieces.length === 2 ? pieces[0]?.length : "each byte"}`,
      );
    }
  }
});

test("what is forwarded of it is read by llhttp, strict or lenient, as we read it, and nothing is hidden in it", () => {
  let forwarded = 0;
  for (const testCase of [...HOSTILE_CASES, ...PIPELINED_CASES]) {
    const { upstream, faults } = relay([bytesOf(testCase, NUMBER)]);
    assert.deepEqual(faults, [], testCase.name);
    const bytes = Buffer.from(upstream, "latin1");
    const ours = codecRequests([bytes]);
    assert.equal(ours.error, undefined, testCase.name);
    for (const lenient of [false, true]) {
      const { messages, error } = llhttpRequests(bytes, { lenient });
      assert.deepEqual([messages, error], [ours.messages, undefined], testCase.name);
    }
    forwarded += ours.messages.length;
  }
  assert.ok(forwarded > 250, `${forwarded} requests were forwarded`);
});

test("what is forwarded of it is the same however the client's bytes are parted", () => {
  for (const testCase of HOSTILE_CASES) {
    const bytes = bytesOf(testCase, NUMBER);
    if (bytes.length > 600) continue;
    const read = (pieces: readonly Buffer[]): unknown => {
      const { upstream, downstream, faults } = relay(pieces);
      const { messages, error } = llhttpRequests(Buffer.from(upstream, "latin1"));
      // Chunks may be cut anew, and of a request that is refused later more or less may be on its way.
      return { messages: messages.filter(({ complete }) => complete), error, downstream, faults };
    };
    const whole = read([bytes]);
    for (const pieces of splits(bytes)) assert.deepEqual(read(pieces), whole, testCase.name);
  }
});

test("each difference between what llhttp and we make of a hostile request has its reason, and each reason its difference", () => {
  const found = new Set<string>();
  for (const testCase of PIPELINED_CASES) {
    const bytes = bytesOf(testCase, NUMBER);
    const ours = codecRequests([bytes]);
    const theirs = llhttpRequests(bytes);
    if (ours.error !== undefined) {
      if (theirs.error === undefined) {
        assert.ok(ours.error in STRICTER, `${testCase.name}: ${ours.error}`);
        found.add(ours.error);
      }
    } else if (theirs.error !== undefined) {
      assert.ok(theirs.error in WIDER, `${testCase.name}: ${theirs.error}`);
      found.add(theirs.error);
    } else if (!isDeepStrictEqual(ours.messages, theirs.messages)) {
      const why = Object.keys(OTHERWISE).find((reason) => OTHERWISE[reason]!.test(testCase.name));
      assert.ok(why !== undefined, `${testCase.name}: ${JSON.stringify(ours)} ${JSON.stringify(theirs)}`);
      found.add(why);
    }
  }
  const known = [...Object.keys(STRICTER), ...Object.keys(WIDER), ...Object.keys(OTHERWISE)];
  assert.deepEqual(
    known.filter((difference) => !found.has(difference)),
    [],
    "these differences are gone",
  );
});
