// The last filter of a chain (the router) does not pass a request on: it answers it. It sees more of the stream than other filters.
import type { ThreadContext } from "#proxy/thread-context";
import type { SocketAddress } from "#proxy/net/connection";
import type { RouteEntry } from "#proxy/route/route";
import type { FilterStream, HttpFilterFactory, LocalReply } from "./filter.ts";
import type { HcmStats } from "./hcm-stats.ts";
import type { RedirectHistory } from "./redirect-history.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { StreamResetReason } from "./stream.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** What the connection manager is to the terminal filter. Calls of the response half come in the order headers, data*, trailers?. */
export interface TerminalStream extends FilterStream {
  readonly thread: ThreadContext;
  readonly timers: TimerWheel;
  readonly stats: HcmStats;
  /** x-envoy-* control headers are obeyed only then. */
  readonly internalRequest: boolean;
  /** Captured traffic only. */
  readonly originalDestination: SocketAddress | undefined;
  /** True once response headers went to the client. */
  readonly responseStarted: boolean;

  respondInformational(headers: ResponseHeaderMap): void;
  respondHeaders(headers: ResponseHeaderMap, endStream: boolean): void;
  /** False: wait for `onResponseDrain`. The chunk is taken. */
  respondData(chunk: Buffer, endStream: boolean): boolean;
  respondTrailers(trailers: TrailerMap): void;
  /**
   * An answer of the proxy itself; the stream is reset instead when a response has begun. `finalize`: the route whose response header
   * changes apply (redirects and direct responses; answers to failures stay as they are).
   */
  respondLocally(reply: LocalReply, finalize?: RouteEntry): void;
  /** The redirects that the proxy followed for this request so far. */
  readonly redirects: RedirectHistory;
  /**
   * The request begins anew with its headers as they are now and this body, as a stream of its own. This one ends with `response`, which
   * nobody gets to see but the log.
   */
  recreate(response: ResponseHeaderMap, body: readonly Uint8Array[], trailers: TrailerMap | undefined): void;
  /** A fault of ours, or of a filter: it is logged and counted, and this stream alone pays for it. */
  internalError(error: unknown): void;
  /** The response cannot be finished. */
  resetResponse(reason: StreamResetReason): void;

  /** Stops and resumes the reading of the request body. */
  pauseRequest(): void;
  resumeRequest(): void;
}

export interface TerminalFilter {
  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void;
  /** The chunk is owned by the callee. */
  onRequestData(chunk: Buffer, endStream: boolean): void;
  onRequestTrailers(trailers: TrailerMap): void;
  /** After `respondData` returned false. */
  onResponseDrain(): void;
  /** A filter waits: no more of the response until `resumeResponse`. */
  pauseResponse(): void;
  resumeResponse(): void;
  /** Always the last call; whatever runs upstream is given up. */
  onDestroy(): void;
}

export interface TerminalFilterFactory extends HttpFilterFactory {
  createTerminal(stream: TerminalStream): TerminalFilter;
}

export function isTerminal(factory: HttpFilterFactory): factory is TerminalFilterFactory {
  return "createTerminal" in factory;
}
