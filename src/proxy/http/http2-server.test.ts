import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FakePeer, StreamNotes } from "#proxy/codec/http2/session.fake";
import { DEFAULT_HTTP2_OPTIONS } from "#proxy/codec/http2/session-options";
import type { Http2SessionOptions } from "#proxy/codec/http2/session-options";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { own } from "#proxy/net/read-buffer";
import { FakeConnection } from "./connection.fake.ts";
import type { RequestHeaderMap } from "./header-map.ts";
import { http2CodecStats } from "./http2-codec-stats.ts";
import { Http2ServerConnection } from "./http2-server.ts";
import type { Http2ServerOptions, Http2ServerOwner } from "./http2-server.ts";
import { PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";
import type { ServerStream } from "./server-codec.ts";
import { FakeStats } from "./stats.fake.ts";
import type { RequestReceiver } from "./stream.ts";
import { TimerWheel } from "./timer-wheel.ts";

/** One request as the connection manager sees it. */
class Exchange implements RequestReceiver {
  readonly sender: ServerStream;
  readonly keep: boolean;
  headers: RequestHeaderMap | undefined;
  readonly chunks: Buffer[] = [];
  trailers = "";
  ended = false;
  reset: string | undefined;
  drains = 0;

  constructor(sender: ServerStream, keep: boolean) {
    this.sender = sender;
    this.keep = keep;
  }
  get body(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    this.headers = headers;
    this.ended = endStream;
  }
  onRequestData(chunk: Buffer, endStream: boolean): void {
    this.chunks.push(this.keep ? own(chunk) : chunk);
    this.ended = endStream;
  }
  onRequestTrailers(trailers: { toHttp1(): string }): void {
    this.trailers = trailers.toHttp1();
    this.ended = true;
  }
  onRequestReset(reason: string, details: string): void {
    this.reset = `${reason} ${details}`;
  }
  onResponseDrain(): void {
    this.drains++;
  }
  respond(status: number, body = "", pairs: [string, string][] = []): void {
    this.sender.sendHeaders(new PairResponseHeaderMap(status, pairs), body === "");
    if (body !== "") this.sender.sendData(Buffer.from(body), true);
  }
}

/** A server on a fake transport with a client session at its other end. */
class Bench implements Http2ServerOwner {
  readonly clock = new ManualClock();
  readonly connection = new FakeConnection();
  readonly stats = new FakeStats();
  readonly timers = new TimerWheel(this.clock);
  readonly exchanges: Exchange[] = [];
  readonly events: string[] = [];
  readonly client: FakePeer;
  readonly server: Http2ServerConnection;
  keep = true;

  constructor(
    session: Partial<Http2SessionOptions> = {},
    more: Partial<Http2ServerOptions> = {},
    client: Partial<Http2SessionOptions> = {},
  ) {
    const options: Http2ServerOptions = {
      session: {
        ...DEFAULT_HTTP2_OPTIONS,
        role: "server",
        streamBufferBytes: 65_536,
        nowMs: () => this.clock.monotonicMs(),
        ...session,
      },
      proxy100Continue: false,
      keepalive: undefined,
      headersTimeoutMs: 0,
      flushTimeoutMs: 0,
      clock: this.clock,
      random: seededRandom(1),
      timers: this.timers,
      stats: http2CodecStats(this.stats),
      ...more,
    };
    this.server = new Http2ServerConnection(this.connection, options, this);
    this.client = new FakePeer("client", client);
  }

  newStream(sender: ServerStream): RequestReceiver {
    const exchange = new Exchange(sender, this.keep);
    this.exchanges.push(exchange);
    return exchange;
  }
  onHeadBegun(): void {}
  onIdle(): void {
    this.events.push("idle");
  }
  onProtocolError({ details }: { details: string }): void {
    this.events.push(details);
  }
  onUnfitHead(details: string): void {
    this.events.push(`unfit ${details}`);
  }
  onHeadAbandoned(): void {
    this.events.push("abandoned head");
  }
  onSlowHead(): void {
    this.events.push("slow head");
  }
  onFault(fault: unknown): void {
    throw fault;
  }
  onClosed(): void {
    this.events.push("closed");
  }

  get last(): Exchange {
    return this.exchanges.at(-1)!;
  }

  /** Carries bytes both ways until nobody says anything. */
  carry(): void {
    for (let moved = true; moved;) {
      const up = this.client.take();
      if (up.length > 0) this.connection.feed(up.toString("latin1"));
      const down = Buffer.from(this.connection.take(), "latin1");
      if (down.length > 0) this.client.session.receive(down);
      moved = up.length + down.length > 0;
    }
  }

  request(path: string, fields: readonly string[] = [], endStream = true, method = "GET"): StreamNotes {
    const notes = this.client.request(path, endStream, fields, method);
    this.carry();
    return notes;
  }
}

function head(notes: StreamNotes): string {
  const { status, fields } = notes.heads.at(-1)!;
  return `${status} ${fields.join(" ")}`;
}

describe("an HTTP/2 server connection", () => {
  it("carries a request with its body, and the response with trailers, with one write for what belongs together", () => {
    const bench = new Bench();
    const notes = bench.request("/a?b", ["x-a", "1"], false, "POST");
    const { headers } = bench.last;
    assert.equal(`${headers!.method} ${headers!.scheme} ${headers!.authority} ${headers!.path}`, "POST http a.example /a?b");
    assert.equal(headers!.toHttp1(), "host: a.example\r\nx-a: 1\r\n");
    notes.stream!.sendData(Buffer.from("hello "), false);
    bench.carry();
    notes.stream!.sendData(Buffer.from("there"), false);
    notes.stream!.sendTrailers(["x-sum", "2"]);
    bench.carry();
    assert.equal(bench.last.body, "hello there", "kept chunks are not overwritten");
    assert.equal(bench.last.trailers, "x-sum: 2\r\n");

    bench.connection.writes = 0;
    bench.last.sender.sendInformational(new PairResponseHeaderMap(103, [["link", "</a>"]]));
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200, [["x-b", "3"]]), false);
    bench.last.sender.sendData(Buffer.from("answer"), false);
    bench.last.sender.sendTrailers(new PairTrailerMap([["grpc-status", "0"]]));
    bench.carry();
    assert.equal(bench.connection.writes, 1);
    assert.deepEqual(
      notes.heads.map(({ status }) => status),
      [103, 200],
    );
    assert.equal(notes.body, "answer");
    assert.deepEqual(notes.trailers?.fields, ["grpc-status", "0"]);
    assert.deepEqual(bench.events, ["idle"]);
    assert.equal(bench.stats.get("http2.streams_active"), 0);
  });

  it("serves streams side by side, in any order", () => {
    const bench = new Bench();
    const [one, two] = [bench.request("/1"), bench.request("/2")];
    bench.exchanges[1]!.respond(200, "two");
    bench.carry();
    assert.deepEqual([one.ended, two.body, two.ended], [false, "two", true]);
    assert.deepEqual(bench.events, []);
    bench.exchanges[0]!.respond(204);
    bench.carry();
    assert.equal(one.ended, true);
    assert.deepEqual(bench.events, ["idle"]);
  });

  it("leaves out of the answer what speaks of an HTTP/1 connection", () => {
    const bench = new Bench();
    const notes = bench.request("/");
    bench.last.respond(200, "", [
      ["connection", "close"],
      ["keep-alive", "timeout=5"],
      ["x-a", "b"],
      ["transfer-encoding", "chunked"],
    ]);
    bench.carry();
    assert.equal(head(notes), "200 x-a b");
  });

  it("joins crumbs of cookies, and takes Host for a missing :authority only", () => {
    const bench = new Bench();
    bench.request("/", ["cookie", "a=b", "host", "other", "x", "y", "cookie", "c=d"]);
    assert.equal(bench.last.headers!.toHttp1(), "host: a.example\r\ncookie: a=b; c=d\r\nx: y\r\n");
    const bare = bench.client.session.newStream(bench.client.onStream(undefined as never));
    bare.sendRequest({ method: "GET", scheme: "http", authority: "", path: "/" }, ["host", "b.example:80"], true);
    bench.carry();
    assert.equal(bench.last.headers!.authority, "b.example:80");
    assert.equal(bench.last.headers!.count, 0);
  });

  it("keeps fields that must not be indexed so, both ways", () => {
    const bench = new Bench();
    const notes = new StreamNotes();
    const stream = bench.client.session.newStream(notes);
    stream.sendRequest({ method: "GET", scheme: "http", authority: "a.example", path: "/" }, ["x-secret", "s", "x-a", "b"], true, [
      "x-secret",
    ]);
    bench.carry();
    assert.deepEqual(bench.last.headers!.neverIndexed, ["x-secret"]);
    const headers = new PairResponseHeaderMap(200, [["x-token", "t"]]);
    headers.neverIndexed = ["x-token"];
    bench.last.sender.sendHeaders(headers, true);
    bench.carry();
    assert.deepEqual(notes.heads[0]!.neverIndexed, ["x-token"]);
  });

  it("answers 100-continue itself unless it is told to leave that to the upstream", () => {
    const bench = new Bench();
    const notes = bench.request("/", ["expect", "100-continue"], false, "POST");
    assert.deepEqual(
      notes.heads.map(({ status }) => status),
      [100],
    );
    assert.equal(bench.last.headers!.has("expect"), false);
    const leaving = new Bench({}, { proxy100Continue: true });
    assert.equal(leaving.request("/", ["expect", "100-continue"], false, "POST").heads.length, 0);
    assert.equal(leaving.last.headers!.get("expect"), "100-continue");
  });

  it("shows an extended CONNECT as an upgrade, and its 101 as 200", () => {
    const bench = new Bench({ allowConnect: true });
    const client = bench.client;
    const notes = client.onStream(undefined as never) as StreamNotes;
    const stream = client.session.newStream(notes);
    bench.carry();
    assert.equal(client.session.peerSettings.enableConnectProtocol, true);
    stream.sendRequest(
      { method: "CONNECT", scheme: "http", authority: "a.example", path: "/chat", protocol: "websocket" },
      ["sec-websocket-version", "13"],
      false,
    );
    bench.carry();
    const { headers, sender } = bench.last;
    assert.deepEqual([headers!.method, headers!.path, headers!.upgrade], ["GET", "/chat", "websocket"]);
    assert.match(
      headers!.toHttp1(),
      /^host: a\.example\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: [\w+/]{22}==\r\n$/,
    );
    sender.sendHeaders(
      new PairResponseHeaderMap(101, [
        ["connection", "upgrade"],
        ["upgrade", "websocket"],
        ["sec-websocket-accept", "x"],
        ["sec-websocket-protocol", "p"],
      ]),
      false,
    );
    sender.sendData(Buffer.from("frame"), false);
    stream.sendData(Buffer.from("mask"), false);
    bench.carry();
    assert.equal(head(notes), "200 sec-websocket-protocol p");
    assert.equal(notes.body, "frame");
    assert.equal(bench.last.body, "mask");
  });

  it("holds what comes for a tunnel until there is one", () => {
    const bench = new Bench();
    const early = bench.client.onStream(undefined as never) as StreamNotes;
    const stream = bench.client.session.newStream(early);
    const connect = { method: "CONNECT", scheme: "", authority: "a.example:80", path: "" };
    stream.sendRequest(connect, [], false);
    stream.sendData(Buffer.from("one "), false);
    bench.carry();
    stream.sendData(Buffer.from("two"), true);
    bench.carry();
    assert.deepEqual([bench.last.headers!.method, bench.last.headers!.authority, bench.last.body], ["CONNECT", "a.example:80", ""]);
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200), false);
    assert.equal(bench.last.body, "one two");
    assert.equal(bench.last.ended, true);

    const refused = bench.client.session.newStream(bench.client.onStream(undefined as never));
    refused.sendRequest(connect, [], false);
    refused.sendData(Buffer.from("never"), false);
    bench.carry();
    bench.last.respond(403, "no");
    bench.carry();
    assert.equal(bench.last.body, "");

    const flooding = bench.client.session.newStream(bench.client.onStream(undefined as never));
    flooding.sendRequest(connect, [], false);
    for (let i = 0; i < 70; i++) flooding.sendData(Buffer.alloc(16_384), false);
    bench.carry();
    assert.equal(bench.last.reset, "protocol-error http2.early_tunnel_data");
  });

  it("tells of heads that are no request", () => {
    const bench = new Bench({ maxHeadersCount: 5, streamErrorOnInvalidHttpMessaging: true });
    const many = bench.request(
      "/",
      Array.from({ length: 12 }, (_, at) => `x-${at}`),
    );
    assert.notEqual(many.reset, undefined);
    bench.request("/", ["Bad Name", "x"]);
    assert.deepEqual(bench.events, ["unfit http2.too_many_headers", "idle", "unfit http2.invalid.header.field", "idle"]);
    assert.equal(bench.exchanges.length, 0);
  });

  it("tells who ended a stream or the connection", () => {
    const bench = new Bench();
    const cancelled = bench.request("/", [], false);
    cancelled.stream!.reset(ErrorCode.CANCEL);
    bench.carry();
    assert.equal(bench.last.reset, "remote-reset http2.remote_reset");
    const accused = bench.request("/", [], false);
    accused.stream!.reset(ErrorCode.PROTOCOL_ERROR);
    bench.carry();
    assert.equal(bench.last.reset, "protocol-error http2.remote_reset");
    bench.request("/");
    bench.connection.lost();
    assert.equal(bench.last.reset, "remote-reset downstream_remote_disconnect");
    assert.equal(bench.server.leftByClient, true);
    assert.deepEqual(bench.events, ["idle", "idle", "closed"]);

    const broken = new Bench();
    broken.request("/");
    broken.connection.feed("\0\0\x01\x06\0\0\0\0\0\0");
    broken.carry();
    assert.equal(broken.last.reset, "protocol-error http2.frame_size_error");
    assert.deepEqual(broken.events, ["http2.frame_size_error"]);
    assert.equal(broken.connection.closed, "flush");
    assert.equal(broken.client.goaways.at(-1)!.code, ErrorCode.FRAME_SIZE_ERROR);
  });

  it("says INTERNAL_ERROR when a response breaks off, and NO_ERROR when it needs no more of the request", () => {
    const bench = new Bench();
    const broken = bench.request("/");
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200), false);
    bench.last.sender.reset("connection-termination");
    bench.carry();
    assert.equal(broken.reset!.code, ErrorCode.INTERNAL_ERROR);
    const early = bench.request("/", [], false, "POST");
    bench.last.respond(413, "too much");
    bench.carry();
    assert.equal(early.body, "too much");
    assert.equal(early.reset!.code, ErrorCode.NO_ERROR);
    assert.equal(bench.stats.get("http2.streams_active"), 0);
  });

  it("waits for the client's windows, and says when it may go on", () => {
    const bench = new Bench({}, {}, { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 });
    const notes = bench.request("/");
    notes.stream!.pauseReading();
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200), false);
    let taken = 0;
    while (bench.last.sender.sendData(Buffer.alloc(10_000), false)) taken++;
    bench.carry();
    assert.equal(bench.last.drains, 0);
    assert.ok(taken * 10_000 < 65_535 * 2 + 20_000, `${taken} chunks were taken`);
    notes.stream!.resumeReading();
    bench.carry();
    assert.equal(bench.last.drains, 1);
  });

  it("gives a client no window for a paused request, and passes over what comes after the answer", () => {
    const bench = new Bench({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 200_000 });
    const notes = bench.request("/", [], false, "POST");
    bench.last.sender.pauseReading();
    for (let i = 0; i < 10; i++) notes.stream!.sendData(Buffer.alloc(20_000), i === 9);
    bench.carry();
    assert.equal(bench.last.body.length, 65_535);
    bench.last.sender.resumeReading();
    bench.carry();
    assert.equal(bench.last.body.length, 200_000);
    assert.equal(bench.last.ended, true);
  });

  it("resets a stream whose complete answer the client does not take", () => {
    const bench = new Bench({}, { flushTimeoutMs: 1000 }, { initialStreamWindowSize: 65_535 });
    const notes = bench.request("/");
    notes.stream!.pauseReading();
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200), false);
    bench.last.sender.sendData(Buffer.alloc(200_000), true);
    bench.carry();
    bench.clock.advance(900);
    notes.stream!.resumeReading();
    notes.stream!.pauseReading();
    bench.carry();
    bench.clock.advance(900);
    assert.equal(bench.stats.get("http2.tx_flush_timeout"), 0, "something moved");
    bench.clock.advance(1100);
    bench.carry();
    assert.equal(bench.stats.get("http2.tx_flush_timeout"), 1);
    assert.equal(notes.reset!.code, ErrorCode.INTERNAL_ERROR);
    assert.equal(bench.timers.size, 0);
    assert.equal(bench.stats.get("http2.streams_active"), 0);
  });

  it("drains in two steps: what is on its way is served, then what runs, then it closes", () => {
    const bench = new Bench();
    const one = bench.request("/1");
    bench.server.announceDrain();
    bench.carry();
    assert.deepEqual(bench.client.goaways, [{ lastStreamId: 0x7fff_ffff, code: 0 }]);
    bench.server.drain();
    bench.carry();
    assert.deepEqual(bench.client.goaways.at(-1), { lastStreamId: 1, code: 0 });
    assert.equal(bench.connection.closed, undefined);
    bench.last.respond(200, "last");
    bench.carry();
    assert.equal(one.body, "last");
    assert.equal(bench.connection.closed, "flush");
    assert.equal(bench.server.closedByUs, true);
    const idle = new Bench();
    idle.server.drain();
    assert.equal(idle.connection.closed, "flush");
  });

  it("closes on a header block that does not end, and on no other", () => {
    const bench = new Bench({}, { headersTimeoutMs: 1000 });
    bench.request("/");
    for (let at = 0; at < 5; at++) {
      bench.client.request("/slow");
      const bytes = bench.client.take().toString("latin1");
      bench.connection.feed(bytes.slice(0, -3));
      bench.clock.advance(900);
      bench.connection.feed(bytes.slice(-3));
    }
    assert.equal(bench.exchanges.length, 6);
    bench.client.request("/slow");
    bench.connection.feed(bench.client.take().toString("latin1").slice(0, -1));
    bench.clock.advance(990);
    assert.equal(bench.connection.closed, undefined);
    bench.clock.advance(20);
    assert.equal(bench.connection.closed, "flush");
    assert.deepEqual(bench.events, ["slow head"]);
    bench.connection.lost();
    assert.equal(bench.timers.size, 0);
  });

  it("takes a client that leaves within the head of a request for one that has begun to ask, once", () => {
    for (const leave of ["ended", "lost"] as const) {
      const bench = new Bench();
      bench.carry();
      bench.client.request("/", true, [], "GET");
      bench.connection.feed(bench.client.take().subarray(0, -3).toString("latin1"));
      if (leave === "ended") bench.connection.feedEnd();
      bench.connection.lost();
      assert.deepEqual(bench.events, ["abandoned head", "closed"], leave);
      assert.equal(bench.server.leftByClient, true);
    }
  });

  it("does not take trailers that break off for the head of a request", () => {
    const bench = new Bench();
    const notes = bench.request("/", [], false, "POST");
    notes.stream!.sendTrailers(["x-sum", "2"]);
    bench.connection.feed(bench.client.take().subarray(0, -3).toString("latin1"));
    bench.connection.lost();
    assert.deepEqual([bench.last.reset, bench.events], ["remote-reset downstream_remote_disconnect", ["closed"]]);
  });

  it("closes when a ping is not answered", () => {
    const keepalive = { intervalMs: 1000, timeoutMs: 500, jitterPercent: 0, connectionIdleIntervalMs: 0 };
    const bench = new Bench({}, { keepalive });
    bench.request("/");
    for (let i = 0; i < 3; i++) {
      bench.clock.advance(1000);
      bench.carry();
    }
    assert.equal(bench.connection.closed, undefined, "pings were answered");
    bench.clock.advance(1000);
    bench.clock.advance(500);
    assert.equal(bench.connection.closed, "now");
    assert.equal(bench.stats.get("http2.keepalive_timeout"), 1);
    bench.connection.lost();
    assert.equal(bench.last.reset, "remote-reset downstream_local_disconnect(http2_ping_timeout)");
  });
});
