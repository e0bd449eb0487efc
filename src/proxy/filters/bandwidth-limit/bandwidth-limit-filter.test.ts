import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { BandwidthLimitSchema } from "#envoy/gen/envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { bandwidthLimitFilterCompiler } from "./bandwidth-limit-filter.ts";

const config = (more: JsonObject) => pack(BandwidthLimitSchema, fromJson(BandwidthLimitSchema, { statPrefix: "p", ...more }));

function make(more: JsonObject, route?: JsonObject) {
  const filterConfig = FilterConfigs.of(
    route === undefined ? {} : { b: bandwidthLimitFilterCompiler.compileRouteConfig?.(config(route), "r") },
  );
  const stream = new FakeFilterStream({ filterConfig });
  const factory = bandwidthLimitFilterCompiler.compile("b", config(more), "c").withStats?.(stream.stats, stream.thread);
  const stat = (name: string): number => stream.stats.get(`p.http_bandwidth_limit.${name}`);
  return { stream, factory, stat, filter: factory?.create(stream) };
}

const chunk = (length: number, endStream = false) => ({ kind: "data", chunk: Buffer.alloc(length, "x"), endStream }) as const;

test("a body leaves at the rate of its limit, after a second's worth at once", () => {
  const { filter, stream, stat } = make({ enableMode: "RESPONSE", limitKbps: "1" });
  const sink = new FakeSink<ResponseHeaderMap>();
  filter?.takeResponse?.({ kind: "headers", headers: new PairResponseHeaderMap(200), endStream: false }, sink);
  assert.deepEqual(sink.text, ["headers"]);
  filter?.takeResponse?.(chunk(1536, true), sink);
  assert.equal(sink.paused, false, "nothing more comes, so there is nothing to pause");
  stream.clock.advance(0);
  assert.equal(sink.body.length, 1024);
  assert.equal(stat("response_pending"), 1);
  stream.clock.advance(50);
  assert.equal(sink.body.length, 1024 + 51);
  stream.clock.advance(449);
  assert.ok(sink.body.length < 1536);
  stream.clock.advance(51);
  assert.equal(sink.body.length, 1536);
  assert.equal(sink.text.at(-1), ".");
  assert.deepEqual(
    ["response_enabled", "response_pending", "response_incoming_total_size", "response_allowed_total_size", "request_enabled"].map(stat),
    [1, 0, 1536, 1536, 0],
  );
  assert.equal(stat("response_enforced"), 10);
  assert.deepEqual(stream.stats.recorded("p.http_bandwidth_limit.response_transfer_duration"), [500]);
  assert.equal(stream.clock.pending, 0);
});

test("what waits is bounded: the message pauses above the buffer limit", () => {
  const { filter, stream } = make({ enableMode: "REQUEST", limitKbps: "1" });
  const sink = new FakeSink<RequestHeaderMap>();
  filter?.takeRequest?.({ kind: "headers", headers: stream.headers, endStream: false }, sink);
  filter?.takeRequest?.(chunk(1025), sink);
  assert.equal(sink.paused, true);
  stream.clock.advance(0);
  assert.equal(sink.paused, false);
  filter?.onDestroy?.();
  assert.equal(stream.clock.pending, 0);
});

test("trailers wait for the body, and can tell of the delays", () => {
  const { filter, stream } = make({
    enableMode: "REQUEST_AND_RESPONSE",
    limitKbps: "1",
    enableResponseTrailers: true,
    responseTrailerPrefix: "Test",
  });
  const sink = new FakeSink<ResponseHeaderMap>();
  filter?.takeResponse?.({ kind: "headers", headers: new PairResponseHeaderMap(200), endStream: false }, sink);
  filter?.takeResponse?.(chunk(1030), sink);
  filter?.takeResponse?.({ kind: "trailers", trailers: new PairTrailerMap([["x", "1"]]) }, sink);
  stream.clock.advance(50);
  const last = sink.parts.at(-1);
  assert.ok(last?.kind === "trailers");
  assert.deepEqual(
    ["x", "test-bandwidth-response-delay-ms", "test-bandwidth-response-filter-delay-ms", "test-bandwidth-request-delay-ms"].map((name) =>
      last.trailers.get(name),
    ),
    ["1", "50", "50", undefined],
  );
});

test("a route's limit takes the place of the filter's; without a direction there is no filter", () => {
  assert.equal(make({ enableMode: "REQUEST", limitKbps: "1" }, { enableMode: "DISABLED", limitKbps: "1" }).filter, undefined);
  assert.notEqual(make({}, { enableMode: "REQUEST", limitKbps: "1" }).filter, undefined);
  assert.equal(make({ enableMode: "REQUEST", limitKbps: "1", runtimeEnabled: { defaultValue: false, runtimeKey: "k" } }).filter, undefined);
});

test("settings that are missing or out of range are refused", () => {
  for (const [more, expected] of [
    [{ statPrefix: "" }, /c\.stat_prefix/],
    [{ enableMode: "REQUEST" }, /c\.limit_kbps/],
    [{ enableMode: "REQUEST", limitKbps: "0" }, /c\.limit_kbps/],
    [{ fillInterval: "0.019s" }, /c\.fill_interval/],
  ] as const) {
    assert.throws(() => bandwidthLimitFilterCompiler.compile("b", config(more), "c"), expected);
  }
  assert.throws(() => bandwidthLimitFilterCompiler.compileRouteConfig?.(config({}), "r"), /r\.limit_kbps/);
});

test("runtime layers switch the limit on and off", () => {
  const { stream, factory } = make({ enableMode: "REQUEST", limitKbps: "1", runtimeEnabled: { defaultValue: false, runtimeKey: "k" } });
  assert.equal(factory?.create(stream), undefined);
  stream.runtime.set(runtimeValues({ k: true }));
  assert.notEqual(factory?.create(stream), undefined);
});
