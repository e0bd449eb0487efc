// compressor_library: gzip, brotli or zstd. Every chunk is flushed, so that what the upstream sends is not held back here.
import { constants, createBrotliCompress, createGzip, createZstdCompress } from "node:zlib";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { BrotliSchema, Brotli_EncoderMode as EncoderMode } from "#envoy/gen/envoy/extensions/compression/brotli/compressor/v3/brotli_pb";
import type { Brotli } from "#envoy/gen/envoy/extensions/compression/brotli/compressor/v3/brotli_pb";
import { GzipSchema, Gzip_CompressionLevel as Level } from "#envoy/gen/envoy/extensions/compression/gzip/compressor/v3/gzip_pb";
import type { Gzip } from "#envoy/gen/envoy/extensions/compression/gzip/compressor/v3/gzip_pb";
import { ZstdSchema } from "#envoy/gen/envoy/extensions/compression/zstd/compressor/v3/zstd_pb";
import type { Zstd } from "#envoy/gen/envoy/extensions/compression/zstd/compressor/v3/zstd_pb";
import { nameOf, unpack } from "#envoy/any";
import { chunkSize, inRange } from "./coder.ts";
import type { CoderFactory, Refuse } from "./coder.ts";

/** undefined: reported. */
export function compileCompressorLibrary(library: TypedExtensionConfig | undefined, at: string, refuse: Refuse): CoderFactory | undefined {
  const any = library?.typedConfig;
  const field = `${at}.typed_config`;
  if (any === undefined) {
    refuse(at, "must be set");
    return undefined;
  }
  const gzip = unpack(any, GzipSchema);
  if (gzip !== undefined) return compileGzip(gzip, field, refuse);
  const brotli = unpack(any, BrotliSchema);
  if (brotli !== undefined) return compileBrotli(brotli, field, refuse);
  const zstd = unpack(any, ZstdSchema);
  if (zstd !== undefined) return compileZstd(zstd, field, refuse);
  refuse(field, `${nameOf(any.typeUrl)} is not known to this proxy: gzip, brotli and zstd are`);
  return undefined;
}

function compileGzip(wire: Gzip, at: string, refuse: Refuse): CoderFactory {
  const { memoryLevel: memLevel = 5, windowBits = 12 } = wire;
  inRange(memLevel, 1, 9, `${at}.memory_level`, refuse);
  inRange(windowBits, 9, 15, `${at}.window_bits`, refuse);
  inRange(wire.compressionLevel, 0, 9, `${at}.compression_level`, refuse);
  inRange(wire.compressionStrategy, 0, 4, `${at}.compression_strategy`, refuse);
  const options = {
    memLevel,
    windowBits,
    // Levels and strategies have zlib's own numbers, but for the default level.
    level: wire.compressionLevel === Level.DEFAULT_COMPRESSION ? constants.Z_DEFAULT_COMPRESSION : wire.compressionLevel,
    strategy: wire.compressionStrategy,
    chunkSize: chunkSize(wire.chunkSize, at, refuse),
    flush: constants.Z_SYNC_FLUSH,
  };
  return { encoding: "gzip", statName: "gzip", maxRatio: 0, make: () => createGzip(options) };
}

const BROTLI_MODES: Readonly<Record<EncoderMode, number>> = {
  [EncoderMode.DEFAULT]: constants.BROTLI_DEFAULT_MODE,
  [EncoderMode.GENERIC]: constants.BROTLI_MODE_GENERIC,
  [EncoderMode.TEXT]: constants.BROTLI_MODE_TEXT,
  [EncoderMode.FONT]: constants.BROTLI_MODE_FONT,
};

function compileBrotli(wire: Brotli, at: string, refuse: Refuse): CoderFactory {
  const { quality = 3, windowBits = 18, inputBlockBits = 24 } = wire;
  inRange(quality, 0, 11, `${at}.quality`, refuse);
  inRange(windowBits, 10, 24, `${at}.window_bits`, refuse);
  inRange(inputBlockBits, 16, 24, `${at}.input_block_bits`, refuse);
  if (BROTLI_MODES[wire.encoderMode] === undefined) refuse(`${at}.encoder_mode`, `${wire.encoderMode} is not known`);
  const options = {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: windowBits,
      [constants.BROTLI_PARAM_LGBLOCK]: inputBlockBits,
      [constants.BROTLI_PARAM_MODE]: BROTLI_MODES[wire.encoderMode],
      [constants.BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING]: wire.disableLiteralContextModeling ? 1 : 0,
    },
    chunkSize: chunkSize(wire.chunkSize, at, refuse),
    flush: constants.BROTLI_OPERATION_FLUSH,
  };
  return { encoding: "br", statName: "brotli", maxRatio: 0, make: () => createBrotliCompress(options) };
}

function compileZstd(wire: Zstd, at: string, refuse: Refuse): CoderFactory {
  if (wire.dictionary !== undefined) refuse(`${at}.dictionary`, "not served by this proxy");
  inRange(wire.strategy, 0, 9, `${at}.strategy`, refuse);
  const { compressionLevel = 3 } = wire;
  inRange(compressionLevel, 0, 22, `${at}.compression_level`, refuse);
  const options = {
    params: {
      [constants.ZSTD_c_compressionLevel]: compressionLevel,
      [constants.ZSTD_c_checksumFlag]: wire.enableChecksum ? 1 : 0,
      [constants.ZSTD_c_strategy]: wire.strategy,
    },
    chunkSize: chunkSize(wire.chunkSize, at, refuse),
    flush: constants.ZSTD_e_flush,
  };
  return { encoding: "zstd", statName: "zstd", maxRatio: 0, make: () => createZstdCompress(options) };
}
