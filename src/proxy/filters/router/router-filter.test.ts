import type { UpstreamHost } from "#proxy/cluster/upstream-host";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { pack } from "#envoy/any";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import type { LoadAssignmentConfig } from "#proxy/cluster/load-assignment";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { RetryPolicy, RouteEntry } from "#proxy/route/route";
import { Client, FakeHcm, RETRY, clusterConfig, outcome, routeEntry } from "#proxy/http/hcm.fake";
import type { FakeHcmOptions } from "#proxy/http/hcm.fake";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import { runtimeValues } from "#proxy/runtime/runtime.fake";

const ok = (status = 200): PairResponseHeaderMap => new PairResponseHeaderMap(status, [["content-type", "text/html"]]);
const GRPC: [string, string][] = [["content-type", "application/grpc"]];

function start(options: FakeHcmOptions = {}): { hcm: FakeHcm; client: Client } {
  return { hcm: new FakeHcm(options), client: new Client() };
}

function finished(hcm: FakeHcm): string {
  assert.deepEqual(hcm.leaks, []);
  assert.equal(hcm.logged.length, 1);
  return outcome(hcm.logged[0]);
}

describe("the router", () => {
  it("brings a request up and its response down", () => {
    const { hcm, client } = start({ hcm: { serverName: "istio-envoy" } });
    hcm.send(client, { method: "POST", body: "hello" });
    const upstream = hcm.last;
    assert.equal(upstream.body, "hello");
    assert.equal(upstream.ended, true);
    assert.equal(upstream.request!.get("x-forwarded-proto"), "http");
    assert.match(upstream.request!.get("x-request-id")!, /^[0-9a-f-]{36}$/);
    hcm.clock.advance(7);
    upstream.receiver.onResponseHeaders(ok(), false);
    upstream.receiver.onResponseData(Buffer.from("page"), true);
    assert.equal(client.body, "page");
    assert.equal(client.response!.get("server"), "istio-envoy");
    assert.equal(client.response!.get("x-envoy-upstream-service-time"), "7");
    assert.match(client.response!.get("date")!, /GMT$/);
    assert.equal(finished(hcm), "200 - via_upstream");
    const { stats } = hcm;
    assert.equal(stats.get("cluster.c.upstream_rq_total"), 1);
    assert.equal(stats.get("cluster.c.upstream_rq_200"), 1);
    assert.equal(stats.get("cluster.c.upstream_rq_2xx"), 1);
    assert.deepEqual(stats.recorded("cluster.c.upstream_rq_time"), [7]);
    assert.equal(stats.get("http.in.downstream_rq_2xx"), 1);
    const info = hcm.logged[0]!;
    assert.equal(info.upstreamCluster, "c");
    assert.equal(info.bytesReceived, 5);
    assert.equal(info.bytesSent, 4);
    assert.equal(info.attemptCount, 1);
  });

  it("adds none of Envoy's own headers where suppress_envoy_headers says so", () => {
    const said = (suppressEnvoyHeaders: boolean): boolean[] => {
      const router = pack(RouterSchema, create(RouterSchema, { suppressEnvoyHeaders }));
      const httpFilters = [{ name: "router", configType: { case: "typedConfig" as const, value: router } }];
      const { hcm, client } = start({ hcm: { httpFilters }, route: { timeoutMs: 1000 } });
      hcm.send(client);
      hcm.last.receiver.onResponseHeaders(ok(), true);
      return [hcm.last.request!.has("x-envoy-expected-rq-timeout-ms"), client.response!.has("x-envoy-upstream-service-time")];
    };
    assert.deepEqual(
      [said(false), said(true)],
      [
        [true, true],
        [false, false],
      ],
    );
  });

  it("passes trailers and informational responses on, both ways", () => {
    const { hcm, client } = start();
    const stream = hcm.send(client, { method: "POST", body: "x", open: true });
    stream.onRequestTrailers(new PairTrailerMap([["a", "1"]]));
    const upstream = hcm.last;
    assert.equal(upstream.trailers!.get("a"), "1");
    upstream.receiver.onInformational(new PairResponseHeaderMap(103));
    upstream.receiver.onResponseHeaders(ok(), false);
    upstream.receiver.onResponseTrailers(new PairTrailerMap([["b", "2"]]));
    assert.deepEqual(client.informational, [103]);
    assert.equal(client.trailers!.get("b"), "2");
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  for (const [name, options, expected] of [
    ["without a route table", { table: "missing" }, "404 NR route_not_found"],
    ["without a route", { table: "no match" }, "404 NR route_not_found"],
    ["without the cluster", { cluster: "missing" }, "503 NC cluster_not_found"],
    ["without a host", { hosts: 0 }, "503 UH no_healthy_upstream"],
    [
      "without a place for a connection pool",
      {
        cluster: {
          circuitBreakers: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1, maxRetries: 0, maxConnectionPools: 0 },
        },
      },
      "503 UH no_healthy_upstream",
    ],
    [
      "over max_requests",
      { cluster: { circuitBreakers: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 0, maxRetries: 0 } } },
      "503 UO upstream_reset_before_response_started{overflow}",
    ],
  ] as const) {
    it(`answers ${name}: ${expected}`, () => {
      const { hcm, client } = start(options);
      hcm.send(client);
      assert.equal(finished(hcm), expected);
      assert.equal(client.ended, true);
    });
  }

  it("says in the body what Envoy says", () => {
    const none = start({ hosts: 0 });
    none.hcm.send(none.client);
    assert.equal(none.client.body, "no healthy upstream");
    assert.equal(none.client.response!.get("content-type"), "text/plain");
    assert.equal(none.client.response!.get("content-length"), "19");

    const refused = start({ connected: false });
    refused.hcm.send(refused.client);
    refused.hcm.last.callbacks.onPoolFailure("connection-failure", { kind: "connect-refused", detail: "x" }, refused.hcm.last.host);
    assert.equal(refused.client.body, "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure");
    assert.equal(
      finished(refused.hcm),
      "503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
    );
    assert.equal(refused.hcm.logged[0]!.upstreamTransportFailure, "delayed connect error: Connection refused");
    assert.ok(refused.hcm.logged[0]!.upstreamHost !== undefined);
  });

  for (const [reason, expected] of [
    ["connection-failure", "503 UF upstream_reset_before_response_started{remote_connection_failure}"],
    ["connection-timeout", "503 UF upstream_reset_before_response_started{connection_timeout}"],
    ["remote-reset", "503 UR upstream_reset_before_response_started{remote_reset}"],
    ["connection-termination", "503 UC upstream_reset_before_response_started{connection_termination}"],
    ["remote-refused", "503 UR upstream_reset_before_response_started{remote_refused_stream_reset}"],
    ["protocol-error", "502 UPE upstream_reset_before_response_started{protocol_error}"],
  ] as const) {
    it(`answers an upstream ${reason} before the response: ${expected}`, () => {
      const { hcm, client } = start();
      hcm.send(client);
      hcm.last.receiver.onResponseReset(reason, "");
      assert.equal(finished(hcm), expected);
      assert.equal(client.response!.status, Number(expected.slice(0, 3)));
      assert.equal(hcm.stats.get("cluster.c.upstream_rq_5xx"), 1);
    });
  }

  it("ends a response that has begun when the upstream breaks off", () => {
    const { hcm, client } = start();
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(), false);
    hcm.last.receiver.onResponseReset("connection-termination", "");
    assert.equal(client.resetReason, "local-reset");
    assert.equal(finished(hcm), "200 UC upstream_reset_after_response_started{connection_termination}");
  });

  it("chooses a host, or finds none, with the request as the route has changed it", () => {
    const route: Partial<RouteEntry> = {
      finalizeRequest: (headers) => headers.set("x-key", "of the route"),
      hash: ({ headers }) => {
        seen.push(headers.get("x-key"));
        return { hash: 1n, cookies: [] };
      },
      finalizeResponse: (headers, info) => headers.set("x-seen", info.requestHeaders?.get("x-key") ?? "-"),
    };
    const seen: (string | undefined)[] = [];
    const { hcm, client } = start({ hosts: 0, route });
    hcm.send(client);
    assert.deepEqual(seen, ["of the route"]);
    assert.equal(client.response!.get("x-seen"), "of the route");
  });

  it("sends a CONNECT to the target that the client named, whatever was stripped for routes", () => {
    const stripPortMode = { case: "stripAnyHostPort" as const, value: true };
    const { hcm, client } = start({ hcm: { stripPortMode, upgradeConfigs: [{ upgradeType: "CONNECT" }] } });
    hcm
      .open(client)
      .onRequestHeaders(new PairRequestHeaderMap({ method: "CONNECT", path: "", authority: "a.example:80", scheme: "http" }), false);
    assert.equal(hcm.last.request!.authority, "a.example:80");
  });

  it("leaves the host of a CONNECT as a route writes it, without the client's port", () => {
    const stripPortMode = { case: "stripAnyHostPort", value: true } as const;
    const finalizeRequest = (headers: RequestHeaderMap): void => {
      headers.set("x-before", headers.authority);
      headers.authority = "literal.example";
    };
    const { hcm, client } = start({ hcm: { stripPortMode, upgradeConfigs: [{ upgradeType: "CONNECT" }] }, route: { finalizeRequest } });
    hcm
      .open(client)
      .onRequestHeaders(new PairRequestHeaderMap({ method: "CONNECT", path: "", authority: "a.example:80", scheme: "http" }), false);
    assert.deepEqual([hcm.last.request!.authority, hcm.last.request!.get("x-before")], ["literal.example", "a.example:80"]);
  });

  it("answers gRPC clients in gRPC's way", () => {
    const { hcm, client } = start({ hosts: 0 });
    hcm.send(client, { method: "POST", headers: GRPC });
    assert.equal(client.response!.status, 200);
    assert.equal(client.response!.get("grpc-status"), "14");
    assert.equal(client.response!.get("grpc-message"), "no healthy upstream");
    assert.equal(client.body, "");
    assert.equal(finished(hcm), "200 UH no_healthy_upstream");
  });

  it("sends no body to HEAD", () => {
    const { hcm, client } = start({ hosts: 0 });
    hcm.send(client, { method: "HEAD" });
    assert.equal(client.body, "");
    assert.equal(client.response!.get("content-length"), "19");
    assert.equal(client.ended, true);
  });

  it("answers direct responses and redirects with the route's response headers", () => {
    const route = routeEntry({
      reply: () => ({
        kind: "local-reply",
        status: 301,
        body: "",
        flag: undefined,
        details: "direct_response",
        headers: [["location", "https://x/"]],
      }),
      finalizeResponse: (headers) => headers.set("x-route", "yes"),
    });
    const { hcm, client } = start({ route });
    hcm.send(client);
    assert.equal(client.response!.get("location"), "https://x/");
    assert.equal(client.response!.get("x-route"), "yes");
    assert.equal(finished(hcm), "301 - direct_response");
    assert.equal(hcm.tries.length, 0);
  });
});

