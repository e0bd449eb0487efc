// Statistics of one compressor: `http.<prefix>.compressor.<library name>.<library>.`, Envoy's names.
import type { Counter, StatsScope } from "#telemetry/stats/store";
import type { CompressorConfig } from "./compressor-config.ts";

export class DirectionStats {
  readonly compressed: Counter;
  readonly notCompressed: Counter;
  readonly uncompressedBytes: Counter;
  readonly compressedBytes: Counter;
  readonly contentLengthTooSmall: Counter;

  constructor(scope: StatsScope, direction: readonly string[]) {
    this.compressed = scope.counter(...direction, "compressed");
    this.notCompressed = scope.counter(...direction, "not_compressed");
    this.uncompressedBytes = scope.counter(...direction, "total_uncompressed_bytes");
    this.compressedBytes = scope.counter(...direction, "total_compressed_bytes");
    this.contentLengthTooSmall = scope.counter(...direction, "content_length_too_small");
  }
}

export class CompressorStats {
  readonly request: DirectionStats;
  readonly response: DirectionStats;
  readonly noAcceptHeader: Counter;
  readonly headerIdentity: Counter;
  readonly headerCompressorUsed: Counter;
  readonly headerCompressorOvershadowed: Counter;
  readonly headerWildcard: Counter;
  readonly headerNotValid: Counter;
  readonly notCompressedEtag: Counter;

  constructor(http: StatsScope, { libraryName, library, responseIsNamed }: CompressorConfig) {
    const scope = http.scope("compressor", libraryName, library.statName);
    this.request = new DirectionStats(scope, ["request"]);
    this.response = new DirectionStats(scope, responseIsNamed ? ["response"] : []);
    this.noAcceptHeader = scope.counter("no_accept_header");
    this.headerIdentity = scope.counter("header_identity");
    this.headerCompressorUsed = scope.counter("header_compressor_used");
    this.headerCompressorOvershadowed = scope.counter("header_compressor_overshadowed");
    this.headerWildcard = scope.counter("header_wildcard");
    this.headerNotValid = scope.counter("header_not_valid");
    this.notCompressedEtag = scope.counter("not_compressed_etag");
  }
}
