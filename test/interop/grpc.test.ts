// gRPC through three of our proxies in a row, as gateway, sidecar and sidecar: the interoperability suite of grpc-go (client and server) over
// cleartext and TLS, compression, deadlines, and beside a real Envoy what a browser and a client get when a call fails. The proxies run in
// poison mode: bytes that were lent and kept would show.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Client, Metadata, Server, ServerCredentials, compressionAlgorithms, credentials, status } from "@grpc/grpc-js";
import type { ClientOptions, ServiceError, sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import type { JsonObject } from "@bufbuild/protobuf";
import { isFree } from "#agent/instance-address";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy, LoneProxyOptions } from "../harness/lone-proxy.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, ROOT } from "../harness/mesh.ts";
import { goTool, pythonWith } from "../harness/tools.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";

const run = promisify(execFile);
const PROTO_FOLDER = join(ROOT, "bench/http2");

/** All of the suite that this client knows and that needs no accounts. */
const CASES = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
];

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const CLUSTER = "outbound|80||backend.default.svc.cluster.local";

function httpOptions(choice: JsonObject): JsonObject {
  return { typedExtensionProtocolOptions: { [OPTIONS]: { "@type": `type.googleapis.com/${OPTIONS}`, ...choice } } };
}

const HTTP2 = httpOptions({ explicitHttpConfig: { http2ProtocolOptions: {} } });
const RETRY = { retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", numRetries: 2 };
const ROUTES: readonly JsonObject[] = [
  { match: { prefix: "/echo.Echo/Short" }, route: { cluster: CLUSTER, timeout: "0.3s" } },
  { match: { prefix: "/echo.Echo/Flaky" }, route: { cluster: CLUSTER, timeout: "0s", retryPolicy: RETRY } },
  // Istio's: no timeout but the client's own.
  {
    match: { prefix: "/" },
    route: { cluster: CLUSTER, timeout: "0s", maxStreamDuration: { maxStreamDuration: "0s", grpcTimeoutHeaderMax: "0s" } },
  },
];

const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
const folder = mkdtempSync(join(tmpdir(), "mizzen-grpc-"));
const authority = new FakeAuthority();
const caFile = join(folder, "ca.pem");
writeFileSync(caFile, authority.root.certificate);
const serverPair = authority.issue({ hosts: ["localhost"] });

const downstreamTls: JsonObject = {
  name: "envoy.transport_sockets.tls",
  typedConfig: {
    "@type": `${TLS}.DownstreamTlsContext`,
    commonTlsContext: {
      alpnProtocols: ["h2", "http/1.1"],
      tlsCertificates: [{ certificateChain: { inlineString: serverPair.certificate }, privateKey: { inlineString: serverPair.key } }],
    },
  },
};
/** HTTP/2 is ALPN's choice. */
const upstreamTls: JsonObject = {
  ...httpOptions({ autoConfig: {} }),
  transportSocket: {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": `${TLS}.UpstreamTlsContext`,
      sni: "localhost",
      commonTlsContext: { validationContext: { trustedCa: { inlineString: authority.root.certificate } } },
    },
  },
};

/** The port of the first of three proxies, the last of which has the back end. */
async function chain(backendPort: number, tls: boolean, proxies: LoneProxy[]): Promise<number> {
  let port = backendPort;
  for (let hop = 0; hop < 3; hop++) {
    const options: LoneProxyOptions = {
      backendPort: port,
      routes: ROUTES,
      // The server itself speaks plain text.
      cluster: tls && hop > 0 ? upstreamTls : HTTP2,
      ...(tls ? { transportSocket: downstreamTls } : {}),
    };
    const proxy = await startLoneProxy("mizzen", options);
    proxies.push(proxy);
    ({ port } = proxy);
  }
  return port;
}

const atRest = (proxies: readonly LoneProxy[]): Promise<true> =>
  eventually("the proxies are at rest", 30_000, async () => {
    const busy = (await Promise.all(proxies.map((proxy) => proxy.busy()))).flat().filter((gauge) => !gauge.includes("_cx_active"));
    return busy.length === 0 ? true : undefined;
  });

