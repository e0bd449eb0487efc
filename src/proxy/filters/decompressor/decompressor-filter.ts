// envoy.filters.http.decompressor: bodies that came compressed go on as they were. Tells upstreams that this hop can do so.
import { DecompressorSchema } from "#envoy/gen/envoy/extensions/filters/http/decompressor/v3/decompressor_pb";
import type { Decompressor_CommonDirectionConfig as CommonConfig } from "#envoy/gen/envoy/extensions/filters/http/decompressor/v3/decompressor_pb";
import { CodedBody } from "#proxy/compression/coded-body";
import type { CoderFactory } from "#proxy/compression/coder";
import { compileDecompressorLibrary } from "#proxy/compression/decompressor-library";
import type { HttpFilter, HttpFilterCompiler, HttpFilterFactory, LocalReply, MessagePart, PartSink } from "#proxy/http/filter";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { hasToken } from "#proxy/http/header-tokens";
import { PairTrailerMap } from "#proxy/http/pair-header-map";
import type { Runtime } from "#proxy/runtime/runtime";
import { flagNow, runtimeFlag } from "#proxy/runtime/runtime-fields";
import type { RuntimeFlag } from "#proxy/runtime/runtime-fields";
import { unpackConfig } from "#proxy/unpack-config";
import type { Counter, StatsScope } from "#telemetry/stats/store";

interface Direction {
  readonly enabled: RuntimeFlag;
  readonly ignoreNoTransform: boolean;
}

interface DecompressorConfig {
  readonly libraryName: string;
  readonly library: CoderFactory;
  readonly request: Direction;
  readonly response: Direction;
  readonly advertise: boolean;
}

class DirectionStats {
  readonly decompressed: Counter;
  readonly notDecompressed: Counter;
  readonly uncompressedBytes: Counter;
  readonly compressedBytes: Counter;

  constructor(scope: StatsScope, direction: string) {
    this.decompressed = scope.counter(direction, "decompressed");
    this.notDecompressed = scope.counter(direction, "not_decompressed");
    this.uncompressedBytes = scope.counter(direction, "total_uncompressed_bytes");
    this.compressedBytes = scope.counter(direction, "total_compressed_bytes");
  }
}

interface DecompressorStats {
  readonly request: DirectionStats;
  readonly response: DirectionStats;
  readonly broken: Counter;
}

/** What Envoy's libraries count for input that they cannot read. */
const ERROR_STATS: Readonly<Record<CoderFactory["statName"], string>> = {
  gzip: "zlib_data_error",
  brotli: "brotli_error",
  zstd: "zstd_generic_error",
};

const NOT_READABLE: LocalReply = {
  kind: "local-reply",
  status: 400,
  body: "Bad Request",
  flag: undefined,
  details: "request_decompression_failed",
};

export const decompressorFilterCompiler: HttpFilterCompiler = {
  configTypes: [DecompressorSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    let library: CoderFactory | undefined;
    const wire = unpackConfig(any, DecompressorSchema, path, ({ decompressorLibrary }, refuse) => {
      library = compileDecompressorLibrary(decompressorLibrary, "decompressor_library", refuse);
    });
    const config: DecompressorConfig = {
      libraryName: wire.decompressorLibrary?.name ?? "",
      library: library!,
      request: direction(wire.requestDirectionConfig?.commonConfig),
      response: direction(wire.responseDirectionConfig?.commonConfig),
      advertise: wire.requestDirectionConfig?.advertiseAcceptEncoding ?? true,
    };
    return {
      name,
      create: () => undefined,
      withStats(http, { runtime }) {
        const scope = http.scope("decompressor", config.libraryName, config.library.statName);
        const stats: DecompressorStats = {
          request: new DirectionStats(scope, "request"),
          response: new DirectionStats(scope, "response"),
          broken: scope.counter("decompressor_library", ERROR_STATS[config.library.statName]),
        };
        return { name, create: () => new DecompressorFilter(config, stats, runtime) };
      },
    };
  },
};

