import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ErrorCode } from "./error-code.ts";
import { PREFACE } from "./frame.ts";
import {
  END_HEADERS,
  GET,
  POST,
  data,
  frame,
  headers,
  hello,
  readFrames,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.fake.ts";
import { FakePeer, exchange } from "./session.fake.ts";

function pair(): { client: FakePeer; server: FakePeer } {
  return { client: new FakePeer("client"), server: new FakePeer("server") };
}

test("carries a request with a body and a response with trailers, split at every size", () => {
  for (const pieceBytes of [1, 2, 3, 5, 9, 10, 17, 100, Infinity]) {
    const { client, server } = pair();
    server.onRequest = (notes) => {
      notes.stream!.sendResponse(103, ["link", "</a.css>"], false);
      notes.stream!.sendResponse(200, ["Content-Type", "text/plain", "connection", "close"], false);
      notes.stream!.sendData(Buffer.from(`got ${notes.body}`), false);
      notes.stream!.sendTrailers(["grpc-status", "0"]);
    };
    const answer = client.request("/one", false, ["content-length", "5", "x-a", "b"], "POST");
    answer.stream!.sendData(Buffer.from("hello"), true);
    exchange(client, server, pieceBytes);
    const [request] = server.streams;
    assert.equal(request?.heads[0]?.path, "/one");
    assert.equal(request?.heads[0]?.contentLength, 5);
    assert.deepEqual(request?.heads[0]?.fields, ["content-length", "5", "x-a", "b"]);
    assert.equal(request?.body, "hello");
    assert.deepEqual(
      answer.heads.map((head) => head.status),
      [103, 200],
    );
    assert.deepEqual(answer.heads[1]?.fields, ["content-type", "text/plain"]);
    assert.equal(answer.body, "got hello");
    assert.deepEqual(answer.trailers?.fields, ["grpc-status", "0"]);
    assert.deepEqual(server.ended, [1]);
    assert.deepEqual(client.ended, [1]);
    assert.equal(server.session.streamCount + client.session.streamCount, 0);
    assert.equal(client.error ?? server.error, undefined);
  }
});

test("holds back what the windows do not allow, and goes on when they open", () => {
  const client = new FakePeer("client", { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 });
  const server = new FakePeer("server");
  const body = Buffer.alloc(1_000_000, "x");
  server.onRequest = (notes) => {
    notes.stream!.sendResponse(200, [], false);
    assert.equal(notes.stream!.sendData(body, false), false);
    notes.stream!.sendTrailers(["a", "b"]);
  };
  const answer = client.request("/");
  answer.stream!.pauseReading();
  exchange(client, server);
  assert.equal(answer.body.length, 65_535);
  assert.equal(server.streams[0]!.stream!.pendingBytes, body.length - 65_535);
  assert.equal(server.stats.values["pending_send_bytes"], body.length - 65_535);
  answer.stream!.resumeReading();
  exchange(client, server);
  assert.equal(answer.body.length, body.length);
  assert.deepEqual(answer.trailers?.fields, ["a", "b"]);
  assert.equal(server.streams[0]!.drains, 1);
  assert.equal(server.stats.values["pending_send_bytes"], 0);
  assert.equal(server.stats.values["streams_active"], 0);
});

test("serves many streams at a time, whose bodies take turns", () => {
  const client = new FakePeer("client", { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 });
  const server = new FakePeer("server");
  server.onRequest = (notes) => {
    notes.stream!.sendResponse(200, [], false);
    notes.stream!.sendData(Buffer.alloc(200_000, notes.heads[0]!.path.slice(1)), true);
  };
  const answers = Array.from({ length: 20 }, (_, i) => client.request(`/${String.fromCharCode(97 + i)}`));
  exchange(client, server);
  answers.forEach((answer, i) => {
    assert.equal(answer.body, String.fromCharCode(97 + i).repeat(200_000));
    assert.equal(answer.ended, true);
  });
  assert.equal(server.stats.values["streams_active"], 0);
  assert.equal(server.stats.values["pending_send_bytes"], 0);
});

test("windows that SETTINGS make negative must be filled up first", () => {
  const { client, server } = pair();
  const answer = client.request("/");
  exchange(client, server);
  const { stream } = server.streams[0]!;
  stream!.sendResponse(200, [], false);
  server.session.receive(settings([4, 100]));
  stream!.sendData(Buffer.alloc(100, "a"), false);
  server.session.receive(settings([4, 10]));
  assert.equal(stream!.sendWindow, -90);
  stream!.sendData(Buffer.alloc(20, "b"), true);
  server.session.receive(windowUpdate(1, 95));
  assert.equal(stream!.pendingBytes, 15);
  server.session.receive(windowUpdate(1, 15));
  assert.equal(stream!.pendingBytes, 0);
  client.session.receive(server.take());
  assert.equal(answer.body, "a".repeat(100) + "b".repeat(20));
});

test("a peer may use the default window until it knows of a smaller one", () => {
  const server = new FakePeer("server", { initialStreamWindowSize: 10 });
  server.session.receive(Buffer.concat([PREFACE, settings(), headers(1, POST, END_HEADERS), data(1, "a".repeat(16_000))]));
  assert.equal(server.streams[0]!.body.length, 16_000);
  server.session.receive(Buffer.concat([settingsAck(), headers(3, POST, END_HEADERS), data(3, "a".repeat(11))]));
  assert.equal(server.streams[1]!.reset?.code, ErrorCode.FLOW_CONTROL_ERROR);
});

test("more than the connection's window ends the connection", () => {
  const server = new FakePeer("server", { initialConnectionWindowSize: 65_535 });
  server.session.receive(Buffer.concat([hello(), headers(1, POST, END_HEADERS)]));
  server.streams[0]!.stream!.pauseReading();
  for (let i = 0; i < 4; i++) server.session.receive(data(1, "a".repeat(16_384)));
  assert.equal(server.error?.code, ErrorCode.FLOW_CONTROL_ERROR);
});

test("what a paused stream withholds comes back when it is reset", () => {
  const { client, server } = pair();
  const request = client.request("/", false, [], "POST");
  exchange(client, server);
  server.streams[0]!.stream!.pauseReading();
  for (let i = 0; i < 20 && client.session.streamCount > 0; i++) request.stream!.sendData(Buffer.alloc(1_000_000), false);
  exchange(client, server);
  request.stream!.reset(ErrorCode.CANCEL);
  exchange(client, server);
  assert.deepEqual(server.streams[0]!.reset, { code: ErrorCode.CANCEL, source: "remote", details: "http2.remote_reset" });
  const second = client.request("/", false, [], "POST");
  second.stream!.sendData(Buffer.alloc(16_000_000), true);
  exchange(client, server);
  assert.equal(server.streams[1]!.body.length, 16_000_000);
});

test("headers larger than a frame go in several, and nothing comes in between", () => {
  const options = { maxHeadersBytes: 200_000 };
  const client = new FakePeer("client", options);
  const server = new FakePeer("server", options);
  const fields = Array.from({ length: 40 }, (_, i) => [`x-${i}`, "v".repeat(2000 + i)]).flat();
  client.request("/", true, fields);
  exchange(client, server, 1000);
  assert.deepEqual(server.streams[0]!.heads[0]!.fields, fields);
});

test("never indexed fields are known by name, and sent so", () => {
  const { client, server } = pair();
  const notes = client.session.newStream({ onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} });
  notes.sendRequest(
    { method: "GET", scheme: "http", authority: "a", path: "/" },
    ["x-secret", "s", "x-open", "o", "authorization", "b"],
    true,
    ["x-secret"],
  );
  exchange(client, server);
  assert.deepEqual(server.streams[0]!.heads[0]!.neverIndexed, ["x-secret", "authorization"]);
});

