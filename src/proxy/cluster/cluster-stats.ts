// The statistics of one cluster that the router and the cluster itself count; those of connections are the pool's.
import type { Counter, Gauge, Histogram, StatsScope } from "#telemetry/stats/store";
import { CodeStats } from "#proxy/http/code-stats";

/** Requests that are counted under a name of their client's besides. */
export interface AlternativeStats {
  readonly codes: CodeStats;
  readonly time: Histogram;
}

/** Names come from clients: those beyond are not counted. */
const MAX_ALTERNATIVES = 100;

export class ClusterStats {
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqTime: Histogram;
  readonly rqCodes: CodeStats;
  /** `retry.upstream_rq_<code>`: responses that were thrown away for a retry. */
  readonly retryCodes: CodeStats;
  readonly rqTimeout: Counter;
  readonly rqPerTryTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly rqCancelled: Counter;
  readonly rqActiveOverflow: Counter;
  readonly rqRetry: Counter;
  readonly rqRetrySuccess: Counter;
  readonly rqRetryOverflow: Counter;
  readonly rqRetryLimitExceeded: Counter;
  readonly rqRetryBackoff: Counter;
  readonly rqRetryBackoffRateLimited: Counter;
  readonly rqPerTryIdleTimeout: Counter;
  readonly internalRedirectSucceeded: Counter;
  readonly internalRedirectFailed: Counter;
  readonly retryAbandoned: Counter;
  readonly noneHealthy: Counter;
  readonly panic: Counter;
  readonly membershipTotal: Gauge;
  readonly membershipHealthy: Gauge;
  readonly membershipDegraded: Gauge;
  readonly membershipExcluded: Gauge;
  readonly membershipChange: Counter;
  readonly flowPaused: Counter;
  readonly flowResumed: Counter;
  readonly flowBackedUp: Counter;
  readonly flowDrained: Counter;

  readonly #scope: StatsScope;
  #alternatives: Map<string, AlternativeStats> | undefined;
  #maintenanceMode: Counter | undefined;

  constructor(scope: StatsScope) {
    this.#scope = scope;
    this.rqTotal = scope.counter("upstream_rq_total");
    this.rqActive = scope.gauge("upstream_rq_active");
    this.rqTime = scope.histogram("upstream_rq_time");
    this.rqCodes = new CodeStats(scope, "upstream_rq", "codes");
    this.retryCodes = new CodeStats(scope.scope("retry"), "upstream_rq", "codes");
    this.rqTimeout = scope.counter("upstream_rq_timeout");
    this.rqMaxDurationReached = scope.counter("upstream_rq_max_duration_reached");
    this.rqPerTryTimeout = scope.counter("upstream_rq_per_try_timeout");
    this.rqCancelled = scope.counter("upstream_rq_cancelled");
    // max_requests; the pending queue's is the pool's.
    this.rqActiveOverflow = scope.counter("upstream_rq_active_overflow");
    this.rqRetry = scope.counter("upstream_rq_retry");
    this.rqRetrySuccess = scope.counter("upstream_rq_retry_success");
    this.rqRetryOverflow = scope.counter("upstream_rq_retry_overflow");
    this.rqRetryLimitExceeded = scope.counter("upstream_rq_retry_limit_exceeded");
    this.rqRetryBackoff = scope.counter("upstream_rq_retry_backoff_exponential");
    this.rqRetryBackoffRateLimited = scope.counter("upstream_rq_retry_backoff_ratelimited");
    this.rqPerTryIdleTimeout = scope.counter("upstream_rq_per_try_idle_timeout");
    this.internalRedirectSucceeded = scope.counter("upstream_internal_redirect_succeeded_total");
    this.internalRedirectFailed = scope.counter("upstream_internal_redirect_failed_total");
    this.retryAbandoned = scope.counter("retry_or_shadow_abandoned");
    this.noneHealthy = scope.counter("upstream_cx_none_healthy");
    this.panic = scope.counter("lb_healthy_panic");
    this.membershipTotal = scope.gauge("membership_total");
    this.membershipHealthy = scope.gauge("membership_healthy");
    this.membershipDegraded = scope.gauge("membership_degraded");
    this.membershipExcluded = scope.gauge("membership_excluded");
    this.membershipChange = scope.counter("membership_change");
    this.flowPaused = scope.counter("upstream_flow_control_paused_reading_total");
    this.flowResumed = scope.counter("upstream_flow_control_resumed_reading_total");
    this.flowBackedUp = scope.counter("upstream_flow_control_backed_up_total");
    this.flowDrained = scope.counter("upstream_flow_control_drained_total");
  }

  /** Made with the first request that runtime layers let be refused. */
  get rqMaintenanceMode(): Counter {
    return (this.#maintenanceMode ??= this.#scope.counter("upstream_rq_maintenance_mode"));
  }

  /** `<name>.upstream_rq_*`; undefined: there are too many already. */
  alternative(name: string): AlternativeStats | undefined {
    const known = (this.#alternatives ??= new Map());
    let found = known.get(name);
    if (found === undefined && known.size < MAX_ALTERNATIVES) {
      const scope = this.#scope.scope(name);
      found = { codes: new CodeStats(scope, "upstream_rq", "codes"), time: scope.histogram("upstream_rq_time") };
      known.set(name, found);
    }
    return found;
  }
}
