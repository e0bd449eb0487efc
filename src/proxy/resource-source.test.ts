import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ConfigSourceSchema } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { readResourceSource } from "./resource-source.ts";

function read(json: JsonObject): { readonly source: unknown; readonly refused: readonly string[] } {
  const refused: string[] = [];
  const source = readResourceSource(fromJson(ConfigSourceSchema, json), "rds.config_source", (path) => refused.push(path));
  return { source, refused };
}

test("api_config_source is a stream of its own to a cluster, in either protocol", () => {
  const grpcServices = [{ envoyGrpc: { clusterName: "xds" } }];
  const source = (apiType: string): unknown => read({ apiConfigSource: { apiType, transportApiVersion: "V3", grpcServices } }).source;
  assert.deepEqual(source("GRPC"), { kind: "grpc", cluster: "xds", protocol: "sotw" });
  assert.deepEqual(source("DELTA_GRPC"), { kind: "grpc", cluster: "xds", protocol: "delta" });
  assert.deepEqual(read({ apiConfigSource: { apiType: "REST", grpcServices } }), {
    source: undefined,
    refused: ["rds.config_source.api_config_source.api_type"],
  });
  assert.deepEqual(read({ apiConfigSource: { apiType: "GRPC" } }).refused, ["rds.config_source.api_config_source.grpc_services"]);
});
