import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { ManualClock } from "#runtime/clock";
import type { SocketAddress, TransportFailure } from "#proxy/net/connection";
import type { ConnectCallbacks, Connector, PendingConnect } from "#proxy/net/connector";
import { Http1ClientConnection } from "#proxy/http/http1-client";
import { FakeConnection } from "#proxy/http/connection.fake";
import { FakeStats } from "#proxy/http/stats.fake";
import { Exchange } from "./exchange.fake.ts";
import type { Host, PendingStream } from "./cluster.ts";
import { UpstreamConnectionStats } from "./upstream-connection-stats.ts";
import { HttpPool } from "./http-pool.ts";
import type { HttpPoolOptions } from "./http-pool.ts";
import { makeHostStats } from "./host-stats.ts";

class FakeConnector implements Connector {
  readonly attempts: { callbacks: ConnectCallbacks; timeoutMs: number; cancelled: boolean }[] = [];
  readonly connections: FakeConnection[] = [];
  connect(_target: SocketAddress, timeoutMs: number, callbacks: ConnectCallbacks): PendingConnect {
    const attempt = { callbacks, timeoutMs, cancelled: false };
    this.attempts.push(attempt);
    return { cancel: () => (attempt.cancelled = true) };
  }
  succeed(): FakeConnection {
    const connection = new FakeConnection();
    this.connections.push(connection);
    this.attempts.shift()!.callbacks.onConnected(connection, undefined);
    return connection;
  }
  fail(kind: TransportFailure["kind"] = "connect-refused"): void {
    this.attempts.shift()!.callbacks.onConnectFailed({ kind, detail: kind });
  }
}

class Limits {
  connections = 0;
  pending = 0;
  maxConnections = 100;
  maxPending = 100;
  tryAcquireConnection(): boolean {
    if (this.connections >= this.maxConnections) return false;
    this.connections++;
    return true;
  }
  releaseConnection(): void {
    assert.ok(this.connections-- > 0);
  }
  tryAcquirePending(): boolean {
    if (this.pending >= this.maxPending) return false;
    this.pending++;
    return true;
  }
  releasePending(): void {
    assert.ok(this.pending-- > 0);
  }
}

class Bench {
  readonly clock = new ManualClock();
  readonly connector = new FakeConnector();
  readonly limits = new Limits();
  readonly stats = new FakeStats();
  readonly host: Host = {
    address: { address: "127.0.0.1", port: 1 },
    hostname: "",
    weight: 1,
    locality: "",
    health: "healthy",
    edsHealth: "healthy",
    ejected: false,
    metadata: {},
    activeHealth: undefined,
    excluded: false,
    pendingRemoval: false,
    priority: 0,
    addedMs: 0,
    outlierMonitor: undefined,
    activeRequests: 0,
    stats: makeHostStats(),
  };
  readonly faults: unknown[] = [];
  readonly pool: HttpPool;

  constructor(options: Partial<HttpPoolOptions> = {}) {
    this.pool = new HttpPool({
      host: this.host,
      connector: this.connector,
      clock: this.clock,
      limits: this.limits,
      stats: new UpstreamConnectionStats(this.stats),
      connectTimeoutMs: 10_000,
      idleTimeoutMs: 3_600_000,
      maxConnectionDurationMs: 0,
      maxRequestsPerConnection: 0,
      makeClient: (connection, _tls, owner) => new Http1ClientConnection(connection, { maxHeadBytes: 60 * 1024, maxHeaders: 100 }, owner),
      version: "HTTP/1.1",
      expectedStreams: 1,
      preconnectRatio: 1,
      onFault: (fault) => this.faults.push(fault),
      ...options,
    });
  }

  request(): Exchange & { pending?: PendingStream | undefined } {
    const exchange: Exchange & { pending?: PendingStream | undefined } = new Exchange();
    exchange.pending = this.pool.newStream(exchange, exchange);
    return exchange;
  }