test("ends in two steps: announced, then without the streams that came too late", () => {
  const { client, server } = pair();
  client.request("/1", false);
  exchange(client, server);
  server.session.announceShutdown();
  client.session.receive(server.take());
  assert.deepEqual(client.goaways, [{ lastStreamId: 0x7fff_ffff, code: 0 }]);
  server.session.receive(headers(3)); // it was on its way
  server.session.goaway(ErrorCode.NO_ERROR);
  client.session.receive(server.take());
  assert.deepEqual(client.goaways[1], { lastStreamId: 3, code: 0 });
  server.session.receive(Buffer.concat([headers(5, POST, END_HEADERS), data(5, "a"), headers(5, [["x-a", "b"]]), rstStream(5, 8)]));
  assert.equal(server.streams.length, 2);
  assert.equal(server.error, undefined);
  assert.equal(server.stats.values["goaway_graceful_sent"], 1);
  assert.equal(server.stats.values["goaway_sent"], 1);
});

test("pings are answered, and its own come back by their number", () => {
  const { client, server } = pair();
  client.session.ping(0xffff_fffe);
  server.session.ping(1);
  exchange(client, server);
  assert.deepEqual(client.pings, [0xffff_fffe]);
  assert.deepEqual(server.pings, [1]);
});

test("extended CONNECT is offered and carried where it is allowed", () => {
  const server = new FakePeer("server", { allowConnect: true });
  const client = new FakePeer("client");
  exchange(client, server);
  assert.equal(client.session.peerSettings.enableConnectProtocol, true);
  const notes = client.session.newStream({ onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} });
  notes.sendRequest({ method: "CONNECT", protocol: "websocket", scheme: "https", authority: "a", path: "/chat" }, [], false);
  exchange(client, server);
  const [head] = server.streams[0]!.heads;
  assert.deepEqual([head!.method, head!.protocol, head!.path], ["CONNECT", "websocket", "/chat"]);
});

