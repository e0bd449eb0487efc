// HTTP filters. A filter is made once per stream by a factory that was compiled from its config; only the filter manager awaits.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { ResponseFlag, StreamInfo } from "./stream-info.ts";
import type { RouteEntry } from "#proxy/route/route";
import type { StatsScope } from "#telemetry/stats/store";

/** An answer of the proxy itself. */
export interface LocalReply {
  readonly kind: "local-reply";
  readonly status: number;
  readonly body: string;
  /** Undefined: a plain answer (direct response, redirect) without a flag. */
  readonly flag: ResponseFlag | undefined;
  /** Envoy's RESPONSE_CODE_DETAILS. */
  readonly details: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** gRPC status for gRPC requests where it is not derived from `status`. */
  readonly grpcStatus?: number;
}

/** undefined: continue. A promise pauses the stream until it settles. */
export type FilterResult = LocalReply | undefined | Promise<LocalReply | undefined>;

/** What a filter may ask of its stream. */
export interface FilterStream {
  readonly info: StreamInfo;
  readonly clock: Clock;
  readonly random: Random;
  /** The route of the request as it is now; undefined when none matches. Computed once, until `clearRouteCache`. */
  route(): RouteEntry | undefined;
  clearRouteCache(): void;
  /** True once the stream is over: a filter that waited must not go on. */
  readonly ended: boolean;
}

export interface HttpFilter {
  onRequestHeaders?(headers: RequestHeaderMap, endStream: boolean): FilterResult;
  onRequestData?(chunk: Buffer, endStream: boolean): FilterResult;
  onRequestTrailers?(trailers: TrailerMap): FilterResult;
  onResponseHeaders?(headers: ResponseHeaderMap, endStream: boolean): FilterResult;
  onResponseData?(chunk: Buffer, endStream: boolean): FilterResult;
  onResponseTrailers?(trailers: TrailerMap): FilterResult;
  /** Always the last call. */
  onDestroy?(): void;
}

/** Compiled from a filter's config when a listener arrives. */
export interface HttpFilterFactory {
  /** The name in the HCM config: the key of per-route config. */
  readonly name: string;
  /** Undefined: this stream needs no instance (e.g. a fault filter without a fault on the route). */
  create(stream: FilterStream): HttpFilter | undefined;
  /**
   * The same filter, counting into the connection manager's scope (`http.<stat_prefix>`): asked once when the connection manager goes
   * live on a thread. Undefined: the filter counts nothing.
   */
  withStats?(stats: StatsScope): HttpFilterFactory;
}

/** One kind of filter: turns wire config into factories. All of them stand in one explicit table (filters/table.ts, joined with extensions/ in cli/). */
export interface HttpFilterCompiler {
  /** Full message names of the configs it takes: `envoy.extensions.filters.http.fault.v3.HTTPFault`. */
  readonly configTypes: readonly string[];
  /** @throws ConfigError naming every field that is wrong or cannot be honoured */
  compile(name: string, config: Any, path: string): HttpFilterFactory;
  /** Full message names of the per-route configs it takes; undefined: the same as `configTypes`. */
  readonly routeConfigTypes?: readonly string[];
  /** What `RouteEntry.filterConfig` holds for typed_per_filter_config; undefined when the filter takes none. @throws ConfigError */
  readonly compileRouteConfig?: (config: Any, path: string) => unknown;
}