describe("the router's timeouts", () => {
  it("counts the route's timeout from the end of the request", () => {
    const { hcm, client } = start({ route: { timeoutMs: 500 } });
    const stream = hcm.send(client, { method: "POST", body: "a", open: true });
    hcm.clock.advance(5000);
    assert.equal(client.response, undefined);
    stream.onRequestData(Buffer.from("b"), true);
    hcm.clock.advance(490);
    assert.equal(client.response, undefined);
    hcm.clock.advance(20);
    assert.equal(client.body, "upstream request timeout");
    assert.equal(hcm.last.resetReason, "local-reset");
    assert.equal(finished(hcm), "504 UT response_timeout");
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_timeout"), 1);
    assert.equal(hcm.last.request!.get("x-envoy-expected-rq-timeout-ms"), "500");
  });

  it("resets a response that takes longer than the timeout", () => {
    const { hcm, client } = start({ route: { timeoutMs: 500 } });
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(), false);
    hcm.clock.advance(510);
    assert.equal(client.resetReason, "local-reset");
    assert.equal(finished(hcm), "200 UT response_timeout");
  });

  it("tries again after a try's own timeout where the policy wants that", () => {
    const retry = { ...RETRY, status5xx: true, perTryTimeoutMs: 100, numRetries: 1 };
    const { hcm, client } = start({ route: { timeoutMs: 1000, retry } });
    hcm.send(client);
    hcm.clock.advance(110);
    hcm.clock.advance(40);
    assert.equal(hcm.tries.length, 2);
    assert.equal(hcm.tries[0]!.resetReason, "local-reset");
    hcm.clock.advance(110);
    assert.equal(finished(hcm), "504 URX,UT upstream_per_try_timeout");
    assert.equal(client.body, "upstream request timeout");
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_per_try_timeout"), 2);
  });

  it("leaves a try whose client was told to continue to the time of the whole request", () => {
    const retry = { ...RETRY, status5xx: true, perTryTimeoutMs: 100, numRetries: 1 };
    const { hcm, client } = start({ route: { timeoutMs: 1000, retry } });
    hcm.send(client);
    hcm.last.receiver.onInformational(new PairResponseHeaderMap(100));
    hcm.clock.advance(500);
    assert.equal(hcm.tries.length, 1);
    assert.equal(hcm.last.resetReason, undefined);
    hcm.last.receiver.onResponseHeaders(ok(), true);
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  it("ends a try that lasts longer than its cluster allows, whether its answer has begun or not", () => {
    const cluster = { connection: { ...clusterConfig(1).connection, maxStreamDurationMs: 100 } };
    const ask = (): { hcm: FakeHcm; client: Client } => start({ route: { timeoutMs: 0 }, cluster });
    const silent = ask();
    silent.hcm.send(silent.client);
    silent.hcm.clock.advance(110);
    assert.equal(finished(silent.hcm), "504 UMSDR upstream_max_stream_duration_reached");
    assert.equal(silent.client.body, "upstream max stream duration reached");
    assert.equal(silent.hcm.last.resetReason, "local-reset");
    const open = ask();
    open.hcm.send(open.client, { method: "POST", body: "x", open: true });
    open.hcm.clock.advance(110);
    assert.equal(finished(open.hcm), "408 UMSDR upstream_max_stream_duration_reached");
    const begun = ask();
    begun.hcm.send(begun.client);
    begun.hcm.last.receiver.onResponseHeaders(ok(), false);
    begun.hcm.clock.advance(110);
    assert.equal(begun.client.resetReason, "local-reset");
    assert.equal(begun.hcm.stats.get("cluster.c.upstream_rq_max_duration_reached"), 1);
  });

  it("takes a gRPC client's own timeout, capped by the route, where the route says so", () => {
    const { hcm, client } = start({ route: { timeoutMs: 9000, maxGrpcTimeoutMs: 300 } });
    hcm.send(client, { method: "POST", headers: [...GRPC, ["grpc-timeout", "2S"]] });
    assert.equal(hcm.last.request!.get("grpc-timeout"), "300m");
    hcm.clock.advance(310);
    assert.equal(client.response!.get("grpc-status"), "14");
    assert.equal(finished(hcm), "200 UT response_timeout");
  });

  it("obeys an internal client's timeout header and no other's", () => {
    const headers: [string, string][] = [
      ["x-envoy-upstream-rq-timeout-ms", "50"],
      ["x-forwarded-for", "10.0.0.9"],
    ];
    const internalAddressConfig = { cidrRanges: [{ addressPrefix: "10.0.0.9" }] };
    const inside = start({ route: { timeoutMs: 500 }, hcm: { internalAddressConfig } });
    inside.hcm.send(inside.client, { headers });
    assert.equal(inside.hcm.last.request!.has("x-envoy-upstream-rq-timeout-ms"), false);
    inside.hcm.clock.advance(60);
    assert.equal(inside.client.response!.status, 504);
    const outside = start({ route: { timeoutMs: 500 } });
    outside.hcm.send(outside.client, { headers });
    outside.hcm.clock.advance(60);
    assert.equal(outside.client.response, undefined);
  });
});

describe("the router's retries", () => {
  it("tries another host after a failed connect and says how many tries there were", () => {
    const { hcm, client } = start({
      connected: false,
      route: { retry: RETRY, includeAttemptCountInRequest: true, includeAttemptCountInResponse: true },
    });
    hcm.send(client, { method: "POST", body: "body" });
    const first = hcm.last;
    first.callbacks.onPoolFailure("connection-failure", undefined, first.host);
    hcm.clock.advance(40);
    const second = hcm.last;
    assert.notEqual(second, first);
    assert.notEqual(second.host, first.host);
    second.ready();
    assert.equal(second.body, "body");
    assert.equal(second.request!.get("x-envoy-attempt-count"), "2");
    second.receiver.onResponseHeaders(ok(), true);
    assert.equal(client.response!.get("x-envoy-attempt-count"), "2");
    assert.equal(finished(hcm), "200 - via_upstream");
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry"), 1);
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry_success"), 1);
    assert.equal(hcm.logged[0]!.attemptCount, 2);
  });

  it("counts no retry that was given up while it waited", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    const stream = hcm.send(client);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(503, []), true);
    stream.onRequestReset("remote-reset", "downstream_remote_disconnect");
    hcm.clock.advance(1000);
    assert.equal(hcm.tries.length, 1);
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry"), 0);
  });

  it("sends kept body and trailers again after a retriable status", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    const stream = hcm.send(client, { method: "POST", body: "one ", open: true });
    stream.onRequestData(Buffer.from("two"), false);
    stream.onRequestTrailers(new PairTrailerMap([["t", "1"]]));
    hcm.last.receiver.onResponseHeaders(ok(503), false);
    assert.equal(hcm.tries[0]!.resetReason, "local-reset");
    hcm.clock.advance(40);
    assert.equal(hcm.last.body, "one two");
    assert.equal(hcm.last.trailers!.get("t"), "1");
    hcm.last.receiver.onResponseHeaders(ok(), true);
    assert.equal(client.response!.status, 200);
    assert.equal(hcm.stats.get("cluster.c.retry.upstream_rq_503"), 1);
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  it("gives the last answer through when tries are used up, with URX", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    hcm.send(client);
    for (let i = 0; i < 3; i++) {
      hcm.last.receiver.onResponseHeaders(ok(503), true);
      hcm.clock.advance(100);
    }
    assert.equal(hcm.tries.length, 3);
    assert.equal(client.response!.status, 503);
    assert.equal(finished(hcm), "503 URX via_upstream");
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry_limit_exceeded"), 1);

    const refused = start({ connected: false, route: { retry: RETRY } });
    refused.hcm.send(refused.client);
    for (let i = 0; i < 3; i++) {
      refused.hcm.last.callbacks.onPoolFailure("connection-failure", undefined, refused.hcm.last.host);
      refused.hcm.clock.advance(100);
    }
    assert.equal(
      refused.client.body,
      "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure",
    );
    assert.equal(finished(refused.hcm), "503 UF,URX upstream_reset_before_response_started{remote_connection_failure}");
  });

  it("does not try again when the cluster's retry limit is reached", () => {
    const { hcm, client } = start({
      route: { retry: RETRY },
      cluster: { circuitBreakers: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 9, maxRetries: 0 } },
    });
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(503), true);
    assert.equal(finished(hcm), "503 UO via_upstream");
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry_overflow"), 1);
  });

  it("never tries again once the client has something of the response", () => {
    const retry = { ...RETRY, reset: true };
    const { hcm, client } = start({ route: { retry } });
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(), false);
    hcm.last.receiver.onResponseReset("connection-termination", "");
    hcm.clock.advance(1000);
    assert.equal(hcm.tries.length, 1);
    assert.equal(client.resetReason, "local-reset");
    assert.deepEqual(hcm.leaks, []);
  });

  it("gives retries up for a body that is over the buffer limit, and lets the request go on", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    const stream = hcm.send(client, { method: "POST", body: "", open: true });
    for (let i = 0; i < 3; i++) stream.onRequestData(Buffer.alloc(400_000, "x"), false);
    stream.onRequestData(Buffer.from("end"), true);
    assert.equal(hcm.last.body.length, 1_200_003);
    hcm.last.receiver.onResponseHeaders(ok(503), true);
    hcm.clock.advance(100);
    assert.equal(hcm.tries.length, 1);
    assert.equal(hcm.stats.get("cluster.c.retry_or_shadow_abandoned"), 1);
    assert.equal(finished(hcm), "503 - via_upstream");
  });

  it("keeps no more of a body than the listener's buffer limit", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    hcm.bufferLimitBytes = 10;
    const stream = hcm.send(client, { method: "POST", body: "0123456789", open: true });
    stream.onRequestData(Buffer.from("x"), true);
    assert.equal(hcm.last.body, "0123456789x");
    assert.equal(hcm.stats.get("cluster.c.retry_or_shadow_abandoned"), 1);
  });

  it("answers 507 when the body outgrows the buffer between two tries", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    const stream = hcm.send(client, { method: "POST", body: "x", open: true });
    hcm.last.receiver.onResponseHeaders(ok(503), false);
    for (let i = 0; i < 3; i++) stream.onRequestData(Buffer.alloc(400_000), false);
    assert.equal(client.response!.status, 507);
    assert.equal(finished(hcm), "507 - request_payload_exceeded_retry_buffer_limit");
  });

  it("retries gRPC by its status in headers", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    hcm.send(client, { method: "POST", headers: GRPC, body: "x" });
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200, [["grpc-status", "14"]]), true);
    hcm.clock.advance(50);
    assert.equal(hcm.tries.length, 2);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200, [["grpc-status", "0"]]), true);
    assert.equal(finished(hcm), "200 - via_upstream");
    assert.equal(client.response!.get("grpc-status"), "0");
  });

  it("answers UH when the hosts are gone before the next try", () => {
    const { hcm, client } = start({ route: { retry: RETRY } });
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(503), true);
    hcm.clusters.upsertCluster(clusterConfig(0));
    hcm.clock.advance(50);
    assert.equal(finished(hcm), "503 UH no_healthy_upstream");
  });
});

