import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import type { ConnectCallbacks } from "#proxy/net/connector";
import { FakeConnection } from "#proxy/http/connection.fake";
import { clusterConfig } from "#proxy/http/hcm.fake";
import { FakeStats } from "#proxy/http/stats.fake";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { Cluster, Host, PendingStream, TcpPoolCallbacks, UsedConnection } from "./cluster.ts";
import { TcpPool } from "./tcp-pool.ts";
import { UpstreamCluster } from "./upstream-cluster.ts";

/** A client that wants a connection. */
class Client implements TcpPoolCallbacks, ConnectionHandler {
  used: UsedConnection | undefined;
  failure: string | undefined;
  heard = "";
  pending: PendingStream | undefined;

  onPoolReady(connection: Connection, used: UsedConnection): void {
    this.used = used;
    connection.handler = this;
  }
  onPoolFailure(reason: string): void {
    this.failure = reason;
  }
  onData(chunk: Buffer): void {
    this.heard += chunk.toString();
  }
  onEnd(): void {
    this.heard += "<end>";
  }
  onDrain(): void {}
  onClose(): void {
    this.used!.closed(true);
  }
}

class Bench {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly attempts: { readonly callbacks: ConnectCallbacks; cancelled: boolean }[] = [];
  readonly cluster: Cluster;
  readonly pool: TcpPool;

  constructor(preconnectRatio = 1, maxConnections = 100) {
    const { clock, stats } = this;
    const connector = {
      connect: (_target: unknown, _timeoutMs: number, callbacks: ConnectCallbacks) => {
        const attempt = { callbacks, cancelled: false };
        this.attempts.push(attempt);
        return { cancel: () => void (attempt.cancelled = true) };
      },
    };
    const config = clusterConfig(1);
    const makePool = (): never => assert.fail("no HTTP here");
    const context = { clock, stats, connector, makePool, random: seededRandom(1), secrets: { get: () => undefined } };
    this.cluster = new UpstreamCluster({ ...config, circuitBreakers: { ...config.circuitBreakers, maxConnections } }, context);
    this.pool = new TcpPool({ cluster: this.cluster, host: this.host, connector, clock, preconnectRatio });
  }

  get host(): Host {
    return this.cluster.hosts[0]!;
  }

  ask(): Client {
    const client = new Client();
    client.pending = this.pool.newConnection(client);
    return client;
  }

  connect(): FakeConnection {
    const connection = new FakeConnection();
    this.attempts.shift()!.callbacks.onConnected(connection, undefined);
    return connection;
  }

  fail(kind: TransportFailure["kind"] = "connect-refused"): void {
    this.attempts.shift()!.callbacks.onConnectFailed({ kind, detail: kind });
  }

  /** Nothing is left behind. */
  assertQuiet(): void {
    assert.equal(this.pool.connectionCount, 0);
    assert.deepEqual(this.stats.leaks, []);
    assert.equal(this.host.stats.cxActive, 0);
    assert.equal(this.host.activeRequests, 0);
    assert.equal(this.clock.pending, 0);
  }
}

test("a client has a connection of its own, which nobody else gets after it", () => {
  const bench = new Bench();
  const client = bench.ask();
  const connection = bench.connect();
  connection.feed("hello");
  assert.equal(client.heard, "hello");
  assert.equal(bench.stats.get("upstream_rq_active"), 1);
  assert.equal(bench.host.activeRequests, 1);
  connection.lost();
  bench.ask();
  assert.equal(bench.attempts.length, 1);
  bench.connect().lost();
  assert.equal(bench.stats.get("upstream_cx_total"), 2);
  assert.equal(bench.stats.get("upstream_cx_destroy_remote"), 2);
  bench.assertQuiet();
});

test("what waits fails with the first attempt that fails", () => {
  const bench = new Bench();
  const [one, two] = [bench.ask(), bench.ask()];
  bench.fail("connect-timeout");
  assert.deepEqual([one.failure, two.failure], ["connection-timeout", "connection-timeout"]);
  assert.equal(bench.stats.get("upstream_cx_connect_timeout"), 1);
  assert.equal(bench.stats.get("upstream_rq_pending_failure_eject"), 2);
  // The other attempt goes on for whoever comes next.
  bench.connect();
  const three = bench.ask();
  assert.ok(three.used !== undefined);
  assert.equal(bench.attempts.length, 0);
});

test("over the limit of connections nobody waits", () => {
  const bench = new Bench(1, 1);
  bench.ask();
  assert.equal(bench.ask().failure, "overflow");
  assert.equal(bench.stats.get("upstream_cx_overflow"), 1);
  bench.connect().lost();
  bench.assertQuiet();
});

test("who gives up takes an attempt along", () => {
  const bench = new Bench();
  bench.ask().pending!.cancel();
  assert.equal(bench.attempts[0]?.cancelled, true);
  assert.equal(bench.stats.get("upstream_cx_destroy_local"), 1);
  bench.assertQuiet();
});

test("connections that are opened ahead keep what their host says first, and are used in turn", () => {
  const bench = new Bench(2);
  const first = bench.ask();
  assert.equal(bench.attempts.length, 2);
  const [used, ahead] = [bench.connect(), bench.connect()];
  assert.ok(first.used !== undefined);
  ahead.feed("greeting");
  assert.equal(ahead.paused, true);
  const second = bench.ask();
  assert.equal(second.heard, "greeting");
  assert.equal(ahead.paused, false);
  assert.equal(bench.stats.get("upstream_rq_pending_total"), 1);
  // Two are used, so that two more may be wanted.
  assert.equal(bench.attempts.length, 2);
  for (const connection of [used, ahead, bench.connect(), bench.connect()]) connection.lost();
  bench.assertQuiet();
});

test("a connection that its host closes before anybody used it is not given out", () => {
  const bench = new Bench(2);
  const first = bench.ask();
  const [used, ahead] = [bench.connect(), bench.connect()];
  ahead.lost();
  assert.equal(bench.pool.connectionCount, 1);
  used.lost();
  assert.ok(first.used !== undefined);
  bench.assertQuiet();
});

test("one that nobody uses for long is closed", () => {
  const bench = new Bench(2);
  bench.ask();
  const [used, ahead] = [bench.connect(), bench.connect()];
  bench.clock.advance(600_000);
  assert.equal(ahead.closed, "now");
  assert.equal(bench.stats.get("upstream_cx_idle_timeout"), 1);
  ahead.lost();
  used.lost();
  assert.equal(bench.stats.get("upstream_cx_destroy_local"), 1);
  bench.assertQuiet();
});

test("a pool that drains keeps what is used; where connections are closed that goes, too, and who waits is told", () => {
  const bench = new Bench(2);
  const client = bench.ask();
  const [used, ahead] = [bench.connect(), bench.connect()];
  bench.pool.drain();
  assert.deepEqual([used.closed, ahead.closed], [undefined, "now"]);
  ahead.lost();
  const late = bench.ask();
  bench.pool.closeConnections();
  assert.equal(used.closed, "now");
  assert.equal(late.failure, "connection-failure");
  used.lost();
  assert.ok(client.used !== undefined);
  assert.equal(bench.stats.get("upstream_cx_destroy_local"), 3);
  bench.assertQuiet();
});

test("an unhealthy host connects for nobody but who asks", () => {
  const bench = new Bench(3);
  (bench.host as { edsHealth: string }).edsHealth = "unhealthy";
  bench.ask();
  assert.equal(bench.attempts.length, 1);
  assert.equal(bench.pool.preconnect(3), false);
});
