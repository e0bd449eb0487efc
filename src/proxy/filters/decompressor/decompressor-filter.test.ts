import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { BrotliSchema } from "#envoy/gen/envoy/extensions/compression/brotli/decompressor/v3/brotli_pb";
import { GzipSchema } from "#envoy/gen/envoy/extensions/compression/gzip/decompressor/v3/gzip_pb";
import { ZstdSchema } from "#envoy/gen/envoy/extensions/compression/zstd/decompressor/v3/zstd_pb";
import { DecompressorSchema } from "#envoy/gen/envoy/extensions/filters/http/decompressor/v3/decompressor_pb";
import { pack } from "#envoy/any";
import type { HttpFilter } from "#proxy/http/filter";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import type { HeaderPairs } from "#proxy/http/pair-header-map";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { FakeStats } from "#proxy/http/stats.fake";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { decompressorFilterCompiler } from "./decompressor-filter.ts";

const registry = createRegistry(GzipSchema, BrotliSchema, ZstdSchema);
const TEXT = "a text that was worth compressing, ".repeat(10);
const library = (type: string, more: JsonObject = {}): JsonObject => ({
  name: "lib",
  typedConfig: { "@type": `type.googleapis.com/envoy.extensions.compression.${type}`, ...more },
});
const GZIP = "gzip.decompressor.v3.Gzip";

function make(
  json: JsonObject = {},
  type = GZIP,
  more: JsonObject = {},
): { filter: HttpFilter | undefined; stats: FakeStats; stream: FakeFilterStream } {
  const stream = new FakeFilterStream();
  const stats = new FakeStats();
  const wire = fromJson(DecompressorSchema, { decompressorLibrary: library(type, more), ...json }, { registry });
  const factory = decompressorFilterCompiler.compile("d", pack(DecompressorSchema, wire), "p").withStats?.(stats, stream.thread);
  return { filter: factory?.create(stream), stats, stream };
}

async function request(filter: HttpFilter | undefined, stream: FakeFilterStream, headers: HeaderPairs, body: Buffer | undefined) {
  const sink = new FakeSink<RequestHeaderMap>();
  for (const [name, value] of headers) stream.headers.set(name, value);
  filter?.takeRequest?.({ kind: "headers", headers: stream.headers, endStream: body === undefined }, sink);
  if (body !== undefined) filter?.takeRequest?.({ kind: "data", chunk: body, endStream: true }, sink);
  await sink.whenOver;
  return sink;
}

test("a compressed request goes on plain, its sizes in trailers", async () => {
  for (const [type, encoding, encode] of [
    [GZIP, "gzip", gzipSync],
    ["brotli.decompressor.v3.Brotli", "br", brotliCompressSync],
    ["zstd.decompressor.v3.Zstd", "zstd", zstdCompressSync],
  ] as const) {
    const { filter, stream, stats } = make({}, type);
    const body = encode(TEXT);
    const sink = await request(
      filter,
      stream,
      [
        ["content-encoding", encoding],
        ["content-length", String(body.length)],
      ],
      body,
    );
    assert.equal(sink.body.toString(), TEXT);
    assert.deepEqual([stream.headers.has("content-encoding"), stream.headers.has("content-length")], [false, false]);
    const last = sink.parts.at(-1);
    assert.ok(last?.kind === "trailers");
    assert.equal(last.trailers.get("x-envoy-decompressor-lib-uncompressed-bytes"), String(TEXT.length));
    assert.equal(last.trailers.get("x-envoy-decompressor-lib-compressed-bytes"), String(body.length));
    const name = encoding === "br" ? "brotli" : encoding;
    assert.equal(stats.get(`decompressor.lib.${name}.request.decompressed`), 1);
    assert.equal(stats.get(`decompressor.lib.${name}.request.total_uncompressed_bytes`), TEXT.length);
  }
});

test("a compressed response goes on plain; only its outermost coding is taken off", async () => {
  const { filter } = make();
  const sink = new FakeSink<ResponseHeaderMap>();
  const headers = new PairResponseHeaderMap(200, [["content-encoding", " GZIP ,br"]]);
  filter?.takeResponse?.({ kind: "headers", headers, endStream: false }, sink);
  filter?.takeResponse?.({ kind: "data", chunk: gzipSync(TEXT), endStream: true }, sink);
  await sink.whenOver;
  assert.equal(sink.body.toString(), TEXT);
  assert.equal(headers.get("content-encoding"), "br");
});

test("other codings, no-transform and a direction that is off leave bodies as they are", async () => {
  const off = { requestDirectionConfig: { commonConfig: { enabled: { defaultValue: false, runtimeKey: "k" } } } };
  for (const [json, headers] of [
    [{}, [["content-encoding", "br"]]],
    [{}, []],
    [
      {},
      [
        ["content-encoding", "gzip"],
        ["cache-control", "no-transform"],
      ],
    ],
    [off, [["content-encoding", "gzip"]]],
  ] as const) {
    const { filter, stream, stats } = make(json);
    const body = gzipSync(TEXT);
    assert.deepEqual((await request(filter, stream, headers, body)).body, body);
    assert.equal(stats.get("decompressor.lib.gzip.request.not_decompressed"), 1);
  }
  const ignore = make({ requestDirectionConfig: { commonConfig: { ignoreNoTransformHeader: true } } });
  const headers = [
    ["content-encoding", "gzip"],
    ["cache-control", "no-transform"],
  ] as const;
  assert.equal((await request(ignore.filter, ignore.stream, headers, gzipSync(TEXT))).body.toString(), TEXT);
});

test("upstreams are told that the encoding is welcome", async () => {
  for (const [accept, expected] of [
    ["", "gzip"],
    ["br, gzip;q=0.3", "br,gzip"],
  ] as const) {
    const { filter, stream } = make();
    await request(filter, stream, accept === "" ? [] : [["accept-encoding", accept]], undefined);
    assert.equal(stream.headers.get("accept-encoding"), expected);
  }
  const { filter, stream } = make({ requestDirectionConfig: { advertiseAcceptEncoding: false } });
  await request(filter, stream, [], undefined);
  assert.equal(stream.headers.has("accept-encoding"), false);
});

test("a body that cannot be read, or grows too much, ends its message", async () => {
  for (const [body, more] of [
    [Buffer.from("not gzip at all"), {}],
    [gzipSync(Buffer.alloc(1_000_000)), { maxInflateRatio: 100 }],
  ] as const) {
    const { filter, stream, stats } = make({}, GZIP, more);
    const sink = await request(filter, stream, [["content-encoding", "gzip"]], body);
    assert.deepEqual([sink.reply?.status, sink.reply?.details], [400, "request_decompression_failed"]);
    assert.equal(stats.get("decompressor.lib.gzip.decompressor_library.zlib_data_error"), 1);
  }
});

test("settings that are out of range are refused", () => {
  assert.throws(
    () => make({}, GZIP, { windowBits: 16, maxInflateRatio: 2000 }),
    /typed_config\.window_bits.*typed_config\.max_inflate_ratio/,
  );
});

test("runtime layers switch a direction on and off", async () => {
  const keyed = { requestDirectionConfig: { commonConfig: { enabled: { defaultValue: true, runtimeKey: "k" } } } };
  for (const on of [true, false]) {
    const { filter, stream } = make(keyed);
    stream.runtime.set(runtimeValues({ k: on }));
    const body = gzipSync(TEXT);
    const sink = await request(filter, stream, [["content-encoding", "gzip"]], body);
    assert.deepEqual(sink.body, on ? Buffer.from(TEXT) : body);
  }
});
