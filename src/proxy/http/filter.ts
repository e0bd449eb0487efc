// HTTP filters. A filter is made once per stream by a factory that was compiled from its config; only the filter manager awaits.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { OverrideHost } from "#proxy/cluster/cluster";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { ResponseFlag, StreamInfo } from "./stream-info.ts";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { FilterConfigs } from "#proxy/route/filter-config";
import type { RouteEntry, RouteInput } from "#proxy/route/route";
import type { ThreadContext } from "#proxy/thread-context";
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
  /** Undefined: text/plain. */
  readonly contentType?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** gRPC status for gRPC requests where it is not derived from `status`. */
  readonly grpcStatus?: number;
  /** A filter's own answer: not the route's headers, nor local_reply_config, which are for what Envoy calls a local reply. */
  readonly ofFilter?: true;
  /** Changes what is about to be sent. */
  readonly modifyHeaders?: (headers: ResponseHeaderMap) => void;
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
  /** Per-filter config of the route as it is now, of all its levels; undefined when there is no route. */
  filterConfigs(): FilterConfigs | undefined;
  /** The downstream connection's two ends. */
  readonly connection: ConnectionInfo;
  readonly routeInput: RouteInput;
  /** Where the request is to go, whatever the load balancer says; a filter may set it before the router chooses. */
  overrideHost: OverrideHost | undefined;
  /** How much of a message a filter may hold back. */
  readonly bufferLimitBytes: number;
  /** True once the stream is over: a filter that waited must not go on. */
  readonly ended: boolean;
}

export type MessagePart<Headers> =
  | { readonly kind: "headers"; readonly headers: Headers; readonly endStream: boolean }
  | { readonly kind: "data"; readonly chunk: Buffer; readonly endStream: boolean }
  | { readonly kind: "trailers"; readonly trailers: TrailerMap };

/** To the filters behind the one that took a part over. After the stream's end all of it does nothing. */
export interface PartSink<Headers> {
  push(part: MessagePart<Headers>): void;
  respond(reply: LocalReply): void;
  /** More would have to be held back than may be: of a request an answer 413. */
  overflow(): void;
  /** The message cannot be finished. */
  fail(error: unknown): void;
  /** No more of the message, please; or go on. */
  pause(paused: boolean): void;
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
  /**
   * A filter that holds parts back or changes bodies takes every part of the message over, in the place of `onRequest...` or
   * `onResponse...`, and gives on what it wants, when it wants.
   */
  takeRequest?(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void;
  takeResponse?(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void;
}

/** Compiled from a filter's config when a listener arrives. */
export interface HttpFilterFactory {
  /** The name in the HCM config: the key of per-route config. */
  readonly name: string;
  /** Undefined: this stream needs no instance (e.g. a fault filter without a fault on the route). */
  create(stream: FilterStream): HttpFilter | undefined;
  /**
   * The same filter, counting into the connection manager's scope (`http.<stat_prefix>`): asked once when the connection manager goes
   * live on a thread. Undefined: the filter counts nothing and needs nothing of its thread.
   */
  withStats?(stats: StatsScope, thread: ThreadContext): HttpFilterFactory;
  /** The connection manager is gone: gives back what `withStats` took from `thread.stats`. */
  release?(): void;
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
