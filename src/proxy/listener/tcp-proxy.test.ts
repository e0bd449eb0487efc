import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { MetadataSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { TcpProxySchema } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { Violations } from "#proxy/field-check";
import { ConfigError } from "#proxy/config-error";
import type { Cluster, Host, HttpConnectionPool, LoadBalancerContext } from "#proxy/cluster/cluster";
import { ClusterStats } from "#proxy/cluster/cluster-stats";
import { TcpPool } from "#proxy/cluster/tcp-pool";
import { UpstreamConnectionStats } from "#proxy/cluster/upstream-connection-stats";
import { PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import type { RequestSender } from "#proxy/http/stream";
import type { StreamInfo } from "#proxy/http/stream-info";
import { bindListenSocket } from "#proxy/net/listen-socket";
import type { Connector } from "#proxy/net/connector";
import { SocketConnector } from "#proxy/net/socket-connector";
import { SharedLocalInfo } from "#proxy/local-info";
import type { ThreadContext } from "#proxy/thread-context";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { realClock } from "#runtime/clock";
import { xxHash64 } from "#runtime/xx-hash64";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ActiveListener } from "./active-listener.ts";
import { compileListener } from "./listener-config.ts";
import { readTcpProxy } from "./tcp-proxy-config.ts";
import { tcpProxyCompiler } from "./tcp-proxy.ts";
import { makeHostStats } from "#proxy/cluster/host-stats";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function host(port: number): Host {
  const stats = makeHostStats();
  return {
    address: { address: "127.0.0.1", port },
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
    stats,
  };
}

interface Bench {
  readonly port: number;
  readonly listener: ActiveListener;
  readonly logged: StreamInfo[];
  readonly hosts: Host[];
  readonly stats: ThreadStats;
  /** Of each attempt to connect. */
  readonly connectTimeouts: readonly number[];
  readonly hashes: readonly (bigint | undefined)[];
  readonly stat: (name: string) => number;
  readonly update: (init: Settings) => void;
}

/** Fields of a TcpProxy. */
type Settings = object;

function wire(port: number, init: Settings): Uint8Array {
  return toBinary(
    ListenerSchema,
    create(ListenerSchema, {
      name: "tcp",
      statPrefix: "l",
      address: { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } } } },
      filterChains: [
        {
          filters: [
            {
              name: "tcp",
              configType: {
                case: "typedConfig",
                value: anyPack(TcpProxySchema, create(TcpProxySchema, init as MessageInitShape<typeof TcpProxySchema>)),
              },
            },
          ],
        },
      ],
    }),
  );
}

interface Limits {
  /** Of the listener. */
  readonly maxConnections?: number;
  /** Of the cluster. */
  readonly maxUpstreamConnections?: number;
  /** Where tunnels go through. */
  readonly tunnels?: HttpConnectionPool;
}

function bench(hosts: Host[], init: Settings = {}, { maxConnections = 100, maxUpstreamConnections = 100, tunnels }: Limits = {}): Bench {
  const stats = new ThreadStats();
  const logged: StreamInfo[] = [];
  const connectTimeouts: number[] = [];
  const hashes: (bigint | undefined)[] = [];
  const sockets = new SocketConnector(realClock, true);
  const scope = stats.root.scope("cluster", "c");
  let connections = 0;
  const connector: Connector = {
    connect(target, connectTimeoutMs, callbacks) {
      connectTimeouts.push(connectTimeoutMs);
      return sockets.connect(target, connectTimeoutMs, callbacks);
    },
  };
  const cluster: Cluster = {
    name: "c",
    hosts,
    stats: new ClusterStats(scope),
    connectionStats: new UpstreamConnectionStats(scope),
    connectTimeoutMs: 1234,
    bufferLimitBytes: undefined,
    tcpPool: (host: Host): TcpPool => new TcpPool({ cluster, host, connector, clock: realClock, preconnectRatio: 1 }),
    pool: () => tunnels,
    speaksTls: () => false,
    tryAcquireRequest: () => true,
    releaseRequest: () => {},
    chooseHost: ({ hash }: LoadBalancerContext) => {
      hashes.push(hash);
      return hosts.find(({ health }) => health === "healthy");
    },
    tryAcquireConnection: () => connections < maxUpstreamConnections && ++connections > 0,
    releaseConnection: () => void connections--,
  } as unknown as Cluster;
  const thread: ThreadContext = {
    nodeId: "n",
    local: new SharedLocalInfo("service"),
    clock: realClock,
    random: seededRandom(1),
    log: silentLog,
    stats: stats.root,
    clusters: { get: (name) => (name === "c" ? cluster : undefined) },
    routes: { get: () => undefined },
    secrets: { get: () => undefined },
    accessLogs: { open: () => ({ write: () => {} }) },
    runtime: NO_RUNTIME,
    poison: true,
  };
  const compiler = tcpProxyCompiler({ compile: () => ({ open: () => ({ log: (info) => logged.push(info) }) }) });
  const config: Settings = {
    statPrefix: "t",
    clusterSpecifier: { case: "cluster" as const, value: "c" },
    accessLog: [{ name: "log" }],
    ...init,
  };
  const bound = bindListenSocket({ address: "127.0.0.1", port: 0 });
  assert.ok(bound.ok);
  const { port } = bound.socket.address;
  const compile = (settings: Settings, previous?: ActiveListener): ReturnType<typeof compileListener> =>
    compileListener(fromBinary(ListenerSchema, wire(port, settings)), [compiler], thread, previous?.config);
  const listener = new ActiveListener(compile(config), thread, { drainTimeMs: 50, maxConnections, listenerAt: () => undefined });
  listener.listen([bound.socket.duplicate()]);
  cleanups.push(() => {
    listener.close();
    bound.socket.close();
  });
  const reader = new StatsReader();
  return {
    port,
    listener,
    logged,
    hosts,
    stats,
    connectTimeouts,
    hashes,
    stat: (name) => {
      const update = stats.takeUpdate();
      if (update !== undefined) reader.apply(0, update);
      const found = reader.read().find((entry) => entry.name === name);
      assert.ok(found !== undefined && found.kind !== "histogram", name);
      return found.value;
    },
    update: (change) => listener.update(compile({ ...config, ...change }, listener)),
  };
}

