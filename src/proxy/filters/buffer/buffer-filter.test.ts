import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { BufferPerRouteSchema, BufferSchema } from "#envoy/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import { PairTrailerMap } from "#proxy/http/pair-header-map";
import type { HttpFilter } from "#proxy/http/filter";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { bufferFilterCompiler } from "./buffer-filter.ts";

const compile = (json: JsonValue) => bufferFilterCompiler.compile("b", pack(BufferSchema, fromJson(BufferSchema, json)), "c");
const compileRoute = (json: JsonValue) =>
  bufferFilterCompiler.compileRouteConfig?.(pack(BufferPerRouteSchema, fromJson(BufferPerRouteSchema, json)), "r");

function make(limit: number, route?: JsonValue): HttpFilter | undefined {
  const filterConfig = FilterConfigs.of(route === undefined ? {} : { b: compileRoute(route) });
  return compile({ maxRequestBytes: limit }).create(new FakeFilterStream({ filterConfig }));
}

function send(filter: HttpFilter | undefined, chunks: readonly string[], trailers = false): FakeSink<RequestHeaderMap> {
  const sink = new FakeSink<RequestHeaderMap>();
  const { headers } = new FakeFilterStream();
  filter?.takeRequest?.({ kind: "headers", headers, endStream: chunks.length === 0 }, sink);
  for (const [at, text] of chunks.entries()) {
    assert.deepEqual(sink.text, []);
    filter?.takeRequest?.({ kind: "data", chunk: Buffer.from(text), endStream: !trailers && at === chunks.length - 1 }, sink);
  }
  if (trailers) filter?.takeRequest?.({ kind: "trailers", trailers: new PairTrailerMap() }, sink);
  return sink;
}

test("nothing goes on before the request is there, then all of it with its length", () => {
  const sink = send(make(10), ["hello", "you"]);
  assert.deepEqual(sink.text, ["headers", "hello", "you."]);
  const [head] = sink.parts;
  assert.equal(head?.kind === "headers" && head.headers.get("content-length"), "8");
});

test("a request without a body does not wait", () => {
  assert.deepEqual(send(make(10), []).text, ["headers."]);
});

test("trailers end a request, whose body stays chunked", () => {
  const sink = send(make(10), ["hello"], true);
  assert.deepEqual(sink.text, ["headers", "hello", "trailers"]);
  const [head] = sink.parts;
  assert.equal(head?.kind === "headers" && head.headers.has("content-length"), false);
});

test("more than max_request_bytes is too much, also by a route's own limit", () => {
  assert.equal(send(make(7), ["1234567"]).overflowed, false);
  assert.equal(send(make(7), ["12345678"]).overflowed, true);
  assert.equal(send(make(7, { buffer: { maxRequestBytes: 9 } }), ["12345678"]).overflowed, false);
});

test("a route can switch the filter off", () => {
  assert.equal(make(7, { disabled: true }), undefined);
});

test("limits that are missing are refused", () => {
  assert.throws(() => compile({}), /c\.max_request_bytes/);
  assert.throws(() => compileRoute({}), /r: needs disabled or buffer/);
  assert.throws(() => compileRoute({ buffer: {} }), /r\.buffer\.max_request_bytes/);
});
