import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { FilterConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { pack } from "#envoy/any";
import { grpcStatsFilterCompiler } from "./grpc-stats-filter.ts";

const compile = (json: JsonValue) =>
  grpcStatsFilterCompiler.compile("g", pack(FilterConfigSchema, fromJson(FilterConfigSchema, json)), "c");

test("Istio's config is accepted", () => {
  assert.equal(compile({ emitFilterState: true, statsForAllMethods: false }).name, "g");
});

test("options that name statistics are refused", () => {
  assert.throws(() => compile({ statsForAllMethods: true }), /stats_for_all_methods: not served/);
  assert.throws(() => compile({ enableUpstreamStats: true }), /enable_upstream_stats: not served/);
});