async function serve(onConnection: (socket: Socket) => void): Promise<Host> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return host((server.address() as AddressInfo).port);
}

function client(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  // Not `for await`: that destroys the socket at the end of what it reads.
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "end");
  return Buffer.concat(chunks);
}

test("bytes go through unchanged in both directions, with half-close and backpressure", async () => {
  const sum = (bytes: Buffer): number => bytes.reduce((total, byte) => (total * 31 + byte) >>> 0, 7);
  const upstream = await serve((socket) => {
    void readAll(socket).then((received) => {
      socket.write(`${received.length} ${sum(received)}\n`);
      socket.end(received);
    });
  });
  const { port, stat, logged } = bench([upstream]);
  const sent = Buffer.alloc(3_000_000, 0);
  for (let i = 0; i < sent.length; i++) sent[i] = (i * 7 + (i >> 8)) & 255;
  const socket = client(port);
  socket.end(sent);
  const answer = await readAll(socket);
  const newline = answer.indexOf(10);
  assert.equal(answer.toString("latin1", 0, newline), `${sent.length} ${sum(sent)}`);
  assert.equal(sum(answer.subarray(newline + 1)), sum(sent));
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stat("tcp.t.downstream_cx_total"), 1);
  assert.equal(stat("tcp.t.downstream_cx_active"), 0);
  assert.equal(stat("tcp.t.downstream_cx_rx_bytes_total"), sent.length);
  assert.equal(stat("listener.l.downstream_cx_destroy"), 1);
  assert.equal(stat("listener.l.downstream_cx_active"), 0);
  assert.equal(upstream.stats.cxActive, 0);
  assert.deepEqual([...(logged[0]?.flags ?? [])], []);
  assert.equal(logged[0]?.bytesReceived, sent.length);
});

test("no cluster, no host and no answer close the connection with Envoy's flags", async () => {
  for (const [hosts, init, flag] of [
    [[], {}, "UH"],
    [[host(1)], {}, "UF URX"],
    [[], { clusterSpecifier: { case: "cluster" as const, value: "missing" } }, "NC"],
  ] as const) {
    const { port, logged } = bench([...hosts], init);
    const socket = client(port);
    socket.end();
    await readAll(socket);
    while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal([...(logged[0]?.flags ?? [])].join(" "), flag);
  }
});

test("a reset upstream is a reset downstream", async () => {
  const { port, logged } = bench([await serve((socket) => socket.once("data", () => socket.resetAndDestroy()))]);
  const socket = client(port);
  socket.write("hello");
  socket.resume();
  await new Promise((resolve) => socket.on("close", resolve));
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...(logged[0]?.flags ?? [])], ["UR"]);
});

test("a connection ends after its longest duration, however busy", async () => {
  const { port, logged, stat } = bench([await serve((socket) => socket.on("data", (chunk) => socket.write(chunk)))], {
    maxDownstreamConnectionDuration: { seconds: 0n, nanos: 30_000_000 },
  });
  const socket = client(port);
  socket.write("x");
  socket.on("data", (chunk) => socket.write(chunk));
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...(logged[0]?.flags ?? [])], ["DT"]);
  assert.equal(stat("tcp.t.max_downstream_connection_duration"), 1);
});

