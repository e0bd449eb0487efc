// HTTP/1 in both directions: no bytes make the parsers throw or stand still, the places where they are parted change nothing, llhttp reads
// what both accept as we do, and what we forward says what we read.
import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { HTTP1_ERRORS } from "#proxy/codec/http1/http1-error";
import { codecRequests, codecResponses } from "../hostile/codec.ts";
import { bytesOf } from "../hostile/hostile-case.ts";
import { llhttpRequests, llhttpResponses } from "../hostile/llhttp.ts";
import type { Message, Reading } from "../hostile/message.ts";
import { relay } from "../hostile/relay.ts";
import { HOSTILE_CASES } from "../hostile/requests.ts";
import { HOSTILE_RESPONSES } from "../hostile/responses.ts";
import { cuts, mutated, parted } from "./mutation.ts";

const SMALL = 400;

const VALID: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
  "POST /c HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
  "POST /c HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
  "GET http://b.example/c?d HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, X-A\r\nX-A: b\r\nTE: trailers\r\n\r\n",
  "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  "CONNECT b.example:80 HTTP/1.1\r\nHost: b.example:80\r\n\r\n",
];

const REQUESTS: readonly Buffer[] = [
  ...VALID.map((text) => Buffer.from(text, "latin1")),
  ...HOSTILE_CASES.map((testCase) => bytesOf(testCase, 100)).filter((bytes) => bytes.length < SMALL),
];

const RESPONSES: readonly Buffer[] = HOSTILE_RESPONSES.map(({ bytes }) => Buffer.from(bytes, "latin1")).filter(
  (bytes) => bytes.length < SMALL,
);

/** llhttp against us, where both accept. It switches protocols for h2c and in HTTP/1.0, too: what is opaque to it alone is not compared. */
function assertAgreed(ours: Reading, theirs: Reading): void {
  if (ours.error !== undefined || theirs.error !== undefined) return;
  if (theirs.opaque && !(ours.opaque && ours.messages.length === theirs.messages.length)) return;
  assert.deepEqual(theirs.messages.map(withoutInterimLength), ours.messages);
}

/** RFC 9110 8.6: a length has no place in 1xx, and goes no further. */
function withoutInterimLength(message: Message): Message {
  return /^1\d\d$/.test(message.start)
    ? { ...message, headers: message.headers.filter((line) => !line.startsWith("content-length:")) }
    : message;
}

/** A refusal in a head may come with its first wrong byte or with the end of its line. */
function assertSame(whole: Reading, pieces: Reading, afterLine: () => Reading): void {
  assert.deepEqual(pieces.messages, whole.messages);
  assert.equal(pieces.opaque, whole.opaque);
  const undecided = pieces.error === undefined || pieces.error === HTTP1_ERRORS.truncated.message;
  if (whole.error !== undefined && whole.error !== pieces.error && undecided) assert.notEqual(afterLine().error, undefined);
  else assert.equal(pieces.error, whole.error);
}

const LINE_END = Buffer.from("\n");

/** What a hop hands to the next: framing and Host may be said in other words. */
function content({ headers, body, trailers }: Message): unknown {
  return { headers: headers.filter((line) => !/^(host|content-length|expect):/.test(line)), body, trailers };
}

export const requests = fc.property(mutated(REQUESTS), cuts, (bytes, places) => {
  const pieces = parted(bytes, places);
  const whole = codecRequests([bytes]);
  assertSame(whole, codecRequests(pieces), () => codecRequests([...pieces, LINE_END]));
  assertAgreed(whole, llhttpRequests(bytes));

  const { upstream, faults } = relay(pieces);
  assert.deepEqual(faults, []);
  const forwarded = Buffer.from(upstream, "latin1");
  const again = codecRequests([forwarded]);
  assert.equal(again.error, undefined);
  for (const lenient of [false, true]) {
    const { messages, error } = llhttpRequests(forwarded, { lenient });
    assert.deepEqual([messages, error], [again.messages, undefined]);
  }
  assert.ok(again.messages.length <= whole.messages.length);
  again.messages.forEach((message, i) => {
    if (message.complete) assert.deepEqual(content(message), content(whole.messages[i]!));
  });
});

const METHODS = ["GET", "HEAD", "POST"] as const;

export const responses = fc.property(
  mutated(RESPONSES),
  cuts,
  fc.constantFrom(...METHODS),
  fc.boolean(),
  fc.boolean(),
  (bytes, places, method, upgrade, end) => {
    const pieces = parted(bytes, places);
    const to = { method, upgrade, end };
    const whole = codecResponses([bytes], to);
    assertSame(whole, codecResponses(pieces, to), () => codecResponses([...pieces, LINE_END], { ...to, end: false }));
    assertAgreed(whole, llhttpResponses(bytes, to));

    const asked = `${method} /c HTTP/1.1\r\nHost: a.example\r\n${upgrade ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : ""}${method === "POST" ? "Content-Length: 0\r\n" : ""}\r\n`;
    const { downstream, faults } = relay([Buffer.from(asked)], bytes.toString("latin1"), end);
    assert.deepEqual(faults, []);
    const passedOn = Buffer.from(downstream, "latin1");
    for (const lenient of [false, true]) {
      const { messages, error } = llhttpResponses(passedOn, { method, lenient });
      assert.equal(error, undefined);
      assert.ok(messages.filter(({ start }) => Number(start) >= 200).length <= 1);
    }
  },
);
