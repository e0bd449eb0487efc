import { describe, it } from "node:test";
import { own } from "#proxy/net/read-buffer";
import assert from "node:assert/strict";
import { FakeConnection } from "./connection.fake.ts";
import type { ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { HttpClientConnection, HttpClientOwner } from "./client-connection.ts";
import { Http1ClientConnection } from "./http1-client.ts";
import { PairRequestHeaderMap, PairTrailerMap } from "./pair-header-map.ts";
import type { RequestPseudoHeaders } from "./pair-header-map.ts";
import type { RequestSender, ResponseReceiver, StreamResetReason } from "./stream.ts";

class Receiver implements ResponseReceiver {
  readonly informational: number[] = [];
  headers: ResponseHeaderMap | undefined;
  readonly chunks: Buffer[] = [];
  trailers: TrailerMap | undefined;
  ended = false;
  reset: StreamResetReason | undefined;
  drains = 0;
  sender: RequestSender | undefined;
  onInformational(headers: ResponseHeaderMap): void {
    this.informational.push(headers.status);
  }
  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    assert.equal(this.headers, undefined);
    this.headers = headers;
    if (endStream) this.#end();
  }
  onResponseData(chunk: Buffer, endStream: boolean): void {
    this.chunks.push(own(chunk));
    if (endStream) this.#end();
  }
  onResponseTrailers(trailers: TrailerMap): void {
    this.trailers = trailers;
    this.#end();
  }
  onResponseReset(reason: StreamResetReason): void {
    assert.equal(this.reset, undefined);
    this.reset = reason;
  }
  onRequestDrain(): void {
    this.drains++;
  }
  get body(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
  #end(): void {
    assert.equal(this.ended, false);
    this.ended = true;
  }
}

class Bench implements HttpClientOwner {
  readonly connection = new FakeConnection();
  readonly client = new Http1ClientConnection(this.connection, { maxHeadBytes: 60 * 1024, maxHeaders: 100 }, this);
  readonly done: boolean[] = [];
  readonly broken: boolean[] = [];
  readonly protocolErrors: string[] = [];
  readonly faults: unknown[] = [];
  closed = 0;
  goAways = 0;
  onStreamDone(_client: HttpClientConnection, reusable: boolean): void {
    this.done.push(reusable);
  }
  onStreamReset(): void {
    assert.fail("HTTP/1 has no resets");
  }
  onStreamLimit(): void {
    assert.fail("HTTP/1 takes one stream");
  }
  onGoAway(): void {
    this.goAways++;
  }
  onStreamBroken(_client: HttpClientConnection, locally: boolean): void {
    this.broken.push(locally);
  }
  onProtocolError(_client: HttpClientConnection, details: string): void {
    this.protocolErrors.push(details);
  }
  onFault(fault: unknown): void {
    this.faults.push(fault);
  }
  onClosed(): void {
    this.closed++;
  }