test("the client's address chooses the host where the configuration says so", async () => {
  const { port, hashes } = bench([await serve((socket) => socket.end("hi"))], {
    hashPolicy: [{ policySpecifier: { case: "sourceIp", value: {} } }],
  });
  await readAll(client(port));
  assert.deepEqual(hashes, [xxHash64("127.0.0.1")]);
  const plain = bench([await serve((socket) => socket.end("hi"))]);
  await readAll(client(plain.port));
  assert.deepEqual(plain.hashes, [undefined]);
});

test("connections over the limit are closed at once and counted", async () => {
  const { port, stat } = bench([await serve((socket) => socket.write("hi"))], {}, { maxConnections: 1 });
  const first = client(port);
  await once(first, "data");
  const second = client(port);
  second.resume();
  await once(second, "end");
  assert.equal(stat("listener.l.downstream_cx_overflow"), 1);
  assert.equal(stat("listener.l.downstream_cx_active"), 1);
});

test("the cluster's limits hold, and it counts its connections", async () => {
  const upstream = await serve((socket) => {
    socket.write("hi");
    socket.resume();
    socket.on("end", () => socket.end());
  });
  const { port, stat, logged, connectTimeouts } = bench([upstream], {}, { maxUpstreamConnections: 1 });
  const first = client(port);
  await once(first, "data");
  assert.deepEqual(connectTimeouts, [1234]);
  assert.equal(stat("cluster.c.upstream_cx_active"), 1);
  assert.equal(stat("cluster.c.upstream_rq_active"), 1);
  assert.equal(upstream.stats.cxActive, 1);
  const second = client(port);
  second.end();
  await readAll(second);
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...(logged[0]?.flags ?? [])], ["UO"]);
  assert.equal(stat("cluster.c.upstream_cx_overflow"), 1);
  first.destroy();
  while (stat("cluster.c.upstream_cx_active") > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stat("cluster.c.upstream_cx_total"), 1);
  assert.equal(stat("cluster.c.upstream_cx_destroy_remote"), 1);
  assert.equal(stat("cluster.c.upstream_cx_rx_bytes_total"), 2);
  const third = client(port);
  await once(third, "data");
  assert.equal(stat("cluster.c.upstream_cx_total"), 2);
});

test("the answer to a tunnel is left in the filter state where propagate_response_headers and propagate_response_trailers say so", async () => {
  const upstream = host(1);
  const sender: RequestSender = {
    version: "HTTP/2",
    sendHeaders: () => {},
    sendData: () => true,
    sendTrailers: () => {},
    reset: () => {},
    pauseReading: () => {},
    resumeReading: () => {},
  };
  const tunnels: HttpConnectionPool = {
    newStream(receiver, callbacks) {
      queueMicrotask(() => {
        callbacks.onPoolReady(sender, upstream, { address: "127.0.0.1", port: 2 }, false);
        receiver.onResponseHeaders(new PairResponseHeaderMap(200, [["x-a", "1"]]), false);
        receiver.onResponseTrailers(new PairTrailerMap([["x-b", "2"]]));
      });
      return { cancel: () => {} };
    },
    drain: () => {},
    preconnect: () => false,
    demand: { pending: 0, active: 0, unused: 0 },
    connectionCount: 0,
  };
  const left = async (tunneling: object): Promise<unknown[]> => {
    const { port, logged } = bench([upstream], { tunnelingConfig: { hostname: "a:1", ...tunneling } }, { tunnels });
    const socket = client(port);
    socket.end();
    await readAll(socket);
    while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
    return ["headers", "trailers"].map((part) => {
      const text = logged[0]?.filterState?.get(`envoy.tcp_proxy.propagate_response_${part}`);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    });
  };
  const pair = (key: string, value: string) => ({ key, value });
  assert.deepEqual(await left({}), [undefined, undefined]);
  assert.deepEqual(await left({ propagateResponseHeaders: true, propagateResponseTrailers: true }), [
    { headers: [pair(":status", "200"), pair("x-a", "1")] },
    { headers: [pair("x-b", "2")] },
  ]);
});

test("a host that cannot be reached counts as a failed connect", async () => {
  const { port, stat, logged, hosts } = bench([host(1)], { maxConnectAttempts: 2 });
  const socket = client(port);
  socket.end();
  await readAll(socket);
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stat("cluster.c.upstream_cx_connect_fail"), 2);
  assert.equal(stat("cluster.c.upstream_cx_active"), 0);
  assert.equal(hosts[0]?.stats.cxConnectFail, 2);
  assert.equal(hosts[0]?.stats.cxActive, 0);
});