for (const tls of [false, true]) {
  describe(`the interoperability suite of grpc-go ${tls ? "over TLS" : "in plain text"}`, () => {
    const proxies: LoneProxy[] = [];
    let server: ChildProcess | undefined;
    let port = 0;
    let client = "";

    before(async () => {
      client = goTool("grpc-interop", "google.golang.org/grpc/interop/client", "client");
      const serverPort = await freePort();
      server = spawn(goTool("grpc-interop", "google.golang.org/grpc/interop/server", "server"), ["-port", String(serverPort)], {
        stdio: "ignore",
      });
      await eventually("the server listens", 20_000, async () => ((await isFree("127.0.0.1", serverPort)) ? undefined : true));
      port = await chain(serverPort, tls, proxies);
    });

    after(async () => {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      server?.kill("SIGKILL");
    });

    for (const name of CASES) {
      test(name, async () => {
        const security = tls ? ["-use_tls", "-use_test_ca", "-ca_file", caFile, "-server_host_override", "localhost"] : [];
        await run(client, ["-server_host", "127.0.0.1", "-server_port", String(port), "-test_case", name, ...security], {
          timeout: 120_000,
        });
      });
    }

    test("grpcurl and ghz get their answers", async () => {
      const grpcurl = goTool("grpcurl", "github.com/fullstorydev/grpcurl/cmd/grpcurl");
      const ghz = goTool("ghz", "github.com/bojand/ghz/cmd/ghz");
      const address = `127.0.0.1:${port}`;
      const schema = ["-import-path", PROTO_FOLDER, "-proto", "unary.proto", "-d", '{"responseSize":3}'];
      const security = tls ? ["-cacert", caFile, "-authority", "localhost"] : ["-plaintext"];
      const one = await run(grpcurl, [...security, ...schema, address, "grpc.testing.TestService/UnaryCall"], { timeout: 120_000 });
      assert.deepEqual(JSON.parse(one.stdout), { payload: { body: Buffer.alloc(3).toString("base64") } });
      const load = ["--total=500", "--concurrency=50", "--connections=5", "--format=json", '--data={"responseSize":1000}'];
      const call = [`--proto=${join(PROTO_FOLDER, "unary.proto")}`, "--call=grpc.testing.TestService.UnaryCall"];
      const many = await run(ghz, [...(tls ? [`--cacert=${caFile}`, "--cname=localhost"] : ["--insecure"]), ...call, ...load, address], {
        timeout: 120_000,
        maxBuffer: 64 * 1024 * 1024,
      });
      const { statusCodeDistribution } = JSON.parse(many.stdout) as { statusCodeDistribution: Record<string, number> };
      assert.deepEqual(statusCodeDistribution, { OK: 500 });
    });

    test("leaves nothing behind", async () => {
      await atRest(proxies);
      for (const proxy of proxies) {
        const versions = await proxy.stats(/^cluster\.outbound.*\.upstream_cx_http[12]_total$/);
        assert.ok(
          [...versions].every(([name, value]) => name.includes("http2") === value > 0),
          JSON.stringify([...versions]),
        );
      }
    });
  });
}

interface Echo {
  readonly port: number;
  stop(): void;
}

const same = (bytes: Buffer): Buffer => bytes;

function method(path: string, streams: boolean) {
  const codecs = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  return { path: `/echo.Echo/${path}`, requestStream: streams, responseStream: streams, ...codecs };
}

/** Plain gives back what it got; Flaky fails twice and then does; Denied fails; Short and Slow never answer. */
async function startEcho(): Promise<Echo> {
  let failures = 0;
  type Unary = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void;
  const echo: Unary = ({ request }, done) => done(null, request);
  const flaky: Unary = (one, done) => (++failures % 3 === 0 ? echo(one, done) : done({ code: status.UNAVAILABLE, details: "again" }));
  const denied: Unary = (_, done) => done({ code: status.PERMISSION_DENIED, details: "not you: 100% ü" });
  const silent: Unary = () => {};
  const server = new Server();
  server.addService(
    {
      plain: method("Plain", false),
      flaky: method("Flaky", false),
      denied: method("Denied", false),
      short: method("Short", false),
      slow: method("Slow", false),
      stream: method("Stream", true),
    },
    {
      plain: echo,
      flaky,
      denied,
      short: silent,
      slow: silent,
      stream(duplex: NodeJS.ReadWriteStream) {
        duplex.on("data", (message: Buffer) => duplex.write(message as never));
        duplex.on("end", () => duplex.end());
      },
    },
  );
  const port = await new Promise<number>((done, failed) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error === null ? done(bound) : failed(error))),
  );
  return { port, stop: () => server.forceShutdown() };
}

function clientOf(port: number, options: ClientOptions = {}): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.enable_http_proxy": 0,
    "grpc.enable_retries": 0,
    ...options,
  });
}

function unary(client: Client, name: string, body: Buffer, deadlineMs = 10_000): Promise<Buffer> {
  return new Promise((done, failed) => {
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(`/echo.Echo/${name}`, same, same, body, new Metadata(), options, (error, answer) =>
      error === null ? done(answer!) : failed(error),
    );
  });
}

