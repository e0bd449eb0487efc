import assert from "node:assert/strict";
import { test } from "node:test";
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
