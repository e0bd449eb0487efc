import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { FileAccessLogSchema } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import { EchoSchema } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import { HttpInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb";
import { OriginalDstSchema } from "#envoy/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb";
import { ProxyProtocolSchema } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import { TlsInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb";
import { bindListenSocket } from "#proxy/net/listen-socket";
import { SharedLocalInfo } from "#proxy/local-info";
import type { ThreadContext } from "#proxy/thread-context";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ActiveListener } from "./active-listener.ts";
import { ListenerDirectory } from "./listener-directory.ts";
import { StreamRecord } from "#proxy/http/stream-record";
import { compileListener } from "./listener-config.ts";
import type { NetworkFilterCompiler } from "./network-filter.ts";

const registry = createRegistry(
  FileAccessLogSchema,
  EchoSchema,
  HttpInspectorSchema,
  OriginalDstSchema,
  ProxyProtocolSchema,
  TlsInspectorSchema,
  file_google_protobuf_wrappers,
);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Answers with what is known of the connection, then echoes. */
const tell: NetworkFilterCompiler = {
  configTypes: [EchoSchema.typeName],
  compile: (name) => ({
    accept(context) {
      const { connection, info, listenerName, originalDestination } = context;
      if (name === "to a cluster") {
        context.streamInfo = new StreamRecord(0, 0, info);
        context.streamInfo.upstreamCluster = "c";
        context.streamInfo.accessLogType = "TcpConnectionEnd";
        context.streamInfo.flags.add("UF");
      }
      const { local, remote, requestedServerName } = info;
      const to = originalDestination === undefined ? "" : ` to ${local.address}:${local.port} from ${remote.address}:${remote.port}`;
      connection.handler = {
        onData: (chunk) => void connection.write(chunk),
        onEnd: () => connection.close("flush"),
        onDrain: () => {},
        onClose: () => {},
      };
      connection.write(`${listenerName} ${name}${to}${requestedServerName === undefined ? "" : ` for ${requestedServerName}`}\n`);
    },
  }),
};

const filter = (type: string, more: object = {}): object => ({
  name: type,
  typedConfig: { "@type": `type.googleapis.com/envoy.extensions.filters.listener.${type}` },
  ...more,
});
const TLS = filter("tls_inspector.v3.TlsInspector");
const HTTP = filter("http_inspector.v3.HttpInspector");
const PROXY = filter("proxy_protocol.v3.ProxyProtocol");

const PROXY_OR_NOT = {
  name: "p",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    allowRequestsWithoutProxyProtocol: true,
  },
};

function chain(name: string, filterChainMatch: object = {}): object {
  return {
    filterChainMatch,
    filters: [{ name, typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo" } }],
  };
}

class Bench {
  readonly directory = new ListenerDirectory();
  readonly lines: string[] = [];
  readonly runtime = new CurrentRuntime();
  readonly #stats = new ThreadStats();
  readonly #reader = new StatsReader();
  readonly #thread: ThreadContext = {
    nodeId: "n",
    local: new SharedLocalInfo("service"),
    clock: realClock,
    random: seededRandom(1),
    log: silentLog,
    stats: this.#stats.root,
    clusters: { get: () => undefined },
    routes: { get: () => undefined },
    secrets: { get: () => undefined },
    accessLogs: { open: () => ({ write: (line) => void this.lines.push(line.trim()) }) },
    runtime: this.runtime,
    poison: true,
  };

  /** The port where it listens; `bindToPort: false`: 0. */
  listen(name: string, init: object, port = 0): number {
    const bound = bindListenSocket({ address: "127.0.0.1", port });
    assert.ok(bound.ok);
    cleanups.push(() => bound.socket.close());
    const address = { socketAddress: { address: "127.0.0.1", portValue: port === 0 ? bound.socket.address.port : port } };
    const wire = fromJson(ListenerSchema, { name, statPrefix: name, address, ...init } as JsonValue, { registry });
    const listener = new ActiveListener(compileListener(wire, [tell], this.#thread), this.#thread, {
      drainTimeMs: 50,
      maxConnections: 10,
      listenerAt: (target) => this.directory.at(target),
    });
    this.directory.set(name, listener);
    cleanups.push(() => listener.close());
    if (!listener.config.bindToPort) return 0;
    listener.listen([bound.socket.duplicate()]);
    return bound.socket.address.port;
  }

  stat(name: string): number {
    const update = this.#stats.takeUpdate();
    if (update !== undefined) this.#reader.apply(0, update);
    const found = this.#reader.read().find((entry) => entry.name === name);
    return found === undefined || found.kind === "histogram" ? 0 : found.value;
  }

  async until(name: string, value: number): Promise<void> {
    while (this.stat(name) !== value) await new Promise((resolve) => setImmediate(resolve));
  }
}

function client(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

/** What comes back in all when `parts` are sent one after the other and the sending side ends. */
async function ask(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = client(port);
  socket.setNoDelay(true);
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, resolve));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  while (!text.includes("\n") && !socket.readableEnded && !socket.destroyed) await new Promise((resolve) => setImmediate(resolve));
  socket.end();
  // A reset is an end like any other here.
  while (!socket.readableEnded && !socket.destroyed) await new Promise((resolve) => setImmediate(resolve));
  return text;
}

