import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { Http2Pings } from "./http2-keepalive.ts";
import type { Http2Keepalive } from "./http2-options.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly sent: number[] = [];
  timeouts = 0;
  readonly pings: Http2Pings;

  constructor(options: Partial<Http2Keepalive>, random = seededRandom(1)) {
    const all = { intervalMs: 1000, timeoutMs: 200, jitterPercent: 0, connectionIdleIntervalMs: 0, ...options };
    this.pings = new Http2Pings(
      all,
      { ping: (payload) => void this.sent.push(payload), onPingTimeout: () => void this.timeouts++ },
      this.clock,
      random,
    );
  }
}

describe("keep-alive pings", () => {
  it("go one interval after the last answer", () => {
    const bench = new Bench({});
    bench.clock.advance(999);
    assert.deepEqual(bench.sent, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.sent, [1]);
    bench.clock.advance(100);
    bench.pings.onPingAck(7);
    bench.pings.onPingAck(1);
    bench.clock.advance(999);
    assert.deepEqual(bench.sent, [1]);
    bench.clock.advance(1);
    assert.deepEqual(bench.sent, [1, 2]);
    assert.equal(bench.timeouts, 0);
  });

  it("end the connection when neither an answer nor anything else comes", () => {
    const bench = new Bench({});
    bench.clock.advance(1000);
    bench.clock.advance(150);
    bench.pings.onRead();
    bench.clock.advance(150);
    assert.equal(bench.timeouts, 0, "a frame came");
    bench.clock.advance(200);
    assert.equal(bench.timeouts, 1);
    bench.clock.advance(10_000);
    assert.deepEqual([bench.sent.length, bench.timeouts], [1, 1]);
  });

  it("are spread by jitter", () => {
    const bench = new Bench({ jitterPercent: 50 }, { ...seededRandom(1), next: () => 0.5 });
    bench.clock.advance(1249);
    assert.deepEqual(bench.sent, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.sent, [1]);
  });

  it("go with a new stream after a long silence only", () => {
    const bench = new Bench({ intervalMs: 0, connectionIdleIntervalMs: 500 });
    bench.pings.onNewStream();
    bench.clock.advance(501);
    bench.pings.onNewStream();
    assert.deepEqual(bench.sent, [1]);
    bench.pings.onRead();
    bench.pings.onPingAck(1);
    bench.pings.onNewStream();
    bench.clock.advance(5000);
    assert.deepEqual(bench.sent, [1]);
    assert.equal(bench.timeouts, 0);
  });

  it("stop with the connection", () => {
    const bench = new Bench({});
    bench.clock.advance(1000);
    bench.pings.stop();
    bench.clock.advance(10_000);
    assert.deepEqual([bench.sent.length, bench.timeouts], [1, 0]);
  });
});
