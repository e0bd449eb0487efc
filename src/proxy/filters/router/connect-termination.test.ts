import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cluster, Host, PoolCallbacks, TcpPoolCallbacks } from "#proxy/cluster/cluster";
import { FakeConnection } from "#proxy/http/connection.fake";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestSender, ResponseReceiver } from "#proxy/http/stream";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { ConnectConfig } from "#proxy/route/route";
import { terminatedTunnel } from "./connect-termination.ts";

const ADDRESS = { address: "10.0.0.1", port: 1 };
const CLIENT: ConnectionInfo = {
  local: ADDRESS,
  remote: { address: "10.0.0.2", port: 2 },
  directRemote: ADDRESS,
  requestedServerName: undefined,
  tls: undefined,
};

function request(method: string): PairRequestHeaderMap {
  return new PairRequestHeaderMap({ method, authority: "a:1", scheme: "", path: "", upgrade: undefined });
}

class Bench {
  readonly events: string[] = [];
  readonly connection = new FakeConnection();
  /** What the cluster was told of the end of the connection. */
  readonly ends: boolean[] = [];
  readonly host = { address: ADDRESS } as unknown as Host;
  readonly cluster = {
    tcpPool: () => ({
      newConnection: (callbacks: TcpPoolCallbacks) => {
        this.pool = callbacks;
        return { cancel: () => void this.events.push("cancelled") };
      },
    }),
  } as unknown as Cluster;
  pool: TcpPoolCallbacks | undefined;
  sender: RequestSender | undefined;
  readonly pending: { cancel(): void } | undefined;

  constructor(config: ConnectConfig = { allowPost: false, proxyProtocol: undefined }) {
    const receiver: ResponseReceiver = {
      onInformational: () => {},
      onResponseHeaders: ({ status }, endStream) => void this.events.push(`headers ${status} ${endStream}`),
      onResponseData: (chunk, endStream) => void this.events.push(`data ${String(chunk)} ${endStream}`),
      onResponseTrailers: () => {},
      onResponseReset: (reason) => void this.events.push(`reset ${reason}`),
      onRequestDrain: () => void this.events.push("drain"),
    };
    const callbacks: PoolCallbacks = {
      onPoolReady: (sender) => {
        this.sender = sender;
        sender.sendHeaders(request("CONNECT"), false);
      },
      onPoolFailure: (reason) => void this.events.push(`failure ${reason}`),
    };
    const tunnel = terminatedTunnel(config, request("CONNECT"), this.cluster, this.host, CLIENT);
    this.pending = tunnel?.newStream(receiver, callbacks);
  }

  connect(): void {
    this.pool?.onPoolReady(this.connection, { closed: (remotely) => void this.ends.push(remotely) });
  }
}

test("only what asks for a tunnel ends here", () => {
  const { cluster, host } = new Bench();
  const ends = (config: ConnectConfig | undefined, method: string): boolean =>
    terminatedTunnel(config, request(method), cluster, host, CLIENT) !== undefined;
  const plain = { allowPost: false, proxyProtocol: undefined };
  assert.deepEqual([ends(undefined, "CONNECT"), ends(plain, "CONNECT"), ends(plain, "POST")], [false, true, false]);
  assert.deepEqual([ends({ ...plain, allowPost: true }, "POST"), ends({ ...plain, allowPost: true }, "PUT")], [true, false]);
});

test("the answer is 200 once the host has the connection, and bytes go both ways until both halves end", () => {
  const bench = new Bench();
  assert.deepEqual(bench.events, []);
  bench.connect();
  bench.connection.feed("hi");
  bench.sender?.sendData(Buffer.from("ping"), false);
  bench.sender?.sendData(Buffer.alloc(0), true);
  assert.deepEqual([bench.connection.written, bench.connection.ended, bench.connection.closed], ["ping", true, undefined]);
  bench.connection.feedEnd();
  bench.connection.lost();
  assert.deepEqual(bench.events, ["headers 200 false", "data hi false", "data  true"]);
  assert.deepEqual([bench.connection.closed, bench.ends], ["flush", [true]]);
});

test("a host that breaks the connection resets the answer, and a request that is given up closes the connection", () => {
  const broken = new Bench();
  broken.connect();
  broken.connection.lost({ kind: "reset", detail: "" });
  assert.deepEqual(broken.events, ["headers 200 false", "reset connection-termination"]);
  const given = new Bench();
  given.connect();
  given.sender?.reset("local-reset");
  given.connection.lost();
  assert.deepEqual([given.connection.closed, given.events, given.ends], ["now", ["headers 200 false"], [false]]);
});

test("a connection that does not come, or is not wanted any more, fails the request", () => {
  const refused = new Bench();
  refused.pool?.onPoolFailure("connection-failure", { kind: "connect-refused", detail: "" });
  const cancelled = new Bench();
  cancelled.pending?.cancel();
  assert.deepEqual([refused.events, cancelled.events], [["failure connection-failure"], ["cancelled"]]);
});

test("a slow side holds the other back", () => {
  const bench = new Bench();
  bench.connect();
  bench.connection.flowing = false;
  assert.equal(bench.sender?.sendData(Buffer.from("x"), false), false);
  bench.connection.drained();
  assert.deepEqual(bench.events, ["headers 200 false", "drain"]);
  bench.sender?.pauseReading();
  assert.equal(bench.connection.paused, true);
  bench.sender?.resumeReading();
  assert.equal(bench.connection.paused, false);
});

test("the PROXY protocol's header comes first where it is asked for", () => {
  const bench = new Bench({ allowPost: false, proxyProtocol: 1 });
  bench.connect();
  assert.equal(bench.connection.written, "PROXY TCP4 10.0.0.2 10.0.0.1 2 1\r\n");
});
