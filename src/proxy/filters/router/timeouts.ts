// The timeouts of one request: the route's, unless an internal client set its own by header (Envoy's finalTimeout).
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { LocalReply } from "#proxy/http/filter";
import { LOCAL_REPLIES } from "#proxy/http/local-reply";
import { grpcTimeoutMs, setGrpcTimeout } from "#proxy/http/grpc-timeout";
import type { RouteEntry } from "#proxy/route/route";

export interface RequestTimeouts {
  /** From the end of the request to the end of the response; 0: none. */
  readonly globalMs: number;
  /** 0: none. */
  readonly perTryMs: number;
  /** Without progress; 0: none. */
  readonly perTryIdleMs: number;
  /** A try that takes too long goes on beside the next one. */
  readonly hedge: boolean;
  readonly replies: TimeoutReplies;
}

/** What the client is told when the time is over. */
export interface TimeoutReplies {
  readonly global: LocalReply;
  readonly perTry: LocalReply;
}

const ERROR_REPLIES: TimeoutReplies = { global: LOCAL_REPLIES.responseTimeout, perTry: LOCAL_REPLIES.perTryTimeout };

const EMPTY_REPLIES: TimeoutReplies = {
  global: { ...ERROR_REPLIES.global, status: 204, body: "" },
  perTry: { ...ERROR_REPLIES.perTry, status: 204, body: "" },
};

export const NO_TIMEOUTS: RequestTimeouts = Object.freeze({
  globalMs: 0,
  perTryMs: 0,
  perTryIdleMs: 0,
  hedge: false,
  replies: ERROR_REPLIES,
});

/**
 * Takes the control headers out. They are only there when the client is internal: the connection manager removes them else. `respectsExpected`:
 * how long a proxy in front of this one waits takes the place of all of it.
 */
export function requestTimeouts(route: RouteEntry, headers: RequestHeaderMap, grpc: boolean, respectsExpected: boolean): RequestTimeouts {
  let globalMs = route.timeoutMs;
  // A longest duration of the stream, which the connection manager watches, takes the place of the route's own timeouts.
  if (route.maxStreamDuration !== undefined) globalMs = 0;
  else if (grpc && route.maxGrpcTimeoutMs !== undefined) globalMs = cappedGrpcTimeoutMs(headers, route.maxGrpcTimeoutMs);
  let perTryMs = route.retry?.perTryTimeoutMs ?? 0;
  const expected = respectsExpected ? headers.get("x-envoy-expected-rq-timeout-ms") : undefined;
  const global = expected === undefined ? takeMs(headers, "x-envoy-upstream-rq-timeout-ms") : milliseconds(expected);
  if (global !== undefined) globalMs = global;
  const perTry = takeMs(headers, "x-envoy-upstream-rq-per-try-timeout-ms");
  if (perTry !== undefined) perTryMs = perTry;
  const perTryIdleMs = route.retry?.perTryIdleTimeoutMs ?? 0;
  const hedge = hedges(route, headers);
  const replies = timeoutReplies(headers);
  if (globalMs === 0 && perTryMs === 0 && perTryIdleMs === 0) return NO_TIMEOUTS;
  // A try that may last longer than everything together has no timeout of its own.
  if (perTryMs >= globalMs && globalMs !== 0) perTryMs = 0;
  return { globalMs, perTryMs, perTryIdleMs, hedge, replies };
}

function hedges(route: RouteEntry, headers: RequestHeaderMap): boolean {
  const asked = headers.get("x-envoy-hedge-on-per-try-timeout");
  if (asked === undefined) return route.hedgeOnPerTryTimeout;
  headers.remove("x-envoy-hedge-on-per-try-timeout");
  return asked === "true" || (asked !== "false" && route.hedgeOnPerTryTimeout);
}

/** An internal client may ask for an empty answer instead of an error. */
function timeoutReplies(headers: RequestHeaderMap): TimeoutReplies {
  if (!headers.has("x-envoy-upstream-rq-timeout-alt-response")) return ERROR_REPLIES;
  headers.remove("x-envoy-upstream-rq-timeout-alt-response");
  return EMPTY_REPLIES;
}

/** Tells the upstream how long we will wait. `grpcRoute`: the route of a gRPC request, which has a header of its own for that. */
export function setExpectedTimeout(
  headers: RequestHeaderMap,
  timeouts: RequestTimeouts,
  elapsedMs: number,
  grpcRoute: RouteEntry | undefined,
): void {
  // A try that is hedged may use all of the time.
  let expectedMs = timeouts.hedge ? 0 : timeouts.perTryMs;
  if (timeouts.globalMs > 0) {
    const leftMs = Math.max(1, Math.trunc(timeouts.globalMs - elapsedMs));
    expectedMs = expectedMs === 0 ? leftMs : Math.min(expectedMs, leftMs);
  }
  if (expectedMs <= 0) return;
  expectedMs = Math.trunc(expectedMs);
  headers.set("x-envoy-expected-rq-timeout-ms", String(expectedMs));
  if (grpcRoute?.maxGrpcTimeoutMs !== undefined && grpcRoute.maxStreamDuration === undefined) setGrpcTimeout(headers, expectedMs);
}

/** The client's grpc-timeout, capped by `maxMs`; 0 is no limit on either side. */
function cappedGrpcTimeoutMs(headers: RequestHeaderMap, maxMs: number): number {
  const asked = grpcTimeoutMs(headers) ?? 0;
  return maxMs !== 0 && (asked === 0 || asked > maxMs) ? maxMs : asked;
}

function takeMs(headers: RequestHeaderMap, name: string): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  headers.remove(name);
  return milliseconds(text);
}

function milliseconds(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
