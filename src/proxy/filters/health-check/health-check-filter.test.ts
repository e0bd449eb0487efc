import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { HealthCheckSchema } from "#envoy/gen/envoy/extensions/filters/http/health_check/v3/health_check_pb";
import { pack } from "#envoy/any";
import type { Cluster, ClusterManager } from "#proxy/cluster/cluster";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { healthCheckFilterCompiler } from "./health-check-filter.ts";

class Bench {
  readonly stream = new FakeFilterStream();
  readonly #factory;

  constructor(json: JsonObject, clusters: ClusterManager = { get: () => undefined }) {
    this.stream.clusters = clusters;
    const headers = [{ name: ":path", stringMatch: { exact: "/health" } }];
    const any = pack(HealthCheckSchema, fromJson(HealthCheckSchema, { headers, ...json }));
    this.#factory = healthCheckFilterCompiler.compile("h", any, "c").withStats?.(this.stream.stats, this.stream.thread);
  }

  /** What becomes of a request: an answer of the filter's own, or the response to what passed. */
  ask(path = "/health", response = new PairResponseHeaderMap(200)): string {
    const filter = this.#factory?.create(this.stream);
    const sink = new FakeSink<RequestHeaderMap>();
    const headers = new PairRequestHeaderMap({ method: "POST", path, authority: "a", scheme: "http" });
    filter?.takeRequest?.({ kind: "headers", headers, endStream: false }, sink);
    filter?.takeRequest?.({ kind: "data", chunk: Buffer.from("x"), endStream: true }, sink);
    void filter?.onResponseHeaders?.(response, true);
    const marks = [
      response.get("x-envoy-upstream-healthchecked-cluster"),
      response.get("x-envoy-immediate-health-check-fail") === undefined ? undefined : "fail",
    ];
    const { reply } = sink;
    const told = reply?.headers?.map(([name]) => name).join() ?? "";
    const outcome =
      reply === undefined ? `passed ${sink.text.join(" ")}` : `${reply.status} ${reply.flag ?? "-"} ${reply.details} ${told}`.trimEnd();
    return [outcome, ...marks.filter((mark) => mark !== undefined)].join(", ");
  }
}

test("without pass-through the proxy answers by its own state, once the request is there", () => {
  const bench = new Bench({ passThroughMode: false });
  assert.equal(bench.ask(), "200 - health_check_ok, service");
  assert.equal(bench.ask("/other"), "passed headers x.");
  bench.stream.local.failHealthChecks(true);
  assert.equal(bench.ask(), "503 LH health_check_failed x-envoy-immediate-health-check-fail, service");
  assert.equal(bench.ask("/other"), "passed headers x., fail");
});

test("with pass-through the application answers, unless the proxy was failed", () => {
  const bench = new Bench({ passThroughMode: true });
  assert.equal(bench.ask(), "passed headers x., service");
  bench.stream.local.failHealthChecks(true);
  assert.equal(bench.ask(), "503 LH health_check_failed x-envoy-immediate-health-check-fail, service");
});

test("an answer of the application can be given again for a while", () => {
  const bench = new Bench({ passThroughMode: true, cacheTime: "10s" });
  bench.stream.clock.advance(2_000);
  assert.equal(bench.ask("/health", new PairResponseHeaderMap(500)), "passed headers x., service");
  bench.stream.clock.advance(7_999);
  assert.equal(bench.ask(), "500 LH health_check_cached, service");
  bench.stream.clock.advance(1);
  assert.equal(bench.ask(), "passed headers x., service");
});

test("the answer may depend on how many hosts of clusters are healthy", () => {
  const clusters: Record<string, string[]> = { half: ["healthy", "unhealthy"], none: [] };
  const answer = (clusterMinHealthyPercentages: JsonObject): string => {
    const get = (name: string): Cluster | undefined =>
      clusters[name] === undefined ? undefined : ({ hosts: clusters[name].map((health) => ({ health })) } as unknown as Cluster);
    return new Bench({ passThroughMode: false, clusterMinHealthyPercentages }, { get }).ask();
  };
  assert.equal(answer({ half: { value: 50 } }), "200 - health_check_ok_cluster_healthy, service");
  assert.equal(answer({ half: { value: 51 } }), "503 LH health_check_failed_cluster_unhealthy, service");
  assert.equal(answer({ none: { value: 1 } }), "503 LH health_check_failed_cluster_empty, service");
  assert.equal(answer({ none: { value: 0 } }), "200 - health_check_ok, service");
  assert.equal(answer({ unknown: { value: 0 } }), "503 LH health_check_failed_no_cluster_found, service");
});

test("options that exclude each other are refused", () => {
  for (const [json, expected] of [
    [{}, /c\.pass_through_mode: must be set/],
    [{ passThroughMode: false, cacheTime: "1s" }, /c\.cache_time/],
    [{ passThroughMode: true, clusterMinHealthyPercentages: { a: { value: 1 } } }, /c\.cluster_min_healthy_percentages/],
  ] as const) {
    assert.throws(() => new Bench(json as JsonObject), expected);
  }
});
