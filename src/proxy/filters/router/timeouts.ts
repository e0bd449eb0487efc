// The timeouts of one request: the route's, unless an internal client set its own by header (Envoy's finalTimeout).
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { RouteEntry } from "#proxy/route/route";

export interface RequestTimeouts {
  /** From the end of the request to the end of the response; 0: none. */
  readonly globalMs: number;
  /** 0: none. */
  readonly perTryMs: number;
}

const NO_TIMEOUTS: RequestTimeouts = Object.freeze({ globalMs: 0, perTryMs: 0 });

/** Takes the control headers out. They are only there when the client is internal: the connection manager removes them else. */
export function requestTimeouts(route: RouteEntry, headers: RequestHeaderMap, grpc: boolean): RequestTimeouts {
  let globalMs = grpc && route.maxGrpcTimeoutMs !== undefined ? grpcTimeoutMs(headers, route.maxGrpcTimeoutMs) : route.timeoutMs;
  let perTryMs = route.retry?.perTryTimeoutMs ?? 0;
  const global = takeMs(headers, "x-envoy-upstream-rq-timeout-ms");
  if (global !== undefined) globalMs = global;
  const perTry = takeMs(headers, "x-envoy-upstream-rq-per-try-timeout-ms");
  if (perTry !== undefined) perTryMs = perTry;
  if (globalMs === 0 && perTryMs === 0) return NO_TIMEOUTS;
  // A try that may last longer than everything together has no timeout of its own.
  if (perTryMs >= globalMs && globalMs !== 0) perTryMs = 0;
  return { globalMs, perTryMs };
}

/** Tells the upstream how long we will wait. */
export function setExpectedTimeout(headers: RequestHeaderMap, timeouts: RequestTimeouts, elapsedMs: number, asGrpc: boolean): void {
  let expectedMs = timeouts.perTryMs;
  if (timeouts.globalMs > 0) {
    const leftMs = Math.max(1, Math.trunc(timeouts.globalMs - elapsedMs));
    expectedMs = expectedMs === 0 ? leftMs : Math.min(expectedMs, leftMs);
  }
  if (expectedMs <= 0) return;
  expectedMs = Math.trunc(expectedMs);
  headers.set("x-envoy-expected-rq-timeout-ms", String(expectedMs));
  if (asGrpc) headers.set("grpc-timeout", expectedMs < 1e8 ? `${expectedMs}m` : `${Math.min(Math.trunc(expectedMs / 1000), 99_999_999)}S`);
}

const GRPC_UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/** The client's grpc-timeout, capped by `maxMs`; 0 is no limit on either side. */
function grpcTimeoutMs(headers: RequestHeaderMap, maxMs: number): number {
  const text = headers.get("grpc-timeout") ?? "";
  const found = /^(\d{1,8})([HMSmun])$/.exec(text);
  const asked = found === null ? 0 : Math.ceil(Number(found[1]) * GRPC_UNITS_MS.get(found[2]!)!);
  return maxMs !== 0 && (asked === 0 || asked > maxMs) ? maxMs : asked;
}

function takeMs(headers: RequestHeaderMap, name: string): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  headers.remove(name);
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