describe("the router and outlier detection", () => {
  function watched(options: Parameters<typeof start>[0] = {}): ReturnType<typeof start> & { readonly told: string[] } {
    const started = start(options);
    const told: string[] = [];
    for (const host of started.hcm.clusters.get("c")!.hosts) {
      (host as UpstreamHost).outlierMonitor = {
        putStatus: (status) => told.push(String(status)),
        putResult: (result) => told.push(result),
        successRate: -1,
        localOriginSuccessRate: -1,
      };
    }
    return { ...started, told };
  }

  it("tells of connections and of every answer, thrown away or not", () => {
    const { hcm, client, told } = watched({ route: { retry: RETRY } });
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(503), true);
    hcm.clock.advance(40);
    hcm.last.receiver.onResponseHeaders(ok(), true);
    assert.deepEqual(told, ["connect-success", "503", "connect-success", "200"]);
  });

  it("takes a gRPC answer by its gRPC status", () => {
    const { hcm, client, told } = watched();
    hcm.send(client, { method: "POST", headers: GRPC, body: "x" });
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200, [["grpc-status", "14"]]), true);
    assert.deepEqual(told, ["connect-success", "503"]);
  });

  it("tells of failed connects, resets and timeouts before the answer, not of full circuit breakers", () => {
    const refused = watched({ connected: false });
    refused.hcm.send(refused.client);
    refused.hcm.last.callbacks.onPoolFailure("connection-failure", undefined, refused.hcm.last.host);
    assert.deepEqual(refused.told, ["connect-failed"]);
    const full = watched({ connected: false });
    full.hcm.send(full.client);
    full.hcm.last.callbacks.onPoolFailure("overflow", undefined, full.hcm.last.host);
    assert.deepEqual(full.told, []);
    const slow = watched({ route: { timeoutMs: 100 } });
    slow.hcm.send(slow.client);
    slow.hcm.clock.advance(110);
    assert.deepEqual(slow.told, ["connect-success", "timeout"]);
    const begun = watched({ route: { timeoutMs: 100 } });
    begun.hcm.send(begun.client);
    begun.hcm.last.receiver.onResponseHeaders(ok(), false);
    begun.hcm.clock.advance(110);
    assert.deepEqual(begun.told, ["connect-success", "200"]);
  });
});