test("the end of a body that has to wait is told of when it has left", () => {
  const { client, server } = pair();
  client.request("/");
  exchange(client, server);
  server.session.receive(settings([4, 0]));
  const notes = server.streams[0]!;
  notes.stream!.sendResponse(200, [], false);
  notes.stream!.sendData(Buffer.from("abc"), true);
  assert.equal(notes.stream!.pendingBytes, 3);
  assert.deepEqual([notes.drains, server.ended.length], [0, 0]);
  // The window opens for the peer's SETTINGS too.
  server.session.receive(settings([4, 3]));
  assert.deepEqual([notes.drains, server.ended.length], [1, 1]);
});

test("a malformed message ends the connection unless the option says the stream alone", () => {
  const server = new FakePeer("server");
  server.session.receive(Buffer.concat([hello(), headers(1), headers(3, [...GET, ["connection", "close"]])]));
  assert.equal(server.error?.details, "http2.violation.of.messaging.rule");
  assert.deepEqual(server.streams[0]!.reset, {
    code: ErrorCode.PROTOCOL_ERROR,
    source: "connection",
    details: "http2.violation.of.messaging.rule",
  });
  assert.equal(server.stats.values["rx_messaging_error"], 1);
});

test("custom settings and a table of its own are sent", () => {
  const server = new FakePeer("server", { hpackTableSize: 0, customSettings: [{ identifier: 0x99, value: 5 }] });
  const [first] = readFrames(server.take());
  assert.match(first!.payload.toString("hex"), /^000100000000.*009900000005$/);
});

test("any bytes end in an error or in silence, never in a throw", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }),
      fc.array(fc.nat({ max: 10 }), { maxLength: 8 }),
      (payloads, types) => {
        const server = new FakePeer("server");
        server.session.receive(hello());
        payloads.forEach((payload, i) => server.session.receive(frame(types[i] ?? 1, payload[0] ?? 5, (payload[1] ?? 1) % 8, payload)));
        assert.ok(server.take().length < 100_000);
        if (server.error !== undefined) assert.equal(server.session.streamCount, 0);
      },
    ),
    { numRuns: 3000 },
  );
});
