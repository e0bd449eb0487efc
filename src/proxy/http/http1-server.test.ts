import { describe, it } from "node:test";
import assert from "node:assert/strict";
import type { Http1Error } from "#proxy/codec/http1/http1-error";
import { own } from "#proxy/net/read-buffer";
import { FakeConnection } from "./connection.fake.ts";
import type { RequestHeaderMap, TrailerMap } from "./header-map.ts";
import { Http1ServerConnection } from "./http1-server.ts";
import type { Http1ServerOptions, Http1ServerOwner } from "./http1-server.ts";
import type { Http1ServerStream } from "./http1-server-stream.ts";
import { PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";
import type { RequestReceiver, StreamResetReason } from "./stream.ts";

const OPTIONS: Http1ServerOptions = {
  maxHeadBytes: 60 * 1024,
  maxHeaders: 100,
  allowAbsoluteUrl: true,
  scheme: "http",
  validateScheme: true,
  proxy100Continue: false,
};

class Exchange implements RequestReceiver {
  headers: RequestHeaderMap | undefined;
  readonly chunks: Buffer[] = [];
  trailers: TrailerMap | undefined;
  ended = false;
  reset: StreamResetReason | undefined;
  drains = 0;
  readonly sender: Http1ServerStream;
  readonly #keep: boolean;
  readonly #onEnd: ((exchange: Exchange) => void) | undefined;
  readonly #onHead: ((exchange: Exchange) => void) | undefined;

  constructor(sender: Http1ServerStream, keep: boolean, onHead?: (exchange: Exchange) => void, onEnd?: (exchange: Exchange) => void) {
    this.sender = sender;
    this.#keep = keep;
    this.#onHead = onHead;
    this.#onEnd = onEnd;
  }
  get body(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    this.headers = headers;
    this.#onHead?.(this);
    if (endStream) this.#end();
  }
  onRequestData(chunk: Buffer, endStream: boolean): void {
    this.chunks.push(this.#keep ? own(chunk) : chunk);
    if (endStream) this.#end();
  }
  onRequestTrailers(trailers: TrailerMap): void {
    this.trailers = trailers;
    this.#end();
  }
  #end(): void {
    assert.equal(this.ended, false, "one end only");
    this.ended = true;
    this.#onEnd?.(this);
  }
  onRequestReset(reason: StreamResetReason): void {
    assert.equal(this.reset, undefined);
    this.reset = reason;
  }
  onResponseDrain(): void {
    this.drains++;
  }
  respond(status: number, body = "", pairs: [string, string][] = []): void {
    this.sender.sendHeaders(new PairResponseHeaderMap(status, pairs), body === "");
    if (body !== "") this.sender.sendData(Buffer.from(body), true);
  }
}

class Bench implements Http1ServerOwner {
  readonly connection = new FakeConnection();
  readonly exchanges: Exchange[] = [];
  readonly events: string[] = [];
  readonly faults: unknown[] = [];
  abandonedHeads = 0;
  errors: Http1Error[] = [];
  onHead: ((exchange: Exchange) => void) | undefined;
  onExchangeEnd: ((exchange: Exchange) => void) | undefined;
  keep = true;
  readonly server: Http1ServerConnection;

  constructor(options: Partial<Http1ServerOptions> = {}) {
    this.server = new Http1ServerConnection(this.connection, { ...OPTIONS, ...options }, this);
  }
  newStream(sender: Http1ServerStream): RequestReceiver {
    const exchange = new Exchange(sender, this.keep, this.onHead, this.onExchangeEnd);
    this.exchanges.push(exchange);
    return exchange;
  }
  onHeadAbandoned(): void {
    this.abandonedHeads++;
  }
  onCodecError(error: Http1Error): { status: number; body: string } {
    this.errors.push(error);
    return { status: error.status, body: "no" };
  }
  onHeadBegun(): void {
    this.events.push("active");
  }
  onIdle(): void {
    this.events.push("idle");
  }
  onFault(fault: unknown): void {
    this.faults.push(fault);
  }
  onClosed(): void {
    this.events.push("closed");
  }
  get last(): Exchange {
    return this.exchanges[this.exchanges.length - 1]!;
  }
}

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";

describe("HTTP/1 server connection: responses", () => {
  it("frames a response by its content-length, in one write within a read", () => {
    const bench = new Bench();
    bench.onExchangeEnd = (exchange) => {
      exchange.sender.sendHeaders(new PairResponseHeaderMap(200, [["content-length", "5"]]), false);
      exchange.sender.sendData(Buffer.from("hello"), true);
    };
    bench.connection.feed(GET);
    assert.equal(bench.connection.written, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    assert.equal(bench.connection.writes, 1);
    assert.deepEqual(bench.events, ["active", "idle"]);
  });

  it("chunks a body of unknown length, trailers included", () => {
    const bench = new Bench();
    bench.connection.feed(GET);
    const { sender } = bench.last;
    sender.sendHeaders(new PairResponseHeaderMap(200), false);
    sender.sendData(Buffer.from("hello"), false);
    sender.sendData(Buffer.alloc(0), false);
    sender.sendTrailers(new PairTrailerMap([["x-sum", "1"]]));
    assert.equal(bench.connection.written, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n");
    assert.equal(bench.connection.closed, undefined);
  });

  it("ends the last chunk and the body together", () => {
    const bench = new Bench();
    bench.connection.feed(GET);
    bench.last.respond(200, "hi");
    assert.match(bench.connection.written, /\r\n2\r\nhi\r\n0\r\n\r\n$/);
  });

  it("sends large bodies without copying them into text", () => {
    const bench = new Bench();
    const body = Buffer.alloc(100_000, "x");
    bench.onExchangeEnd = (exchange) => {
      exchange.sender.sendHeaders(new PairResponseHeaderMap(200, [["content-length", "100000"]]), false);
      exchange.sender.sendData(body, true);
    };
    bench.connection.feed(GET);
    assert.equal(bench.connection.writes, 1);
    assert.equal(bench.connection.written.length, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".length + 100_000);
  });

  it("says content-length: 0 where there is no body, and nothing where there may be none", () => {
    const bench = new Bench();
    bench.connection.feed(GET);
    bench.last.respond(404);
    assert.equal(bench.connection.take(), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    bench.connection.feed(GET);
    bench.last.respond(204, "", [["content-length", "0"]]);
    assert.equal(bench.connection.take(), "HTTP/1.1 204 No Content\r\n\r\n");
    bench.connection.feed(GET);
    bench.last.respond(304);
    assert.equal(bench.connection.take(), "HTTP/1.1 304 Not Modified\r\n\r\n");
  });

  it("sends no body to HEAD, whatever comes", () => {
    const bench = new Bench();
    bench.connection.feed(GET.replace("GET", "HEAD"));
    bench.last.respond(200, "hello", [["content-length", "5"]]);
    assert.equal(bench.connection.take(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    bench.connection.feed(GET.replace("GET", "HEAD"));
    bench.last.respond(404);
    assert.equal(bench.connection.take(), "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n", "Envoy's guess at GET");
    bench.connection.feed(GET);
    bench.last.respond(200);
    assert.equal(bench.connection.closed, undefined);
  });

  it("breaks the connection when a body does not match its content-length", () => {
    for (const [length, body] of [
      ["3", "hello"],
      ["9", "hello"],
    ] as const) {
      const bench = new Bench();
      bench.connection.feed(GET);
      bench.last.respond(200, body, [["content-length", length]]);
      assert.equal(bench.connection.closed, "reset");
      assert.ok(!bench.connection.written.includes("hello\r\n"));
    }
  });

  it("ends an unknown length for HTTP/1.0 by closing", () => {
    const bench = new Bench();
    bench.connection.feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert.equal(bench.last.sender.httpVersion, "HTTP/1.0");
    bench.last.respond(200, "hi");
    assert.equal(bench.connection.written, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi");
    assert.equal(bench.connection.closed, "flush");
  });

  it("keeps an HTTP/1.0 connection only when asked, and says so", () => {
    const bench = new Bench();
    bench.connection.feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    bench.last.respond(200, "hi", [["content-length", "2"]]);
    assert.equal(bench.connection.take(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi");
    bench.connection.feed("GET / HTTP/1.0\r\n\r\n");
    bench.last.respond(200, "hi", [["content-length", "2"]]);
    assert.equal(bench.connection.closed, "flush");
  });

  it("closes after the response when either side says so", () => {
    const asked = new Bench();
    asked.connection.feed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    asked.last.respond(200);
    assert.match(asked.connection.written, /connection: close\r\n/);
    assert.equal(asked.connection.closed, "flush");
    assert.equal(asked.connection.delayedCloseMs, 0, "a client that sends nothing more is not waited for");
    const told = new Bench();
    told.connection.feed(GET);
    told.last.respond(200, "", [["connection", "close"]]);
    assert.equal(told.connection.written.match(/connection: close/g)?.length, 1);
    assert.equal(told.connection.closed, "flush");
    assert.ok(told.connection.delayedCloseMs > 0);
    const decided = new Bench();
    decided.connection.feed(GET);
    decided.last.sender.closeAfterResponse();
    decided.last.respond(200);
    assert.match(decided.connection.written, /connection: close\r\n/);
  });

  it("passes informational responses on, not to HTTP/1.0", () => {
    const bench = new Bench();
    bench.connection.feed(GET);
    bench.last.sender.sendInformational(new PairResponseHeaderMap(103, [["link", "x"]]));
    assert.equal(bench.connection.take(), "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n");
    bench.last.respond(200);
    bench.connection.take();
    bench.connection.feed("GET / HTTP/1.0\r\n\r\n");
    bench.last.sender.sendInformational(new PairResponseHeaderMap(103));
    assert.equal(bench.connection.written, "");
  });

  it("refuses response headers that would split the response", () => {
    const bench = new Bench();
    bench.onHead = (exchange) => exchange.respond(200, "", [["x", "a\r\nb: c"]]);
    bench.connection.feed(GET);
    assert.equal(bench.connection.written, "");
    assert.equal(bench.faults.length, 1);
    assert.equal(bench.connection.closed, "reset");
  });
});

describe("HTTP/1 server connection: requests", () => {
  it("delivers bodies whose kept chunks survive the read buffer", () => {
    const bench = new Bench();
    bench.connection.feed(`${POST}he`);
    bench.connection.feed("llo");
    assert.equal(bench.last.body, "hello");
    assert.equal(bench.last.ended, true);
  });

  it("overwrites chunks that nobody kept: the poison of this test bench works", () => {
    const bench = new Bench();
    bench.keep = false;
    bench.connection.feed(`${POST}hello`);
    assert.notEqual(bench.last.body, "hello");
    assert.equal(bench.last.headers?.get("content-length"), "5", "heads are owned");
  });

  it("makes pipelined requests wait for their turn", () => {
    const bench = new Bench();
    bench.connection.feed(`${GET}${GET.replace("/a", "/b")}${GET.replace("/a", "/c")}`);
    assert.equal(bench.exchanges.length, 1);
    // Who does not read does not see a client that leaves.
    assert.equal(bench.connection.paused, false);
    bench.last.respond(200);
    assert.equal(bench.exchanges.length, 2);
    assert.equal(bench.last.headers?.path, "/b");
    bench.last.respond(200);
    assert.equal(bench.last.headers?.path, "/c");
    bench.last.respond(200);
    assert.equal(bench.connection.paused, false);
    assert.equal(bench.connection.written.match(/200 OK/g)?.length, 3);
    assert.equal(bench.events.at(-1), "idle");
  });

  it("reads no further when much waits behind a request", () => {
    const bench = new Bench();
    bench.connection.feed(GET);
    for (let fed = 0; fed < 20_000; fed += 10_000) {
      assert.equal(bench.connection.paused, false);
      bench.connection.feed(`POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: 10000\r\n\r\n${"x".repeat(10_000)}`);
    }
    assert.equal(bench.connection.paused, true);
    for (let left = 3; left > 0; left--) bench.last.respond(200);
    assert.equal(bench.connection.paused, false);
    assert.equal(bench.connection.written.match(/200 OK/g)?.length, 3);
  });

  it("answers pipelined requests that are answered at once in order, in one write", () => {
    const bench = new Bench();
    bench.onHead = (exchange) => exchange.respond(200, exchange.headers!.path);
    bench.connection.feed(GET + GET.replace("/a", "/b"));
    assert.ok(bench.connection.written.indexOf("/a") < bench.connection.written.indexOf("/b"));
    assert.equal(bench.connection.writes, 1);
  });

  it("bounds what pipelining holds back", () => {
    const bench = new Bench();
    bench.connection.feed(GET + GET);
    bench.connection.feed("x".repeat(147_457));
    assert.equal(bench.connection.closed, "flush");
    assert.equal(bench.errors.length, 1);
  });

  it("answers Expect: 100-continue itself, or passes it on", () => {
    const own = new Bench();
    const expecting = POST.replace("Host", "Expect: 100-continue\r\nHost");
    own.connection.feed(expecting);
    assert.equal(own.connection.written, "HTTP/1.1 100 Continue\r\n\r\n");
    assert.equal(own.last.headers?.has("expect"), false);
    const passed = new Bench({ proxy100Continue: true });
    passed.connection.feed(expecting);
    assert.equal(passed.connection.written, "");
    assert.equal(passed.last.headers?.get("expect"), "100-continue");
  });

  it("keeps the connection when the answer comes early but the rest of the request is in the same read", () => {
    const bench = new Bench();
    bench.onHead = (exchange) => exchange.respond(404);
    bench.connection.feed(`${POST}hello${GET}`);
    assert.equal(bench.exchanges.length, 2);
    assert.equal(bench.connection.closed, undefined);
  });

  it("closes when the answer comes before the request is complete", () => {
    const bench = new Bench();
    bench.onHead = (exchange) => exchange.respond(404);
    bench.connection.feed(`${POST}hel`);
    assert.equal(bench.connection.closed, "flush");
    const later = new Bench();
    later.connection.feed(`${POST}hel`);
    later.last.respond(404);
    assert.match(later.connection.written, /connection: close\r\n/);
    assert.equal(later.connection.closed, "flush");
  });

  it("answers what is not HTTP and closes", () => {
    const bench = new Bench();
    bench.connection.feed("GET / HTTP/1.1\r\nHost : h\r\n\r\n");
    assert.match(
      bench.connection.written,
      /^HTTP\/1\.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 2\r\ncontent-type: text\/plain\r\n\r\nno$/,
    );
    assert.equal(bench.connection.closed, "flush");
    assert.equal(bench.errors[0]?.details, "http1.codec_error");
  });

  it("resets the stream and answers when a body breaks", () => {
    const bench = new Bench();
    bench.connection.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    bench.connection.feed("zz\r\n");
    assert.equal(bench.last.reset, "protocol-error");
    assert.match(bench.connection.written, /^HTTP\/1\.1 400 /);
  });

  it("answers nothing twice when a body breaks behind its response", () => {
    const bench = new Bench();
    bench.connection.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200), false);
    bench.connection.take();
    bench.connection.feed("zz\r\n");
    assert.equal(bench.connection.written, "");
    assert.equal(bench.connection.closed, "reset");
  });

  it("resets the stream when the client goes, by an end or by a loss", () => {
    const ended = new Bench();
    ended.connection.feed(GET);
    ended.connection.feedEnd();
    assert.equal(ended.last.reset, "remote-reset");
    assert.equal(ended.connection.closed, "flush");
    ended.last.respond(200);
    assert.equal(ended.connection.written, "");
    const lost = new Bench();
    lost.connection.feed(`${POST}he`);
    lost.connection.lost({ kind: "reset", detail: "reset by peer" });
    assert.equal(lost.last.reset, "remote-reset");
    assert.deepEqual(lost.events, ["active", "closed"]);
  });

  it("tells of a head that its client left unfinished", () => {
    for (const leave of ["feedEnd", "lost"] as const) {
      const bench = new Bench();
      bench.connection.feed("GET / HT");
      bench.connection[leave]({ kind: "reset", detail: "reset by peer" });
      assert.equal(bench.abandonedHeads, 1);
      const quiet = new Bench();
      quiet.connection[leave]({ kind: "reset", detail: "reset by peer" });
      assert.equal(quiet.abandonedHeads, 0);
    }
  });

  it("tells drains and applies pauses of the stream, which end with it", () => {
    const bench = new Bench();
    bench.connection.flowing = false;
    bench.connection.feed(GET);
    const { sender } = bench.last;
    sender.pauseReading();
    sender.sendHeaders(new PairResponseHeaderMap(200), false);
    assert.equal(sender.sendData(Buffer.from("x"), false), false);
    bench.connection.drained();
    assert.equal(bench.last.drains, 1);
    assert.equal(sender.sendData(Buffer.from("x"), false), true);
    assert.equal(bench.connection.paused, true);
    sender.sendData(Buffer.alloc(0), true);
    assert.equal(bench.connection.paused, false);
  });

  it("catches what its owner throws, and closes", () => {
    const bench = new Bench();
    bench.onHead = () => {
      throw new Error("bug");
    };
    bench.connection.feed(GET);
    assert.equal(bench.faults.length, 1);
    assert.equal(bench.connection.closed, "reset");
  });
});

describe("HTTP/1 server connection: draining", () => {
  it("closes an idle connection at once", () => {
    const bench = new Bench();
    bench.server.drain();
    assert.equal(bench.connection.closed, "flush");
  });

  it("finishes a running request and says that it closes", () => {
    const bench = new Bench();
    bench.connection.feed(GET);
    bench.server.drain();
    assert.equal(bench.connection.closed, undefined);
    bench.last.respond(200);
    assert.match(bench.connection.written, /connection: close/);
    assert.equal(bench.connection.closed, "flush");
  });

  it("serves a request whose head has begun to come", () => {
    const bench = new Bench();
    bench.connection.feed(GET.slice(0, 9));
    bench.server.drain();
    assert.equal(bench.connection.closed, undefined);
    bench.connection.feed(GET.slice(9));
    bench.last.respond(200);
    assert.match(bench.connection.written, /connection: close/);
  });
});

describe("HTTP/1 server connection: upgrades", () => {
  const WS = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const switching = (): PairResponseHeaderMap =>
    new PairResponseHeaderMap(101, [
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
    ]);

  it("passes nothing on before the 101, then everything both ways, with half-close", () => {
    const bench = new Bench();
    bench.connection.feed(`${WS}early`);
    assert.equal(bench.last.headers?.upgrade, "websocket");
    assert.equal(bench.last.ended, false);
    assert.equal(bench.last.body, "");
    bench.last.sender.sendHeaders(switching(), false);
    assert.equal(bench.connection.take(), "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    assert.equal(bench.last.body, "early");
    bench.connection.feed("GET / HTTP/1.1\r\n\r\n");
    assert.equal(bench.last.body, "earlyGET / HTTP/1.1\r\n\r\n");
    bench.last.sender.sendData(Buffer.from("down"), false);
    assert.equal(bench.connection.take(), "down");
    bench.last.sender.sendData(Buffer.alloc(0), true);
    assert.equal(bench.connection.ended, true);
    assert.equal(bench.connection.closed, undefined);
    bench.connection.feedEnd();
    assert.equal(bench.last.ended, true);
    assert.equal(bench.connection.closed, "flush");
    bench.connection.lost();
    assert.equal(bench.last.reset, undefined);
  });

  it("closes when the client ends first and the server later", () => {
    const bench = new Bench();
    bench.connection.feed(WS);
    bench.last.sender.sendHeaders(switching(), false);
    bench.connection.feedEnd();
    assert.equal(bench.last.ended, true);
    bench.last.sender.sendData(Buffer.from("bye"), true);
    assert.match(bench.connection.written, /bye$/);
    assert.equal(bench.connection.closed, "flush");
  });

  it("closes behind a refusal, without reading what came early as a request", () => {
    const bench = new Bench();
    bench.connection.feed(WS + GET);
    bench.last.respond(403);
    assert.match(bench.connection.written, /connection: close/);
    assert.equal(bench.connection.closed, "flush");
    assert.equal(bench.exchanges.length, 1);
  });

  it("opens a tunnel for CONNECT", () => {
    const bench = new Bench();
    bench.connection.feed("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n");
    bench.last.sender.sendHeaders(new PairResponseHeaderMap(200), false);
    bench.connection.feed("tls");
    assert.equal(bench.last.body, "tls");
    assert.equal(bench.connection.written, "HTTP/1.1 200 OK\r\n\r\n");
  });

  it("ends a tunnel that is given up behind what was sent", () => {
    const bench = new Bench();
    bench.connection.feed(WS);
    bench.last.sender.sendHeaders(switching(), false);
    bench.last.sender.reset("local-reset");
    assert.equal(bench.connection.closed, "flush");
  });
});