  /** Nothing is left behind: what was acquired is released, gauges are at 0, no timer runs. */
  assertQuiet(): void {
    assert.equal(this.limits.connections, 0);
    assert.equal(this.limits.pending, 0);
    assert.equal(this.stats.get("upstream_cx_active"), 0);
    assert.equal(this.stats.get("upstream_rq_pending_active"), 0);
    assert.equal(this.host.stats.cxActive, 0);
    assert.equal(this.pool.connectionCount, 0);
  }
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const answer = (connection: FakeConnection, extra = ""): void => connection.feed(OK.replace("\r\n\r\n", `\r\n${extra}\r\n`));

describe("HTTP/1 connection pool", () => {
  it("connects for the first request and reuses for the second", () => {
    const bench = new Bench();
    const first = bench.request();
    assert.equal(first.sender, undefined);
    assert.equal(bench.connector.attempts[0]?.timeoutMs, 10_000);
    const connection = bench.connector.succeed();
    assert.equal(first.reused, false);
    answer(connection);
    assert.equal(first.status, 200);
    const second = bench.request();
    assert.equal(second.pending, undefined);
    assert.equal(second.reused, true);
    assert.equal(bench.stats.get("upstream_cx_total"), 1);
    assert.equal(bench.stats.get("upstream_rq_pending_total"), 1);
    answer(connection);
    bench.pool.drain();
    connection.lost();
    bench.assertQuiet();
    assert.equal(bench.clock.pending, 0);
  });

  it("tells when its last connection is gone and nobody waits, so that its place is free", () => {
    let idle = 0;
    const bench = new Bench({ onIdle: () => idle++ });
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection);
    assert.equal(idle, 0, "an idle connection is one");
    connection.lost();
    assert.equal(idle, 1);
    bench.request();
    bench.connector.attempts.at(-1)!.callbacks.onConnectFailed({ kind: "connect-refused", detail: "no" });
    assert.equal(idle, 2);
    const pending = bench.request().pending!;
    pending.cancel();
    assert.equal(idle, 2, "its connection is still on the way");
    bench.pool.drain();
    assert.equal(idle, 3);
  });

  it("tells also that a request or a connection ahead left nothing behind", () => {
    let idle = 0;
    const bench = new Bench({ onIdle: () => idle++ });
    bench.limits.maxPending = 0;
    bench.request();
    assert.equal(idle, 1, "overflow");
    Object.assign(bench.host, { health: "unhealthy" });
    assert.equal(bench.pool.preconnect(2), false);
    assert.equal(idle, 2);
  });

  it("uses the connection first that was used last", () => {
    const bench = new Bench();
    bench.request();
    bench.request();
    const one = bench.connector.succeed();
    const two = bench.connector.succeed();
    answer(two);
    answer(one);
    one.take();
    two.take();
    bench.request();
    assert.notEqual(one.written, "");
    assert.equal(two.written, "");
  });

  it("hands a connection that becomes free to the request that waited longest", () => {
    const bench = new Bench();
    bench.limits.maxConnections = 1;
    bench.request();
    const second = bench.request();
    const third = bench.request();
    assert.equal(bench.connector.attempts.length, 1);
    assert.equal(bench.stats.get("upstream_cx_overflow"), 2);
    const connection = bench.connector.succeed();
    answer(connection);
    assert.equal(second.reused, true);
    assert.equal(third.sender, undefined);
    answer(connection);
    assert.equal(third.reused, true);
    assert.equal(bench.limits.pending, 0);
  });

  it("gives a host without any connection one in spite of the limit", () => {
    const bench = new Bench();
    bench.limits.maxConnections = 0;
    const exchange = bench.request();
    const connection = bench.connector.succeed();
    assert.notEqual(exchange.sender, undefined);
    answer(connection);
    bench.pool.drain();
    connection.lost();
    bench.assertQuiet();
  });

  it("refuses what would wait beyond the limit", () => {
    const bench = new Bench();
    bench.limits.maxPending = 1;
    bench.request();
    assert.equal(bench.request().failure, "overflow");
    assert.equal(bench.stats.get("upstream_rq_pending_overflow"), 1);
  });

  it("fails all that wait when a connect fails", () => {
    const bench = new Bench();
    const one = bench.request();
    const two = bench.request();
    bench.connector.fail();
    assert.equal(one.failure, "connection-failure");
    assert.equal(two.failure, "connection-failure");
    assert.equal(bench.stats.get("upstream_cx_connect_fail"), 1);
    assert.equal(bench.host.stats.cxConnectFail, 1);
    bench.connector.fail("connect-timeout");
    assert.equal(bench.stats.get("upstream_cx_connect_timeout"), 1);
    bench.assertQuiet();
    const three = bench.request();
    bench.connector.fail("connect-timeout");
    assert.equal(three.failure, "connection-timeout");
  });

  it("forgets a cancelled request, and keeps its connection for the next", () => {
    const bench = new Bench();
    const exchange = bench.request();
    exchange.pending!.cancel();
    exchange.pending!.cancel();
    assert.equal(bench.limits.pending, 0);
    bench.connector.succeed();
    assert.equal(exchange.sender, undefined);
    assert.equal(bench.request().reused, true);
  });

  it("does not reuse a connection of which the upstream said that it closes", () => {
    const bench = new Bench();
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection, "Connection: close\r\n");
    assert.equal(connection.closed, "flush");
    assert.equal(bench.stats.get("upstream_cx_close_notify"), 1);
    assert.equal(bench.request().sender, undefined);
    connection.lost();
    assert.equal(bench.stats.get("upstream_cx_destroy_local"), 1);
  });

