// What a cluster has in use against the limits of one priority, on this thread. Whoever acquires must release exactly once.
import type { Gauge, StatsScope } from "#telemetry/stats/store";
import type { RoutingPriority } from "#proxy/route/route";
import { invariant } from "#runtime/invariant";
import type { CircuitBreakerConfig, RetryBudget } from "./cluster-config.ts";

/** One counted resource; its gauge says 1 while the breaker is open, the other one how much is left where that is tracked. */
class Resource {
  #inUse = 0;
  #max: number;
  readonly #open: Gauge;
  #remaining: Gauge | undefined;

  constructor(open: Gauge) {
    this.#max = 0;
    this.#open = open;
  }

  configure(max: number, remaining: Gauge | undefined): void {
    if (remaining === undefined) this.#remaining?.set(0);
    this.#max = max;
    this.#remaining = remaining;
    // As Envoy: a limit of 0 is not open before something runs into it.
    if (this.#inUse > 0) this.#open.set(this.#inUse >= max ? 1 : 0);
    this.#showRemaining();
  }

  get inUse(): number {
    return this.#inUse;
  }

  tryAcquire(): boolean {
    if (this.#inUse >= this.#max) return false;
    this.acquire();
    return true;
  }

  /** Whether it may was decided elsewhere. */
  acquire(): void {
    this.#inUse++;
    if (this.#inUse === this.#max) this.#open.set(1);
    this.#showRemaining();
  }

  release(): void {
    invariant(this.#inUse > 0, "a circuit breaker is released more often than acquired");
    if (this.#inUse === this.#max) this.#open.set(0);
    this.#inUse--;
    this.#showRemaining();
  }

  #showRemaining(): void {
    this.#remaining?.set(Math.max(0, this.#max - this.#inUse));
  }
}

export class CircuitBreakers {
  readonly #connections: Resource;
  readonly #pending: Resource;
  readonly #requests: Resource;
  readonly #retries: Resource;
  readonly #scope: StatsScope;
  /** There is a max_connection_pools. */
  limitsPools = false;
  /** Only where their number is limited, or was. */
  #pools: Resource | undefined;
  #retryBudget: RetryBudget | undefined;

  constructor(priority: RoutingPriority, config: CircuitBreakerConfig, stats: StatsScope) {
    const scope = stats.scope("circuit_breakers", priority);
    this.#scope = scope;
    this.#connections = new Resource(scope.gauge("cx_open"));
    this.#pending = new Resource(scope.gauge("rq_pending_open"));
    this.#requests = new Resource(scope.gauge("rq_open"));
    this.#retries = new Resource(scope.gauge("rq_retry_open"));
    this.configure(config);
  }

  /** New limits hold for what is acquired from now on. */
  configure(config: CircuitBreakerConfig): void {
    const remaining = (name: string): Gauge | undefined => (config.trackRemaining === true ? this.#scope.gauge(name) : undefined);
    const { maxConnectionPools: maxPools } = config;
    this.limitsPools = maxPools !== undefined;
    if (maxPools !== undefined) this.#pools ??= new Resource(this.#scope.gauge("cx_pool_open"));
    this.#pools?.configure(maxPools ?? Number.POSITIVE_INFINITY, maxPools === undefined ? undefined : remaining("remaining_cx_pools"));
    this.#retryBudget = config.retryBudget;
    this.#connections.configure(config.maxConnections, remaining("remaining_cx"));
    this.#pending.configure(config.maxPendingRequests, remaining("remaining_pending"));
    this.#requests.configure(config.maxRequests, remaining("remaining_rq"));
    // What a budget leaves changes with every request: Envoy shows nothing for it.
    this.#retries.configure(config.maxRetries, config.retryBudget === undefined ? remaining("remaining_retries") : undefined);
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
  tryAcquirePool(): boolean {
    return this.#pools?.tryAcquire() ?? true;
  }
  releasePool(): void {
    this.#pools?.release();
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
    const budget = this.#retryBudget;
    if (budget === undefined) return this.#retries.tryAcquire();
    // Requests that wait for a connection are among the requests.
    const allowed = Math.max(Math.trunc((budget.percent / 100) * this.#requests.inUse), budget.minConcurrency);
    if (this.#retries.inUse >= allowed) return false;
    this.#retries.acquire();
    return true;
  }
  releaseRetry(): void {
    this.#retries.release();
  }
}
