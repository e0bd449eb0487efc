// Connections through a real Envoy and through our proxy: which host gets them, how a tunnel is asked for, what the client gets, and what is
// logged and counted must be the same.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { IncomingHttpHeaders as Http2Headers, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { TcpClient } from "./tcp-client.ts";

interface Backend {
  readonly port: number;
  /** What it was asked, where it speaks HTTP. */
  readonly requests: readonly unknown[];
  close(): void;
}

type StartBackend = () => Promise<Backend>;

async function listening(server: Server, requests: readonly unknown[], close: () => void = () => {}): Promise<Backend> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close() {
      server.close();
      close();
    },
  };
}

/** Says its name, then what it is told. */
function talker(name: string): StartBackend {
  return () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      socket.write(name);
      socket.on("data", (chunk) => socket.write(chunk));
      socket.on("end", () => socket.end());
    });
    return listening(server, []);
  };
}

/** An HTTP/1.1 proxy that answers CONNECT with this status and sends back what it gets. */
function http1Proxy(status: number): StartBackend {
  return () => {
    const requests: unknown[] = [];
    const server = createHttpServer();
    server.on("connect", ({ method, url, headers }, socket) => {
      requests.push([method, url, headers["host"], headers["x-from"]]);
      socket.on("error", () => {});
      socket.write(`HTTP/1.1 ${status} x\r\nx-answer: yes\r\n\r\n`);
      if (status >= 300) socket.end();
      else socket.pipe(socket);
    });
    return listening(server, requests, () => server.closeAllConnections());
  };
}

function http2Proxy(status: number): StartBackend {
  return () => {
    const requests: unknown[] = [];
    const server = createHttp2Server();
    const sessions = new Set<{ destroy(): void }>();
    server.on("session", (session) => sessions.add(session));
    server.on("stream", (stream: ServerHttp2Stream, headers: Http2Headers) => {
      requests.push([headers[":method"], headers[":authority"], headers[":path"], headers[":scheme"], headers["x-from"]]);
      stream.on("error", () => {});
      stream.respond({ ":status": status, "x-answer": "yes" });
      if (status >= 300) stream.end();
      else stream.pipe(stream);
    });
    return listening(server, requests, () => {
      for (const session of sessions) session.destroy();
    });
  };
}

const HTTP2: JsonObject = {
  typedExtensionProtocolOptions: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicitHttpConfig: { http2ProtocolOptions: {} },
    },
  },
};
const SUBSETS: JsonObject = { lbSubsetConfig: { subsetSelectors: [{ keys: ["v"] }] }, commonLbConfig: { healthyPanicThreshold: {} } };
const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const version = (v: string): JsonObject => ({ filterMetadata: { "envoy.lb": { v } } });
const from = { header: { key: "x-from", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" } };
const TUNNEL: JsonObject = { hostname: "host.example:443", headersToAdd: [from] };

interface Scenario {
  readonly tcpProxy?: JsonObject;
  readonly cluster?: JsonObject;
  /** None: nobody listens. */
  readonly backends: readonly StartBackend[];
}

const SCENARIOS: readonly (readonly [what: string, scenario: Scenario])[] = [
  ["one host", { backends: [talker("a")] }],
  ["nobody listens", { backends: [] }],
  ["nobody listens, three attempts", { backends: [], tcpProxy: { maxConnectAttempts: 3 } }],
  ["metadata_match", { backends: [talker("a"), talker("b")], cluster: SUBSETS, tcpProxy: { metadataMatch: version("1") } }],
  ["metadata_match that no host has", { backends: [talker("a")], cluster: SUBSETS, tcpProxy: { metadataMatch: version("9") } }],
  [
    "metadata_match of one of several clusters",
    {
      backends: [talker("a"), talker("b")],
      cluster: SUBSETS,
      tcpProxy: {
        metadataMatch: version("0"),
        weightedClusters: { clusters: [{ name: CLUSTER, weight: 1, metadataMatch: version("1") }] },
      },
    },
  ],
  ["CONNECT over HTTP/1.1", { backends: [http1Proxy(200)], tcpProxy: { tunnelingConfig: TUNNEL } }],
  ["CONNECT over HTTP/1.1, refused", { backends: [http1Proxy(403)], tcpProxy: { tunnelingConfig: TUNNEL } }],
  ["CONNECT over HTTP/2", { backends: [http2Proxy(200)], cluster: HTTP2, tcpProxy: { tunnelingConfig: TUNNEL } }],
  [
    "CONNECT over HTTP/2, refused twice",
    { backends: [http2Proxy(403)], cluster: HTTP2, tcpProxy: { tunnelingConfig: TUNNEL, maxConnectAttempts: 2 } },
  ],
  ["CONNECT over HTTP/2, another 2xx", { backends: [http2Proxy(202)], cluster: HTTP2, tcpProxy: { tunnelingConfig: TUNNEL } }],
  ["POST over HTTP/2", { backends: [http2Proxy(200)], cluster: HTTP2, tcpProxy: { tunnelingConfig: { ...TUNNEL, usePost: true } } }],
  [
    "POST over HTTP/2 to a path",
    { backends: [http2Proxy(200)], cluster: HTTP2, tcpProxy: { tunnelingConfig: { ...TUNNEL, usePost: true, postPath: "/p" } } },
  ],
];

/** What comes back for `ping`, and then for the end of the client's half. */
async function exchange(port: number): Promise<string> {
  const client = new TcpClient(port);
  client.say("ping");
  await client.hears("an answer", (got) => got.includes("ping"));
  await client.end();
  return client.got;
}

const COUNTED =
  /^(tcp\.lone\.(downstream_cx_total|downstream_cx_no_route|idle_timeout)|cluster\.outbound.*\.(upstream_cx_(total|connect_fail|connect_attempts_exceeded|none_healthy|http1_total|http2_total)|upstream_rq_(total|pending_total|pending_failure_eject|rx_reset)))$/;

async function measure(kind: "envoy" | "mizzen", { tcpProxy, cluster, backends: start }: Scenario): Promise<unknown> {
  const backends = await Promise.all(start.map((one) => one()));
  const ports = backends.length === 0 ? [1] : backends.map(({ port }) => port);
  const lbEndpoints = ports.map((portValue, at) => ({
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
    metadata: version(String(at)),
  }));
  const proxy = await startLoneProxy(kind, {
    backendPort: ports[0]!,
    tcpProxy: tcpProxy ?? {},
    ...(cluster === undefined ? {} : { cluster }),
    endpoints: [{ lbEndpoints }],
  });
  try {
    const got = await exchange(proxy.port);
    const log = await eventually("a log line", 30_000, () => Promise.resolve(proxy.log().length > 0 ? proxy.log() : undefined));
    const stats = await proxy.stats(COUNTED);
    return {
      got,
      log,
      requests: backends.map(({ requests }) => requests),
      stats: [...stats]
        .filter(([, value]) => value !== 0)
        .map(([name, value]) => `${name.replace(/^cluster\.outbound.*local\./, "")} ${value}`)
        .toSorted((a, b) => (a < b ? -1 : 1)),
    };
  } finally {
    await proxy.stop();
    for (const backend of backends) backend.close();
  }
}

for (const [what, scenario] of SCENARIOS) {
  test(`proxies connections as Envoy does: ${what}`, async () => {
    const [envoy, ours] = [await measure("envoy", scenario), await measure("mizzen", scenario)];
    assert.deepEqual(ours, envoy);
  });
}