function direction(common: CommonConfig | undefined): Direction {
  return { enabled: runtimeFlag(common?.enabled, true), ignoreNoTransform: common?.ignoreNoTransformHeader ?? false };
}

class DecompressorFilter implements HttpFilter {
  readonly #config: DecompressorConfig;
  readonly #stats: DecompressorStats;
  readonly #runtime: Runtime;
  #request: CodedBody<RequestHeaderMap> | undefined;
  #response: CodedBody<ResponseHeaderMap> | undefined;

  constructor(config: DecompressorConfig, stats: DecompressorStats, runtime: Runtime) {
    this.#config = config;
    this.#stats = stats;
    this.#runtime = runtime;
  }

  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    if (part.kind === "headers") {
      const { headers, endStream } = part;
      const { request, response, advertise, library } = this.#config;
      if (flagNow(response.enabled, this.#runtime) && advertise) accept(headers, library.encoding);
      if (!endStream) {
        this.#request = this.#begin(headers, request, this.#stats.request, onward, () => onward.respond(NOT_READABLE));
      }
      onward.push(part);
    } else give(this.#request, part, onward);
  }

  takeResponse(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void {
    if (part.kind === "headers") {
      if (!part.endStream) {
        const broken = (): void => onward.overflow();
        this.#response = this.#begin(part.headers, this.#config.response, this.#stats.response, onward, broken);
      }
      onward.push(part);
    } else give(this.#response, part, onward);
  }

  onDestroy(): void {
    this.#request?.destroy();
    this.#response?.destroy();
  }

  /** `broken`: headers are out already, so all that is left is to end the message. */
  #begin<Headers extends HeaderMap>(
    headers: Headers,
    { enabled, ignoreNoTransform }: Direction,
    stats: DirectionStats,
    onward: PartSink<Headers>,
    broken: () => void,
  ): CodedBody<Headers> | undefined {
    const { library, libraryName } = this.#config;
    const codings = headers.getJoined("content-encoding") ?? "";
    const comma = codings.indexOf(",");
    const coding = comma < 0 ? codings : codings.slice(0, comma);
    const mayTransform = ignoreNoTransform || !hasToken(headers.getJoined("cache-control"), "no-transform");
    if (!flagNow(enabled, this.#runtime) || !mayTransform || coding.trim().toLowerCase() !== library.encoding) {
      stats.notDecompressed.inc();
      return undefined;
    }
    stats.decompressed.inc();
    headers.remove("content-length");
    if (comma < 0) headers.remove("content-encoding");
    else headers.set("content-encoding", codings.slice(comma + 1).trim());
    let [compressed, uncompressed] = [0, 0];
    return new CodedBody(library.make(), library.maxRatio, onward, {
      onCoded(inBytes, outBytes) {
        compressed += inBytes;
        uncompressed += outBytes;
        stats.compressedBytes.add(inBytes);
        stats.uncompressedBytes.add(outBytes);
      },
      onBroken: () => {
        this.#stats.broken.inc();
        broken();
      },
      trailers(received) {
        const trailers = received ?? new PairTrailerMap();
        const prefix = `x-envoy-decompressor-${libraryName}`.toLowerCase();
        trailers.add(`${prefix}-compressed-bytes`, String(compressed));
        trailers.add(`${prefix}-uncompressed-bytes`, String(uncompressed));
        return trailers;
      },
    });
  }
}

function give<Headers>(body: CodedBody<Headers> | undefined, part: MessagePart<Headers>, onward: PartSink<Headers>): void {
  if (body === undefined || part.kind === "headers") onward.push(part);
  else if (part.kind === "data") body.write(part.chunk, part.endStream);
  else body.end(part.trailers);
}

/** What is said of the encoding already is taken out: this hop takes it as gladly as anything. */
function accept(headers: RequestHeaderMap, encoding: string): void {
  const others = (headers.getJoined("accept-encoding") ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "" && one.split(";")[0]!.trim().toLowerCase() !== encoding);
  headers.set("accept-encoding", [...others, encoding].join(","));
}
