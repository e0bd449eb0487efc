// The statistics of one cluster that the router and the cluster itself count; those of connections are the pool's.
import type { Counter, Gauge, Histogram, StatsScope } from "#telemetry/stats/store";
import { CodeStats } from "#proxy/http/code-stats";

export class ClusterStats {
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqTime: Histogram;
  readonly rqCodes: CodeStats;
  /** `retry.upstream_rq_<code>`: responses that were thrown away for a retry. */
  readonly retryCodes: CodeStats;
  readonly rqTimeout: Counter;
  readonly rqPerTryTimeout: Counter;
  readonly rqCancelled: Counter;
  readonly rqActiveOverflow: Counter;
  readonly rqRetry: Counter;
  readonly rqRetrySuccess: Counter;
  readonly rqRetryOverflow: Counter;
  readonly rqRetryLimitExceeded: Counter;
  readonly rqRetryBackoff: Counter;
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

  constructor(scope: StatsScope) {
    this.rqTotal = scope.counter("upstream_rq_total");
    this.rqActive = scope.gauge("upstream_rq_active");
    this.rqTime = scope.histogram("upstream_rq_time");
    this.rqCodes = new CodeStats(scope, "upstream_rq", "codes");
    this.retryCodes = new CodeStats(scope.scope("retry"), "upstream_rq", "codes");
    this.rqTimeout = scope.counter("upstream_rq_timeout");
    this.rqPerTryTimeout = scope.counter("upstream_rq_per_try_timeout");
    this.rqCancelled = scope.counter("upstream_rq_cancelled");
    // max_requests; the pending queue's is the pool's.
    this.rqActiveOverflow = scope.counter("upstream_rq_active_overflow");
    this.rqRetry = scope.counter("upstream_rq_retry");
    this.rqRetrySuccess = scope.counter("upstream_rq_retry_success");
    this.rqRetryOverflow = scope.counter("upstream_rq_retry_overflow");
    this.rqRetryLimitExceeded = scope.counter("upstream_rq_retry_limit_exceeded");
    this.rqRetryBackoff = scope.counter("upstream_rq_retry_backoff_exponential");
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
}
