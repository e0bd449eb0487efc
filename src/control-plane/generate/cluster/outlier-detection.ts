// When endpoints that fail are left out for a while.
import { create } from "@bufbuild/protobuf";
import { OutlierDetectionSchema, type OutlierDetection } from "#envoy/gen/envoy/config/cluster/v3/outlier_detection_pb";
import type { OutlierDetection as Settings } from "#api/destination-rule";
import { durationOf } from "#control-plane/generate/duration";

/** Ejection by success rate is off: as in Istio, only errors in a row count. A count of 0 turns its detector off. */
export function outlierDetection(settings: Settings): OutlierDetection {
  const { consecutive5xxErrors: errors, consecutiveGatewayErrors: gatewayErrors, interval, baseEjectionTime } = settings;
  const { maxEjectionPercent = 0, splitExternalLocalOriginErrors = false, consecutiveLocalOriginFailures: failures = 0 } = settings;
  return create(OutlierDetectionSchema, {
    enforcingSuccessRate: 0,
    ...(errors === undefined ? {} : { consecutive5xx: errors, enforcingConsecutive5xx: errors > 0 ? 100 : 0 }),
    ...(gatewayErrors === undefined
      ? {}
      : { consecutiveGatewayFailure: gatewayErrors, enforcingConsecutiveGatewayFailure: gatewayErrors > 0 ? 100 : 0 }),
    ...(interval === undefined ? {} : { interval: durationOf(interval) }),
    ...(baseEjectionTime === undefined ? {} : { baseEjectionTime: durationOf(baseEjectionTime) }),
    ...(maxEjectionPercent > 0 ? { maxEjectionPercent } : {}),
    ...(splitExternalLocalOriginErrors
      ? {
          splitExternalLocalOriginErrors,
          enforcingLocalOriginSuccessRate: 0,
          ...(failures > 0 ? { consecutiveLocalOriginFailure: failures, enforcingConsecutiveLocalOriginFailure: 100 } : {}),
        }
      : {}),
  });
}