describe("the router under pressure", () => {
  it("stops reading the request when too much of it waits for a connection, and while its buffers are full", () => {
    const { hcm, client } = start({ connected: false });
    hcm.bufferLimitBytes = 4;
    const stream = hcm.send(client, { method: "POST", body: "four", open: true });
    assert.equal(client.paused, false);
    stream.onRequestData(Buffer.from("!"), false);
    assert.equal(client.paused, true);
    hcm.last.ready();
    assert.equal(client.paused, false);
    assert.equal(hcm.last.body, "four!");
    hcm.last.writable = false;
    stream.onRequestData(Buffer.from("more"), false);
    assert.equal(client.paused, true);
    hcm.last.receiver.onRequestDrain();
    assert.equal(client.paused, false);
    stream.onRequestReset("remote-reset", "downstream_remote_disconnect");
  });

  it("stops reading the response while the client does not", () => {
    const { hcm, client } = start();
    const stream = hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(), false);
    client.writable = false;
    const pauses: boolean[] = [];
    hcm.last.pauseReading = () => void pauses.push(true);
    hcm.last.resumeReading = () => void pauses.push(false);
    hcm.last.receiver.onResponseData(Buffer.from("x"), false);
    // What was on its way still comes.
    hcm.last.receiver.onResponseData(Buffer.from("x"), false);
    assert.deepEqual(pauses, [true]);
    stream.onResponseDrain();
    stream.onResponseDrain();
    assert.deepEqual(pauses, [true, false]);
    hcm.last.receiver.onResponseData(Buffer.from("y"), true);
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  it("owns what it holds of a body, for a connection or another try to come", () => {
    for (const connected of [false, true]) {
      const { hcm, client } = start({ connected, route: { retry: RETRY } });
      const body = "x".repeat(5000);
      hcm.send(client, { method: "POST", body });
      if (!connected) hcm.last.ready();
      assert.equal(hcm.last.body, body);
      hcm.last.receiver.onResponseHeaders(ok(503), true);
      hcm.clock.advance(40);
      if (!connected) hcm.last.ready();
      assert.equal(hcm.last.body, body);
    }
  });

  it("does not reuse an upstream that answered before it had the request", () => {
    const { hcm, client } = start();
    hcm.send(client, { method: "POST", body: "x", open: true });
    hcm.last.receiver.onResponseHeaders(ok(413), true);
    assert.equal(hcm.last.resetReason, "local-reset");
    assert.equal(client.response!.status, 413);
    assert.equal(client.response!.has("x-envoy-upstream-service-time"), false);
    assert.equal(finished(hcm), "413 - via_upstream");
  });

  for (const [phase, prepare] of [
    ["while it waits for a connection", (): FakeHcm => new FakeHcm({ connected: false })],
    ["while it waits for the response", (): FakeHcm => new FakeHcm({ route: { timeoutMs: 500 } })],
  ] as const) {
    it(`gives everything up when the client leaves ${phase}`, () => {
      const hcm = prepare();
      const stream = hcm.send(new Client());
      stream.onRequestReset("remote-reset", "downstream_remote_disconnect");
      assert.ok(hcm.last.cancelled || hcm.last.resetReason === "local-reset");
      assert.equal(finished(hcm), "0 DC downstream_remote_disconnect");
      assert.equal(hcm.stats.get("http.in.downstream_rq_rx_reset"), 1);
    });
  }

  it("gives everything up when the client leaves between two tries or within the response", () => {
    const between = start({ route: { retry: RETRY } });
    const waiting = between.hcm.send(between.client);
    between.hcm.last.receiver.onResponseHeaders(ok(503), true);
    waiting.onRequestReset("remote-reset", "downstream_remote_disconnect");
    between.hcm.clock.advance(1000);
    assert.equal(between.hcm.tries.length, 1);
    assert.equal(finished(between.hcm), "0 DC downstream_remote_disconnect");

    const within = start();
    const running = within.hcm.send(within.client);
    within.hcm.last.receiver.onResponseHeaders(ok(), false);
    running.onRequestReset("remote-reset", "downstream_remote_disconnect");
    assert.equal(within.hcm.last.resetReason, "local-reset");
    assert.equal(finished(within.hcm), "200 DC downstream_remote_disconnect");
  });
});

describe("retriable headers", () => {
  const tries = (over: Partial<RetryPolicy>, request: [string, string][] = []): number => {
    const retry = { ...RETRY, retriableStatusCodes: new Set<number>(), numRetries: 1, ...over };
    const { hcm, client } = start({ route: { retry }, hcm: { internalAddressConfig: { cidrRanges: [{ addressPrefix: "10.0.0.9" }] } } });
    hcm.send(client, { headers: [["x-forwarded-for", "10.0.0.9"], ...request] });
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200, [["x-again", "yes"]]), true);
    hcm.clock.advance(500);
    return hcm.tries.length;
  };
  const again = { retriableHeaders: [(headers: ResponseHeaderMap) => headers.get("x-again") === "yes"] };

  it("of a response lead to another try where the policy asks for that", () => {
    assert.equal(tries({ ...again, onRetriableHeaders: true }), 2);
    assert.equal(tries(again), 1);
    assert.equal(tries({ onRetriableHeaders: true }), 1);
  });

  it("can be named by an internal client", () => {
    assert.equal(tries({ onRetriableHeaders: true }, [["x-envoy-retriable-header-names", "x-other, X-Again"]]), 2);
    assert.equal(tries({}, [["x-envoy-retriable-header-names", "x-again"]]), 1);
    const both: [string, string][] = [
      ["x-envoy-retry-on", "retriable-headers"],
      ["x-envoy-retriable-header-names", "x-again"],
    ];
    assert.equal(tries({}, both), 2);
  });
});

