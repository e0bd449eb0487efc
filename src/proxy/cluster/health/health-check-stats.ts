// `cluster.<name>.health_check.*`
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";

export class HealthCheckStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  readonly passiveFailure: Counter;
  readonly networkFailure: Counter;
  readonly healthy: Gauge;
  readonly degraded: Gauge;

  constructor(scope: StatsScope) {
    this.attempt = scope.counter("attempt");
    this.success = scope.counter("success");
    this.failure = scope.counter("failure");
    this.passiveFailure = scope.counter("passive_failure");
    this.networkFailure = scope.counter("network_failure");
    this.healthy = scope.gauge("healthy");
    this.degraded = scope.gauge("degraded");
  }
}
