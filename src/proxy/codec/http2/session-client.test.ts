import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "./error-code.ts";
import { FrameType, PREFACE } from "./frame.ts";
import {
  END_HEADERS,
  END_STREAM,
  block,
  data,
  frame,
  goaway,
  headers,
  readFrames,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.fake.ts";
import type { Pair } from "./frames.fake.ts";
import { FakePeer, exchange } from "./session.fake.ts";
import type { StreamNotes } from "./session.fake.ts";

const OK: readonly Pair[] = [[":status", "200"]];

/** A client that has said hello and asked for `/`, and what it is answered. */
function answered(
  frames: readonly Buffer[],
  method = "GET",
  options: ConstructorParameters<typeof FakePeer>[1] = {},
): { client: FakePeer; notes: StreamNotes } {
  const client = new FakePeer("client", { streamErrorOnInvalidHttpMessaging: true, ...options });
  const notes = client.request("/", true, [], method);
  client.take();
  client.session.receive(Buffer.concat([settings(), settingsAck(), ...frames]));
  return { client, notes };
}

test("says the preface and SETTINGS first, with push off", () => {
  const client = new FakePeer("client");
  const bytes = client.take();
  assert.ok(bytes.subarray(0, 24).equals(PREFACE));
  const [first] = readFrames(bytes.subarray(24));
  assert.equal(first?.type, FrameType.SETTINGS);
  assert.equal(first?.payload.subarray(0, 6).toString("hex"), "000200000000");
});

test("streams have odd ids in the order of their requests, whatever the order they were made in", () => {
  const client = new FakePeer("client");
  const server = new FakePeer("server");
  const first = client.session.newStream({ onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} });
  client.request("/b");
  first.sendRequest({ method: "GET", scheme: "http", authority: "a", path: "/a" }, [], true);
  exchange(client, server);
  assert.equal(first.id, 3);
  assert.deepEqual(
    server.streams.map((notes) => notes.heads[0]!.path),
    ["/b", "/a"],
  );
});

test("knows how many streams the server lets it open", () => {
  const client = new FakePeer("client", { maxConcurrentStreams: 100 });
  assert.equal(client.session.availableStreams, 100);
  client.session.receive(settings([3, 2]));
  assert.equal(client.settings, 1);
  const notes = client.request("/");
  client.request("/");
  assert.equal(client.session.availableStreams, 0);
  notes.stream!.reset(ErrorCode.CANCEL);
  assert.equal(client.session.availableStreams, 1);
});

test("a GOAWAY gives back the requests that the server did not look at, and lets the others end", () => {
  const client = new FakePeer("client");
  const served = client.request("/1");
  const dropped = client.request("/3");
  client.session.receive(Buffer.concat([settings(), goaway(1, 0)]));
  assert.deepEqual(dropped.reset, { code: ErrorCode.REFUSED_STREAM, source: "goaway", details: "http2.remote_refuse" });
  assert.deepEqual(client.goaways, [{ lastStreamId: 1, code: 0 }]);
  assert.equal(client.session.availableStreams, 0);
  client.session.receive(Buffer.concat([headers(3, OK), headers(1, OK)]));
  assert.equal(served.ended, true);
  assert.equal(client.error, undefined);
});

test("informational heads come before the final one, and 101 never", () => {
  const { notes } = answered([
    headers(1, [[":status", "103"]], END_HEADERS),
    headers(1, [[":status", "100"]], END_HEADERS),
    headers(1, OK),
  ]);
  assert.deepEqual(
    notes.heads.map((head) => head.status),
    [103, 100, 200],
  );
  for (const wrong of [headers(1, [[":status", "101"]], END_HEADERS), headers(1, [[":status", "100"]])]) {
    assert.equal(answered([wrong]).notes.reset?.details, "http2.violation.of.messaging.rule");
  }
});