describe("the router's retry priority", () => {
  it("sends tries to other priorities than those before went to", () => {
    const [level] = (clusterConfig(1).discovery as { assignment: LoadAssignmentConfig }).assignment.priorities;
    const other = level!.map((locality) => ({
      ...locality,
      endpoints: locality.endpoints.map((endpoint) => ({ ...endpoint, address: { address: "127.0.0.1", port: 9 } })),
    }));
    const assignment = { clusterName: "c", priorities: [level!, other], overprovisioning: 1.4 };
    const ports = (priorityUpdateFrequency: number): number[] => {
      const retry = { ...RETRY, hostSelectionAttempts: 0, priorityUpdateFrequency };
      const { hcm, client } = start({ route: { retry }, cluster: { discovery: { kind: "static", assignment } } });
      hcm.send(client);
      for (let i = 0; i < 2; i++) {
        hcm.last.receiver.onResponseHeaders(ok(503), true);
        hcm.clock.advance(500);
      }
      return hcm.tries.map(({ host }) => host.address.port);
    };
    assert.deepEqual(ports(1), [1, 9, 1]);
    assert.deepEqual(ports(2), [1, 1, 9]);
    assert.deepEqual(ports(0), [1, 1, 1]);
  });
});

describe("upgrades", () => {
  const websocket = { upgradeConfigs: [{ upgradeType: "websocket" }] };
  const request = (): PairRequestHeaderMap => {
    const headers = new PairRequestHeaderMap({ method: "GET", path: "/ws", authority: "a", scheme: "http" }, [["connection", "upgrade"]]);
    Object.defineProperty(headers, "upgrade", { value: "websocket" });
    return headers;
  };

  it("pass data both ways after 101, without the route's timeout", () => {
    const { hcm, client } = start({ hcm: { ...websocket, streamIdleTimeout: { seconds: 0n } }, route: { timeoutMs: 100 } });
    const stream = hcm.open(client);
    stream.onRequestHeaders(request(), false);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(101), false);
    hcm.clock.advance(60_000);
    stream.onRequestData(Buffer.from("ping"), false);
    hcm.last.receiver.onResponseData(Buffer.from("pong"), false);
    assert.equal(hcm.last.body, "ping");
    assert.equal(client.body, "pong");
    assert.equal(hcm.stats.get("http.in.downstream_cx_upgrades_active"), 1);
    stream.onRequestData(Buffer.alloc(0), true);
    hcm.last.receiver.onResponseData(Buffer.alloc(0), true);
    assert.equal(finished(hcm), "101 - via_upstream");
  });

  it("are refused where they are not allowed: 403 upgrade_failed", () => {
    const { hcm, client } = start();
    hcm.open(client).onRequestHeaders(request(), false);
    assert.equal(finished(hcm), "403 - upgrade_failed");
    const off = start({ hcm: websocket, route: { upgrades: new Map([["websocket", false]]) } });
    off.hcm.open(off.client).onRequestHeaders(request(), false);
    assert.equal(finished(off.hcm), "403 - upgrade_failed");
  });
});