  it("stops reusing a connection a second before the upstream's keep-alive timeout", () => {
    const bench = new Bench();
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection, "Keep-Alive: timeout=5\r\n");
    bench.clock.advance(3999);
    assert.equal(bench.request().reused, true);
    answer(connection, "Keep-Alive: timeout=5\r\n");
    bench.clock.advance(4001);
    assert.equal(connection.closed, "flush");
    assert.equal(bench.request().sender, undefined);
  });

  it("uses half of a keep-alive timeout that is shorter than two seconds, and none of 0", () => {
    const bench = new Bench();
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection, "Keep-Alive: timeout=1\r\n");
    bench.clock.advance(499);
    assert.equal(bench.request().reused, true);
    answer(connection, "Keep-Alive: timeout=0\r\n");
    assert.equal(connection.closed, "flush");
  });

  it("closes connections that were idle for too long, with one timer", () => {
    const bench = new Bench({ idleTimeoutMs: 1000 });
    bench.request();
    bench.request();
    const one = bench.connector.succeed();
    const two = bench.connector.succeed();
    answer(one);
    bench.clock.advance(400);
    answer(two);
    assert.equal(bench.clock.pending, 1);
    bench.clock.advance(600);
    assert.equal(one.closed, "flush");
    assert.equal(two.closed, undefined);
    bench.clock.advance(400);
    assert.equal(two.closed, "flush");
    assert.equal(bench.stats.get("upstream_cx_idle_timeout"), 2);
    one.lost();
    two.lost();
    bench.assertQuiet();
    assert.equal(bench.clock.pending, 0);
  });

  it("closes a connection after its last allowed request", () => {
    const bench = new Bench({ maxRequestsPerConnection: 2 });
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection);
    bench.request();
    answer(connection);
    assert.equal(connection.closed, "flush");
    assert.equal(bench.stats.get("upstream_cx_max_requests"), 1);
  });

  it("does not hand out a connection whose end has come", () => {
    const bench = new Bench();
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection);
    connection.feedEnd();
    assert.equal(bench.request().sender, undefined);
    connection.lost();
    assert.equal(bench.stats.get("upstream_cx_destroy_remote"), 1);
    assert.equal(bench.pool.connectionCount, 1);
  });

  it("counts a connection that broke under a request", () => {
    const bench = new Bench();
    const exchange = bench.request();
    const connection = bench.connector.succeed();
    connection.lost({ kind: "reset", detail: "" });
    assert.equal(exchange.reset, "connection-termination");
    assert.equal(bench.stats.get("upstream_cx_destroy_remote_with_active_rq"), 1);
    bench.assertQuiet();
  });

  it("closes and counts a connection that talks unasked", () => {
    const bench = new Bench();
    bench.request();
    const connection = bench.connector.succeed();
    answer(connection);
    connection.feed(OK);
    assert.equal(connection.closed, "now");
    assert.equal(bench.stats.get("upstream_cx_protocol_error"), 1);
    assert.equal(bench.request().sender, undefined);
  });

  it("never gives a waiting request what stood behind the response to another", () => {
    const bench = new Bench();
    bench.limits.maxConnections = 1;
    const first = bench.request();
    const second = bench.request();
    const connection = bench.connector.succeed();
    connection.feed(`${OK}${OK.replace("200", "299")}`);
    assert.equal(first.status, 200);
    assert.equal(connection.closed, "now");
    assert.equal(second.sender, undefined);
    assert.equal(bench.stats.get("upstream_cx_protocol_error"), 1);
    connection.lost();
    answer(bench.connector.succeed());
    assert.equal(second.status, 200);
  });

  it("drains: idle connections now, busy ones after their stream, needless connects not at all", () => {
    const bench = new Bench();
    bench.request();
    bench.request();
    bench.request();
    const idle = bench.connector.succeed();
    const busy = bench.connector.succeed();
    answer(idle);
    const attempt = bench.connector.attempts[0]!;
    bench.pool.drain();
    assert.equal(idle.closed, undefined, "it serves the third request, whose own connect nobody needs any more");
    assert.equal(attempt.cancelled, true);
    answer(idle);
    assert.equal(idle.closed, "flush");
    assert.equal(busy.closed, undefined);
    answer(busy);
    assert.equal(busy.closed, "flush");
    idle.lost();
    busy.lost();
    bench.assertQuiet();
    assert.equal(bench.clock.pending, 0);
  });

  it("opens connections ahead of requests, as many as the ratio says, within the limits and for healthy hosts", () => {
    const bench = new Bench({ preconnectRatio: 1.5 });
    const first = bench.request();
    assert.equal(bench.connector.attempts.length, 2);
    const connection = bench.connector.succeed();
    bench.connector.succeed();
    assert.equal(bench.request().reused, true);
    assert.equal(bench.connector.attempts.length, 1, "three for two requests");
    answer(connection);
    assert.equal(first.status, 200);
    bench.request();
    assert.equal(bench.connector.attempts.length, 1, "three for two requests, still");
    bench.limits.maxConnections = 3;
    bench.request();
    assert.equal(bench.stats.get("upstream_cx_total"), 3);
    assert.ok(bench.stats.get("upstream_cx_overflow") > 0);

    const ill = new Bench({ preconnectRatio: 3 });
    (ill.host as { health: string }).health = "degraded";
    ill.request();
    assert.equal(ill.connector.attempts.length, 1);
    assert.equal(ill.pool.preconnect(3), false);
  });

  it("connects for a request that is only expected", () => {
    const bench = new Bench();
    assert.equal(bench.pool.preconnect(2), true);
    assert.equal(bench.pool.preconnect(2), true);
    assert.equal(bench.pool.preconnect(2), false);
    assert.deepEqual(bench.pool.demand, { pending: 0, active: 0, unused: 2 });
    bench.connector.succeed();
    assert.equal(bench.request().reused, true);
    assert.deepEqual(bench.pool.demand, { pending: 0, active: 1, unused: 1 });
    bench.pool.drain();
    assert.equal(bench.pool.preconnect(3), false);
  });

  it("catches what a request's owner throws when its connection is ready", () => {
    const bench = new Bench();
    const exchange = bench.request();
    exchange.onPoolReady = () => {
      throw new Error("bug");
    };
    const connection = bench.connector.succeed();
    assert.equal(bench.faults.length, 1);
    assert.equal(connection.closed, "flush");
  });
});
