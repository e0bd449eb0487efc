import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { CorsSchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { pack } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";
import type { FilterStream } from "#proxy/http/filter";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import type { ResponseHeaderMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { Random } from "#runtime/random";
import { faultFilterCompiler } from "./fault-filter.ts";

const NAME = "envoy.filters.http.fault";
const fault = (json: JsonValue) => pack(HTTPFaultSchema, fromJson(HTTPFaultSchema, json));
const headers = (pairs: readonly (readonly [string, string])[] = []) =>
  new PairRequestHeaderMap({ method: "GET", path: "/", authority: "ratings", scheme: "http", upgrade: undefined }, pairs);

function stream(clock: ManualClock, routeFault?: JsonValue, random: Random = seededRandom(1)): FilterStream {
  const routeConfig = routeFault === undefined ? undefined : faultFilterCompiler.compileRouteConfig?.(fault(routeFault), "route");
  return new FakeFilterStream({ filterConfig: FilterConfigs.of({ [NAME]: routeConfig }) }, clock, random);
}

function filter(own: JsonValue, on: FilterStream) {
  return faultFilterCompiler.compile(NAME, fault(own), "typed_config").create(on);
}

test("without a fault on filter or route a stream needs no instance", () => {
  assert.equal(filter({}, stream(new ManualClock())), undefined);
});

test("an abort of the route answers with its status, FI and the detail", () => {
  const on = stream(new ManualClock(), { abort: { httpStatus: 500, percentage: { numerator: 1_000_000, denominator: "MILLION" } } });
  assert.deepEqual(filter({}, on)?.onRequestHeaders?.(headers(), true), {
    kind: "local-reply",
    status: 500,
    body: "fault filter abort",
    flag: "FI",
    details: "fault_filter_abort",
  });
});

test("a gRPC abort carries the gRPC status", () => {
  const on = stream(new ManualClock(), { abort: { grpcStatus: 14, percentage: { numerator: 100 } } });
  const reply = filter({}, on)?.onRequestHeaders?.(headers(), true);
  assert.ok(reply !== undefined && !(reply instanceof Promise));
  assert.equal(reply.grpcStatus, 14);
});

test("a delay waits on the clock, flags the stream, then goes on", async () => {
  const clock = new ManualClock();
  const on = stream(clock, { delay: { fixedDelay: "7s", percentage: { numerator: 100 } } });
  const result = filter({}, on)?.onRequestHeaders?.(headers(), true);
  assert.ok(result instanceof Promise);
  assert.equal(on.info.flags.has("DI"), true);
  let settled = false;
  void result.then(() => (settled = true));
  clock.advance(6_999);
  await Promise.resolve();
  assert.equal(settled, false);
  clock.advance(1);
  assert.equal(await result, undefined);
});

test("a delay may be followed by an abort", async () => {
  const clock = new ManualClock();
  const on = stream(clock, {
    delay: { fixedDelay: "1s", percentage: { numerator: 100 } },
    abort: { httpStatus: 418, percentage: { numerator: 100 } },
  });
  const result = filter({}, on)?.onRequestHeaders?.(headers(), true);
  clock.advance(1_000);
  assert.equal((await result)?.status, 418);
});

test("a stream that ends while it waits leaves no timer and no pending promise", async () => {
  const clock = new ManualClock();
  const instance = filter({}, stream(clock, { delay: { fixedDelay: "1s", percentage: { numerator: 100 } } }));
  const result = instance?.onRequestHeaders?.(headers(), true);
  instance?.onDestroy?.();
  assert.equal(clock.pending, 0);
  assert.equal(await result, undefined);
});

test("percentages hold over many requests, and 0 never happens", () => {
  const random = seededRandom(7);
  const clock = new ManualClock();
  let aborted = 0;
  for (let i = 0; i < 2_000; i++) {
    const some = stream(clock, { abort: { httpStatus: 503, percentage: { numerator: 30 } } }, random);
    if (filter({}, some)?.onRequestHeaders?.(headers(), true) !== undefined) aborted++;
    const none = stream(clock, { abort: { httpStatus: 503, percentage: { numerator: 0 } } }, random);
    assert.equal(filter({}, none)?.onRequestHeaders?.(headers(), true), undefined);
  }
  assert.ok(aborted > 540 && aborted < 660, String(aborted));
});

test("headers choose who is hit, and the route's fault takes the place of the filter's", () => {
  const own = {
    abort: { httpStatus: 500, percentage: { numerator: 100 } },
    headers: [{ name: "end-user", stringMatch: { exact: "jason" } }],
  };
  assert.equal(filter(own, stream(new ManualClock()))?.onRequestHeaders?.(headers(), true), undefined);
  assert.notEqual(filter(own, stream(new ManualClock()))?.onRequestHeaders?.(headers([["end-user", "jason"]]), true), undefined);
  const other = stream(new ManualClock(), { abort: { httpStatus: 400, percentage: { numerator: 0 } } });
  assert.equal(filter(own, other)?.onRequestHeaders?.(headers([["end-user", "jason"]]), true), undefined);
});

test("more active faults than max_active_faults pass unharmed", () => {
  const factory = faultFilterCompiler.compile(
    NAME,
    fault({ maxActiveFaults: 1, delay: { fixedDelay: "1s", percentage: { numerator: 100 } } }),
    "c",
  );
  const clock = new ManualClock();
  const first = factory.create(stream(clock));
  assert.ok(first?.onRequestHeaders?.(headers(), true) instanceof Promise);
  assert.equal(factory.create(stream(clock))?.onRequestHeaders?.(headers(), true), undefined);
  first.onDestroy?.();
  assert.ok(factory.create(stream(clock))?.onRequestHeaders?.(headers(), true) instanceof Promise);
});

test("what is out of range is refused by name", () => {
  for (const [json, expected] of [
    [{ responseRateLimit: { fixedLimit: { limitKbps: "0" } } }, /response_rate_limit\.fixed_limit\.limit_kbps/],
    [{ responseRateLimit: {} }, /response_rate_limit: needs/],
    [{ abort: {} }, /abort: needs/],
    [{ abort: { httpStatus: 99 } }, /http_status: 99/],
    [{ delay: {} }, /delay: needs/],
    [{ delay: { fixedDelay: "0s" } }, /fixed_delay: must be greater/],
  ] as const) {
    assert.throws(
      () => faultFilterCompiler.compile(NAME, fault(json), "typed_config"),
      (error) => error instanceof ConfigError && expected.test(error.message),
    );
  }
  assert.throws(() => faultFilterCompiler.compile(NAME, pack(CorsSchema, create(CorsSchema)), "c"), /is not an HTTPFault/);
});

const HUNDRED = { numerator: 100 };

test("where the config lets them, headers say what happens, and lower the share", async () => {
  const own = {
    delay: { headerDelay: {}, percentage: HUNDRED },
    abort: { headerAbort: {}, percentage: HUNDRED },
    responseRateLimit: { headerLimit: {}, percentage: HUNDRED },
  };
  const ask = (pairs: readonly (readonly [string, string])[], clock = new ManualClock()) =>
    filter(own, stream(clock))?.onRequestHeaders?.(headers(pairs), true);
  assert.equal(ask([]), undefined);
  const status = async (...pairs: (readonly [string, string])[]): Promise<unknown> => {
    const reply = await ask(pairs);
    return reply === undefined ? undefined : [reply.status, reply.grpcStatus];
  };
  assert.deepEqual(await status(["x-envoy-fault-abort-request", "418"]), [418, undefined]);
  assert.deepEqual(await status(["x-envoy-fault-abort-grpc-request", "14"]), [200, 14]);
  assert.equal(await status(["x-envoy-fault-abort-request", "600"]), undefined);
  assert.equal(await status(["x-envoy-fault-abort-request", "x"]), undefined);
  assert.equal(await status(["x-envoy-fault-abort-request", "503"], ["x-envoy-fault-abort-request-percentage", "0"]), undefined);
  const clock = new ManualClock();
  const delayed = ask([["x-envoy-fault-delay-request", "250"]], clock);
  assert.ok(delayed instanceof Promise);
  clock.advance(250);
  assert.equal(await delayed, undefined);
});

test("a response can be slowed down; one that is not passes at once", () => {
  const clock = new ManualClock();
  const own = { responseRateLimit: { fixedLimit: { limitKbps: "1" }, percentage: HUNDRED } };
  const instance = filter(own, stream(clock));
  void instance?.onRequestHeaders?.(headers(), true);
  const sink = new FakeSink<ResponseHeaderMap>();
  instance?.takeResponse?.({ kind: "headers", headers: new PairResponseHeaderMap(200), endStream: false }, sink);
  instance?.takeResponse?.({ kind: "data", chunk: Buffer.alloc(512), endStream: true }, sink);
  clock.advance(0);
  assert.equal(sink.body.length, 51);
  clock.advance(450);
  assert.equal(sink.body.length, 512);
  assert.equal(sink.text.at(-1), ".");
  const never = filter({ responseRateLimit: { ...own.responseRateLimit, percentage: { numerator: 0 } } }, stream(clock));
  void never?.onRequestHeaders?.(headers(), true);
  const other = new FakeSink<ResponseHeaderMap>();
  never?.takeResponse?.({ kind: "data", chunk: Buffer.alloc(512), endStream: true }, other);
  assert.equal(other.body.length, 512);
});

test("a fault may be for calls of certain nodes alone", () => {
  const own = { downstreamNodes: ["n1"], abort: { httpStatus: 503, percentage: HUNDRED } };
  const ask = (node: string): unknown =>
    filter(own, stream(new ManualClock()))?.onRequestHeaders?.(headers([["x-envoy-downstream-service-node", node]]), true);
  assert.ok(ask("n1") !== undefined);
  assert.equal(ask("n2"), undefined);
});

describe("what runtime layers say of a fault", () => {
  const NEVER = { numerator: 0 };
  const ALWAYS = { numerator: 100 };
  const FAULT = { abort: { httpStatus: 500, percentage: NEVER }, delay: { fixedDelay: "7s", percentage: NEVER } };

  function ask(own: JsonObject, layers: JsonObject, pairs: readonly (readonly [string, string])[] = []) {
    const clock = new ManualClock();
    const on = new FakeFilterStream({}, clock);
    on.runtime.set(runtimeValues(layers));
    return { clock, result: filter(own, on)?.onRequestHeaders?.(headers(pairs), true) };
  }

  function statusOf(own: JsonObject, layers: JsonObject, pairs?: readonly (readonly [string, string])[]): unknown {
    const { result } = ask(own, layers, pairs);
    assert.ok(!(result instanceof Promise));
    return result?.grpcStatus ?? result?.status;
  }

  it("aborts a share of them, with a status of theirs, under Envoy's keys", () => {
    assert.equal(statusOf(FAULT, {}), undefined);
    assert.equal(statusOf(FAULT, { "fault.http.abort.abort_percent": 100 }), 500);
    assert.equal(statusOf(FAULT, { fault: { http: { abort: { abort_percent: 100, http_status: 418 } } } }), 418);
    for (const http_status of [0, 100, 600])
      assert.equal(statusOf(FAULT, { fault: { http: { abort: { abort_percent: 100, http_status } } } }), 500);
    const grpc = { abort: { grpcStatus: 14, percentage: NEVER } };
    assert.equal(statusOf(grpc, { fault: { http: { abort: { abort_percent: 100, grpc_status: 8 } } } }), 8);
  });

  it("goes by keys that the configuration names: abortPercentRuntime, abortHttpStatusRuntime, abortGrpcStatusRuntime", () => {
    const named = { ...FAULT, abortPercentRuntime: "my.percent", abortHttpStatusRuntime: "my.status" };
    assert.equal(statusOf(named, { "fault.http.abort.abort_percent": 100 }), undefined);
    assert.equal(statusOf(named, { my: { percent: 100, status: 418 } }), 418);
    const grpc = { abort: { grpcStatus: 14, percentage: ALWAYS }, abortGrpcStatusRuntime: "my.grpc" };
    assert.equal(statusOf(grpc, { "my.grpc": 8 }), 8);
  });

  it("delays as long as they say: delayPercentRuntime, delayDurationRuntime", async () => {
    for (const [own, layers] of [
      [FAULT, { fault: { http: { delay: { fixed_delay_percent: 100, fixed_duration_ms: 1500 } } } }],
      [{ ...FAULT, delayPercentRuntime: "my.percent", delayDurationRuntime: "my.ms" }, { my: { percent: 100, ms: 1500 } }],
    ] as const) {
      const { clock, result } = ask(own, layers);
      assert.ok(result instanceof Promise);
      assert.equal(clock.pending, 1);
      clock.advance(1500);
      assert.equal(clock.pending, 0);
      assert.equal(await result, undefined);
    }
    const none = ask({ delay: { fixedDelay: "7s", percentage: ALWAYS } }, { "fault.http.delay.fixed_duration_ms": 0 });
    assert.equal(none.result, undefined);
  });

  it("limits how many there are: maxActiveFaultsRuntime", () => {
    const abort = { abort: { httpStatus: 500, percentage: ALWAYS } };
    assert.equal(statusOf(abort, { "fault.http.max_active_faults": 0 }), undefined);
    assert.equal(statusOf({ ...abort, maxActiveFaultsRuntime: "my.faults" }, { "my.faults": 0 }), undefined);
    assert.equal(statusOf({ ...abort, maxActiveFaultsRuntime: "my.faults" }, { "fault.http.max_active_faults": 0 }), 500);
  });

  it("slows a share of the responses down: responseRateLimitPercentRuntime", () => {
    const rate = { responseRateLimit: { fixedLimit: { limitKbps: "1" }, percentage: NEVER } };
    for (const [own, layers] of [
      [rate, { "fault.http.rate_limit.response_percent": 100 }],
      [{ ...rate, responseRateLimitPercentRuntime: "my.rate" }, { "my.rate": 100 }],
    ] as const) {
      const on = new FakeFilterStream({});
      on.runtime.set(runtimeValues(layers));
      const made = faultFilterCompiler.compile(NAME, fault(own), "c").withStats?.(on.stats, on.thread).create(on);
      void made?.onRequestHeaders?.(headers(), true);
      assert.equal(on.stats.get("fault.response_rl_injected"), 1);
    }
  });

  it("is said apart for clients that name their cluster", () => {
    const client = [["x-envoy-downstream-service-cluster", "web"]] as const;
    const layers = { fault: { http: { abort: { abort_percent: 100 }, web: { abort: { abort_percent: 0, http_status: 418 } } } } };
    assert.equal(statusOf(FAULT, layers), 500);
    assert.equal(statusOf(FAULT, layers, client), undefined);
    assert.equal(statusOf(FAULT, { "fault.http.web.abort": { abort_percent: 100, http_status: 418 } }, client), 418);
  });
});
