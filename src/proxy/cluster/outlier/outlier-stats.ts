// cluster.<name>.outlier_detection.*, the deprecated counters included: dashboards still read them.
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";
import type { EjectionType } from "./outlier-config.ts";

const TYPES: readonly EjectionType[] = [
  "consecutive_5xx",
  "consecutive_gateway_failure",
  "consecutive_local_origin_failure",
  "success_rate",
  "local_origin_success_rate",
  "failure_percentage",
  "local_origin_failure_percentage",
];

export class OutlierStats {
  readonly active: Gauge;
  readonly overflow: Counter;
  readonly enforcedTotal: Counter;
  readonly detected: ReadonlyMap<EjectionType, Counter>;
  readonly enforced: ReadonlyMap<EjectionType, Counter>;
  readonly total: Counter;
  readonly consecutive5xx: Counter;
  readonly successRate: Counter;

  constructor(stats: StatsScope) {
    const scope = stats.scope("outlier_detection");
    this.active = scope.gauge("ejections_active");
    this.overflow = scope.counter("ejections_overflow");
    this.enforcedTotal = scope.counter("ejections_enforced_total");
    this.detected = new Map(TYPES.map((type) => [type, scope.counter(`ejections_detected_${type}`)]));
    this.enforced = new Map(TYPES.map((type) => [type, scope.counter(`ejections_enforced_${type}`)]));
    this.total = scope.counter("ejections_total");
    this.consecutive5xx = scope.counter("ejections_consecutive_5xx");
    this.successRate = scope.counter("ejections_success_rate");
  }
}
