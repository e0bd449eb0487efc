// decompressor_library: gzip, brotli or zstd.
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { BrotliSchema } from "#envoy/gen/envoy/extensions/compression/brotli/decompressor/v3/brotli_pb";
import { GzipSchema } from "#envoy/gen/envoy/extensions/compression/gzip/decompressor/v3/gzip_pb";
import { ZstdSchema } from "#envoy/gen/envoy/extensions/compression/zstd/decompressor/v3/zstd_pb";
import { nameOf, unpack } from "#envoy/any";
import { chunkSize, inRange } from "./coder.ts";
import type { CoderFactory, Refuse } from "./coder.ts";

/** Envoy's for all libraries; only that of gzip can be set. */
const MAX_RATIO = 100;

/** undefined: reported. */
export function compileDecompressorLibrary(
  library: TypedExtensionConfig | undefined,
  at: string,
  refuse: Refuse,
): CoderFactory | undefined {
  const any = library?.typedConfig;
  const field = `${at}.typed_config`;
  if (any === undefined) {
    refuse(at, "must be set");
    return undefined;
  }
  const gzip = unpack(any, GzipSchema);
  if (gzip !== undefined) {
    const { windowBits = 15, maxInflateRatio: maxRatio = MAX_RATIO } = gzip;
    inRange(windowBits, 9, 15, `${field}.window_bits`, refuse);
    inRange(maxRatio, 1, 1032, `${field}.max_inflate_ratio`, refuse);
    const options = { windowBits, chunkSize: chunkSize(gzip.chunkSize, field, refuse) };
    return { encoding: "gzip", statName: "gzip", maxRatio, make: () => createGunzip(options) };
  }
  const brotli = unpack(any, BrotliSchema);
  if (brotli !== undefined) {
    // disable_ring_buffer_reallocation trades memory in Envoy's library; here there is nothing to trade.
    const options = { chunkSize: chunkSize(brotli.chunkSize, field, refuse) };
    return { encoding: "br", statName: "brotli", maxRatio: MAX_RATIO, make: () => createBrotliDecompress(options) };
  }
  const zstd = unpack(any, ZstdSchema);
  if (zstd !== undefined) {
    if (zstd.dictionaries.length > 0) refuse(`${field}.dictionaries`, "not served by this proxy");
    const options = { chunkSize: chunkSize(zstd.chunkSize, field, refuse) };
    return { encoding: "zstd", statName: "zstd", maxRatio: MAX_RATIO, make: () => createZstdDecompress(options) };
  }
  refuse(field, `${nameOf(any.typeUrl)} is not known to this proxy: gzip, brotli and zstd are`);
  return undefined;
}