test("a response is malformed without one :status of three digits", () => {
  for (const pairs of [
    [],
    [["x-a", "b"]],
    [[":status", "20"]],
    [[":status", "099"]],
    [[":status", "2000"]],
    [[":status", "abc"]],
    [...OK, ...OK],
    [...OK, [":path", "/"]],
  ] as Pair[][]) {
    const { client, notes } = answered([headers(1, pairs)]);
    assert.equal(notes.reset?.source, "malformed", JSON.stringify(pairs));
    assert.equal(client.stats.values["rx_messaging_error"], 1);
  }
});

test("the length of a body is checked, but for HEAD, CONNECT and 304", () => {
  const length: Pair = ["content-length", "5"];
  assert.equal(answered([headers(1, [...OK, length])]).notes.reset?.source, "malformed");
  assert.equal(answered([headers(1, [...OK, length], END_HEADERS), data(1, "abc", END_STREAM)]).notes.reset?.source, "malformed");
  assert.equal(answered([headers(1, [...OK, length], END_HEADERS), data(1, "abcde", END_STREAM)]).notes.body, "abcde");
  assert.equal(answered([headers(1, [...OK, length])], "HEAD").notes.ended, true);
  assert.equal(answered([headers(1, [[":status", "304"], length])]).notes.ended, true);
  assert.equal(answered([headers(1, [...OK, length], END_HEADERS), data(1, "tunnel")], "CONNECT").notes.body, "tunnel");
});

test("REFUSED_STREAM is told apart from other resets, and frames behind ours are no error", () => {
  assert.equal(answered([rstStream(1, ErrorCode.REFUSED_STREAM)]).notes.reset?.details, "http2.remote_refuse");
  assert.equal(answered([rstStream(1, ErrorCode.CANCEL)]).notes.reset?.details, "http2.remote_reset");
  const { client, notes } = answered([]);
  notes.stream!.reset(ErrorCode.CANCEL);
  client.session.receive(Buffer.concat([headers(1, OK, END_HEADERS), data(1, "abc", END_STREAM), rstStream(1, 8)]));
  assert.equal(client.error, undefined);
  assert.equal(notes.heads.length, 0);
  assert.equal(client.stats.values["headers_cb_no_stream"] ?? 0, 0, "to Envoy that is a bug of its own");
});

test("what a server must not send ends the connection", () => {
  for (const [bytes, code] of [
    [frame(FrameType.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), block(OK)])), ErrorCode.PROTOCOL_ERROR],
    [headers(2, OK), ErrorCode.PROTOCOL_ERROR],
    [headers(3, OK), ErrorCode.PROTOCOL_ERROR],
    [data(3, "a"), ErrorCode.PROTOCOL_ERROR],
    [rstStream(3, 8), ErrorCode.PROTOCOL_ERROR],
    [windowUpdate(3, 1), ErrorCode.PROTOCOL_ERROR],
    [settings([2, 1]), ErrorCode.PROTOCOL_ERROR],
    [Buffer.concat([headers(1, OK), data(1, "a")]), ErrorCode.STREAM_CLOSED],
  ] as const) {
    const { client } = answered([bytes]);
    assert.equal(client.error?.code, code);
  }
  const { notes } = answered([data(1, "a", END_STREAM)]);
  assert.equal(notes.reset?.code, ErrorCode.PROTOCOL_ERROR);
});

test("headers over the limit end the stream", () => {
  const { client, notes } = answered([headers(1, [...OK, ["x-a", "b".repeat(2000)]])], "GET", { maxHeadersBytes: 1024 });
  assert.equal(notes.reset?.details, "http2.header_list_size_too_large");
  assert.equal(client.stats.values["header_overflow"], 1);
  assert.equal(client.error, undefined);
});

test("a transport that is gone ends all streams", () => {
  const { client, notes } = answered([headers(1, OK, END_HEADERS)]);
  client.session.terminate(ErrorCode.CANCEL, "gone");
  assert.deepEqual(notes.reset, { code: ErrorCode.CANCEL, source: "connection", details: "gone" });
  assert.deepEqual(client.ended, [1]);
  assert.equal(client.session.availableStreams, 0);
  const late = client.request("/");
  assert.equal(late.stream!.id, 0);
});