/** What Node's own TLS stack sends first. */
async function clientHello(servername: string): Promise<Buffer> {
  const wire = new PassThrough();
  const socket = new PassThrough({
    write(chunk, _encoding, done): void {
      wire.write(chunk);
      done();
    },
  });
  const tls = connectTls({ socket, servername });
  tls.on("error", () => {});
  const [hello] = (await once(wire, "data")) as [Buffer];
  tls.destroy();
  return hello;
}

test("the HTTP inspector chooses the chain, and every byte that it saw reaches the chain", async () => {
  const bench = new Bench();
  const port = bench.listen("l", {
    listenerFilters: [TLS, HTTP],
    filterChains: [
      chain("http", { applicationProtocols: ["http/1.1"] }),
      chain("h2", { applicationProtocols: ["h2c"] }),
      chain("tls", { transportProtocol: "tls" }),
    ],
    defaultFilterChain: chain("other"),
  });
  assert.equal(await ask(port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"), "l http\nGET / HTTP/1.1\r\nhost: a\r\n\r\n");
  assert.equal(await ask(port, ..."GET / HTTP/1.1\r\n".split("")), "l http\nGET / HTTP/1.1\r\n");
  assert.equal(await ask(port, "PRI * HTTP/2.0\r\n", "\r\nSM\r\n\r\n"), "l h2\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  assert.equal(await ask(port, "\x01\x02\n"), "l other\n\x01\x02\n");
  assert.match(await ask(port, await clientHello("some.name")), /^l tls for some\.name\n/);
  assert.equal(bench.stat("tls_inspector.tls_found"), 1);
  assert.equal(bench.stat("tls_inspector.sni_found"), 1);
  assert.equal(bench.stat("http_inspector.http11_found"), 2);
  assert.equal(bench.stat("listener.l.downstream_cx_total"), 5);
  assert.equal(bench.stat("listener.l.downstream_pre_cx_active"), 0);
});

test("server name and its chain", async () => {
  const bench = new Bench();
  const port = bench.listen("l", {
    listenerFilters: [TLS],
    filterChains: [chain("a", { serverNames: ["*.name"] }), chain("b", { serverNames: ["x"] })],
  });
  assert.match(await ask(port, await clientHello("Some.Name")), /^l a for some\.name\n/);
  assert.equal(await ask(port, "plain text\n"), "");
  assert.equal(bench.stat("listener.l.no_filter_chain_match"), 1);
});

test("PROXY protocol names the client and the destination, which another listener may own", async () => {
  const bench = new Bench();
  bench.listen("owner", {
    bindToPort: false,
    address: { socketAddress: { address: "0.0.0.0", portValue: 4711 } },
    filterChains: [chain("c")],
  });
  const filterChains = [chain("own")];
  const port = bench.listen("virtual", { useOriginalDst: true, listenerFilters: [PROXY], filterChains });
  const direct = bench.listen("direct", { listenerFilters: [PROXY], filterChains });
  assert.equal(await ask(port, "PROXY TCP4 1.2.3.4 10.0.0.1 5 4711\r\nhi\n"), "owner c to 10.0.0.1:4711 from 1.2.3.4:5\nhi\n");
  assert.equal(await ask(port, ..."PROXY TCP4 1.2.3.4 10.0.0.1 5 9\r\nhi\n".split("")), "virtual own to 10.0.0.1:9 from 1.2.3.4:5\nhi\n");
  assert.equal(await ask(direct, "PROXY TCP4 1.2.3.4 10.0.0.1 5 4711\r\nhi\n"), "direct own to 10.0.0.1:4711 from 1.2.3.4:5\nhi\n");
  assert.equal(await ask(direct, "PROXY UNKNOWN\r\nhi\n"), "direct own\nhi\n");
  assert.equal(await ask(direct, "GET / HTTP/1.1\r\n"), "");
  assert.equal(bench.stat("proxy_proto.not_found_disallowed"), 1);
  assert.equal(bench.stat("proxy_proto.versions.v1.found"), 4);
  assert.equal(bench.stat("listener.owner.downstream_cx_total"), 1);
});

test("the listener's own access log tells of connections, and of those that no chain took", async () => {
  const bench = new Bench();
  const textFormatSource = { inlineString: "%RESPONSE_FLAGS% %REQUESTED_SERVER_NAME% %BYTES_RECEIVED%" };
  const typedConfig = {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
    path: "/dev/stdout",
    logFormat: { textFormatSource },
  };
  const port = bench.listen("l", {
    listenerFilters: [PROXY_OR_NOT, TLS],
    accessLog: [{ name: "file", typedConfig }],
    filterChains: [chain("a", { serverNames: ["x"] })],
  });
  assert.equal(await ask(port, "plain text\n"), "");
  assert.deepEqual(bench.lines, ["NR - 0"]);
  const hello = await clientHello("x");
  await ask(port, hello);
  await bench.until("listener.l.downstream_cx_active", 0);
  assert.deepEqual(bench.lines.slice(1), [`- x ${hello.length}`]);
  assert.equal(await ask(port, "PROXY nonsense\r\n"), "");
  assert.deepEqual(bench.lines.slice(2), ["- - 0"], "a listener filter closed it");
});

test("the listener's own access log knows of a connection what its last filter knows", async () => {
  const bench = new Bench();
  const textFormatSource = { inlineString: "%RESPONSE_FLAGS% %UPSTREAM_CLUSTER% %BYTES_SENT% %ACCESS_LOG_TYPE%" };
  const typedConfig = {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
    path: "/dev/stdout",
    logFormat: { textFormatSource },
  };
  const port = bench.listen("l", { accessLog: [{ name: "file", typedConfig }], filterChains: [chain("to a cluster")] });
  const answer = await ask(port, "x");
  await bench.until("listener.l.downstream_cx_active", 0);
  assert.deepEqual(bench.lines, [`UF c ${answer.length} NotSet`]);
});

test("a filter is switched off by the destination port, which earlier filters restore", async () => {
  const bench = new Bench();
  const off = filter("http_inspector.v3.HttpInspector", { filterDisabled: { destinationPortRange: { start: 4711, end: 4712 } } });
  const port = bench.listen("l", {
    listenerFilters: [PROXY, off],
    filterChains: [chain("http", { applicationProtocols: ["http/1.1"] })],
    defaultFilterChain: chain("other"),
  });
  const request = "GET / HTTP/1.1\r\n";
  assert.match(await ask(port, `PROXY TCP4 1.2.3.4 10.0.0.1 5 4711\r\n${request}`), /^l other /);
  assert.match(await ask(port, `PROXY TCP4 1.2.3.4 10.0.0.1 5 4710\r\n${request}`), /^l http /);
});

test("who says nothing is taken or closed when time is over, as configured", async () => {
  const bench = new Bench();
  const init = { listenerFilters: [HTTP], listenerFiltersTimeout: "0.02s", filterChains: [chain("c")] };
  const taken = bench.listen("taken", { ...init, continueOnListenerFiltersTimeout: true });
  const closed = bench.listen("closed", init);
  assert.equal(await ask(taken, "GE"), "taken c\nGE");
  assert.equal(await ask(closed, "GE"), "");
  assert.equal(bench.stat("listener.taken.downstream_pre_cx_timeout"), 1);
  assert.equal(bench.stat("listener.closed.downstream_pre_cx_timeout"), 1);
  assert.equal(bench.stat("listener.closed.downstream_cx_total"), 0);
});

test("a client that leaves while it is looked at leaves nothing behind", async () => {
  const bench = new Bench();
  const port = bench.listen("l", { listenerFilters: [HTTP], listenerFiltersTimeout: "0s", filterChains: [chain("c")] });
  client(port).end("GE");
  await bench.until("listener.l.downstream_listener_filter_remote_close", 1);
  const broken = client(port);
  broken.write("GE");
  await bench.until("listener.l.downstream_pre_cx_active", 1);
  broken.resetAndDestroy();
  await bench.until("listener.l.downstream_listener_filter_error", 1);
  assert.equal(bench.stat("listener.l.downstream_pre_cx_active"), 0);
});

test("a listener that goes closes who it still looks at, in the end", async () => {
  const bench = new Bench();
  const port = bench.listen("l", { listenerFilters: [HTTP], listenerFiltersTimeout: "0s", filterChains: [chain("c")] });
  const waiting = client(port);
  waiting.write("GE");
  await bench.until("listener.l.downstream_pre_cx_active", 1);
  const listener = bench.directory.get("l");
  let ended = false;
  listener?.drain();
  listener?.whenEnded(() => (ended = true));
  assert.equal(ended, false);
  const gone = new Promise((resolve) => waiting.on("close", resolve));
  waiting.resume();
  listener?.close();
  await gone;
  assert.equal(ended, true);
});

test("what cannot be honoured is refused with its path", () => {
  const listenerFilters = [{ name: "x" }, filter("http_inspector.v3.HttpInspector", { filterDisabled: {} })];
  const address = { socketAddress: { address: "127.0.0.1", portValue: 1 } };
  const wire = fromJson(ListenerSchema, { name: "l", address, listenerFilters, filterChains: [chain("c")] } as JsonValue, { registry });
  assert.throws(
    () => compileListener(wire, [tell], undefined),
    /listener_filters\[0\].*needs a typed_config.*listener_filters\[1\]\.filter_disabled/,
  );
});

test("PROXY protocol may be missing where the filter allows it, and a version may be unwelcome", async () => {
  const bench = new Bench();
  const listen = (name: string, allowRequestsWithoutProxyProtocol: boolean): number => {
    const type = "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
    const typedConfig = { "@type": type, allowRequestsWithoutProxyProtocol, disallowedVersions: ["V1"], statPrefix: name };
    return bench.listen(name, {
      listenerFilters: [filter("proxy_protocol.v3.ProxyProtocol", { typedConfig })],
      filterChains: [chain("c")],
    });
  };
  const [may, must] = [listen("may", true), listen("must", false)];
  const header = "PROXY TCP4 1.2.3.4 10.0.0.1 5 4711\r\nhi\n";
  assert.equal(await ask(may, "GET / HTTP/1.1\r\n"), "may c\nGET / HTTP/1.1\r\n");
  assert.equal(await ask(may, header), `may c\n${header}`, "nobody looks for it");
  assert.equal(await ask(must, header), "");
  assert.equal(bench.stat("proxy_proto.may.not_found_allowed"), 2);
  assert.equal(bench.stat("proxy_proto.must.versions.v1.disallowed"), 1);
});

test("runtime layers limit the connections of a listener by its name", async () => {
  const bench = new Bench();
  bench.runtime.set(runtimeValues({ "envoy.resource_limits.listener.few.connection_limit": 1 }));
  const [few, many] = [bench.listen("few", { filterChains: [chain("few")] }), bench.listen("many", { filterChains: [chain("many")] })];
  for (const port of [few, few, many, many]) client(port);
  await bench.until("listener.few.downstream_cx_overflow", 1);
  await bench.until("listener.many.downstream_cx_total", 2);
  assert.equal(bench.stat("listener.many.downstream_cx_overflow"), 0);
});
