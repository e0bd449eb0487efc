import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { BrotliSchema } from "#envoy/gen/envoy/extensions/compression/brotli/compressor/v3/brotli_pb";
import { GzipSchema } from "#envoy/gen/envoy/extensions/compression/gzip/compressor/v3/gzip_pb";
import { ZstdSchema } from "#envoy/gen/envoy/extensions/compression/zstd/compressor/v3/zstd_pb";
import { CompressorPerRouteSchema, CompressorSchema } from "#envoy/gen/envoy/extensions/filters/http/compressor/v3/compressor_pb";
import { pack } from "#envoy/any";
import type { HttpFilter } from "#proxy/http/filter";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import { PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import type { HeaderPairs } from "#proxy/http/pair-header-map";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { FakeStats } from "#proxy/http/stats.fake";
import { FilterConfigs } from "#proxy/route/filter-config";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { compressorFilterCompiler } from "./compressor-filter.ts";

const registry = createRegistry(GzipSchema, BrotliSchema, ZstdSchema);
const library = (kind: "gzip" | "brotli" | "zstd", more: JsonObject = {}): JsonObject => {
  const type = { gzip: "gzip.compressor.v3.Gzip", brotli: "brotli.compressor.v3.Brotli", zstd: "zstd.compressor.v3.Zstd" }[kind];
  return { name: "text", typedConfig: { "@type": `type.googleapis.com/envoy.extensions.compression.${type}`, ...more } };
};
const config = (json: JsonObject) =>
  pack(CompressorSchema, fromJson(CompressorSchema, { compressorLibrary: library("gzip"), ...json }, { registry }));
const TEXT = "a text that is worth compressing, ".repeat(10);

class Bench {
  readonly stats = new FakeStats();
  readonly stream: FakeFilterStream;
  readonly filter: HttpFilter | undefined;

  constructor(json: JsonObject = {}, acceptEncoding: string | undefined = "gzip", route?: JsonObject) {
    const per = route === undefined ? undefined : pack(CompressorPerRouteSchema, fromJson(CompressorPerRouteSchema, route));
    const filterConfig = FilterConfigs.of(per === undefined ? {} : { c: compressorFilterCompiler.compileRouteConfig?.(per, "r") });
    this.stream = new FakeFilterStream({ filterConfig });
    if (acceptEncoding !== undefined) this.stream.headers.set("accept-encoding", acceptEncoding);
    this.filter = compressorFilterCompiler.compile("c", config(json), "p").withStats?.(this.stats, this.stream.thread).create(this.stream);
  }

  async request(headers: HeaderPairs, body: string): Promise<FakeSink<RequestHeaderMap>> {
    const sink = new FakeSink<RequestHeaderMap>();
    for (const [name, value] of headers) this.stream.headers.set(name, value);
    this.filter?.takeRequest?.({ kind: "headers", headers: this.stream.headers, endStream: body === "" }, sink);
    if (body !== "") this.filter?.takeRequest?.({ kind: "data", chunk: Buffer.from(body), endStream: true }, sink);
    await sink.whenOver;
    return sink;
  }

  async response(headers: HeaderPairs, trailers = false) {
    await this.request([], "");
    const sink = new FakeSink<ResponseHeaderMap>();
    const typed = headers.some(([name]) => name === "content-type");
    const map = new PairResponseHeaderMap(200, typed ? headers : [["content-type", "text/html; charset=utf-8"], ...headers]);
    this.filter?.takeResponse?.({ kind: "headers", headers: map, endStream: false }, sink);
    this.filter?.takeResponse?.({ kind: "data", chunk: Buffer.from(TEXT), endStream: !trailers }, sink);
    if (trailers) this.filter?.takeResponse?.({ kind: "trailers", trailers: new PairTrailerMap([["x", "1"]]) }, sink);
    await sink.whenOver;
    return { sink, headers: map };
  }

  get counted(): Record<string, number> {
    const found = [...this.stats.values].filter(([, { value }]) => value > 0);
    return Object.fromEntries(found.map(([name, { value }]) => [name.replace("compressor.text.", ""), value]));
  }
}

test("a response is compressed as its client accepts it, with the headers that say so", async () => {
  for (const [kind, encoding, decode] of [
    ["gzip", "gzip", gunzipSync],
    ["brotli", "br", brotliDecompressSync],
    ["zstd", "zstd", zstdDecompressSync],
  ] as const) {
    const bench = new Bench({ compressorLibrary: library(kind), responseDirectionConfig: {} }, `${encoding};q=0.5`);
    const { sink, headers } = await bench.response([
      ["content-length", String(TEXT.length)],
      ["etag", '"strong"'],
    ]);
    assert.equal(decode(sink.body).toString(), TEXT);
    assert.deepEqual(
      ["content-encoding", "content-length", "etag", "vary"].map((name) => headers.get(name)),
      [encoding, undefined, undefined, "Accept-Encoding"],
    );
    const { counted } = bench;
    assert.equal(counted[`${kind}.response.total_uncompressed_bytes`], TEXT.length);
    assert.equal(counted[`${kind}.response.total_compressed_bytes`], sink.body.length);
    assert.deepEqual([counted[`${kind}.response.compressed`], counted[`${kind}.header_compressor_used`]], [1, 1]);
  }
});

test("minContentLength and contentType say what is worth compressing", async () => {
  const compressed = async (commonConfig: JsonObject, type: string, length: number): Promise<boolean> => {
    const bench = new Bench({ responseDirectionConfig: { commonConfig } });
    const { headers } = await bench.response([
      ["content-type", type],
      ["content-length", String(length)],
    ]);
    return headers.has("content-encoding");
  };
  assert.equal(await compressed({ minContentLength: 400 }, "text/html", 399), false);
  assert.equal(await compressed({ minContentLength: 400 }, "text/html", 400), true);
  assert.equal(await compressed({ contentType: ["Image/PNG"] }, "image/png", 340), true);
  assert.equal(await compressed({ contentType: ["Image/PNG"] }, "text/html", 340), false);
  const old = new Bench({ contentType: ["image/png"] });
  assert.equal((await old.response([["content-type", "image/png"]])).headers.get("content-encoding"), "gzip");
  assert.equal((await new Bench({ contentType: ["image/png"] }).response([])).headers.get("content-encoding"), undefined);
});

test("each chunk leaves when it came", async () => {
  const bench = new Bench();
  await bench.request([], "");
  const sink = new FakeSink<ResponseHeaderMap>();
  const first = Promise.withResolvers<void>();
  sink.push = (part) => {
    if (part.kind === "data") first.resolve();
  };
  const headers = new PairResponseHeaderMap(200, [["content-type", "text/html"]]);
  bench.filter?.takeResponse?.({ kind: "headers", headers, endStream: false }, sink);
  bench.filter?.takeResponse?.({ kind: "data", chunk: Buffer.from(TEXT), endStream: false }, sink);
  await first.promise;
  bench.filter?.onDestroy?.();
});

test("only a weak tag stays with a compressed body", async () => {
  for (const [etag, left] of [
    ['"strong"', undefined],
    ['""', undefined],
    ["x", undefined],
    ['W/"weak"', 'W/"weak"'],
    ['w/"weak"', 'w/"weak"'],
  ] as const)
    assert.equal((await new Bench().response([["etag", etag]])).headers.get("etag"), left, etag);
});

test("nothing is done to what goes through a tunnel", async () => {
  const bench = new Bench({ requestDirectionConfig: {} });
  bench.stream.headers.method = "CONNECT";
  assert.equal((await bench.request([], TEXT)).body.toString(), TEXT);
  assert.equal((await bench.response([])).sink.body.toString(), TEXT);
});

test("a type of several lines is one that nobody compresses", async () => {
  const { headers } = await new Bench().response([
    ["content-type", "text/html"],
    ["content-type", "plain"],
  ]);
  assert.equal(headers.get("content-encoding"), undefined);
});

test("trailers come behind the compressed body", async () => {
  const { sink } = await new Bench().response([], true);
  assert.equal(gunzipSync(sink.body).toString(), TEXT);
  assert.equal(sink.text.at(-1), "trailers");
});

test("what should not be compressed is not, and caches are told where it depends on the client", async () => {
  for (const [more, vary, accept, json] of [
    [["content-length", "29"], undefined, "gzip", {}],
    [["content-type", "image/png"], undefined, "gzip", {}],
    [["cache-control", "public, No-Transform"], undefined, "gzip", {}],
    [["content-encoding", "br"], undefined, "gzip", {}],
    [["etag", '"x"'], undefined, "gzip", { responseDirectionConfig: { disableOnEtagHeader: true } }],
    [["vary", "Cookie"], "Cookie, Accept-Encoding", "br", {}],
    [["vary", "accept-encoding"], "accept-encoding", "identity", {}],
    [["x", "y"], undefined, "gzip", { runtimeEnabled: { defaultValue: false, runtimeKey: "k" } }],
  ] as const) {
    const bench = new Bench(json as JsonObject, accept);
    const [name, value] = more;
    await bench.request([], "");
    const headers = new PairResponseHeaderMap(200, [["content-type", "text/html"]]);
    headers.set(name, value);
    const sink = new FakeSink<ResponseHeaderMap>();
    bench.filter?.takeResponse?.({ kind: "headers", headers, endStream: false }, sink);
    bench.filter?.takeResponse?.({ kind: "data", chunk: Buffer.from(TEXT), endStream: true }, sink);
    assert.equal(sink.body.toString(), TEXT, name);
    assert.equal(headers.get("vary"), vary, `${name}: ${value}`);
  }
});

test("a client that accepts nothing gets the plain body, and why is counted", async () => {
  for (const [accept, counter] of [
    [undefined, "no_accept_header"],
    ["identity", "header_identity"],
    ["br", "header_not_valid"],
  ] as const) {
    const bench = accept === undefined ? new Bench({}, "") : new Bench({}, accept);
    if (accept === undefined) bench.stream.headers.remove("accept-encoding");
    const { sink } = await bench.response([]);
    assert.equal(sink.body.toString(), TEXT);
    assert.equal(bench.counted[`gzip.${counter}`], 1, counter);
    assert.equal(bench.counted["gzip.not_compressed"], 1);
  }
});

test("requests are compressed where the config says so", async () => {
  const bench = new Bench({ requestDirectionConfig: {} });
  const sink = await bench.request([["content-type", "text/plain"]], TEXT);
  assert.equal(gunzipSync(sink.body).toString(), TEXT);
  assert.equal(bench.stream.headers.get("content-encoding"), "gzip");
  const other = new Bench();
  assert.equal((await other.request([["content-type", "text/plain"]], TEXT)).body.toString(), TEXT);
});

test("accept-encoding can be taken from the request, and a route can switch responses off or on", async () => {
  const remove = new Bench({ responseDirectionConfig: { removeAcceptEncodingHeader: true } });
  await remove.request([], "");
  assert.equal(remove.stream.headers.has("accept-encoding"), false);
  const off = await new Bench({}, "gzip", { disabled: true }).response([]);
  assert.equal(off.sink.body.toString(), TEXT);
  const disabled = { responseDirectionConfig: { commonConfig: { enabled: { defaultValue: false, runtimeKey: "k" } } } };
  const on = await new Bench(disabled, "gzip", { overrides: { responseDirectionConfig: {} } }).response([]);
  assert.equal(gunzipSync(on.sink.body).toString(), TEXT);
});

test("libraries and settings that are not there are refused by name", () => {
  const compile = (json: JsonObject): unknown => compressorFilterCompiler.compile("c", config(json), "p");
  assert.throws(() => compile({ compressorLibrary: { name: "x" } }), /p\.compressor_library: must be set/);
  assert.throws(
    () => compile({ compressorLibrary: library("gzip", { windowBits: 8, chunkSize: 1 }) }),
    /p\.compressor_library\.typed_config\.window_bits: 8 is not between 9 and 15.*chunk_size/,
  );
  assert.throws(() => compile({ compressorLibrary: library("brotli", { quality: 12 }) }), /quality: 12/);
  assert.throws(() => compile({ compressorLibrary: library("zstd", { dictionary: { inlineString: "x" } }) }), /dictionary: not served/);
});

test("runtime layers switch a direction on and off", async () => {
  const bench = new Bench({ responseDirectionConfig: { commonConfig: { enabled: { defaultValue: false, runtimeKey: "k" } } } });
  bench.stream.runtime.set(runtimeValues({ k: true }));
  const { sink } = await bench.response([]);
  assert.equal(gunzipSync(sink.body).toString(), TEXT);
});
