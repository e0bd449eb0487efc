import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { FileAccessLogSchema } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { pack } from "#envoy/any";
import { FakePeer } from "#proxy/codec/http2/session.fake";
import { ThreadClusterManager } from "#proxy/cluster/cluster-manager";
import { httpPoolFactory } from "#proxy/cluster/http-pool-factory";
import { routerFilterCompiler } from "#proxy/filters/router/router-compiler";
import { isTerminalFilter } from "#proxy/listener/network-filter";
import type { ConnectCallbacks } from "#proxy/net/connector";
import { SharedLocalInfo } from "#proxy/local-info";
import type { ThreadContext } from "#proxy/thread-context";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { FakeConnection } from "./connection.fake.ts";
import { clusterConfig } from "./hcm.fake.ts";
import { httpConnectionManagerCompiler } from "./http-connection-manager.ts";
import { FakeStats } from "./stats.fake.ts";

const registry = createRegistry(RouterSchema, FileAccessLogSchema);

const CONFIG: JsonObject = {
  statPrefix: "in",
  serverName: "istio-envoy",
  routeConfig: {
    name: "r",
    virtualHosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "c", timeout: "0s" } }] }],
  },
  httpFilters: [{ name: "envoy.filters.http.router", typedConfig: { "@type": `type.googleapis.com/${RouterSchema.typeName}` } }],
  accessLog: [
    {
      name: "envoy.access_loggers.file",
      typedConfig: {
        "@type": `type.googleapis.com/${FileAccessLogSchema.typeName}`,
        path: "/dev/stdout",
        logFormat: { textFormatSource: { inlineString: "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n" } },
      },
    },
  ],
  upgradeConfigs: [{ upgradeType: "websocket" }],
};

/** Bytes in at the client's side, bytes out at the upstream's, and back: everything between is real but the sockets. */
class Fixture {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly lines: string[] = [];
  readonly client = new FakeConnection();
  readonly upstreams: FakeConnection[] = [];
  readonly connects: ConnectCallbacks[] = [];
  drain: () => void = () => {};

  constructor(over: JsonObject = {}) {
    const { clock, stats, connects } = this;
    const random = seededRandom(1);
    const connector = {
      connect(_target: unknown, _timeoutMs: number, callbacks: ConnectCallbacks) {
        connects.push(callbacks);
        return { cancel() {} };
      },
    };
    const clusters = new ThreadClusterManager({
      runtime: NO_RUNTIME,
      clock,
      random,
      stats,
      makePool: httpPoolFactory({ clock, random, log: silentLog }),
      connector,
      secrets: { get: () => undefined },
    });
    clusters.upsertCluster(clusterConfig(1));
    const thread: ThreadContext = {
      nodeId: "n",
      local: new SharedLocalInfo("service"),
      clock,
      random,
      log: silentLog,
      stats,
      clusters,
      routes: { get: () => undefined },
      secrets: { get: () => undefined },
      accessLogs: { open: () => ({ write: (line) => void this.lines.push(line.trim()) }) },
      runtime: NO_RUNTIME,
      poison: true,
    };
    const any = pack(HttpConnectionManagerSchema, fromJson(HttpConnectionManagerSchema, { ...CONFIG, ...over }, { registry }));
    const factory = httpConnectionManagerCompiler([routerFilterCompiler([])]).compile("hcm", any, "p", thread);
    assert.ok(isTerminalFilter(factory));
    factory.accept({
      connection: this.client,
      info: {
        local: this.client.local,
        remote: this.client.remote,
        directRemote: this.client.remote,
        requestedServerName: undefined,
        tls: undefined,
      },
      listenerName: "l",
      direction: "INBOUND",
      originalDestination: undefined,
      bufferLimitBytes: undefined,
      streamInfo: undefined,
      tcpProxyCluster: undefined,
      onDrain: (begin) => (this.drain = begin),
      onClosed: () => {},
    });
  }

  connect(): FakeConnection {
    const upstream = new FakeConnection();
    this.upstreams.push(upstream);
    this.connects.shift()!.onConnected(upstream, undefined);
    return upstream;
  }
}