/** What comes back on a stream on which `body` is sent so many times. */
async function echoes(client: Client, body: Buffer, times: number): Promise<Buffer[]> {
  const duplex = client.makeBidiStreamRequest("/echo.Echo/Stream", same, same);
  const answers: Buffer[] = [];
  duplex.on("data", (message: Buffer) => answers.push(message));
  for (let i = 0; i < times; i++) duplex.write(body);
  duplex.end();
  await once(duplex, "end");
  return answers;
}

/** What a client sees of a call that fails. */
const failure = (client: Client, name: string, deadlineMs?: number): Promise<string> =>
  unary(client, name, Buffer.from("x"), deadlineMs).then(
    () => "succeeded",
    ({ code, details }: ServiceError) => `${code} ${details.replace(/Deadline exceeded after.*/, "Deadline exceeded")}`,
  );

const COMPRESSIBLE = Buffer.alloc(300_000, "compressible ");

/** Messages come back as they were, of one call and of a stream. @returns the access log's line of each */
async function compressedCalls(client: Client, proxy: LoneProxy): Promise<readonly string[]> {
  assert.deepEqual(await unary(client, "Plain", COMPRESSIBLE), COMPRESSIBLE);
  assert.deepEqual(
    await echoes(client, COMPRESSIBLE, 20),
    Array.from({ length: 20 }, () => COMPRESSIBLE),
  );
  return eventually("both calls are logged", 30_000, () => (proxy.log().length === 2 ? proxy.log() : undefined));
}

describe("a server that compresses its answers", () => {
  const proxies: LoneProxy[] = [];
  let server: ChildProcess | undefined;
  let port = 0;
  before(async () => {
    server = spawn(pythonWith("grpcio", "1.85.3"), [join(ROOT, "test/interop/testdata/compressing_server.py")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(server.stdout!, "data")) as [Buffer];
    port = await chain(Number(line), false, proxies);
  });
  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    server?.kill("SIGKILL");
  });

  test("its messages pass as they are, in one call and in a stream", async () => {
    const client = clientOf(port);
    // Bytes out: far fewer than the messages have.
    const lines = await compressedCalls(client, proxies[0]!);
    const sent = lines.map((line) => Number(line.split(" ")[5]));
    assert.ok(
      sent.every((bytes) => bytes > 0 && bytes < COMPRESSIBLE.length / 10),
      lines.join("\n"),
    );
    client.close();
  });
});

describe("calls of grpc-js", () => {
  const proxies: LoneProxy[] = [];
  let echo: Echo;
  let port = 0;
  before(async () => {
    echo = await startEcho();
    port = await chain(echo.port, false, proxies);
  });
  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    echo.stop();
  });

  test("compressed messages pass as they are", async () => {
    const client = clientOf(port, { "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
    // Path, status, flags, details, bytes in; the server of this library does not compress.
    const lines = await compressedCalls(client, proxies[0]!);
    const [first = 0, all = 0] = lines.map((line) => Number(line.split(" ")[4]));
    assert.ok(first > 0 && first < COMPRESSIBLE.length / 10 && all > 0 && all < COMPRESSIBLE.length, lines.join("\n"));
    client.close();
  });

  test("a deadline of the client ends the call on all the way", async () => {
    const client = clientOf(port);
    assert.equal(await failure(client, "Slow", 500), "4 Deadline exceeded");
    await atRest(proxies);
    client.close();
  });

  test("many calls at once share connections", async () => {
    const client = clientOf(port);
    const bodies = Array.from({ length: 300 }, (_, i) => Buffer.from(`call ${i}`));
    assert.deepEqual(await Promise.all(bodies.map((body) => unary(client, "Plain", body))), bodies);
    const connections = await proxies[0]!.stats(/upstream_cx_http2_total$/);
    assert.ok([...connections.values()].every((count) => count <= 4));
    client.close();
  });
});

const WEB = "application/grpc-web+proto";
const FILTERS = "type.googleapis.com/envoy.extensions.filters";
const MANAGER: JsonObject = {
  httpFilters: [
    { name: "envoy.filters.http.grpc_web", typedConfig: { "@type": `${FILTERS}.http.grpc_web.v3.GrpcWeb` } },
    {
      name: "envoy.filters.http.grpc_stats",
      typedConfig: { "@type": `${FILTERS}.http.grpc_stats.v3.FilterConfig`, statsForAllMethods: true },
    },
    { name: "envoy.filters.http.router", typedConfig: { "@type": `${FILTERS}.http.router.v3.Router` } },
  ],
};

