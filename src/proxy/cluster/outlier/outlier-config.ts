// outlier_detection -> OutlierConfig, with Envoy's defaults.
import type { OutlierDetection } from "#envoy/gen/envoy/config/cluster/v3/outlier_detection_pb";
import { durationMs } from "#envoy/duration";

/** Why a host is ejected; the names are those of Envoy's statistics. */
export type EjectionType =
  | "consecutive_5xx"
  | "consecutive_gateway_failure"
  | "consecutive_local_origin_failure"
  | "success_rate"
  | "local_origin_success_rate"
  | "failure_percentage"
  | "local_origin_failure_percentage";

export interface OutlierConfig {
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  readonly maxEjectionTimeMs: number;
  readonly maxEjectionTimeJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  /** A host that passes an active health check is taken back at once. */
  readonly healthCheckTakesBack: boolean;
  /** Errors of this proxy (no connection, timeouts) are counted apart from the upstream's answers. */
  readonly splitExternalLocalOriginErrors: boolean;
  /** 0: never. */
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** How many standard deviations below the mean are too many. */
  readonly successRateStdevs: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  /** In how many of 100 cases a host that was found out is ejected. */
  readonly enforcing: Readonly<Record<EjectionType, number>>;
}

type Refuse = (path: string, message: string) => void;

const LONGEST_EJECTION_MS = 300_000;

export function readOutlierDetection(wire: OutlierDetection | undefined, refuse: Refuse): OutlierConfig | undefined {
  if (wire === undefined) return undefined;
  const path = "outlier_detection";
  const positive = (field: string, value: number): number => {
    if (value <= 0) refuse(`${path}.${field}`, "must be above 0s");
    return value;
  };
  const percent = (field: string, value: number): number => {
    if (value > 100) refuse(`${path}.${field}`, "must not be above 100");
    return value;
  };
  const baseEjectionTimeMs = positive("base_ejection_time", durationMs(wire.baseEjectionTime) ?? 30_000);
  const maxEjectionTimeMs = positive(
    "max_ejection_time",
    durationMs(wire.maxEjectionTime) ?? Math.max(LONGEST_EJECTION_MS, baseEjectionTimeMs),
  );
  if (maxEjectionTimeMs < baseEjectionTimeMs) refuse(`${path}.max_ejection_time`, "must not be below base_ejection_time");
  return Object.freeze({
    intervalMs: positive("interval", durationMs(wire.interval) ?? 10_000),
    baseEjectionTimeMs,
    maxEjectionTimeMs,
    maxEjectionTimeJitterMs: durationMs(wire.maxEjectionTimeJitter) ?? 0,
    maxEjectionPercent: percent("max_ejection_percent", wire.maxEjectionPercent ?? 10),
    alwaysEjectOneHost: wire.alwaysEjectOneHost ?? false,
    healthCheckTakesBack: wire.successfulActiveHealthCheckUnejectHost ?? true,
    splitExternalLocalOriginErrors: wire.splitExternalLocalOriginErrors,
    consecutive5xx: wire.consecutive5xx ?? 5,
    consecutiveGatewayFailure: wire.consecutiveGatewayFailure ?? 5,
    consecutiveLocalOriginFailure: wire.consecutiveLocalOriginFailure ?? 5,
    successRateMinimumHosts: wire.successRateMinimumHosts ?? 5,
    successRateRequestVolume: wire.successRateRequestVolume ?? 100,
    successRateStdevs: (wire.successRateStdevFactor ?? 1900) / 1000,
    failurePercentageThreshold: percent("failure_percentage_threshold", wire.failurePercentageThreshold ?? 85),
    failurePercentageMinimumHosts: wire.failurePercentageMinimumHosts ?? 5,
    failurePercentageRequestVolume: wire.failurePercentageRequestVolume ?? 50,
    enforcing: {
      consecutive_5xx: percent("enforcing_consecutive_5xx", wire.enforcingConsecutive5xx ?? 100),
      consecutive_gateway_failure: percent("enforcing_consecutive_gateway_failure", wire.enforcingConsecutiveGatewayFailure ?? 0),
      consecutive_local_origin_failure: percent(
        "enforcing_consecutive_local_origin_failure",
        wire.enforcingConsecutiveLocalOriginFailure ?? 100,
      ),
      success_rate: percent("enforcing_success_rate", wire.enforcingSuccessRate ?? 100),
      local_origin_success_rate: percent("enforcing_local_origin_success_rate", wire.enforcingLocalOriginSuccessRate ?? 100),
      failure_percentage: percent("enforcing_failure_percentage", wire.enforcingFailurePercentage ?? 0),
      local_origin_failure_percentage: percent(
        "enforcing_failure_percentage_local_origin",
        wire.enforcingFailurePercentageLocalOrigin ?? 0,
      ),
    },
  });
}
