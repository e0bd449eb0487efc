// What the pool does with connections that take many streams; http-pool.test.ts has the rest.
import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FakePeer } from "#proxy/codec/http2/session.fake";
import { FakeConnection } from "#proxy/http/connection.fake";
import { readHttp2Options } from "#proxy/http/http2-options";
import { FakeStats } from "#proxy/http/stats.fake";
import { enterBatch, leaveBatch } from "#proxy/http/write-batch";
import type { ConnectCallbacks } from "#proxy/net/connector";
import type { TlsInfo } from "#proxy/net/tls-info";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { Exchange } from "./exchange.fake.ts";
import type { HttpConnectionPool } from "./cluster.ts";
import { httpPoolFactory } from "./http-pool-factory.ts";
import { UpstreamCluster } from "./upstream-cluster.ts";
import type { PoolProtocol } from "./host-pools.ts";
import { clusterConfig } from "#proxy/http/hcm.fake";

interface Link {
  readonly connection: FakeConnection;
  readonly server: FakePeer;
}

interface BenchOptions {
  readonly protocol?: PoolProtocol;
  readonly maxConcurrentStreams?: number;
  readonly maxConnectionDurationMs?: number;
  readonly maxRequestsPerConnection?: number;
  readonly idleTimeoutMs?: number;
}

class Bench {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly attempts: ConnectCallbacks[] = [];
  readonly links: Link[] = [];
  readonly #lost = new Set<FakeConnection>();
  readonly pool: HttpConnectionPool;

  constructor({
    protocol = "http2",
    maxConcurrentStreams = 1024,
    maxRequestsPerConnection = 0,
    maxConnectionDurationMs = 0,
    idleTimeoutMs = 0,
  }: BenchOptions = {}) {
    const { clock, stats } = this;
    const { connection, ...rest } = clusterConfig(1);
    const http2 = { ...readHttp2Options(undefined, "", () => {}), maxConcurrentStreams };
    const config = {
      ...rest,
      connection: {
        ...connection,
        protocol,
        http2,
        maxRequestsPerConnection,
        maxConnectionDurationMs,
        idleTimeoutMs,
        bufferLimitBytes: undefined,
      },
    };
    const random = seededRandom(1);
    const connector = {
      connect: (_target: unknown, _timeoutMs: number, callbacks: ConnectCallbacks) => {
        this.attempts.push(callbacks);
        return { cancel() {} };
      },
    };
    const makePool = httpPoolFactory({ clock, random, log: silentLog });
    const cluster = new UpstreamCluster(config, { clock, random, stats, makePool, connector, secrets: { get: () => undefined } });
    this.pool = cluster.pool(cluster.hosts[0]!, undefined, "h", "HTTP/1.1")!;
  }

  request(): Exchange {
    const exchange = new Exchange();
    this.#within(() => (exchange.pending = this.pool.newStream(exchange, exchange)));
    return exchange;
  }

  requests(count: number): Exchange[] {
    return Array.from({ length: count }, () => this.request());
  }

  connect(maxConcurrentStreams = 1000, applicationProtocol?: string): Link {
    const link = { connection: new FakeConnection(), server: new FakePeer("server", { maxConcurrentStreams }) };
    link.server.onRequest = ({ stream }) => stream!.sendResponse(200, [], true);
    this.links.push(link);
    const tls = applicationProtocol === undefined ? undefined : ({ applicationProtocol } as TlsInfo);
    this.#within(() => this.attempts.shift()!.onConnected(link.connection, tls));
    return link;
  }

  /** Carries bytes until all is said. */
  carry(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const { connection, server } of this.links) {
        const there = connection.take();
        if (there !== "") server.session.receive(Buffer.from(there, "latin1"));
        const back = server.take();
        if (back.length > 0) connection.feed(back.toString("latin1"));
        moved ||= there !== "" || back.length > 0;
        if (connection.closed === undefined || this.#lost.has(connection)) continue;
        this.#lost.add(connection);
        connection.lost();
      }
    }
  }

  #within(action: () => void): void {
    enterBatch();
    try {
      action();
    } finally {
      leaveBatch();
    }
  }

  count(name: string): number {
    return this.stats.get(`upstream_${name}`);
  }
}