/** Everything that clients see of a proxy in front of the echo server, then of one in front of nothing. */
async function observe(kind: "mizzen" | "envoy"): Promise<Record<string, string>> {
  const echo = await startEcho();
  const proxy = await startLoneProxy(kind, { backendPort: echo.port, routes: ROUTES, cluster: HTTP2, manager: MANAGER });
  const client = clientOf(proxy.port);
  const prefixed = (text: string): string => `\0\0\0\0${String.fromCharCode(text.length)}${text}`;
  const web = async (path: string, body: string, headers: Record<string, string> = {}): Promise<string> => {
    const options = { method: "POST", body: prefixed(body), headers: { "content-type": WEB, "x-grpc-web": "1", ...headers } };
    const answer = await call(`http://127.0.0.1:${proxy.port}${path}`, options);
    const shown = ["content-type", "grpc-status", "grpc-message", "grpc-encoding"].map((name) => answer.headers[name]);
    // Other trailers of the server come in no certain order.
    return JSON.stringify([answer.status, shown, answer.body.replace(/date:.*\r\n/i, "").slice(0, 5 + body.length)]);
  };
  try {
    const seen: Record<string, string> = {};
    for (const name of ["Flaky", "Denied", "Short", "Unknown"]) seen[name] = await failure(client, name);
    seen["web denied"] = await web("/echo.Echo/Denied", "x");
    seen["web unknown"] = await web("/echo.Echo/Unknown", "x");
    seen["web timeout"] = await web("/echo.Echo/Short", "x");
    echo.stop();
    seen["gone"] = await failure(client, "Plain");
    seen["web gone"] = await web("/echo.Echo/Plain", "x");
    const stats = await eventually("everything is counted", 30_000, async () => {
      const found = await proxy.stats(/\.grpc(-web)?\..*(total|success|failure|\.\d+|message_count)$/);
      return found.size > 0 ? found : undefined;
    });
    for (const [name, value] of stats) if (value > 0) seen[name.replace(/^cluster\..*?\.grpc/, "grpc")] = String(value);
    return seen;
  } finally {
    client.close();
    await proxy.stop();
    echo.stop();
  }
}

test("failed calls, of gRPC and of browsers, look the same through Envoy and through us, and count the same", async () => {
  const [envoy, mizzen] = [await observe("envoy"), await observe("mizzen")];
  assert.deepEqual(mizzen, envoy);
  assert.equal(envoy["Flaky"], "succeeded");
  assert.match(envoy["Denied"]!, /^7 not you/);
});

/** What becomes of a host whose service says each of these in turn, and then goes. */
async function healthFlags(kind: "mizzen" | "envoy"): Promise<string[]> {
  // HealthCheckResponse{status}: SERVING is 1, NOT_SERVING 2.
  let serving = 1;
  let asked = "";
  const server = new Server();
  server.addService(
    { check: { ...method("", false), path: "/grpc.health.v1.Health/Check" } },
    {
      check({ request, metadata }: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        asked = `${request.toString("hex")} ${metadata.get("x-check").join()}`;
        if (serving === 0) done({ code: status.NOT_FOUND });
        else done(null, Buffer.from([8, serving]));
      },
    },
  );
  const port = await new Promise<number>((done) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => done(bound)),
  );
  const times = { timeout: "1s", interval: "0.1s", noTrafficInterval: "0.1s", unhealthyThreshold: 1, healthyThreshold: 1 };
  const grpcHealthCheck = { serviceName: "echo.Echo", authority: "echo", initialMetadata: [{ header: { key: "x-check", value: "yes" } }] };
  const cluster = { ...HTTP2, healthChecks: [{ ...times, grpcHealthCheck }] };
  const proxy = await startLoneProxy(kind, { backendPort: port, cluster, routes: ROUTES });
  const seen: string[] = [];
  try {
    for (const [answer, expected] of [
      [1, "healthy"],
      [2, "/failed_active_hc"],
      [1, "healthy"],
      [0, "/failed_active_hc"],
      [1, "healthy"],
    ] as const) {
      serving = answer;
      await eventually(`${kind}: flags are ${expected}`, 30_000, async () => {
        const flags = /^outbound.*::health_flags::(.*)$/m.exec(await proxy.get("/clusters"))?.[1] ?? "none";
        return flags === expected ? true : undefined;
      });
      seen.push(expected);
    }
    server.forceShutdown();
    const network = await eventually("the network is to blame", 30_000, async () => {
      const found = await proxy.stats(/health_check\.network_failure$/);
      return [...found.values()].some((count) => count > 0) ? "network failure" : undefined;
    });
    return [...seen, network, asked];
  } finally {
    await proxy.stop();
    server.forceShutdown();
  }
}

test("gRPC health checks ask what Envoy's ask, and come to the same", async () => {
  const envoy = await healthFlags("envoy");
  assert.deepEqual(await healthFlags("mizzen"), envoy);
  assert.deepEqual(envoy.at(-1), "0a096563686f2e4563686f yes");
});

after(() => rmSync(folder, { recursive: true, force: true }));
