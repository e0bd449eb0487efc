import { test } from "node:test";
import assert from "node:assert/strict";
import { grpcMessage, grpcMethodOf, grpcStatusOf, hasGrpcContentType, isGrpcResponse } from "./grpc.ts";
import { PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";

test("gRPC is told by its content type, with or without a format", () => {
  for (const [type, expected] of [
    ["application/grpc", true],
    ["application/grpc+json", true],
    ["application/grpc-web", false],
    ["application/grpcx", false],
    ["text/plain", false],
  ] as const) {
    assert.equal(hasGrpcContentType(new PairTrailerMap([["content-type", type]])), expected, type);
  }
  assert.equal(hasGrpcContentType(new PairTrailerMap()), false);
});

test("an answer is gRPC's with status 200 and its content type, or without a body with a grpc-status", () => {
  const type = ["content-type", "application/grpc"] as const;
  assert.equal(isGrpcResponse(new PairResponseHeaderMap(200, [type]), false), true);
  assert.equal(isGrpcResponse(new PairResponseHeaderMap(503, [type]), false), false);
  assert.equal(isGrpcResponse(new PairResponseHeaderMap(503, [["grpc-status", "1"]]), true), true);
  assert.equal(isGrpcResponse(new PairResponseHeaderMap(200, [type]), true), false);
});

test("the method is what stands in a path of two parts", () => {
  assert.deepEqual(grpcMethodOf("/a.b.C/D?x=/y"), { service: "a.b.C", method: "D" });
  for (const path of ["", "/", "/a", "/a/", "//b", "/a/b/c", "a/b"]) assert.equal(grpcMethodOf(path), undefined, path);
});

test("HTTP statuses become gRPC's by its own table, and messages are percent-encoded", () => {
  assert.deepEqual(
    [200, 400, 401, 403, 404, 429, 500, 502, 503, 504].map((status) => grpcStatusOf(status)),
    [2, 13, 16, 7, 12, 14, 2, 14, 14, 14],
  );
  assert.equal(grpcMessage("50% of ü\n"), "50%25 of %C3%BC%0A");
});
