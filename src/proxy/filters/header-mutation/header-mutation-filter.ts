// envoy.filters.http.header_mutation: edits of request and response headers, by the filter and by every level of the route.
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  HeaderMutationPerRouteSchema,
  HeaderMutationSchema,
} from "#envoy/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb";
import type { Mutations } from "#envoy/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb";
import type { FilterResult, FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { compileMutationList } from "#proxy/route/header-mutation";
import type { Edits } from "#proxy/route/header-mutation";
import { unpackConfig } from "#proxy/unpack-config";

interface MutationConfig {
  readonly request: Edits | undefined;
  readonly response: Edits | undefined;
}

type Refuse = (field: string, message: string) => void;

function compileMutations(wire: Mutations | undefined, refuse: Refuse): MutationConfig {
  return {
    request: compileMutationList(wire?.requestMutations ?? [], "mutations.request_mutations", refuse),
    response: compileMutationList(wire?.responseMutations ?? [], "mutations.response_mutations", refuse),
  };
}

export const headerMutationFilterCompiler: HttpFilterCompiler = {
  configTypes: [HeaderMutationSchema.typeName],
  routeConfigTypes: [HeaderMutationPerRouteSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    let own: MutationConfig = { request: undefined, response: undefined };
    const wire = unpackConfig(any, HeaderMutationSchema, path, ({ mutations }, refuse) => (own = compileMutations(mutations, refuse)));
    const mostSpecificWins = wire.mostSpecificHeaderMutationsWins;
    return { name, create: (stream) => new HeaderMutationFilter(stream, name, own, mostSpecificWins) };
  },
  compileRouteConfig(any: Any, path: string) {
    let compiled: MutationConfig | undefined;
    unpackConfig(any, HeaderMutationPerRouteSchema, path, ({ mutations }, refuse) => (compiled = compileMutations(mutations, refuse)));
    return compiled;
  },
};

class HeaderMutationFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #name: string;
  readonly #own: MutationConfig;
  readonly #mostSpecificWins: boolean;
  /** In the order in which they apply: the last one wins. The route may change after the request; its config stays. */
  #levels: readonly MutationConfig[] | undefined;

  constructor(stream: FilterStream, name: string, own: MutationConfig, mostSpecificWins: boolean) {
    this.#stream = stream;
    this.#name = name;
    this.#own = own;
    this.#mostSpecificWins = mostSpecificWins;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    const { info } = this.#stream;
    this.#own.request?.(headers, info);
    for (const level of this.#routeLevels()) level.request?.(headers, info);
    return undefined;
  }

  onResponseHeaders(headers: ResponseHeaderMap): FilterResult {
    const { info } = this.#stream;
    // Formats may ask for headers of the response, which nobody else has seen yet.
    info.responseHeaders = headers;
    this.#own.response?.(headers, info);
    for (const level of this.#routeLevels()) level.response?.(headers, info);
    return undefined;
  }

  #routeLevels(): readonly MutationConfig[] {
    if (this.#levels !== undefined) return this.#levels;
    const levels = (this.#stream.filterConfigs()?.all(this.#name) ?? []) as readonly MutationConfig[];
    this.#levels = this.#mostSpecificWins ? levels.toReversed() : levels;
    return this.#levels;
  }
}
