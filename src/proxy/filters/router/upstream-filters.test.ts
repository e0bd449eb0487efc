import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyOf, pack } from "#envoy/any";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { UpstreamCodecSchema } from "#envoy/gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb";
import type { FilterResult, HttpFilter, HttpFilterFactory, LocalReply } from "#proxy/http/filter";
import { Client, FakeHcm, RETRY, TEST_FILTER, outcome } from "#proxy/http/hcm.fake";
import { PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";

const REPLY: LocalReply = { kind: "local-reply", status: 418, body: "no", flag: undefined, details: "teapot" };

/** Notes what it sees, and makes of the heads what is asked for. */
function noting(seen: string[], over: Partial<HttpFilter> = {}): HttpFilter {
  const note = (what: string): undefined => void seen.push(what);
  return {
    onRequestHeaders(headers) {
      headers.add("x-up", "1");
      return note("request");
    },
    onRequestData: (chunk, endStream) => note(`data ${chunk.toString()}${endStream ? " end" : ""}`),
    onRequestTrailers: () => note("trailers"),
    onResponseHeaders(headers) {
      headers.set("x-down", "1");
      return note("response");
    },
    onResponseData: (chunk) => note(`answer ${chunk.toString()}`),
    onDestroy: () => note("destroy"),
    ...over,
  };
}

const factory = (make: () => HttpFilter): HttpFilterFactory => ({ name: "f", create: make });
const answer = (status = 200): PairResponseHeaderMap => new PairResponseHeaderMap(status);

test("each try goes through the cluster's filters, there and back, and they end with it", () => {
  const seen: string[] = [];
  const hcm = new FakeHcm({ cluster: { upstreamFilters: [factory(() => noting(seen))] }, route: { retry: RETRY } });
  const client = new Client();
  hcm.send(client, { method: "POST", body: "hello" });
  hcm.last.receiver.onResponseHeaders(answer(503), true);
  assert.deepEqual(seen, ["request", "data hello end", "response", "destroy"]);
  hcm.clock.advance(100);
  const second = hcm.last;
  assert.equal(second.request!.getJoined("x-up"), "1,1", "both tries have the same head");
  assert.equal(second.body, "hello");
  second.receiver.onResponseHeaders(answer(), false);
  second.receiver.onResponseData(Buffer.from("page"), true);
  assert.deepEqual(seen.slice(4), ["request", "data hello end", "response", "answer page", "destroy"]);
  assert.equal(client.response!.get("x-down"), "1");
  assert.equal(client.body, "page");
  assert.equal(outcome(hcm.logged[0]), "200 - via_upstream");
  assert.deepEqual(hcm.leaks, []);
});

test("upstream_http_filters of a router act where the cluster has no list of its own, not even an empty one", () => {
  const run = (upstreamFilters: readonly HttpFilterFactory[] | undefined): string | undefined => {
    const seen: string[] = [];
    const typed = (value: ReturnType<typeof pack>) => ({ case: "typedConfig" as const, value });
    const upstreamHttpFilters = [
      { name: "0", configType: typed(anyOf(`type.googleapis.com/${TEST_FILTER}`, new Uint8Array())) },
      { name: "codec", configType: typed(pack(UpstreamCodecSchema, create(UpstreamCodecSchema))) },
    ];
    const value = pack(RouterSchema, create(RouterSchema, { upstreamHttpFilters }));
    const httpFilters = [{ name: "router", configType: { case: "typedConfig" as const, value } }];
    const hcm = new FakeHcm({ cluster: { upstreamFilters }, hcm: { httpFilters }, filters: [() => noting(seen)] });
    hcm.send(new Client());
    hcm.last.receiver.onResponseHeaders(answer(), true);
    return hcm.last.request!.get("x-up");
  };
  assert.deepEqual([run(undefined), run([])], ["1", undefined]);
});

test("a head that a filter holds leaves with what it waited for, with the connection there or not", () => {
  for (const connected of [true, false]) {
    let held: Parameters<NonNullable<HttpFilter["takeRequest"]>>[0][] = [];
    const holding: HttpFilter = {
      takeRequest(part, onward) {
        held.push(part);
        if (part.kind !== "trailers") return;
        for (const one of held) onward.push(one);
        held = [];
      },
    };
    const hcm = new FakeHcm({ connected, cluster: { upstreamFilters: [factory(() => holding)] } });
    const stream = hcm.send(new Client(), { method: "POST", body: "hello", open: true });
    const upstream = hcm.last;
    assert.equal(upstream.request, undefined);
    if (!connected) upstream.ready();
    assert.equal(upstream.request, undefined, "the connection does not send what the filter holds");
    stream.onRequestTrailers(new PairTrailerMap([["a", "1"]]));
    assert.equal(upstream.request!.method, "POST");
    assert.equal(upstream.body, "hello");
    assert.equal(upstream.trailers!.get("a"), "1");
    upstream.receiver.onResponseHeaders(answer(), true);
    assert.deepEqual(hcm.leaks, []);
  }
});

test("a filter's answer is the client's, is not tried again, and no upstream filter edits it", () => {
  for (const connected of [true, false]) {
    const seen: string[] = [];
    const refusing = noting(seen, { onRequestHeaders: (): FilterResult => REPLY });
    const hcm = new FakeHcm({ connected, cluster: { upstreamFilters: [factory(() => refusing)] }, route: { retry: RETRY } });
    const client = new Client();
    hcm.send(client);
    assert.equal(outcome(hcm.logged[0]), "418 - teapot");
    assert.equal(client.response!.get("x-down"), undefined);
    assert.equal(hcm.tries.length, 1);
    assert.deepEqual(seen, ["destroy"]);
    assert.deepEqual(hcm.leaks, []);
  }
});

test("a filter that fails ends its own stream", async () => {
  const failing: HttpFilter = { onRequestHeaders: () => Promise.reject(new Error("broken")) };
  const hcm = new FakeHcm({ cluster: { upstreamFilters: [factory(() => failing)] } });
  hcm.send(new Client());
  await Promise.resolve();
  await new Promise((done) => setImmediate(done));
  assert.equal(outcome(hcm.logged[0]), "500 - internal_error");
  assert.deepEqual(hcm.leaks, []);
});

test("a filter that waits holds the request back, and its answer too", async () => {
  let go: () => void = () => {};
  const waiting: HttpFilter = { onRequestHeaders: () => new Promise((done) => (go = () => done(undefined))) };
  const hcm = new FakeHcm({ cluster: { upstreamFilters: [factory(() => waiting)] } });
  const client = new Client();
  hcm.send(client, { method: "POST", body: "hello" });
  assert.equal(hcm.last.request, undefined);
  assert.equal(client.paused, true, "no more of the body is read");
  go();
  await new Promise((done) => setImmediate(done));
  assert.equal(hcm.last.body, "hello");
  assert.equal(client.paused, false);
  hcm.last.receiver.onResponseHeaders(answer(), true);
  assert.deepEqual(hcm.leaks, []);
});
