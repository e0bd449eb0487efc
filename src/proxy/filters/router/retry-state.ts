// Whether another try is made, and when: the route's policy joined with what an internal client asked for by header. Envoy's rules
// (retry_state_impl). It counts tries and holds the cluster's retry permit; the timer is the router's.
import type { Cluster } from "#proxy/cluster/cluster";
import { asciiLower } from "#matcher/wire-text";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { StreamResetReason } from "#proxy/http/stream";
import type { RetryPolicy } from "#proxy/route/route";
import type { Random } from "#runtime/random";
import type { RouteStats } from "./route-stats.ts";

export type RetryDecision = "retry" | "no" | "limit-exceeded" | "overflow";

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
  retriableHeaders: [],
  grpcCodes: new Set<number>(),
  numRetries: 1,
  perTryTimeoutMs: 0,
  baseIntervalMs: 25,
  maxIntervalMs: 250,
  hostSelectionAttempts: 0,
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

export class RetryState {
  readonly policy: RetryPolicy;
  #remaining: number;
  #nextIntervalMs: number;
  readonly #random: Random;
  readonly #routeStats: RouteStats | undefined;
  /** The cluster whose retry permit we hold: from the decision until the try's own outcome. */
  #holding: Cluster | undefined = undefined;

  constructor(policy: RetryPolicy, random: Random, routeStats: RouteStats | undefined) {
    this.#routeStats = routeStats;
    this.policy = policy;
    this.#remaining = policy.numRetries;
    this.#nextIntervalMs = policy.baseIntervalMs;
    this.#random = random;
  }

  onHeaders(headers: ResponseHeaderMap, cluster: Cluster): RetryDecision {
    return this.#decide(this.wouldRetryHeaders(headers), cluster);
  }

  /** `requestSent`: the head had gone upstream. */
  onReset(reason: StreamResetReason, requestSent: boolean, cluster: Cluster): RetryDecision {
    return this.#decide(this.wouldRetryReset(reason, requestSent), cluster);
  }

  /** Full jitter: anything from 0 to an interval that doubles up to its maximum. */
  nextBackoffMs(): number {
    const interval = this.#nextIntervalMs;
    this.#nextIntervalMs = Math.min(interval * 2, this.policy.maxIntervalMs);
    return Math.floor(this.#random.next() * interval);
  }

  /** The request is over, or its retries are. */
  release(): void {
    const cluster = this.#holding;
    this.#holding = undefined;
    cluster?.releaseRetry();
  }

  #decide(wouldRetry: boolean, cluster: Cluster): RetryDecision {
    // A permit that is still held means that this outcome is a retry's: one that asks for no other was a success.
    const route = this.#routeStats;
    if (this.#holding !== undefined && !wouldRetry) {
      cluster.stats.rqRetrySuccess.inc();
      route?.rqRetrySuccess.inc();
    }
    this.release();
    if (!wouldRetry) return "no";
    if (this.#remaining === 0) {
      cluster.stats.rqRetryLimitExceeded.inc();
      route?.rqRetryLimitExceeded.inc();
      return "limit-exceeded";
    }
    this.#remaining--;
    if (!cluster.tryAcquireRetry()) {
      cluster.stats.rqRetryOverflow.inc();
      route?.rqRetryOverflow.inc();
      return "overflow";
    }
    this.#holding = cluster;
    cluster.stats.rqRetry.inc();
    route?.rqRetry.inc();
    cluster.stats.rqRetryBackoff.inc();
    return "retry";
  }

  wouldRetryHeaders(headers: ResponseHeaderMap): boolean {
    const { policy } = this;
    // The answer of another proxy's rate limit: retried only when asked for by name.
    if (headers.has("x-envoy-ratelimited")) return policy.envoyRateLimited;
    const { status } = headers;
    if (policy.status5xx && status >= 500 && status <= 599) return true;
    if (policy.gatewayError && status >= 502 && status <= 504) return true;
    if (policy.retriable4xx && status === 409) return true;
    if (policy.retriableStatusCodes.has(status)) return true;
    if (policy.onRetriableHeaders && policy.retriableHeaders.some((matches) => matches(headers))) return true;
    if (policy.grpcCodes.size > 0) {
      const grpcStatus = headers.get("grpc-status");
      if (grpcStatus !== undefined && policy.grpcCodes.has(Number(grpcStatus))) return true;
    }
    return false;
  }

  wouldRetryReset(reason: StreamResetReason, requestSent: boolean): boolean {
    const { policy } = this;
    // Our own limits: another try would run into them again.
    if (reason === "overflow") return false;
    if (policy.reset || policy.status5xx || policy.gatewayError) return true;
    if (policy.resetBeforeRequest && !requestSent) return true;
    if (policy.refusedStream && reason === "remote-refused") return true;
    return policy.connectFailure && (reason === "connection-failure" || reason === "connection-timeout");
  }
}
