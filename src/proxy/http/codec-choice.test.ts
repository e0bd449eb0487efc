import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConnectionHandler } from "#proxy/net/connection";
import { CodecChoice } from "./codec-choice.ts";
import { FakeConnection } from "./connection.fake.ts";

/** What was chosen, and the bytes that the chosen codec got. */
class Choice {
  readonly connection = new FakeConnection();
  readonly events: string[] = [];
  readonly choice: CodecChoice;

  constructor() {
    const codec: ConnectionHandler = {
      onData: (chunk) => {
        this.events.push(chunk.toString("latin1"));
      },
      onEnd: () => this.events.push("end"),
      onDrain: () => {},
      onClose: () => {},
    };
    this.choice = new CodecChoice(
      this.connection,
      {
        newStream: () => assert.fail("no stream before a codec"),
        onHeadBegun: () => this.events.push("begun"),
        onIdle: () => {},
        onFault: () => {},
        onClosed: () => this.events.push("closed"),
      },
      (version) => {
        this.events.push(version ?? "neither");
        if (version === undefined) return;
        this.connection.handler = codec;
      },
    );
  }
}

describe("the choice of a codec", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  it("is HTTP/2 for its preface and HTTP/1 for anything else, and no byte is lost", () => {
    for (const [bytes, version] of [
      [preface, "HTTP/2"],
      ["GET / HTTP/1.1\r\n\r\n", "HTTP/1"],
      ["PRI * HTTP/1.1\r\n\r\n", "HTTP/1"],
      ["\0", "HTTP/1"],
    ] as const) {
      const whole = new Choice();
      whole.connection.feed(bytes);
      assert.deepEqual(whole.events, [version, bytes]);
    }
  });

  it("waits while the bytes may be either, and the time for a head runs", () => {
    for (let split = 1; split < 12; split++) {
      const made = new Choice();
      made.connection.feed(preface.slice(0, split));
      assert.deepEqual(made.events, ["begun"]);
      made.connection.feed(preface.slice(split));
      assert.deepEqual(made.events, ["begun", "HTTP/2", preface]);
    }
    const post = new Choice();
    post.connection.feed("P");
    post.connection.feed("OST / HTTP/1.1\r\n");
    assert.deepEqual(post.events, ["begun", "HTTP/1", "POST / HTTP/1.1\r\n"]);
  });

  it("answers nothing to what is no request of any kind", () => {
    const made = new Choice();
    made.connection.feed("INVALID CONNECTION PREFACE\r\n\r\n");
    assert.deepEqual(made.events, ["neither"]);
    assert.equal(made.connection.closed, "flush");
    assert.equal(made.connection.written, "");
    for (const line of ["nonsense", "GET /", "GET / ICE/1.0", "GET / HTTP 1.1", "SSH-2.0-x", "what is this"]) {
      const bad = new Choice();
      bad.connection.feed(`${line}\r\n`);
      assert.deepEqual(bad.events, ["HTTP/1", `${line}\r\n`]);
    }
  });

  it("closes a connection that was drained, took too long, or ended before it said anything", () => {
    for (const [what, byUs] of [
      [(made: Choice) => made.choice.drain(), true],
      [(made: Choice) => made.choice.refuseSlowHead(), true],
      [(made: Choice) => made.connection.feedEnd(), false],
    ] as const) {
      const made = new Choice();
      what(made);
      assert.equal(made.connection.closed, "flush");
      assert.equal(made.choice.closedByUs, byUs);
      made.connection.lost();
      assert.deepEqual(made.events, ["closed"]);
    }
  });
});