describe("the connection manager over real codecs", () => {
  it("checks a config without a thread, and opens nothing", () => {
    const any = pack(HttpConnectionManagerSchema, create(HttpConnectionManagerSchema, { statPrefix: "" }));
    assert.throws(() => httpConnectionManagerCompiler([]).compile("hcm", any, "p", undefined), /stat_prefix: must not be empty/);
  });

  it("names the operation of a route to the caller where tracing is configured, as a proxy on the way in does", () => {
    const routeConfig = {
      virtualHosts: [
        { name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, decorator: { operation: "web:80/*" }, route: { cluster: "c" } }] },
      ],
    };
    for (const tracing of [{}, undefined]) {
      const fixture = new Fixture({ routeConfig, ...(tracing === undefined ? {} : { tracing }) });
      fixture.client.feed("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
      fixture.connect().feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      assert.equal(/\r\nx-envoy-decorator-operation: web:80\/\*\r\n/.test(fixture.client.take()), tracing !== undefined);
    }
  });

  it("counts which requests would be traced where tracing is configured, and tells the upstream", () => {
    const fixture = new Fixture({ tracing: { randomSampling: { value: 0 } } });
    fixture.client.feed("GET / HTTP/1.1\r\nHost: web\r\nx-client-trace-id: a\r\n\r\n");
    assert.match(fixture.connect().take(), /\r\nx-request-id: .{8}-.{4}-b.{3}-/);
    assert.equal(fixture.stats.get("http.in.tracing.client_enabled"), 1);
    assert.equal(fixture.stats.get("http.in.tracing.not_traceable"), 0);
  });

  it("closes after an answer that does not wait for the whole request, and says so", () => {
    const routeConfig = {
      virtualHosts: [{ name: "v", domains: ["*"], routes: [{ match: { path: "/" }, directResponse: { status: 200 } }] }],
    };
    const early = new Fixture({ routeConfig }).client;
    early.feed("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\n");
    assert.match(early.take(), /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*connection: close\r\n/);
    const whole = new Fixture({ routeConfig }).client;
    whole.feed("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
    assert.doesNotMatch(whole.take(), /connection: close/);
  });

  it("carries two requests over the same two connections", () => {
    const fixture = new Fixture();
    const { client } = fixture;
    client.feed("POST /a HTTP/1.1\r\nHost: reviews:9080\r\nX-Case: Kept\r\nContent-Length: 5\r\n\r\nhello");
    const upstream = fixture.connect();
    const request = upstream.take();
    assert.match(request, /^POST \/a HTTP\/1\.1\r\n/);
    assert.match(request, /\r\nX-Case: Kept\r\n/);
    assert.ok(request.endsWith("\r\n\r\nhello"), request);
    upstream.feed("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage");
    const response = client.take();
    assert.match(response, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(response, /\r\nserver: istio-envoy\r\n/);
    assert.ok(response.endsWith("\r\n\r\npage"), response);

    client.feed("GET /b HTTP/1.1\r\nHost: reviews:9080\r\n\r\n");
    assert.match(upstream.take(), /^GET \/b /);
    upstream.feed("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n0\r\n\r\n");
    assert.match(client.take(), /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.deepEqual(fixture.lines, ["/a 200 - via_upstream", "/b 404 - via_upstream"]);
    assert.equal(fixture.stats.get("http.in.downstream_rq_total"), 2);
    assert.equal(fixture.stats.get("cluster.c.upstream_cx_total"), 1);
  });

  it("answers 503 UC when the upstream closes instead of answering", () => {
    const fixture = new Fixture();
    fixture.client.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    fixture.connect().lost();
    assert.match(fixture.client.take(), /^HTTP\/1\.1 503 Service Unavailable\r\n/);
    assert.deepEqual(fixture.lines, ["/ 503 UC upstream_reset_before_response_started{connection_termination}"]);
  });

  it("answers what is not HTTP with 400 and logs it", () => {
    const fixture = new Fixture();
    fixture.client.feed("nonsense\r\n\r\n");
    assert.match(fixture.client.take(), /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.equal(fixture.client.closed, "flush");
    fixture.client.lost();
    assert.deepEqual(fixture.lines, ["- 400 DPE http1.codec_error"]);
    assert.equal(fixture.stats.get("http.in.downstream_cx_protocol_error"), 1);
    assert.equal(fixture.stats.get("http.in.downstream_cx_active"), 0);
  });

  it("answers a body that breaks its framing with 400 and logs it once, as the request that it is", () => {
    const fixture = new Fixture();
    fixture.client.feed("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
    assert.match(fixture.client.take(), /^HTTP\/1\.1 400 Bad Request\r\n/);
    fixture.client.lost();
    assert.deepEqual(fixture.lines, ["/a 400 DPE http1.codec_error"]);
    assert.equal(fixture.stats.get("http.in.downstream_rq_total"), 1);
    assert.equal(fixture.stats.get("http.in.downstream_rq_4xx"), 1);
    assert.equal(fixture.stats.get("http.in.downstream_rq_active"), 0);
  });

  it("logs what is wrong behind a pipelined request, and drains a request that waited in the pipeline", () => {
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const bad = new Fixture();
    bad.client.feed("GET /a HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n");
    bad.connect().feed(answer);
    assert.match(bad.client.take(), /^HTTP\/1\.1 200 OK\r\n[^]*HTTP\/1\.1 400 Bad Request\r\n/);
    assert.deepEqual(bad.lines.sort(), ["- 400 DPE http1.codec_error", "/a 200 - via_upstream"]);

    const fixture = new Fixture();
    fixture.client.feed("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    const upstream = fixture.connect();
    upstream.feed(answer);
    fixture.drain();
    upstream.feed(answer);
    assert.match(fixture.client.take(), /ok(?:HTTP)[^]*\r\nconnection: close\r\n[^]*ok$/);
    assert.equal(fixture.client.closed, "flush");
  });

  it("refuses HTTP/1.0 with 426 unless it is accepted", () => {
    const fixture = new Fixture();
    fixture.client.feed("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert.match(fixture.client.take(), /^HTTP\/1\.[01] 426 [^]*Upgrade Required$/);
    assert.deepEqual(fixture.lines, ["/ 426 - low_version"]);
    const grpc = new Fixture();
    grpc.client.feed("POST / HTTP/1.0\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n");
    assert.match(grpc.client.take(), /^HTTP\/1\.[01] 426 /);
    const accepting = new Fixture({ httpProtocolOptions: { acceptHttp10: true } });
    accepting.client.feed("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert.equal(accepting.connects.length, 1);
  });

  it("closes after a refused underscore also where other refusals keep the connection", () => {
    const fixture = new Fixture({
      streamErrorOnInvalidHttpMessage: true,
      normalizePath: true,
      commonHttpProtocolOptions: { headersWithUnderscoresAction: "REJECT_REQUEST" },
    });
    fixture.client.feed("GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(fixture.client.take(), /^HTTP\/1\.1 400 /);
    assert.equal(fixture.client.closed, undefined);
    fixture.client.feed("GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\n\r\n");
    assert.match(fixture.client.take(), /^HTTP\/1\.1 400 [^]*\r\nconnection: close\r\n/);
    assert.equal(fixture.client.closed, "flush");
  });

  it("turns into a tunnel after 101, and ends with it", () => {
    const fixture = new Fixture();
    const { client } = fixture;
    client.feed("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    const upstream = fixture.connect();
    assert.match(upstream.take(), /\r\nupgrade: websocket\r\n/i);
    upstream.feed("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert.match(client.take(), /^HTTP\/1\.1 101 /);
    client.feed("ping");
    assert.equal(upstream.take(), "ping");
    upstream.feed("pong");
    assert.equal(client.take(), "pong");
    client.lost();
    assert.ok(upstream.closed !== undefined);
    upstream.lost();
    assert.deepEqual(fixture.stats.leaks, []);
  });

  it("drains without failing a request: the next response says close, an idle connection goes after the drain time", () => {
    const fixture = new Fixture();
    const { client } = fixture;
    fixture.drain();
    assert.equal(client.closed, undefined, "a request may be on its way");
    client.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    fixture.connect().feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert.match(client.take(), /\r\nconnection: close\r\n/);
    assert.equal(client.closed, "flush");

    const idle = new Fixture();
    idle.drain();
    idle.clock.advance(5010);
    assert.equal(idle.client.closed, "flush");
  });

  it("takes its delayed close from the config, and counts what ran out", () => {
    const { client, stats } = new Fixture({ delayedCloseTimeout: "3s" });
    assert.equal(client.delayedCloseMs, 3000);
    client.delayedCloseExpired = true;
    client.lost();
    assert.equal(stats.get("http.in.downstream_cx_delayed_close_timeout"), 1);
  });

  it("closes a connection that is idle too long, and one whose headers never end", () => {
    const idle = new Fixture({ commonHttpProtocolOptions: { idleTimeout: "30s" } });
    idle.clock.advance(30_010);
    assert.equal(idle.client.closed, "flush");
    assert.equal(idle.stats.get("http.in.downstream_cx_idle_timeout"), 1);
    const slow = new Fixture({ requestHeadersTimeout: "2s" });
    slow.client.feed("GET / HT");
    slow.clock.advance(2010);
    assert.match(slow.client.take(), /^HTTP\/1\.1 408 Request Timeout\r\n(.+\r\n)*\r\nrequest header timeout$/);
    assert.equal(slow.client.closed, "flush");
    assert.deepEqual(slow.lines, ["- 408 - request_header_timeout"]);
    assert.equal(slow.stats.get("http.in.downstream_rq_header_timeout"), 1);
    assert.equal(slow.stats.get("http.in.downstream_cx_protocol_error"), 0);
    slow.client.lost();
    assert.equal(slow.stats.get("http.in.downstream_cx_destroy_local"), 1);
    assert.deepEqual(slow.stats.leaks, []);
  });

  it("answers early and closes when a filter or the upstream does not want the body", () => {
    const fixture = new Fixture({ routeConfig: { name: "none" } });
    fixture.client.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nstart");
    assert.match(fixture.client.take(), /^HTTP\/1\.1 404 /);
    assert.equal(fixture.client.closed, "flush");
    fixture.client.lost();
    assert.deepEqual(fixture.stats.leaks, []);
    assert.deepEqual(fixture.lines, ["/ 404 NR route_not_found"]);
  });
});

describe("the connection manager over HTTP/2", () => {
  /** Carries bytes between a client session and the fixture until nobody says anything. */
  function carry(fixture: Fixture, peer: FakePeer): void {
    for (let moved = true; moved;) {
      const up = peer.take();
      if (up.length > 0) fixture.client.feed(up.toString("latin1"));
      const down = Buffer.from(fixture.client.take(), "latin1");
      if (down.length > 0) peer.session.receive(down);
      moved = up.length + down.length > 0;
    }
  }

  /** Idle upstream connections wait for the next request. */
  const downstreamLeaks = ({ stats }: Fixture): string[] => stats.leaks.filter((leak) => !leak.startsWith("cluster.c.upstream_cx"));

  it("is chosen by the preface, and the back end sees HTTP/1", () => {
    const fixture = new Fixture();
    const peer = new FakePeer("client");
    const notes = peer.request("/a", false, ["x-case", "kept", "te", "trailers"], "POST");
    carry(fixture, peer);
    notes.stream!.sendData(Buffer.from("hello"), true);
    carry(fixture, peer);
    assert.deepEqual(
      ["cx_http1_active", "cx_http2_active", "rq_http2_total"].map((name) => fixture.stats.get(`http.in.downstream_${name}`)),
      [0, 1, 1],
    );
    const upstream = fixture.connect();
    const sent = upstream.take();
    assert.match(sent, /^POST \/a HTTP\/1\.1\r\nhost: a\.example\r\nx-case: kept\r\nte: trailers\r\n/);
    assert.match(sent, /\r\n5\r\nhello\r\n0\r\n\r\n$/);
    upstream.feed(
      "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nX-Up: Yes\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    carry(fixture, peer);
    const { fields, status } = notes.heads[0]!;
    assert.equal(status, 200);
    assert.deepEqual(
      fields.filter((_, at) => at % 2 === 0),
      ["x-up", "x-envoy-upstream-service-time", "date", "server"],
    );
    assert.equal(notes.body, "ok");
    assert.deepEqual(notes.trailers?.fields, ["x-sum", "1"]);
    fixture.client.lost();
    assert.deepEqual(fixture.lines, ["/a 200 - via_upstream"]);
    assert.deepEqual(downstreamLeaks(fixture), []);
  });

  it("logs a stream that the client took back as DR, and gives its upstream up", () => {
    const fixture = new Fixture();
    const peer = new FakePeer("client");
    const notes = peer.request("/a");
    carry(fixture, peer);
    const upstream = fixture.connect();
    notes.stream!.reset(8);
    carry(fixture, peer);
    assert.deepEqual(fixture.lines, ["/a 0 DR http2.remote_reset"]);
    assert.equal(upstream.closed, "now");
    assert.equal(fixture.stats.get("http.in.downstream_rq_rx_reset"), 1);
    assert.equal(fixture.client.closed, undefined);
  });

  it("says GOAWAY twice when it drains, when it was idle too long, and after its last allowed request", () => {
    const ways: Readonly<Record<string, { config: JsonObject; begin: (fixture: Fixture) => void; stat: string }>> = {
      drained: { config: {}, begin: (fixture) => fixture.drain(), stat: "cx_drain_close" },
      idle: {
        config: { commonHttpProtocolOptions: { idleTimeout: "10s" } },
        begin: (fixture) => fixture.clock.advance(10_010),
        stat: "cx_idle_timeout",
      },
      old: {
        config: { commonHttpProtocolOptions: { maxConnectionDuration: "20s" } },
        begin: (fixture) => fixture.clock.advance(20_010),
        stat: "cx_max_duration_reached",
      },
      used: { config: { commonHttpProtocolOptions: { maxRequestsPerConnection: 1 } }, begin: () => {}, stat: "cx_max_requests_reached" },
    };
    for (const [what, { config, begin, stat }] of Object.entries(ways)) {
      const fixture = new Fixture({ drainTimeout: "3s", ...config });
      const peer = new FakePeer("client");
      peer.request("/a");
      carry(fixture, peer);
      fixture.connect().feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      carry(fixture, peer);
      begin(fixture);
      carry(fixture, peer);
      assert.deepEqual(peer.goaways, [{ lastStreamId: 0x7fff_ffff, code: 0 }], what);
      assert.equal(fixture.stats.get(`http.in.downstream_${stat}`), 1, what);
      assert.equal(fixture.client.closed, undefined, what);
      fixture.clock.advance(3010);
      carry(fixture, peer);
      assert.deepEqual(peer.goaways.at(-1), { lastStreamId: 1, code: 0 }, what);
      assert.equal(fixture.client.closed, "flush", what);
      fixture.client.lost();
      assert.deepEqual(downstreamLeaks(fixture), [], what);
    }
  });

  it("resets a request with a refused underscore in a name, and drops such lines where that is said", () => {
    for (const [action, outcome] of [
      ["REJECT_REQUEST", "/a 0 DR http2.unexpected_underscore"],
      ["DROP_HEADER", undefined],
    ] as const) {
      const fixture = new Fixture({ commonHttpProtocolOptions: { headersWithUnderscoresAction: action } });
      const peer = new FakePeer("client");
      const notes = peer.request("/a", true, ["x_y", "1"]);
      carry(fixture, peer);
      assert.equal(fixture.lines[0], outcome);
      assert.equal(notes.reset?.code, outcome === undefined ? undefined : 2);
      const stat = outcome === undefined ? "dropped_headers_with_underscores" : "requests_rejected_with_underscores_in_headers";
      assert.equal(fixture.stats.get(`http2.${stat}`), 1);
    }
  });

  it("closes what breaks the protocol, and counts it", () => {
    const fixture = new Fixture({ codecType: "HTTP2" });
    fixture.client.feed("GET / HTTP/1.1\r\n\r\n");
    assert.equal(fixture.client.closed, "flush");
    assert.equal(fixture.stats.get("http.in.downstream_cx_protocol_error"), 1);
    const neither = new Fixture();
    neither.client.feed("NOT A REQUEST\r\n\r\n");
    assert.equal(neither.client.closed, "flush");
    assert.equal(neither.stats.get("http.in.downstream_cx_protocol_error"), 1);
  });
});
