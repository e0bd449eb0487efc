import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cluster, Host, HttpConnectionPool, PoolCallbacks } from "#proxy/cluster/cluster";
import { ClusterStats } from "#proxy/cluster/cluster-stats";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import type { HttpVersion, RequestSender } from "#proxy/http/stream";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { HttpTunnel, headersAsText } from "./http-tunnel.ts";

const LOCAL = { address: "127.0.0.1", port: 1 };

interface Bench {
  readonly tunnel: HttpTunnel;
  readonly events: string[];
  readonly activeRequests: () => number;
  readonly ready: (version: HttpVersion) => void;
  readonly fail: PoolCallbacks["onPoolFailure"];
  readonly host: Host;
}

function bench(maxRequests = 1): Bench {
  const events: string[] = [];
  let requests = 0;
  const cluster = {
    stats: new ClusterStats(new ThreadStats().root.scope("cluster", "c")),
    tryAcquireRequest: () => requests < maxRequests && ++requests > 0,
    releaseRequest: () => void requests--,
  } as unknown as Cluster;
  const host = { activeRequests: 0, stats: { rqTotal: 0, rqActive: 0 } } as unknown as Host;
  const request = new PairRequestHeaderMap({ method: "CONNECT", authority: "a:1", scheme: "", path: "", upgrade: undefined });
  const tunnel = new HttpTunnel(
    {
      onTunnelReady: () => {
        events.push("ready");
        return {
          onData: (chunk) => void events.push(`data ${String(chunk)}`),
          onEnd: () => void events.push("end"),
          onDrain: () => void events.push("drain"),
          onClose: (failure) => void events.push(`close ${failure?.kind ?? ""}`.trim()),
        };
      },
      onTunnelFailed: (cause) => void events.push(`failed ${cause}`),
      onTunnelHeaders: ({ status }) => void events.push(`headers ${status}`),
      onTunnelTrailers: () => void events.push("trailers"),
    },
    cluster,
    host,
    request,
  );
  let callbacks: PoolCallbacks | undefined;
  const pool: HttpConnectionPool = {
    newStream(_, given) {
      callbacks = given;
      return { cancel: () => void events.push("cancelled") };
    },
    drain: () => {},
    preconnect: () => false,
    demand: { pending: 0, active: 0, unused: 0 },
    connectionCount: 0,
  };
  tunnel.start(pool);
  const sender = (version: HttpVersion): RequestSender => ({
    version,
    sendHeaders: ({ method }, endStream) => void events.push(`sent ${method} ${endStream}`),
    sendData: (chunk, endStream) => events.push(`wrote ${chunk.length} ${endStream}`) > 0,
    sendTrailers: () => {},
    reset: (reason) => void events.push(`reset ${reason}`),
    pauseReading: () => {},
    resumeReading: () => {},
  });
  return {
    tunnel,
    events,
    host,
    activeRequests: () => requests,
    ready: (version) => callbacks!.onPoolReady(sender(version), host, LOCAL, false),
    fail: (...args) => callbacks!.onPoolFailure(...args),
  };
}

test("a tunnel stands with the answer, and is over when both halves are", () => {
  const { tunnel, events, ready, activeRequests, host } = bench();
  ready("HTTP/2");
  tunnel.onResponseHeaders(new PairResponseHeaderMap(200), false);
  tunnel.write(Buffer.from("ping"));
  tunnel.onResponseData(Buffer.from("pong"), false);
  tunnel.end();
  assert.equal(host.stats.rqActive, 1);
  tunnel.onResponseTrailers(new PairTrailerMap());
  assert.deepEqual(events, [
    "sent CONNECT false",
    "headers 200",
    "ready",
    "wrote 4 false",
    "data pong",
    "wrote 0 true",
    "trailers",
    "end",
    "close",
  ]);
  assert.deepEqual([activeRequests(), host.activeRequests, host.stats.rqActive, host.stats.rqTotal], [0, 0, 0, 1]);
});

test("an answer that is no agreement is a failure to connect; HTTP/2 takes 200 alone", () => {
  for (const [version, status, agreed] of [
    ["HTTP/1.1", 204, true],
    ["HTTP/1.1", 403, false],
    ["HTTP/2", 204, false],
    ["HTTP/2", 503, false],
  ] as const) {
    const { tunnel, events, ready, activeRequests } = bench();
    ready(version);
    tunnel.onResponseHeaders(new PairResponseHeaderMap(status), false);
    assert.equal(events.at(-1), agreed ? "ready" : "failed refused", `${version} ${status}`);
    assert.equal(activeRequests(), agreed ? 1 : 0);
  }
});

test("the end of the answer ends both halves over HTTP/1.1", () => {
  const { tunnel, events, ready } = bench();
  ready("HTTP/1.1");
  tunnel.onResponseHeaders(new PairResponseHeaderMap(200), false);
  tunnel.onResponseData(Buffer.from("bye"), true);
  assert.deepEqual(events.slice(-4), ["data bye", "end", "reset local-reset", "close"]);
});

test("limits, failures to connect and resets are told once, and what was taken is given back", () => {
  const full = bench(0);
  assert.deepEqual(full.events, ["failed overflow"]);
  const unreachable = bench();
  unreachable.fail("connection-timeout", undefined, unreachable.host);
  assert.deepEqual(unreachable.events, ["failed connect-timeout"]);
  const early = bench();
  early.ready("HTTP/2");
  early.tunnel.onResponseReset("remote-reset", "");
  early.tunnel.cancel();
  assert.deepEqual(early.events.slice(1), ["failed connect-failed"]);
  const late = bench();
  late.ready("HTTP/2");
  late.tunnel.onResponseHeaders(new PairResponseHeaderMap(200), false);
  late.tunnel.onResponseReset("remote-reset", "");
  assert.equal(late.events.at(-1), "close reset");
  const waiting = bench();
  waiting.tunnel.cancel();
  assert.deepEqual(waiting.events, ["cancelled"]);
  for (const one of [full, unreachable, early, late, waiting]) assert.deepEqual([one.activeRequests(), one.host.activeRequests], [0, 0]);
});

test("headers are left in the JSON of core.v3.HeaderMap", () => {
  const text = headersAsText(200, new PairResponseHeaderMap(200, [["x-a", "1"]]));
  assert.deepEqual(JSON.parse(text), {
    headers: [
      { key: ":status", value: "200" },
      { key: "x-a", value: "1" },
    ],
  });
});