describe("what runtime layers say of routing", () => {
  const RETRYING = { route: { retry: { ...RETRY, status5xx: true, numRetries: 1, baseIntervalMs: undefined, maxIntervalMs: undefined } } };

  it("puts a cluster into maintenance mode", () => {
    const { hcm, client } = start();
    hcm.clusters.onRuntimeChanged(hcm.layers.set(runtimeValues({ "upstream.maintenance_mode.c": 100 })));
    hcm.send(client);
    assert.equal(hcm.tries.length, 0);
    assert.deepEqual([client.response?.status, client.body, client.response?.get("x-envoy-overloaded")], [503, "maintenance mode", "true"]);
    assert.equal(finished(hcm), "503 UO maintenance_mode");
    assert.deepEqual([hcm.stats.get("cluster.c.upstream_rq_maintenance_mode"), hcm.stats.get("cluster.c.upstream_rq_503")], [1, 1]);
    hcm.clusters.onRuntimeChanged(hcm.layers.set(new Map()));
    hcm.send(new Client());
    assert.equal(hcm.tries.length, 1);
  });

  it("lets less be turned away than endpoints want, and then not everything is", () => {
    const { hcm } = start();
    const config = clusterConfig(1);
    const { assignment } = config.discovery as { assignment: LoadAssignmentConfig };
    hcm.clusters.upsertCluster({ ...config, discovery: { kind: "static", assignment: { ...assignment, dropOverload: 1 } } });
    hcm.layers.set(runtimeValues({ "load_balancing_policy.drop_overload_limit": 50 }));
    for (let i = 0; i < 40; i++) hcm.send(new Client());
    assert.deepEqual(new Set(hcm.logged.map((info) => outcome(info))), new Set(["503 DO drop_overload"]));
    assert.ok(hcm.tries.length > 5 && hcm.logged.length === 40 - hcm.tries.length);
    const { logged } = hcm;
    hcm.layers.set(new Map());
    hcm.send(new Client());
    assert.equal(outcome(logged.at(-1)), "503 UDO unconditional_drop_overload");
  });

  it("says how long retries wait, and whether there are any", () => {
    const { hcm, client } = start(RETRYING);
    hcm.layers.set(runtimeValues({ "upstream.base_retry_backoff_ms": 60_000 }));
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(ok(503), true);
    hcm.clock.advance(25);
    assert.equal(hcm.tries.length, 1);
    hcm.clock.advance(60_000);
    assert.equal(hcm.tries.length, 2);
    hcm.last.receiver.onResponseHeaders(ok(), true);
    const off = start(RETRYING);
    off.hcm.layers.set(runtimeValues({ "upstream.use_retry": 0 }));
    off.hcm.send(off.client);
    off.hcm.last.receiver.onResponseHeaders(ok(503), true);
    assert.equal(off.client.response?.status, 503);
    assert.deepEqual([off.hcm.stats.get("cluster.c.upstream_rq_retry"), off.hcm.leaks], [0, []]);
  });
});
