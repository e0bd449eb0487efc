import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { OutlierDetectionSchema } from "#envoy/gen/envoy/config/cluster/v3/outlier_detection_pb";
import { outlierDetection } from "./outlier-detection.ts";

function json(settings: Parameters<typeof outlierDetection>[0]) {
  return toJson(OutlierDetectionSchema, outlierDetection(settings));
}

test("an empty block turns nothing on but Envoy's own detectors, without success rates", () => {
  assert.deepEqual(json({}), { enforcingSuccessRate: 0 });
});

test("errors and gateway errors are counted apart, and 0 turns their detector off", () => {
  assert.deepEqual(json({ consecutive5xxErrors: 3, consecutiveGatewayErrors: 0 }), {
    enforcingSuccessRate: 0,
    consecutive5xx: 3,
    enforcingConsecutive5xx: 100,
    consecutiveGatewayFailure: 0,
    enforcingConsecutiveGatewayFailure: 0,
  });
});

test("connection errors count only where they are split off", () => {
  assert.deepEqual(json({ consecutiveLocalOriginFailures: 3 }), { enforcingSuccessRate: 0 });
  assert.deepEqual(json({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3 }), {
    enforcingSuccessRate: 0,
    splitExternalLocalOriginErrors: true,
    enforcingLocalOriginSuccessRate: 0,
    consecutiveLocalOriginFailure: 3,
    enforcingConsecutiveLocalOriginFailure: 100,
  });
});

test("times and the share that may be ejected are passed on", () => {
  assert.deepEqual(json({ interval: 10_000, baseEjectionTime: 30_000, maxEjectionPercent: 50 }), {
    enforcingSuccessRate: 0,
    interval: "10s",
    baseEjectionTime: "30s",
    maxEjectionPercent: 50,
  });
});
