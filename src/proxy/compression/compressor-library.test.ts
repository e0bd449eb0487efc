import assert from "node:assert/strict";
import type { Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { constants, createBrotliCompress, createGzip, createZstdCompress } from "node:zlib";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { TypedExtensionConfigSchema } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { BrotliSchema } from "#envoy/gen/envoy/extensions/compression/brotli/compressor/v3/brotli_pb";
import { GzipSchema } from "#envoy/gen/envoy/extensions/compression/gzip/compressor/v3/gzip_pb";
import { ZstdSchema } from "#envoy/gen/envoy/extensions/compression/zstd/compressor/v3/zstd_pb";
import { seededRandom } from "#runtime/random";
import { compileCompressorLibrary } from "./compressor-library.ts";

const registry = createRegistry(GzipSchema, BrotliSchema, ZstdSchema);
const random = seededRandom(1);
const WORDS = Array.from({ length: 500 }, () => random.integer(1_000_000).toString(36));
/** Repeats itself here and there, as texts do. */
const TEXT = Array.from({ length: 40_000 }, () => WORDS[random.integer(WORDS.length)]).join(" ");

async function coded(coder: Transform): Promise<string> {
  const whole = buffer(coder);
  coder.end(TEXT);
  return (await whole).toString("base64");
}

async function compressed(type: string, json: JsonObject): Promise<string> {
  const typedConfig = { "@type": `type.googleapis.com/${type}`, ...json };
  const wire = fromJson(TypedExtensionConfigSchema, { name: "l", typedConfig }, { registry });
  const factory = compileCompressorLibrary(wire, "compressor_library", (path, message) => assert.fail(`${path}: ${message}`));
  return coded(factory!.make() as Transform);
}

/** What zlib makes of the parameter by itself, which must not be what it makes without. */
async function proves(type: string, json: JsonObject, expected: Transform): Promise<void> {
  const own = await compressed(type, json);
  assert.ok(own === (await coded(expected)), `${JSON.stringify(json)} is not what zlib makes of it`);
  assert.ok(own !== (await compressed(type, {})), `${JSON.stringify(json)} makes no difference`);
}

test("memory_level, compression_level and compression_strategy are zlib's", async () => {
  const gzip = (options: object) => createGzip({ memLevel: 5, windowBits: 12, chunkSize: 4096, flush: constants.Z_SYNC_FLUSH, ...options });
  const { typeName } = GzipSchema;
  await proves(typeName, { memoryLevel: 1 }, gzip({ memLevel: 1 }));
  await proves(typeName, { compressionLevel: "BEST_SPEED" }, gzip({ level: 1 }));
  await proves(typeName, { compressionLevel: "COMPRESSION_LEVEL_9" }, gzip({ level: 9 }));
  await proves(typeName, { compressionStrategy: "HUFFMAN_ONLY" }, gzip({ strategy: constants.Z_HUFFMAN_ONLY }));
  await proves(typeName, { compressionStrategy: "RLE" }, gzip({ strategy: constants.Z_RLE }));
});

test("encoder_mode, input_block_bits and disable_literal_context_modeling are Brotli's", async () => {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_MODE, BROTLI_PARAM_LGBLOCK } = constants;
  const brotli = (params: Record<number, number>) =>
    createBrotliCompress({
      params: { [BROTLI_PARAM_QUALITY]: 3, [BROTLI_PARAM_LGWIN]: 18, [BROTLI_PARAM_LGBLOCK]: 24, ...params },
      flush: constants.BROTLI_OPERATION_FLUSH,
    });
  const { typeName } = BrotliSchema;
  await proves(
    typeName,
    { quality: 11, encoderMode: "FONT" },
    brotli({ [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_MODE]: constants.BROTLI_MODE_FONT }),
  );
  await proves(typeName, { quality: 9, inputBlockBits: 16 }, brotli({ [BROTLI_PARAM_QUALITY]: 9, [BROTLI_PARAM_LGBLOCK]: 16 }));
  const disabled = constants.BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING;
  await proves(typeName, { quality: 9, disableLiteralContextModeling: true }, brotli({ [BROTLI_PARAM_QUALITY]: 9, [disabled]: 1 }));
});

test("compression_level, enable_checksum and strategy are Zstandard's", async () => {
  const zstd = (params: Record<number, number>) =>
    createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3, ...params }, flush: constants.ZSTD_e_flush });
  const { typeName } = ZstdSchema;
  await proves(typeName, { compressionLevel: 19 }, zstd({ [constants.ZSTD_c_compressionLevel]: 19 }));
  await proves(typeName, { enableChecksum: true }, zstd({ [constants.ZSTD_c_checksumFlag]: 1 }));
  await proves(typeName, { strategy: "BTULTRA2" }, zstd({ [constants.ZSTD_c_strategy]: constants.ZSTD_btultra2 }));
});