describe("HTTP/2 connection pool", () => {
  it("puts all that waits on one connection, and what comes later too", () => {
    const bench = new Bench();
    const waiting = bench.requests(50);
    assert.equal(bench.attempts.length, 1);
    bench.connect();
    bench.carry();
    assert.ok(waiting.every(({ status }) => status === 200));
    const later = bench.request();
    assert.equal(later.reused, true);
    bench.carry();
    assert.equal(later.status, 200);
    assert.deepEqual([bench.count("cx_total"), bench.count("cx_http2_total"), bench.count("cx_http1_total")], [1, 1, 0]);
    assert.deepEqual([bench.count("rq_pending_total"), bench.count("rq_pending_active")], [50, 0]);
  });

  it("opens more connections when the streams of one are used up, by our limit or the peer's", () => {
    for (const [ours, peers] of [
      [2, 1000],
      [1000, 2],
    ] as const) {
      const bench = new Bench({ maxConcurrentStreams: ours });
      const first = bench.request();
      const link = bench.connect(peers);
      link.server.onRequest = undefined;
      bench.carry();
      const others = bench.requests(3);
      assert.equal(bench.attempts.length, 1, "one connect for those that find no room");
      bench.connect(peers);
      bench.carry();
      assert.deepEqual(
        [first, ...others].map(({ status }) => status),
        [0, 0, 200, 200],
      );
      // A stream that ends makes room.
      link.server.streams[0]!.stream!.sendResponse(200, [], true);
      bench.carry();
      assert.equal(first.status, 200);
      assert.equal(bench.pool.connectionCount, 2);
    }
  });

  it("serves what waits when a stream ends", () => {
    const bench = new Bench({ maxConcurrentStreams: 1 });
    bench.request();
    const link = bench.connect();
    link.server.onRequest = undefined;
    bench.carry();
    const waiting = bench.request();
    link.server.streams[0]!.stream!.sendResponse(200, [], true);
    bench.carry();
    assert.equal(waiting.sender === undefined, false);
    assert.equal(link.server.streams.length, 2);
  });

  it("lets a connection go after its last allowed request, when its streams are over", () => {
    const bench = new Bench({ maxRequestsPerConnection: 2 });
    const [first, second, third] = bench.requests(3);
    const link = bench.connect();
    link.server.onRequest = undefined;
    bench.carry();
    assert.equal(bench.count("cx_max_requests"), 1);
    assert.equal(bench.attempts.length, 1, "the third needs another one");
    assert.equal(third!.sender, undefined);
    for (const { stream } of link.server.streams) stream!.sendResponse(200, [], true);
    bench.carry();
    assert.deepEqual([first!.status, second!.status], [200, 200]);
    assert.equal(link.connection.closed, "flush");
    bench.connect();
    bench.carry();
    assert.equal(third!.status, 200);
  });

  it("takes no new streams after a GOAWAY, and closes when the last is over", () => {
    const bench = new Bench();
    const running = bench.request();
    const link = bench.connect();
    link.server.onRequest = undefined;
    bench.carry();
    link.server.session.goaway(ErrorCode.NO_ERROR);
    bench.carry();
    assert.equal(bench.count("cx_close_notify"), 1);
    assert.equal(bench.request().sender, undefined);
    assert.equal(bench.attempts.length, 1);
    assert.equal(link.connection.closed, undefined);
    link.server.streams[0]!.stream!.sendResponse(200, [], true);
    bench.carry();
    assert.equal(running.status, 200);
    assert.equal(link.connection.closed, "flush");
  });

  it("counts resets of streams apart from connections that break with streams on them", () => {
    const bench = new Bench();
    const [one, two, three] = bench.requests(3);
    const link = bench.connect();
    link.server.onRequest = undefined;
    bench.carry();
    link.server.streams[0]!.stream!.reset(ErrorCode.INTERNAL_ERROR);
    bench.carry();
    two!.sender!.reset("local-reset");
    assert.deepEqual([one!.reset, bench.count("rq_rx_reset"), bench.count("rq_tx_reset")], ["remote-reset", 1, 1]);
    link.connection.lost();
    assert.equal(three!.reset, "connection-termination");
    assert.deepEqual(
      ["cx_destroy", "cx_destroy_remote", "cx_destroy_remote_with_active_rq", "rq_pending_failure_eject", "cx_active"].map((name) =>
        bench.count(name),
      ),
      [1, 1, 1, 1, 0],
    );
    assert.equal(bench.pool.connectionCount, 0);
  });

  it("closes a connection that was idle too long, but never under a stream", () => {
    const bench = new Bench({ idleTimeoutMs: 1000 });
    bench.request();
    const link = bench.connect();
    bench.carry();
    bench.clock.advance(600);
    link.server.onRequest = undefined;
    bench.request();
    bench.carry();
    bench.clock.advance(5000);
    assert.equal(link.connection.closed, undefined);
    link.server.streams[1]!.stream!.sendResponse(200, [], true);
    bench.carry();
    bench.clock.advance(999);
    assert.equal(link.connection.closed, undefined);
    bench.clock.advance(1);
    assert.equal(link.connection.closed, "flush");
    assert.equal(bench.count("cx_idle_timeout"), 1);
  });

  it("lets a connection that is too old go: at once where it is idle, else after its streams", () => {
    const bench = new Bench({ maxConnectionDurationMs: 1000 });
    bench.request();
    const link = bench.connect();
    link.server.onRequest = undefined;
    bench.carry();
    bench.clock.advance(1000);
    assert.equal(bench.count("cx_max_duration_reached"), 1);
    assert.equal(bench.request().sender, undefined, "it takes no new streams");
    assert.equal(link.connection.closed, undefined);
    link.server.streams[0]!.stream!.sendResponse(200, [], true);
    bench.carry();
    assert.equal(link.connection.closed, "flush");
    const next = bench.connect();
    bench.carry();
    bench.clock.advance(1000);
    assert.equal(next.connection.closed, "flush");
    bench.carry();
    assert.equal(bench.clock.pending, 0);
  });

  it("drains: idle connections close now, busy ones after their streams", () => {
    const bench = new Bench();
    const running = bench.request();
    const link = bench.connect();
    link.server.onRequest = undefined;
    bench.carry();
    bench.pool.drain();
    assert.equal(link.connection.closed, undefined);
    link.server.streams[0]!.stream!.sendResponse(200, [], true);
    bench.carry();
    assert.equal(running.status, 200);
    assert.equal(link.connection.closed, "flush");
  });

  it("speaks what ALPN agreed on, HTTP/1 where that is nothing", () => {
    for (const [agreed, version] of [
      ["h2", "http2"],
      ["http/1.1", "http1"],
      ["", "http1"],
    ] as const) {
      const bench = new Bench({ protocol: "auto" });
      bench.requests(2);
      assert.equal(bench.attempts.length, 1, "HTTP/2 is hoped for");
      bench.connect(1000, agreed);
      assert.equal(bench.count(`cx_${version}_total`), 1, agreed);
      assert.equal(bench.attempts.length, version === "http1" ? 1 : 0, "an HTTP/1 connection takes one request");
    }
  });
});
