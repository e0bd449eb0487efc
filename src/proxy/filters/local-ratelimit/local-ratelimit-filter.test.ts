import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { RateLimitSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { LocalRateLimitSchema } from "#envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { compileRateLimits } from "#proxy/route/rate-limit-actions";
import type { RateLimitEntry } from "#proxy/route/rate-limit-actions";
import type { RouteEntry } from "#proxy/route/route";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { localRateLimitFilterCompiler } from "./local-ratelimit-filter.ts";

const ALWAYS = { defaultValue: { numerator: 100 } };
const bucket = (maxTokens: number, fillInterval = "10s"): JsonObject => ({ maxTokens, tokensPerFill: 1, fillInterval });
const config = (more: JsonObject) =>
  pack(
    LocalRateLimitSchema,
    fromJson(LocalRateLimitSchema, { statPrefix: "p", tokenBucket: bucket(1), filterEnabled: ALWAYS, filterEnforced: ALWAYS, ...more }),
  );
const limits = (...actions: JsonObject[]): readonly RateLimitEntry[] =>
  compileRateLimits([fromJson(RateLimitSchema, { actions })], "l", (path, message) => assert.fail(`${path}: ${message}`));

/** One filter on one thread; each ask is a stream of its own. */
class Bench {
  readonly stream: FakeFilterStream;
  readonly #factory;

  constructor(more: JsonObject, route: Partial<RouteEntry> = {}) {
    this.stream = new FakeFilterStream(route);
    this.#factory = localRateLimitFilterCompiler.compile("l", config(more), "c").withStats?.(this.stream.stats, this.stream.thread);
  }

  ask(headers: readonly (readonly [string, string])[] = [], stream = this.stream) {
    const request = new PairRequestHeaderMap({ method: "GET", path: "/?q=1", authority: "a", scheme: "http" }, headers);
    stream.headers = request;
    const filter = this.#factory?.create(stream);
    const reply = filter?.onRequestHeaders?.(request, true);
    assert.ok(!(reply instanceof Promise));
    const response = new PairResponseHeaderMap(reply?.status ?? 200);
    reply?.modifyHeaders?.(response);
    void filter?.onResponseHeaders?.(response, true);
    return { reply, request, response, passed: reply === undefined };
  }

  count(name: string): number {
    return this.stream.stats.get(`p.http_local_rate_limit.${name}`);
  }

  release(): void {
    this.#factory?.release?.();
  }
}

test("a request takes a token, or is answered 429", () => {
  const bench = new Bench({ responseHeadersToAdd: [{ header: { key: "x-limited", value: "%RESPONSE_CODE_DETAILS%!" } }] });
  assert.equal(bench.ask().passed, true);
  const { reply, response } = bench.ask();
  assert.deepEqual([reply?.status, reply?.body, reply?.flag, reply?.details], [429, "local_rate_limited", "RL", "local_rate_limited"]);
  assert.equal(response.get("x-limited"), "!");
  bench.stream.clock.advance(10_000);
  assert.equal(bench.ask().passed, true);
  assert.deepEqual(
    ["enabled", "ok", "rate_limited", "enforced"].map((name) => bench.count(name)),
    [3, 2, 1, 1],
  );
  bench.release();
  assert.deepEqual(bench.stream.stats.released, ["p.http_local_rate_limit"]);
});

test("what is over the limit and not enforced passes with a mark", () => {
  const bench = new Bench({ filterEnforced: {}, requestHeadersToAddWhenNotEnforced: [{ header: { key: "x-over", value: "1" } }] });
  assert.equal(bench.ask().request.get("x-over"), undefined);
  const { passed, request } = bench.ask();
  assert.deepEqual([passed, request.get("x-over"), bench.count("enforced")], [true, "1", 0]);
});

test("without filter_enabled nothing is looked at", () => {
  const bench = new Bench({ filterEnabled: {} });
  assert.deepEqual([bench.ask().passed, bench.ask().passed, bench.count("enabled")], [true, true, 0]);
});

test("answers tell limit, rest and wait in x-ratelimit headers", () => {
  const bench = new Bench({ tokenBucket: bucket(2, "3s"), enableXRatelimitHeaders: "DRAFT_VERSION_03" });
  const told = (): (string | undefined)[] => {
    const { response } = bench.ask();
    return ["limit", "remaining", "reset"].map((name) => response.get(`x-ratelimit-${name}`));
  };
  assert.deepEqual(
    [told(), told(), told()],
    [
      ["2", "1", "0"],
      ["2", "0", "3"],
      ["2", "0", "3"],
    ],
  );
});

test("descriptors of the route have buckets of their own", () => {
  const descriptors = [
    { entries: [{ key: "user", value: "jason" }], tokenBucket: bucket(1) },
    {
      entries: [
        { key: "user", value: "" },
        { key: "generic_key", value: "g" },
      ],
      tokenBucket: bucket(1),
    },
  ];
  const user = { requestHeaders: { headerName: "x-user", descriptorKey: "user" } };
  const route = [...limits(user), ...limits(user, { genericKey: { descriptorValue: "g" } })];
  const bench = new Bench({ tokenBucket: bucket(100), descriptors }, { rateLimits: { route, virtualHost: [], includeVirtualHost: false } });
  const as = (name: string): boolean => bench.ask([["x-user", name]]).passed;
  assert.deepEqual(
    [as("jason"), as("jason"), as("anna"), as("anna"), as("bob"), bench.ask().passed],
    [true, false, true, false, true, true],
  );
});

test("an entry with a disable_key is left out, as by Envoy without a value at runtime", () => {
  const wire = (disableKey: string) => fromJson(RateLimitSchema, { disableKey, actions: [{ genericKey: { descriptorValue: "g" } }] });
  const descriptors = [{ entries: [{ key: "generic_key", value: "g" }], tokenBucket: bucket(1) }];
  for (const [disableKey, second] of [
    ["", false],
    ["off", true],
  ] as const) {
    const route = compileRateLimits([wire(disableKey)], "l", (path, message) => assert.fail(`${path}: ${message}`));
    const bench = new Bench(
      { tokenBucket: bucket(100), descriptors },
      { rateLimits: { route, virtualHost: [], includeVirtualHost: false } },
    );
    assert.deepEqual([bench.ask().passed, bench.ask().passed], [true, second]);
  }
});

test("where descriptors match, the default bucket is spared if the config says so", () => {
  const route = limits({ genericKey: { descriptorValue: "g" } });
  const descriptors = [{ entries: [{ key: "generic_key", value: "g" }], tokenBucket: bucket(5) }];
  const rateLimits = { route, virtualHost: [], includeVirtualHost: false };
  for (const [alwaysConsumeDefaultTokenBucket, second] of [
    [true, false],
    [false, true],
  ] as const) {
    const bench = new Bench({ descriptors, alwaysConsumeDefaultTokenBucket }, { rateLimits });
    assert.deepEqual([bench.ask().passed, bench.ask().passed], [true, second]);
  }
});

test("limits of the virtual host count where the route has none, or where they are included", () => {
  const descriptors = [{ entries: [{ key: "generic_key", value: "host" }], tokenBucket: bucket(1) }];
  const host = limits({ genericKey: { descriptorValue: "host" } });
  const own = limits({ genericKey: { descriptorValue: "route" } });
  for (const [route, more, includeVirtualHost, limited] of [
    [[], {}, false, true],
    [own, {}, false, false],
    [own, {}, true, true],
    [own, { vhRateLimits: "INCLUDE" }, false, true],
    [[], { vhRateLimits: "IGNORE" }, false, false],
    [[], { stage: 1 }, false, false],
  ] as const) {
    const rateLimits = { route, virtualHost: host, includeVirtualHost };
    const bench = new Bench({ tokenBucket: bucket(100), descriptors, ...more }, { rateLimits });
    bench.ask();
    assert.equal(bench.ask().passed, !limited, JSON.stringify(more));
  }
});

test("each connection can have buckets of its own", () => {
  const bench = new Bench({ localRateLimitPerDownstreamConnection: true });
  assert.deepEqual([bench.ask().passed, bench.ask().passed], [true, false]);
  assert.equal(bench.ask([], new FakeFilterStream({}, bench.stream.clock)).passed, true);
});

test("a route's config takes the place of the filter's, and keeps its buckets from stream to stream", () => {
  const ofRoute = localRateLimitFilterCompiler.compileRouteConfig?.(
    config({ statPrefix: "r", status: { code: "ServiceUnavailable" }, rateLimitedAsResourceExhausted: true }),
    "r",
  );
  const bench = new Bench({ filterEnabled: {} }, { filterConfig: FilterConfigs.of({ l: ofRoute }) });
  assert.equal(bench.ask().passed, true);
  const { reply } = bench.ask();
  assert.deepEqual([reply?.status, reply?.grpcStatus], [503, 8]);
  assert.equal(bench.stream.stats.get("r.http_local_rate_limit.enforced"), 1);
});

test("what is wrong or not served is refused by name", () => {
  const descriptor = { entries: [{ key: "k", value: "v" }], tokenBucket: bucket(1, "0.01s") };
  for (const [more, expected] of [
    [{ statPrefix: "" }, /c\.stat_prefix/],
    [{ tokenBucket: bucket(0) }, /c\.token_bucket\.max_tokens/],
    [{ tokenBucket: bucket(1, "0.049s") }, /c\.token_bucket\.fill_interval/],
    [{ descriptors: [descriptor, descriptor] }, /descriptors\[0\]\.token_bucket\.fill_interval.*descriptors\[1\]: stands twice/],
    [{ localClusterRateLimit: {} }, /local_cluster_rate_limit: not served/],
    [{ stage: 11 }, /c\.stage/],
  ] as const) {
    assert.throws(() => localRateLimitFilterCompiler.compile("l", config(more as JsonObject), "c"), expected);
  }
  const noBucket = pack(LocalRateLimitSchema, fromJson(LocalRateLimitSchema, { statPrefix: "p" }));
  assert.throws(() => localRateLimitFilterCompiler.compileRouteConfig?.(noBucket, "r"), /r\.token_bucket: must be set for a route/);
});

test("runtime layers say which share is limited, and whether limits are enforced", () => {
  const share = (runtimeKey: string): JsonObject => ({ defaultValue: { numerator: 0 }, runtimeKey });
  const bench = new Bench({ filterEnabled: share("on"), filterEnforced: share("enforced") });
  for (const layers of [{}, { on: 100 }, { on: 100, enforced: 100 }]) {
    bench.stream.runtime.set(runtimeValues(layers));
    bench.ask();
    bench.ask();
  }
  assert.deepEqual(
    ["enabled", "rate_limited", "enforced"].map((name) => bench.count(name)),
    [4, 3, 2],
  );
});
