// Whether another try is made, and when. Envoy's rules (retry_state_impl). It counts tries and holds the cluster's retry permit; the
// timer is the router's.
import type { Cluster } from "#proxy/cluster/cluster";
import type { ResponseHeaderMap } from "#proxy/http/header-map";
import type { StreamResetReason } from "#proxy/http/stream";
import type { Runtime } from "#proxy/runtime/runtime";
import type { RetryPolicy, RoutingPriority } from "#proxy/route/route";
import type { Random } from "#runtime/random";
import type { RequestStats } from "./request-stats.ts";

const DEFAULT_BASE_INTERVAL_MS = 25;

export type RetryDecision = "retry" | "no" | "limit-exceeded" | "overflow";

const CONNECT_FAILURES: ReadonlySet<StreamResetReason> = new Set(["connection-failure", "local-connection-failure", "connection-timeout"]);

export class RetryState {
  readonly policy: RetryPolicy;
  #remaining: number;
  #nextIntervalMs: number;
  readonly #maxIntervalMs: number;
  readonly #random: Random;
  readonly #runtime: Runtime;
  readonly #more: readonly RequestStats[];
  readonly #priority: RoutingPriority;
  /** What the last answer said of when to try again. */
  #resetMs: number | undefined = undefined;
  /** The wait that runs is what the last answer asked for. */
  #rateLimited = false;
  /** The cluster whose retry permit we hold: from the decision until the try's own outcome. */
  #holding: Cluster | undefined = undefined;

  /** `more`: where the request counts besides its cluster. */
  constructor(policy: RetryPolicy, priority: RoutingPriority, random: Random, runtime: Runtime, more: readonly RequestStats[]) {
    this.#more = more;
    this.#runtime = runtime;
    this.#priority = priority;
    this.policy = policy;
    this.#remaining = policy.numRetries;
    this.#nextIntervalMs =
      policy.baseIntervalMs ?? Math.max(1, runtime.integer("upstream.base_retry_backoff_ms", DEFAULT_BASE_INTERVAL_MS));
    this.#maxIntervalMs = policy.maxIntervalMs ?? 10 * this.#nextIntervalMs;
    this.#random = random;
  }

  onHeaders(headers: ResponseHeaderMap, wallMs: number, cluster: Cluster): RetryDecision {
    const wouldRetry = this.wouldRetryHeaders(headers);
    if (wouldRetry) this.#resetMs = this.policy.resetInterval?.(headers, wallMs);
    return this.#decide(wouldRetry, cluster);
  }

  /** The try goes on, and another one beside it: that asks for no condition, only for tries that are left. */
  onHedge(cluster: Cluster): RetryDecision {
    return this.#decide(true, cluster);
  }

  /** `requestSent`: the head had gone upstream. */
  onReset(reason: StreamResetReason, requestSent: boolean, cluster: Cluster): RetryDecision {
    return this.#decide(this.wouldRetryReset(reason, requestSent), cluster);
  }

  /**
   * What the upstream asked for and up to half as much again, so that not all come back at once. Else full jitter: anything from 0 to an
   * interval that doubles up to its maximum.
   */
  nextBackoffMs(): number {
    const resetMs = this.#resetMs;
    this.#rateLimited = resetMs !== undefined;
    if (resetMs !== undefined) {
      this.#resetMs = undefined;
      return resetMs + this.#random.integer(Math.max(1, Math.trunc(resetMs / 2)));
    }
    const interval = this.#nextIntervalMs;
    this.#nextIntervalMs = Math.min(interval * 2, this.#maxIntervalMs);
    return Math.floor(this.#random.next() * interval);
  }

  /** The wait is over. As Envoy: a try that is given up before that counts nowhere. */
  onTry(cluster: Cluster): void {
    const { stats } = cluster;
    stats.rqRetry.inc();
    for (const more of this.#more) more.rqRetry.inc();
    (this.#rateLimited ? stats.rqRetryBackoffRateLimited : stats.rqRetryBackoff).inc();
  }

  /** The request is over, or its retries are. */
  release(): void {
    const cluster = this.#holding;
    this.#holding = undefined;
    cluster?.releaseRetry(this.#priority);
  }

  #decide(wouldRetry: boolean, cluster: Cluster): RetryDecision {
    // A permit that is still held means that this outcome is a retry's: one that asks for no other was a success.
    const more = this.#more;
    if (this.#holding !== undefined && !wouldRetry) {
      cluster.stats.rqRetrySuccess.inc();
      for (const stats of more) stats.rqRetrySuccess.inc();
    }
    this.release();
    if (!wouldRetry) return "no";
    if (this.#remaining === 0) {
      cluster.stats.rqRetryLimitExceeded.inc();
      for (const stats of more) stats.rqRetryLimitExceeded.inc();
      return "limit-exceeded";
    }
    this.#remaining--;
    if (!cluster.tryAcquireRetry(this.#priority)) {
      cluster.stats.rqRetryOverflow.inc();
      for (const stats of more) stats.rqRetryOverflow.inc();
      return "overflow";
    }
    const percent = this.#runtime.integer("upstream.use_retry", 100);
    if (percent < 100 && this.#random.integer(100) >= percent) {
      cluster.releaseRetry(this.#priority);
      return "no";
    }
    this.#holding = cluster;
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
    return policy.connectFailure && CONNECT_FAILURES.has(reason);
  }
}