  send(pseudo: Partial<RequestPseudoHeaders> = {}, pairs: [string, string][] = [], endStream = true): Receiver {
    const receiver = new Receiver();
    receiver.sender = this.client.newStream(receiver);
    const headers = new PairRequestHeaderMap({ method: "GET", path: "/p", authority: "h", scheme: "http", ...pseudo }, pairs);
    receiver.sender.sendHeaders(headers, endStream);
    return receiver;
  }
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("HTTP/1 client connection", () => {
  it("sends a request, reads its response, and is free again", () => {
    const bench = new Bench();
    const receiver = bench.send();
    assert.equal(bench.connection.take(), "GET /p HTTP/1.1\r\nhost: h\r\n\r\n");
    bench.connection.feed(OK);
    assert.equal(receiver.headers?.status, 200);
    assert.equal(receiver.body, "ok");
    assert.equal(receiver.ended, true);
    assert.deepEqual(bench.done, [true]);
    const second = bench.send();
    bench.connection.feed(OK);
    assert.equal(second.body, "ok");
  });

  it("frames request bodies by length, by chunks, with trailers, or says that there is none", () => {
    const bench = new Bench();
    let receiver = bench.send({ method: "POST" }, [["content-length", "2"]], false);
    receiver.sender!.sendData(Buffer.from("hi"), true);
    assert.equal(bench.connection.take(), "POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi");
    bench.connection.feed(OK);
    receiver = bench.send({ method: "POST" }, [], false);
    receiver.sender!.sendData(Buffer.from("hi"), false);
    receiver.sender!.sendTrailers(new PairTrailerMap([["x", "y"]]));
    assert.equal(bench.connection.take(), "POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n");
    bench.connection.feed(OK);
    bench.send({ method: "POST" });
    assert.match(bench.connection.take(), /content-length: 0\r\n\r\n$/);
    bench.connection.feed(OK);
    bench.send({ method: "OPTIONS" });
    assert.match(bench.connection.take(), /content-length: 0\r\n\r\n$/);
    bench.connection.feed(OK);
    bench.send({ method: "DELETE" });
    assert.doesNotMatch(bench.connection.take(), /content-length|transfer-encoding/);
  });

  it("gives the stream up when the body does not match its content-length", () => {
    for (const body of ["x", "xyz"]) {
      const bench = new Bench();
      const receiver = bench.send({ method: "POST" }, [["content-length", "2"]], false);
      receiver.sender!.sendData(Buffer.from(body), true);
      assert.equal(receiver.reset, "local-reset");
      assert.equal(bench.connection.closed, "now");
      assert.ok(!bench.connection.written.includes("xyz"));
    }
  });

  it("refuses targets and headers that would split the request", () => {
    for (const path of ["/a b", "/a\r\nx: y", "", "/\u010a"]) assert.throws(() => new Bench().send({ path }), { name: "InvariantError" });
    assert.throws(() => new Bench().send({ method: "GET /" }), { name: "InvariantError" });
  });

  it("passes informational responses on", () => {
    const bench = new Bench();
    const receiver = bench.send();
    bench.connection.feed(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
    assert.deepEqual(receiver.informational, [100]);
    assert.equal(receiver.body, "ok");
  });

  it("gives up an upstream that sends nothing but informational responses", () => {
    const bench = new Bench();
    const receiver = bench.send();
    bench.connection.feed("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(64));
    assert.equal(receiver.reset, undefined);
    bench.connection.feed(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
    assert.equal(receiver.reset, "protocol-error");
    assert.equal(receiver.informational.length, 64);
    assert.equal(receiver.body, "");
    assert.equal(bench.connection.closed, "now");
  });

  it("is not reused when the upstream closes, by word or by the form of its response", () => {
    for (const response of [
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ]) {
      const bench = new Bench();
      bench.send();
      bench.connection.feed(response);
      assert.equal(bench.goAways, 1);
      assert.deepEqual(bench.done, [false]);
      assert.equal(bench.connection.closed, "flush");
    }
    const bench = new Bench();
    const receiver = bench.send();
    bench.connection.feed("HTTP/1.1 200 OK\r\n\r\nok");
    assert.equal(receiver.ended, false);
    bench.connection.feedEnd();
    assert.equal(receiver.body, "ok");
    assert.equal(receiver.ended, true);
    assert.deepEqual(bench.done, [false]);
  });

  it("takes an end within a head for broken protocol, and one before it, or behind an interim response, for a lost connection", () => {
    for (const [bytes, reason] of [
      ["HTTP/1.1 200 OK\r\nConte", "protocol-error"],
      ["", "connection-termination"],
      ["HTTP/1.1 103 Early Hints\r\n\r\n", "connection-termination"],
    ] as const) {
      const bench = new Bench();
      const receiver = bench.send();
      bench.connection.feed(bytes);
      bench.connection.feedEnd();
      assert.equal(receiver.reset, reason, bytes);
      assert.equal(bench.protocolErrors.length, reason === "protocol-error" ? 1 : 0);
    }
  });

  it("is reused after HTTP/1.0 keep-alive, and remembers the upstream's timeout", () => {
    const bench = new Bench();
    bench.send();
    bench.connection.feed("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok");
    assert.deepEqual(bench.done, [true]);
    assert.equal(bench.client.keepAliveTimeoutMs, 5000);
  });

  it("tells a break before the response from one within it", () => {
    for (const [fed, reason] of [
      ["", "connection-termination"],
      ["HTTP/1.1 100 Continue\r\n\r\n", "connection-termination"],
      ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "protocol-error"],
      ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "protocol-error"],
    ] as const) {
      for (const end of [true, false]) {
        const bench = new Bench();
        const receiver = bench.send();
        bench.connection.feed(fed);
        if (end) bench.connection.feedEnd();
        else bench.connection.lost({ kind: "reset", detail: "" });
        assert.equal(receiver.reset, reason);
        assert.deepEqual(bench.broken, [false]);
        if (end) bench.connection.lost();
        assert.equal(bench.closed, 1);
      }
    }
  });

  it("reports bytes that are not HTTP as a protocol error", () => {
    const bench = new Bench();
    const receiver = bench.send();
    bench.connection.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx");
    assert.equal(receiver.reset, "protocol-error");
    assert.equal(bench.connection.closed, "now");
    assert.equal(bench.protocolErrors.length, 1);
  });

  it("closes on bytes that nobody asked for", () => {
    const idle = new Bench();
    idle.connection.feed(OK);
    assert.equal(idle.connection.closed, "now");
    assert.equal(idle.protocolErrors.length, 1);
    const behind = new Bench();
    const receiver = behind.send();
    behind.connection.feed(`${OK}${OK}`);
    assert.equal(receiver.body, "ok");
    assert.equal(behind.connection.closed, "now");
  });

  it("closes when the response is over before its request", () => {
    const bench = new Bench();
    const receiver = bench.send({ method: "POST" }, [], false);
    bench.connection.feed(OK);
    assert.equal(receiver.ended, true);
    assert.deepEqual(bench.done, [false]);
    assert.equal(bench.connection.closed, "now");
    assert.equal(receiver.sender!.sendData(Buffer.from("late"), true), true);
  });

  it("gives a stream up by closing, and calls nobody after it", () => {
    const bench = new Bench();
    const receiver = bench.send();
    receiver.sender!.reset("local-reset");
    assert.equal(bench.connection.closed, "now");
    assert.deepEqual(bench.broken, [true]);
    bench.connection.lost();
    assert.equal(receiver.reset, undefined);
  });

  it("applies pauses and tells drains", () => {
    const bench = new Bench();
    bench.connection.flowing = false;
    const receiver = bench.send({ method: "POST" }, [], false);
    assert.equal(receiver.sender!.sendData(Buffer.from("x"), false), false);
    receiver.sender!.pauseReading();
    assert.equal(bench.connection.paused, true);
    bench.connection.drained();
    assert.equal(receiver.drains, 1);
    receiver.sender!.sendData(Buffer.alloc(0), true);
    bench.connection.feed(OK);
    assert.equal(bench.connection.paused, false);
  });

  it("expects no body behind HEAD", () => {
    const bench = new Bench();
    const receiver = bench.send({ method: "HEAD" });
    bench.connection.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert.equal(receiver.ended, true);
    assert.deepEqual(bench.done, [true]);
  });

  it("switches protocols and carries data both ways with half-close", () => {
    const bench = new Bench();
    const receiver = bench.send(
      { upgrade: "websocket" },
      [
        ["connection", "Upgrade"],
        ["upgrade", "websocket"],
      ],
      false,
    );
    assert.equal(bench.connection.take(), "GET /p HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    bench.connection.feed("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\ndown");
    assert.equal(receiver.headers?.status, 101);
    assert.equal(receiver.body, "down");
    receiver.sender!.sendData(Buffer.from("up"), false);
    assert.equal(bench.connection.take(), "up");
    bench.connection.feedEnd();
    assert.equal(receiver.ended, true);
    assert.equal(bench.connection.closed, undefined);
    receiver.sender!.sendData(Buffer.from("bye"), true);
    assert.equal(bench.connection.take(), "bye");
    assert.deepEqual(bench.done, [false]);
    assert.equal(bench.connection.closed, "flush");
  });

  it("does not reuse a connection after a refused upgrade", () => {
    const bench = new Bench();
    const receiver = bench.send({ upgrade: "websocket" }, [], false);
    bench.connection.feed("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    assert.equal(receiver.body, "no");
    assert.deepEqual(bench.done, [false]);
  });

  it("refuses to send data ahead of a switch", () => {
    const bench = new Bench();
    const receiver = bench.send({ upgrade: "websocket" }, [], false);
    receiver.sender!.sendData(Buffer.from("GET / HTTP/1.1\r\n\r\n"), false);
    assert.equal(receiver.reset, "local-reset");
    assert.ok(!bench.connection.written.includes("GET / "));
  });
});
