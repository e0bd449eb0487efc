// envoy.filters.http.compressor: compresses bodies of responses as the client accepts it, and of requests where the config says so.
import { CompressorPerRouteSchema, CompressorSchema } from "#envoy/gen/envoy/extensions/filters/http/compressor/v3/compressor_pb";
import { CodedBody } from "#proxy/compression/coded-body";
import type { FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory, MessagePart, PartSink } from "#proxy/http/filter";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { hasToken } from "#proxy/http/header-tokens";
import type { StreamInfo } from "#proxy/http/stream-info";
import { flagNow } from "#proxy/runtime/runtime-fields";
import { compileCompressor, compileCompressorRoute } from "./compressor-config.ts";
import type { CompressorConfig, CompressorRouteConfig, DirectionConfig } from "./compressor-config.ts";
import { CompressorStats } from "./compressor-stats.ts";
import type { DirectionStats } from "./compressor-stats.ts";
import { chooseEncoding } from "./encoding-choice.ts";
import type { Candidate, EncodingChoice } from "./encoding-choice.ts";

/** What the compressors of one stream know of each other: one of them decides for all. */
interface Registry {
  readonly candidates: Candidate[];
  choice: EncodingChoice | undefined;
}

export const compressorFilterCompiler: HttpFilterCompiler = {
  configTypes: [CompressorSchema.typeName],
  routeConfigTypes: [CompressorPerRouteSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    const config = compileCompressor(any, path);
    return { name, create: () => undefined, withStats: (scope) => liveFactory(name, config, new CompressorStats(scope, config)) };
  },
  compileRouteConfig: compileCompressorRoute,
};

const registries = new WeakMap<StreamInfo, Registry>();

function liveFactory(name: string, config: CompressorConfig, stats: CompressorStats): HttpFilterFactory {
  const candidate: Candidate = {
    encoding: config.library.encoding,
    contentTypes: config.response.contentTypes,
    chooseFirst: config.chooseFirst,
  };
  return {
    name,
    create(stream) {
      let registry = registries.get(stream.info);
      if (registry === undefined) registries.set(stream.info, (registry = { candidates: [], choice: undefined }));
      registry.candidates.push(candidate);
      return new CompressorFilter(stream, name, config, stats, registry);
    },
  };
}

class CompressorFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #name: string;
  readonly #config: CompressorConfig;
  readonly #stats: CompressorStats;
  readonly #registry: Registry;
  #acceptEncoding: string | undefined;
  /** What goes through a tunnel belongs to its two ends. */
  #tunnels = false;
  #request: CodedBody<RequestHeaderMap> | undefined;
  #response: CodedBody<ResponseHeaderMap> | undefined;

  constructor(stream: FilterStream, name: string, config: CompressorConfig, stats: CompressorStats, registry: Registry) {
    this.#stream = stream;
    this.#name = name;
    this.#config = config;
    this.#stats = stats;
    this.#registry = registry;
  }

  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    if (part.kind === "headers") {
      this.#onRequestHeaders(part.headers, part.endStream, onward);
      onward.push(part);
    } else give(this.#request, part, onward);
  }

  takeResponse(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void {
    if (part.kind === "headers") {
      this.#onResponseHeaders(part.headers, part.endStream, onward);
      onward.push(part);
    } else give(this.#response, part, onward);
  }

  onDestroy(): void {
    this.#request?.destroy();
    this.#response?.destroy();
  }

  get #routeConfig(): CompressorRouteConfig | undefined {
    return this.#stream.filterConfigs()?.get(this.#name) as CompressorRouteConfig | undefined;
  }

  #isOn({ enabled }: DirectionConfig): boolean {
    return flagNow(enabled, this.#stream.routeInput.runtime);
  }

  #onRequestHeaders(headers: RequestHeaderMap, endStream: boolean, onward: PartSink<RequestHeaderMap>): void {
    const { request, response, removeAcceptEncoding } = this.#config;
    this.#acceptEncoding = headers.getJoined("accept-encoding");
    const route = this.#routeConfig;
    if ((route?.enabled ?? this.#isOn(response)) && (route?.removeAcceptEncoding ?? removeAcceptEncoding))
      headers.remove("accept-encoding");
    this.#tunnels = headers.method === "CONNECT";
    const stats = this.#stats.request;
    const fits =
      !endStream &&
      this.#isOn(request) &&
      headers.upgrade === undefined &&
      !this.#tunnels &&
      longEnough(headers, request, stats) &&
      typeFits(headers, request) &&
      !headers.has("content-encoding");
    if (fits) this.#request = this.#begin(headers, stats, onward);
    else stats.notCompressed.inc();
  }

  #onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean, onward: PartSink<ResponseHeaderMap>): void {
    const { response, disableOnEtag } = this.#config;
    const stats = this.#stats.response;
    const candidate = (this.#routeConfig?.enabled ?? this.#isOn(response)) && longEnough(headers, response, stats);
    let fits =
      candidate &&
      !this.#tunnels &&
      !headers.has("upgrade") &&
      typeFits(headers, response) &&
      !hasToken(headers.getJoined("cache-control"), "no-transform");
    if (fits && disableOnEtag && headers.has("etag")) {
      this.#stats.notCompressedEtag.inc();
      fits = false;
    }
    fits &&= !headers.has("content-encoding");
    if (!endStream && candidate && this.#isChosen(headers) && fits) {
      const etag = headers.get("etag");
      // A strong tag would promise the bytes that the upstream sent.
      if (etag !== undefined && !/^w\//i.test(etag)) headers.remove("etag");
      this.#response = this.#begin(headers, stats, onward);
    } else stats.notCompressed.inc();
    // Also when this client did not want it: caches must know that another one may.
    if (fits) varyByEncoding(headers);
  }

  #begin<Headers extends HeaderMap>(headers: Headers, stats: DirectionStats, onward: PartSink<Headers>): CodedBody<Headers> {
    const { library } = this.#config;
    headers.remove("content-length");
    headers.set("content-encoding", library.encoding);
    stats.compressed.inc();
    return new CodedBody(library.make(), library.maxRatio, onward, {
      onCoded(inBytes, outBytes) {
        stats.uncompressedBytes.add(inBytes);
        stats.compressedBytes.add(outBytes);
      },
      onBroken: (error) => onward.fail(error),
      trailers: (received) => received,
    });
  }

  /** By the client's Accept-Encoding. */
  #isChosen(headers: ResponseHeaderMap): boolean {
    const stats = this.#stats;
    if (this.#acceptEncoding === undefined) {
      stats.noAcceptHeader.inc();
      return false;
    }
    const choice = (this.#registry.choice ??= chooseEncoding(this.#acceptEncoding, contentType(headers), this.#registry.candidates));
    const chosen = choice.encoding === this.#config.library.encoding;
    switch (choice.reason) {
      case "compressor":
        (chosen ? stats.headerCompressorUsed : stats.headerCompressorOvershadowed).inc();
        break;
      case "identity":
        stats.headerIdentity.inc();
        break;
      case "wildcard":
        stats.headerWildcard.inc();
        break;
      case "not-valid":
        stats.headerNotValid.inc();
        break;
    }
    return chosen;
  }
}

function give<Headers>(body: CodedBody<Headers> | undefined, part: MessagePart<Headers>, onward: PartSink<Headers>): void {
  if (body === undefined || part.kind === "headers") onward.push(part);
  else if (part.kind === "data") body.write(part.chunk, part.endStream);
  else body.end(part.trailers);
}

function longEnough(headers: HeaderMap, { minLength }: DirectionConfig, stats: DirectionStats): boolean {
  const length = headers.get("content-length");
  if (length === undefined || Number(length) >= minLength) return true;
  stats.contentLengthTooSmall.inc();
  return false;
}

function contentType(headers: HeaderMap): string {
  return (headers.getJoined("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

function typeFits(headers: HeaderMap, { contentTypes }: DirectionConfig): boolean {
  return !headers.has("content-type") || contentTypes.has(contentType(headers));
}

function varyByEncoding(headers: ResponseHeaderMap): void {
  const vary = headers.getJoined("vary");
  if (vary === undefined) headers.set("vary", "Accept-Encoding");
  else if (!hasToken(vary, "accept-encoding")) headers.set("vary", `${vary}, Accept-Encoding`);
}
