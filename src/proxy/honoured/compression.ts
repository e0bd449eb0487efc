import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const COMPRESSION_FIELDS: FieldTable = {
  "envoy.extensions.compression.brotli.compressor.v3.Brotli": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "quality", "window_bits", "chunk_size"),
    honoured("src/proxy/compression/compressor-library.test.ts", "encoder_mode", "input_block_bits", "disable_literal_context_modeling"),
  ],
  "envoy.extensions.compression.brotli.decompressor.v3.Brotli": [
    harmless("trades memory in Envoy's library; here there is nothing to trade", "disable_ring_buffer_reallocation"),
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "chunk_size"),
  ],
  "envoy.extensions.compression.gzip.compressor.v3.Gzip": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "window_bits", "chunk_size"),
    honoured("src/proxy/compression/compressor-library.test.ts", "memory_level", "compression_level", "compression_strategy"),
  ],
  "envoy.extensions.compression.gzip.decompressor.v3.Gzip": [
    honoured("src/proxy/filters/decompressor/decompressor-filter.test.ts", "window_bits", "max_inflate_ratio"),
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "chunk_size"),
  ],
  "envoy.extensions.compression.zstd.compressor.v3.Zstd": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "chunk_size"),
    honoured("src/proxy/compression/compressor-library.test.ts", "compression_level", "enable_checksum", "strategy"),
  ],
  "envoy.extensions.compression.zstd.decompressor.v3.Zstd": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "chunk_size"),
  ],
  "envoy.extensions.filters.http.compressor.v3.Compressor": [
    honoured("src/proxy/codec/http2/session.test.ts", "content_length"),
    honoured(
      "src/proxy/filters/compressor/compressor-filter.test.ts",
      "disable_on_etag_header",
      "remove_accept_encoding_header",
      "runtime_enabled",
      "compressor_library",
      "request_direction_config",
      "response_direction_config",
    ),
    honoured("src/proxy/filters/compressor/encoding-choice.test.ts", "choose_first"),
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "content_type"),
  ],
  "envoy.extensions.filters.http.compressor.v3.Compressor.CommonDirectionConfig": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "enabled"),
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "min_content_length", "content_type"),
  ],
  "envoy.extensions.filters.http.compressor.v3.Compressor.RequestDirectionConfig": [
    honoured("src/proxy/filters/decompressor/decompressor-filter.test.ts", "common_config"),
  ],
  "envoy.extensions.filters.http.compressor.v3.Compressor.ResponseDirectionConfig": [
    honoured(
      "src/proxy/filters/compressor/compressor-filter.test.ts",
      "disable_on_etag_header",
      "remove_accept_encoding_header",
      "common_config",
    ),
  ],
  "envoy.extensions.filters.http.compressor.v3.CompressorOverrides": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "response_direction_config"),
  ],
  "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "disabled", "overrides"),
  ],
  "envoy.extensions.filters.http.compressor.v3.ResponseDirectionOverrides": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "remove_accept_encoding_header"),
  ],
  "envoy.extensions.filters.http.decompressor.v3.Decompressor": [
    honoured("src/proxy/filters/decompressor/decompressor-filter.test.ts", "decompressor_library", "request_direction_config"),
    honoured("test/interop/http-filters.test.ts", "response_direction_config"),
  ],
  "envoy.extensions.filters.http.decompressor.v3.Decompressor.CommonDirectionConfig": [
    honoured("src/proxy/filters/decompressor/decompressor-filter.test.ts", "enabled", "ignore_no_transform_header"),
  ],
  "envoy.extensions.filters.http.decompressor.v3.Decompressor.RequestDirectionConfig": [
    honoured("src/proxy/filters/decompressor/decompressor-filter.test.ts", "common_config", "advertise_accept_encoding"),
  ],
  "envoy.extensions.filters.http.decompressor.v3.Decompressor.ResponseDirectionConfig": [
    honoured("src/proxy/filters/compressor/compressor-filter.test.ts", "common_config"),
  ],
};
