// The retry policy of one request: the route's, joined with what an internal client asked for by header (Envoy's retry_state_impl).
import { asciiLower } from "#matcher/wire-text";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { RetryPolicy } from "#proxy/route/route";

const NO_POLICY: RetryPolicy = Object.freeze({
  connectFailure: false,
  refusedStream: false,
  reset: false,
  resetBeforeRequest: false,
  gatewayError: false,
  status5xx: false,
  retriable4xx: false,
  envoyRateLimited: false,
  retriableStatusCodes: new Set<number>(),
  onRetriableHeaders: false,
  grpcCodes: new Set<number>(),
  retriableHeaders: [],
  retriableRequestHeaders: [],
  numRetries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  resetInterval: undefined,
  baseIntervalMs: undefined,
  maxIntervalMs: undefined,
  hostSelectionAttempts: 0,
  omitsTriedHosts: false,
  omitsHost: undefined,
  priorityUpdateFrequency: 0,
});

const GRPC_WORDS: ReadonlyMap<string, number> = new Map([
  ["cancelled", 1],
  ["deadline-exceeded", 4],
  ["resource-exhausted", 8],
  ["internal", 13],
  ["unavailable", 14],
]);

/** The policy for this request, undefined when nothing is ever retried. The control headers are taken out in any case. */
export function requestRetryPolicy(policy: RetryPolicy | undefined, headers: RequestHeaderMap): RetryPolicy | undefined {
  const retryOn = take(headers, "x-envoy-retry-on");
  const grpcOn = take(headers, "x-envoy-retry-grpc-on");
  const maxRetries = take(headers, "x-envoy-max-retries");
  const statusCodes = take(headers, "x-envoy-retriable-status-codes");
  const headerNames = take(headers, "x-envoy-retriable-header-names");
  // A request that lacks the header is never tried again, whatever else it asks for.
  if (policy !== undefined && !concerns(policy, headers)) return undefined;
  if (policy === undefined && retryOn === undefined && grpcOn === undefined) return undefined;
  if (retryOn === undefined && grpcOn === undefined && maxRetries === undefined && statusCodes === undefined && headerNames === undefined)
    return policy;

  const base = policy ?? NO_POLICY;
  const words = new Set((retryOn ?? "").split(",").map((word) => word.trim()));
  const grpcWords = (grpcOn ?? "").split(",").map((word) => word.trim());
  const listed = (statusCodes ?? "")
    .split(",")
    .filter((text) => /^\s*\d{3}\s*$/.test(text))
    .map(Number);
  const byCode = words.has("retriable-status-codes") || base.retriableStatusCodes.size > 0;
  return {
    ...base,
    connectFailure: base.connectFailure || words.has("connect-failure"),
    refusedStream: base.refusedStream || words.has("refused-stream"),
    reset: base.reset || words.has("reset"),
    resetBeforeRequest: base.resetBeforeRequest || words.has("reset-before-request"),
    gatewayError: base.gatewayError || words.has("gateway-error"),
    status5xx: base.status5xx || words.has("5xx"),
    retriable4xx: base.retriable4xx || words.has("retriable-4xx"),
    envoyRateLimited: base.envoyRateLimited || words.has("envoy-ratelimited"),
    retriableStatusCodes: new Set([...base.retriableStatusCodes, ...(byCode ? listed : [])]),
    onRetriableHeaders: base.onRetriableHeaders || words.has("retriable-headers"),
    retriableHeaders: [...base.retriableHeaders, ...(headerNames ?? "").split(",").flatMap(presence)],
    grpcCodes: new Set([...base.grpcCodes, ...grpcWords.flatMap((word) => GRPC_WORDS.get(word) ?? [])]),
    // The header wins over the route.
    numRetries: maxRetries !== undefined && /^\d{1,9}$/.test(maxRetries) ? Number(maxRetries) : base.numRetries,
  };
}

function concerns({ retriableRequestHeaders }: RetryPolicy, headers: RequestHeaderMap): boolean {
  return retriableRequestHeaders.length === 0 || retriableRequestHeaders.some((matches) => matches(headers));
}

/** By header only names can be asked for. */
function presence(text: string): RetryPolicy["retriableHeaders"] {
  const name = asciiLower(text.trim());
  return name === "" ? [] : [(headers) => headers.has(name)];
}

function take(headers: RequestHeaderMap, name: string): string | undefined {
  const value = headers.getJoined(name);
  if (value !== undefined) headers.remove(name);
  return value;
}
