import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FakePeer } from "#proxy/codec/http2/session.fake";
import type { StreamNotes } from "#proxy/codec/http2/session.fake";
import type { Http2SessionOptions } from "#proxy/codec/http2/session-options";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { own } from "#proxy/net/read-buffer";
import type { HttpClientConnection, HttpClientOwner } from "./client-connection.ts";
import { FakeConnection } from "./connection.fake.ts";
import type { HeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { http2CodecStats } from "./http2-codec-stats.ts";
import { Http2ClientConnection } from "./http2-client.ts";
import { readHttp2Options } from "./http2-options.ts";
import type { Http2Options } from "./http2-options.ts";
import { PairRequestHeaderMap, PairTrailerMap } from "./pair-header-map.ts";
import { FakeStats } from "./stats.fake.ts";
import type { RequestSender, ResponseReceiver } from "./stream.ts";
import { enterBatch, leaveBatch } from "./write-batch.ts";

class Receiver implements ResponseReceiver {
  sender!: RequestSender;
  readonly informational: number[] = [];
  headers: ResponseHeaderMap | undefined;
  trailers: HeaderMap | undefined;
  readonly chunks: Buffer[] = [];
  reset: string | undefined;
  ended = false;
  drains = 0;
  keeps = true;
  onInformational(headers: ResponseHeaderMap): void {
    this.informational.push(headers.status);
  }
  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    this.headers = headers;
    this.ended = endStream;
  }
  onResponseData(chunk: Buffer, endStream: boolean): void {
    this.chunks.push(this.keeps ? own(chunk) : chunk);
    this.ended = endStream;
  }
  onResponseTrailers(trailers: TrailerMap): void {
    this.trailers = trailers;
    this.ended = true;
  }
  onResponseReset(reason: string, details: string): void {
    this.reset = details === "" ? reason : `${reason} ${details}`;
  }
  onRequestDrain(): void {
    this.drains++;
  }
  get body(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
}

/** A client whose bytes go to a server's session and back. */
class Bench implements HttpClientOwner {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly connection = new FakeConnection();
  readonly client: Http2ClientConnection;
  readonly server: FakePeer;
  readonly log: string[] = [];

  constructor(client: Partial<Http2Options> = {}, server: Partial<Http2SessionOptions> = {}, settle = true) {
    const options = {
      http2: { ...readHttp2Options(undefined, "", () => {}), ...client },
      maxHeadersBytes: 60 * 1024,
      maxHeadersCount: 100,
      streamBufferBytes: 65_536,
      clock: this.clock,
      random: seededRandom(1),
      stats: http2CodecStats(this.stats),
    };
    this.server = new FakePeer("server", { streamErrorOnInvalidHttpMessaging: true, ...server });
    this.client = this.within(() => new Http2ClientConnection(this.connection, options, this));
    if (settle) this.carry();
  }

  within<T>(action: () => T): T {
    enterBatch();
    try {
      return action();
    } finally {
      leaveBatch();
    }
  }

  /** Until nobody has anything to say. */
  carry(): void {
    for (;;) {
      const there = this.connection.take();
      if (there !== "") this.server.session.receive(Buffer.from(there, "latin1"));
      const back = this.server.take();
      if (back.length > 0) this.connection.feed(back.toString("latin1"));
      else if (there === "") return;
    }
  }

  request({ method = "GET", path = "/", upgrade }: { method?: string; path?: string; upgrade?: string } = {}, endStream = true): Receiver {
    const receiver = new Receiver();
    this.within(() => {
      receiver.sender = this.client.newStream(receiver);
      const headers = new PairRequestHeaderMap({ method, path, authority: "a.example", scheme: "http", upgrade }, [["x-a", "1"]]);
      receiver.sender.sendHeaders(headers, endStream);
    });
    this.carry();
    return receiver;
  }

  get serverStream(): StreamNotes {
    return this.server.streams.at(-1)!;
  }

  onStreamDone(_client: HttpClientConnection, reusable: boolean): void {
    this.log.push(`done ${reusable}`);
  }
  onStreamReset(_client: HttpClientConnection, locally: boolean): void {
    this.log.push(locally ? "tx reset" : "rx reset");
  }
  onStreamBroken(_client: HttpClientConnection, locally: boolean): void {
    this.log.push(`broken ${locally ? "locally" : "remotely"}`);
  }
  onStreamLimit(client: HttpClientConnection): void {
    this.log.push(`limit ${client.streamLimit}`);
  }
  onGoAway(): void {
    this.log.push("goaway");
  }
  onProtocolError(_client: HttpClientConnection, details: string): void {
    this.log.push(`protocol error ${details}`);
  }
  onFault(fault: unknown): void {
    this.log.push(`fault ${String(fault)}`);
  }
  onClosed(): void {
    this.log.push("closed");
  }
}

describe("HTTP/2 client connection: exchanges", () => {
  it("sends a request with body and trailers and brings interim responses, body and trailers back", () => {
    const bench = new Bench();
    const receiver = bench.request({ method: "POST", path: "/x?y" }, false);
    bench.within(() => {
      assert.equal(receiver.sender.sendData(Buffer.from("hello"), false), true);
      receiver.sender.sendTrailers(new PairTrailerMap([["t", "1"]]));
    });
    bench.carry();
    const { serverStream } = bench;
    const [head] = serverStream.heads;
    assert.deepEqual([head!.method, head!.path, head!.authority, head!.scheme], ["POST", "/x?y", "a.example", "http"]);
    assert.deepEqual(head!.fields, ["x-a", "1"]);
    assert.deepEqual([serverStream.body, serverStream.trailers!.fields, serverStream.ended], ["hello", ["t", "1"], true]);

    serverStream.stream!.sendResponse(103, ["link", "x"], false);
    serverStream.stream!.sendResponse(200, ["b", "2"], false);
    serverStream.stream!.sendData(Buffer.from("world"), false);
    serverStream.stream!.sendTrailers(["grpc-status", "0"]);
    bench.log.length = 0;
    bench.carry();
    assert.deepEqual(receiver.informational, [103]);
    assert.deepEqual([receiver.headers!.status, receiver.headers!.get("b"), receiver.body], [200, "2", "world"]);
    assert.equal(receiver.trailers!.get("grpc-status"), "0");
    assert.deepEqual(bench.log, ["done true"]);
    assert.equal(bench.stats.get("http2.streams_active"), 0);
    assert.equal(bench.stats.get("http2.trailers"), 0);
  });

  it("sends everything of one turn in one write", () => {
    const bench = new Bench();
    bench.connection.take();
    bench.connection.writes = 0;
    for (let event = 0; event < 2; event++) {
      const receiver = new Receiver();
      const sender = bench.client.newStream(receiver);
      sender.sendHeaders(new PairRequestHeaderMap({ method: "POST", path: "/", authority: "a", scheme: "http" }), false);
      sender.sendData(Buffer.from("x"), true);
    }
    bench.connection.take();
    assert.equal(bench.connection.writes, 1);
  });

  it("lends the bytes of a body no longer than the call lasts, unless they are kept", () => {
    const bench = new Bench();
    const receiver = bench.request();
    receiver.keeps = false;
    bench.serverStream.stream!.sendResponse(200, [], false);
    bench.serverStream.stream!.sendData(Buffer.from("secret"), true);
    bench.carry();
    assert.equal(receiver.body, "\xdb".repeat(6));
  });

  it("asks for a tunnel by authority alone", () => {
    const bench = new Bench();
    bench.request({ method: "CONNECT", path: "" }, false);
    const [head] = bench.serverStream.heads;
    assert.deepEqual([head!.method, head!.authority, head!.scheme, head!.path], ["CONNECT", "a.example", "", ""]);
  });

  it("takes as many streams as both sides allow, few before the peer has said anything", () => {
    const bench = new Bench({ maxConcurrentStreams: 500 }, { maxConcurrentStreams: 200 }, false);
    assert.equal(bench.client.streamLimit, 100);
    bench.carry();
    assert.deepEqual(bench.log, ["limit 200"]);
    bench.request();
    assert.equal(bench.client.streamLimit, 200);
    assert.equal(new Bench({ maxConcurrentStreams: 7 }).client.streamLimit, 7);
  });
});

describe("HTTP/2 client connection: endings", () => {
  it("tells refused streams, which were not looked at, from other resets", () => {
    const bench = new Bench();
    for (const [code, expected, logged] of [
      [ErrorCode.REFUSED_STREAM, "remote-refused http2.remote_refuse", ["done true"]],
      [ErrorCode.INTERNAL_ERROR, "remote-reset http2.remote_reset", ["rx reset", "done true"]],
      // As a real Envoy has it.
      [ErrorCode.PROTOCOL_ERROR, "protocol-error", ["tx reset", "done true"]],
      [ErrorCode.CONNECT_ERROR, "connect-error http2.remote_reset", ["done true"]],
    ] as const) {
      const receiver = bench.request();
      bench.log.length = 0;
      bench.serverStream.stream!.reset(code);
      bench.carry();
      assert.equal(receiver.reset, expected);
      assert.deepEqual(bench.log, logged);
    }
  });

  it("cancels a stream that is given up, and says no error behind a response that is complete", () => {
    const bench = new Bench();
    const given = bench.request();
    bench.log.length = 0;
    bench.within(() => given.sender.reset("local-reset"));
    bench.carry();
    assert.equal(bench.serverStream.reset!.code, ErrorCode.CANCEL);
    assert.deepEqual(bench.log, ["tx reset", "done true"]);
    assert.equal(given.reset, undefined);

    const early = bench.request({ method: "POST" }, false);
    bench.serverStream.stream!.sendResponse(413, [], true);
    bench.carry();
    assert.equal(early.ended, true);
    bench.within(() => early.sender.reset("local-reset"));
    bench.carry();
    assert.equal(bench.serverStream.reset!.code, ErrorCode.NO_ERROR);
  });

  it("does not send on what waits for windows when the response is complete", () => {
    const bench = new Bench({}, { initialStreamWindowSize: 65_535 });
    const receiver = bench.request({ method: "POST" }, false);
    bench.serverStream.stream!.pauseReading();
    bench.within(() => receiver.sender.sendData(Buffer.alloc(200_000), true));
    bench.serverStream.stream!.sendResponse(200, [], true);
    bench.log.length = 0;
    bench.carry();
    assert.equal(receiver.ended, true);
    assert.equal(bench.serverStream.reset!.code, ErrorCode.NO_ERROR);
    assert.deepEqual(bench.log, ["done true"]);
    assert.equal(bench.stats.get("http2.pending_send_bytes"), 0);
  });

  it("lets streams end that a GOAWAY covers, and refuses those above its last one", () => {
    const bench = new Bench();
    const covered = bench.request();
    bench.server.session.goaway(ErrorCode.NO_ERROR);
    const above = bench.within(() => {
      const receiver = new Receiver();
      receiver.sender = bench.client.newStream(receiver);
      receiver.sender.sendHeaders(new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http" }), true);
      return receiver;
    });
    bench.log.length = 0;
    bench.carry();
    assert.equal(above.reset, "remote-refused http2.remote_refuse");
    assert.deepEqual(bench.log, ["done true", "goaway"]);
    assert.equal(covered.reset, undefined);
    bench.server.streams[0]!.stream!.sendResponse(200, [], true);
    bench.carry();
    assert.equal(covered.ended, true);
  });

  it("ends its streams with the connection", () => {
    const bench = new Bench();
    const receiver = bench.request();
    bench.log.length = 0;
    bench.connection.lost({ kind: "reset", detail: "reset by peer" });
    assert.equal(receiver.reset, "connection-termination reset by peer");
    assert.deepEqual(bench.log, ["broken remotely", "closed"]);
    assert.equal(bench.client.closed, true);
    const half = new Bench();
    const waiting = half.request();
    half.connection.feedEnd();
    assert.equal(waiting.reset, "connection-termination");
    assert.equal(half.connection.closed, "flush");
  });

  it("ends a connection on which the peer breaks the protocol, with all its streams", () => {
    const bench = new Bench();
    const receiver = bench.request();
    bench.log.length = 0;
    bench.connection.feed("\x00\x00\x00\x00\x00\x00\x00\x00\x00"); // DATA on stream 0
    assert.equal(receiver.reset, "protocol-error http2.protocol_error");
    assert.deepEqual(bench.log, ["broken locally", "protocol error http2.protocol_error"]);
    assert.equal(bench.connection.closed, "flush");
  });

  it("ends a malformed response's stream alone where that is configured, else the connection", () => {
    for (const streamErrorOnInvalidHttpMessaging of [true, false]) {
      const bench = new Bench({ streamErrorOnInvalidHttpMessaging });
      const other = bench.request();
      const receiver = bench.request();
      bench.serverStream.stream!.sendResponse(200, ["content-length", "1"], false);
      bench.serverStream.stream!.sendData(Buffer.from("xy"), true);
      bench.carry();
      assert.match(receiver.reset!, /^protocol-error http2.violation/);
      assert.equal(other.reset === undefined, streamErrorOnInvalidHttpMessaging);
    }
  });

  it("gives up an upstream that sends interim responses without end", () => {
    const bench = new Bench();
    const receiver = bench.request();
    for (let i = 0; i < 65; i++) bench.serverStream.stream!.sendResponse(103, [], false);
    bench.carry();
    assert.equal(receiver.informational.length, 64);
    assert.equal(receiver.reset, "protocol-error http2.too_many_informational_responses");
  });

  it("closes in order when it is idle", () => {
    const bench = new Bench();
    bench.within(() => bench.client.close());
    bench.carry();
    assert.deepEqual(bench.server.goaways, []);
    assert.equal(bench.connection.closed, "flush");
    assert.equal(bench.client.closedByUs, false, "nobody had a stream on it");
  });

  it("says no GOAWAY to a peer that has ended", () => {
    const bench = new Bench();
    bench.connection.feedEnd();
    bench.carry();
    assert.deepEqual(bench.server.goaways, []);
    assert.equal(bench.connection.closed, "flush");
    assert.equal(bench.stats.get("http2.goaway_sent"), 0);
  });

  it("gives up a peer that does not answer pings", () => {
    const keepalive = { intervalMs: 1000, timeoutMs: 100, jitterPercent: 0, connectionIdleIntervalMs: 0 };
    const bench = new Bench({ keepalive });
    bench.clock.advance(1000);
    bench.clock.advance(100);
    assert.equal(bench.stats.get("http2.keepalive_timeout"), 1);
    assert.equal(bench.connection.closed, "now");
    assert.equal(bench.client.closedByUs, true);
    assert.equal(bench.clock.pending, 0);
  });

  it("resets the connection when code of ours throws", () => {
    const bench = new Bench();
    const receiver = bench.request();
    receiver.onResponseHeaders = () => {
      throw new Error("ours");
    };
    bench.serverStream.stream!.sendResponse(200, [], true);
    bench.log.length = 0;
    bench.carry();
    assert.deepEqual(bench.log, ["fault Error: ours", "broken locally"]);
    assert.equal(bench.connection.closed, "reset");
  });
});

describe("HTTP/2 client connection: flow", () => {
  it("stops the sender at the buffer limit until the peer takes more", () => {
    const bench = new Bench({}, { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 });
    const receiver = bench.request({ method: "POST" }, false);
    bench.serverStream.stream!.pauseReading();
    bench.within(() => {
      assert.equal(receiver.sender.sendData(Buffer.alloc(100_000), false), true);
      assert.equal(receiver.sender.sendData(Buffer.alloc(100_000), false), false);
    });
    bench.carry();
    assert.equal(receiver.drains, 0);
    bench.serverStream.stream!.resumeReading();
    bench.carry();
    assert.equal(receiver.drains, 1);
    assert.equal(bench.serverStream.body.length, 200_000);
  });

  it("gives the peer no more window for a stream that is paused, however often it is", () => {
    const bench = new Bench({ initialStreamWindowSize: 65_535 });
    const receiver = bench.request();
    receiver.sender.pauseReading();
    receiver.sender.pauseReading();
    bench.serverStream.stream!.sendResponse(200, [], false);
    bench.serverStream.stream!.sendData(Buffer.alloc(100_000), true);
    bench.carry();
    assert.equal(receiver.body.length, 65_535);
    bench.within(() => receiver.sender.resumeReading());
    bench.carry();
    assert.equal(receiver.body.length, 65_535);
    bench.within(() => receiver.sender.resumeReading());
    bench.carry();
    assert.equal(receiver.body.length, 100_000);
    assert.equal(receiver.ended, true);
  });
});

describe("HTTP/2 client connection: upgrades", () => {
  it("become extended CONNECT, and their answer a 101", () => {
    const bench = new Bench({}, { allowConnect: true }, false);
    const receiver = new Receiver();
    bench.within(() => {
      receiver.sender = bench.client.newStream(receiver);
      const headers = new PairRequestHeaderMap({ method: "GET", path: "/chat", authority: "a", scheme: "http", upgrade: "websocket" }, [
        ["upgrade", "WebSocket"],
        ["connection", "upgrade"],
        ["sec-websocket-version", "13"],
      ]);
      receiver.sender.sendHeaders(headers, false);
      assert.equal(receiver.sender.sendData(Buffer.from("early"), false), false, "the peer has not said that it takes upgrades");
    });
    bench.carry();
    const [head] = bench.serverStream.heads;
    assert.deepEqual([head!.method, head!.protocol, head!.path], ["CONNECT", "WebSocket", "/chat"], "the protocol as the client writes it");
    assert.deepEqual(head!.fields, ["sec-websocket-version", "13"]);
    assert.equal(bench.serverStream.body, "early");
    assert.equal(receiver.drains, 1);
    bench.serverStream.stream!.sendResponse(200, [], false);
    bench.carry();
    assert.deepEqual(
      [receiver.headers!.status, receiver.headers!.get("upgrade"), receiver.headers!.get("connection")],
      [101, "WebSocket", "upgrade"],
    );
  });

  it("fail where the peer does not take extended CONNECT, or is gone before it could say so", () => {
    const bench = new Bench();
    bench.log.length = 0;
    const receiver = bench.request({ upgrade: "websocket" }, false);
    assert.equal(receiver.reset, "protocol-error http2.extended_connect_not_allowed");
    assert.deepEqual(bench.log, ["tx reset", "done true"]);
    const early = new Bench({}, {}, false);
    const waiting = new Receiver();
    early.within(() => {
      waiting.sender = early.client.newStream(waiting);
      waiting.sender.sendHeaders(
        new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http", upgrade: "websocket" }),
        false,
      );
    });
    early.connection.lost();
    assert.equal(waiting.reset, "connection-termination");
    assert.deepEqual(early.log, ["broken remotely", "closed"]);
  });
});
