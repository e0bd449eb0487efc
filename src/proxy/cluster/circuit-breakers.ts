// What a cluster has in use against its limits, default priority, on this thread. Whoever acquires must release exactly once.
import type { Gauge, StatsScope } from "#telemetry/stats/store";
import { invariant } from "#runtime/invariant";
import type { CircuitBreakerConfig } from "./cluster-config.ts";

/** One counted resource; its gauge says 1 while the breaker is open. */
class Resource {
  #inUse = 0;
  #max: number;
  readonly #open: Gauge;

  constructor(max: number, open: Gauge) {
    this.#max = max;
    this.#open = open;
  }

  set max(max: number) {
    this.#max = max;
    this.#open.set(this.#inUse >= max ? 1 : 0);
  }

  get inUse(): number {
    return this.#inUse;
  }

  tryAcquire(): boolean {
    if (this.#inUse >= this.#max) return false;
    this.#inUse++;
    if (this.#inUse === this.#max) this.#open.set(1);
    return true;
  }

  release(): void {
    invariant(this.#inUse > 0, "a circuit breaker is released more often than acquired");
    if (this.#inUse === this.#max) this.#open.set(0);
    this.#inUse--;
  }
}

export class CircuitBreakers {
  readonly #connections: Resource;
  readonly #pending: Resource;
  readonly #requests: Resource;
  readonly #retries: Resource;

  constructor(config: CircuitBreakerConfig, stats: StatsScope) {
    const scope = stats.scope("circuit_breakers", "default");
    this.#connections = new Resource(config.maxConnections, scope.gauge("cx_open"));
    this.#pending = new Resource(config.maxPendingRequests, scope.gauge("rq_pending_open"));
    this.#requests = new Resource(config.maxRequests, scope.gauge("rq_open"));
    this.#retries = new Resource(config.maxRetries, scope.gauge("rq_retry_open"));
  }

  /** New limits hold for what is acquired from now on. */
  configure(config: CircuitBreakerConfig): void {
    this.#connections.max = config.maxConnections;
    this.#pending.max = config.maxPendingRequests;
    this.#requests.max = config.maxRequests;
    this.#retries.max = config.maxRetries;
  }

  /** Nothing is in use: the cluster that owns this may be forgotten. */
  get idle(): boolean {
    return this.#connections.inUse === 0 && this.#pending.inUse === 0 && this.#requests.inUse === 0 && this.#retries.inUse === 0;
  }

  tryAcquireConnection(): boolean {
    return this.#connections.tryAcquire();
  }
  releaseConnection(): void {
    this.#connections.release();
  }
  tryAcquirePending(): boolean {
    return this.#pending.tryAcquire();
  }
  releasePending(): void {
    this.#pending.release();
  }
  tryAcquireRequest(): boolean {
    return this.#requests.tryAcquire();
  }
  releaseRequest(): void {
    this.#requests.release();
  }
  tryAcquireRetry(): boolean {
    return this.#retries.tryAcquire();
  }
  releaseRetry(): void {
    this.#retries.release();
  }
}