test("an unchanged chain keeps its connections over an update; a changed one has the drain time to end them", async () => {
  const { port, update, listener } = bench([await serve((socket) => socket.on("data", (chunk) => socket.write(chunk)))]);
  const socket = client(port);
  const echo = async (text: string): Promise<void> => {
    socket.write(text);
    assert.equal(String((await once(socket, "data"))[0]), text);
  };
  await echo("one");
  update({});
  await new Promise((resolve) => setTimeout(resolve, 80));
  await echo("two");
  update({ statPrefix: "other" });
  await echo("three");
  socket.resume();
  await once(socket, "end");
  const fresh = client(port);
  fresh.write("four");
  assert.equal(String((await once(fresh, "data"))[0]), "four");
  assert.equal(listener.connectionCount, 1);
});

test("chains that are replaced give their statistics back when their last connection has gone", async () => {
  const { port, update, stats, stat } = bench([await serve((socket) => socket.on("data", (chunk) => socket.write(chunk)))]);
  const socket = client(port);
  socket.write("one");
  await once(socket, "data");
  const { nameCount } = stats;
  update({ statPrefix: "other" });
  assert.ok(stats.nameCount > nameCount, "the old chain still has a connection");
  socket.resume();
  await once(socket, "end");
  while (stat("listener.l.downstream_cx_active") > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stats.nameCount, nameCount);
  for (let i = 0; i < 200; i++) update({ statPrefix: `t${i}` });
  assert.throws(() => update({ statPrefix: "" }), ConfigError);
  assert.equal(stats.nameCount, nameCount);
});

test("what is wrong is refused with its path", () => {
  const compiler = tcpProxyCompiler({ compile: () => ({ open: () => ({ log: () => {} }) }) });
  const listenerWire = fromBinary(
    ListenerSchema,
    wire(1, {
      statPrefix: "",
      tunnelingConfig: { hostname: "", postPath: "/p" },
      maxConnectAttempts: 0,
      clusterSpecifier: { case: undefined },
    }),
  );
  listenerWire.listenerFilters = [];
  assert.throws(
    () => compileListener(listenerWire, [compiler], undefined),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.violations.map(({ path }) => path),
        [
          "filter_chains[0].filters[0].typed_config.stat_prefix",
          "filter_chains[0].filters[0].typed_config.cluster",
          "filter_chains[0].filters[0].typed_config.max_connect_attempts",
          "filter_chains[0].filters[0].typed_config.tunneling_config.hostname",
          "filter_chains[0].filters[0].typed_config.tunneling_config.post_path",
        ],
      );
      return true;
    },
  );
});

test("log lines come when the connection stands, and again while it lasts", async () => {
  const echo = await serve((socket) => socket.on("data", (chunk) => socket.write(chunk)));
  const options = { accessLogFlushInterval: { seconds: 0n, nanos: 20_000_000 }, flushAccessLogOnConnected: true };
  const { port, logged } = bench([echo], { accessLogOptions: options });
  const socket = client(port);
  socket.write("hello");
  await once(socket, "data");
  while (logged.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.destroy();
});

test("the metadata that is asked for is that of the chosen cluster over the proxy's own", () => {
  const metadata = (fields: JsonObject): MessageInitShape<typeof MetadataSchema> => ({ filterMetadata: { "envoy.lb": fields } });
  const violations = new Violations();
  const { clusters } = readTcpProxy(
    create(TcpProxySchema, {
      statPrefix: "t",
      metadataMatch: metadata({ stage: "prod", version: "1" }),
      clusterSpecifier: {
        case: "weightedClusters",
        value: {
          clusters: [
            { name: "a", weight: 1, metadataMatch: metadata({ version: "2" }) },
            { name: "b", weight: 1 },
          ],
        },
      },
    }),
    "tcp",
    violations,
  );
  violations.throwIfAny("tcp proxy");
  assert.deepEqual(
    clusters.map(({ metadataMatch }) => metadataMatch),
    [
      { stage: "prod", version: "2" },
      { stage: "prod", version: "1" },
    ],
  );
});

test("two chains that take the same connections are refused", () => {
  const compiler = tcpProxyCompiler({ compile: () => ({ open: () => ({ log: () => {} }) }) });
  const double = fromBinary(ListenerSchema, wire(1, { statPrefix: "t", clusterSpecifier: { case: "cluster", value: "c" } }));
  double.filterChains.push(...double.filterChains);
  assert.throws(
    () => compileListener(double, [compiler], undefined),
    /filter_chains\[1\].filter_chain_match: takes the same connections as filter_chains\[0\]/,
  );
});

test("a connection on which nothing moves ends after its idle timeout", async () => {
  const { port, logged, stat } = bench([await serve((socket) => socket.write("hi"))], {
    idleTimeout: { seconds: 0n, nanos: 30_000_000 },
  });
  assert.equal(String(await readAll(client(port))), "hi");
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stat("tcp.t.idle_timeout"), 1);
});
