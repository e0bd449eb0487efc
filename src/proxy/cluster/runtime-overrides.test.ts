import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { runtimeOf } from "#proxy/runtime/runtime.fake";
import { parseCluster } from "./cluster-config.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { isConcerned, keysOfClusters, underRuntime } from "./runtime-overrides.ts";

const cluster = (more: JsonObject = {}): ClusterConfig => parseCluster(fromJson(ClusterSchema, { name: "c", type: "STATIC", ...more }));
const under = (layers: JsonObject, more: JsonObject = {}): ClusterConfig => underRuntime(cluster(more), runtimeOf(layers));

test("a cluster of which no layer says anything stays the object that it is", () => {
  const config = cluster({ outlierDetection: {}, circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 10 } } }] } });
  assert.equal(underRuntime(config, runtimeOf({ "circuit_breakers.other.default.max_requests": 1, "my.key": 2 })), config);
});

test("circuit breakers are those of the layers, by cluster and priority", () => {
  const keys = { max_connections: 1, max_pending_requests: 2, max_requests: 3, max_retries: 4 };
  const { circuitBreakers, highCircuitBreakers } = under({ circuit_breakers: { c: { default: keys, high: { max_requests: 9 } } } });
  assert.deepEqual(circuitBreakers, { maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4 });
  assert.deepEqual([highCircuitBreakers.maxRequests, highCircuitBreakers.maxRetries], [9, 3]);
});

test("half a retry budget makes a whole one, with Envoy's default for the rest", () => {
  const budget = (layers: JsonObject): unknown => under({ "circuit_breakers.c.default.retry_budget": layers }).circuitBreakers.retryBudget;
  assert.equal(budget({ nothing: 1 }), undefined);
  assert.deepEqual(budget({ budget_percent: 12.5 }), { percent: 12.5, minConcurrency: 3 });
  assert.deepEqual(budget({ min_retry_concurrency: 7 }), { percent: 20, minConcurrency: 7 });
});

test("every number of outlier detection may be another, where there is any", () => {
  const keys = {
    interval_ms: 1,
    base_ejection_time_ms: 2,
    max_ejection_time_ms: 3,
    max_ejection_time_jitter_ms: 4,
    max_ejection_percent: 500,
    consecutive_5xx: 6,
    consecutive_gateway_failure: 7,
    consecutive_local_origin_failure: 8,
    success_rate_minimum_hosts: 9,
    success_rate_request_volume: 10,
    success_rate_stdev_factor: 1100,
    failure_percentage_threshold: 12,
    failure_percentage_minimum_hosts: 13,
    failure_percentage_request_volume: 14,
    enforcing_consecutive_5xx: 15,
    enforcing_consecutive_gateway_failure: 16,
    enforcing_consecutive_local_origin_failure: 17,
    enforcing_success_rate: 18,
    enforcing_local_origin_success_rate: 19,
    enforcing_failure_percentage: 20,
    enforcing_failure_percentage_local_origin: 21,
  };
  assert.equal(under({ outlier_detection: keys }).outliers, undefined);
  assert.deepEqual(under({ outlier_detection: keys }, { outlierDetection: {} }).outliers, {
    intervalMs: 1,
    baseEjectionTimeMs: 2,
    maxEjectionTimeMs: 3,
    maxEjectionTimeJitterMs: 4,
    maxEjectionPercent: 100,
    alwaysEjectOneHost: false,
    healthCheckTakesBack: true,
    splitExternalLocalOriginErrors: false,
    consecutive5xx: 6,
    consecutiveGatewayFailure: 7,
    consecutiveLocalOriginFailure: 8,
    successRateMinimumHosts: 9,
    successRateRequestVolume: 10,
    successRateStdevs: 1.1,
    failurePercentageThreshold: 12,
    failurePercentageMinimumHosts: 13,
    failurePercentageRequestVolume: 14,
    enforcing: {
      consecutive_5xx: 15,
      consecutive_gateway_failure: 16,
      consecutive_local_origin_failure: 17,
      success_rate: 18,
      local_origin_success_rate: 19,
      failure_percentage: 20,
      local_origin_failure_percentage: 21,
    },
  });
});

test("panic, zones and maintenance have keys of their own", () => {
  const config = under({ upstream: { healthy_panic_threshold: 7, zone_routing: { enabled: 20, min_cluster_size: 2 } } });
  assert.deepEqual([config.panicThreshold, config.zoneAware.routingEnabledPercent, config.zoneAware.minClusterSize], [7, 20, 2]);
  assert.equal(under({ "upstream.healthy_panic_threshold": 700 }).panicThreshold, 100);
  assert.equal(config.maintenancePercent, 0);
  assert.equal(under({ "upstream.maintenance_mode.c": 30 }).maintenancePercent, 30);
});

test("aggression and active_request_bias go by the runtime_key that the configuration names", () => {
  const slowStart = { slowStartWindow: "60s", aggression: { defaultValue: 1.5, runtimeKey: "my.aggression" } };
  const least = { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { activeRequestBias: { defaultValue: 2, runtimeKey: "my.bias" } } };
  const aggression = (layers: JsonObject): number | undefined => {
    const { lb } = under(layers, { roundRobinLbConfig: { slowStartConfig: slowStart } });
    return lb.policy === "round-robin" ? lb.slowStart?.aggression : undefined;
  };
  const bias = (layers: JsonObject): number | undefined => {
    const { lb } = under(layers, least);
    return lb.policy === "least-request" ? lb.activeRequestBias : undefined;
  };
  assert.deepEqual([{}, { "my.aggression": 3 }, { "my.aggression": -1 }].map(aggression), [1.5, 3, 1]);
  assert.deepEqual([{}, { "my.bias": 0.5 }, { "my.bias": -1 }].map(bias), [2, 0.5, 1]);
});

test("a cluster is looked at again for its own keys, and for those of all clusters", () => {
  const slowStart = { slowStartWindow: "60s", aggression: { defaultValue: 1.5, runtimeKey: "my.aggression" } };
  const own = cluster({ roundRobinLbConfig: { slowStartConfig: slowStart } });
  const concerned = (key: string): boolean => isConcerned(own, keysOfClusters(new Set([key])), new Set([key]));
  for (const key of [
    "circuit_breakers.c.default.max_requests",
    "upstream.maintenance_mode.c",
    "upstream.healthy_panic_threshold",
    "outlier_detection.interval_ms",
    "my.aggression",
  ])
    assert.equal(concerned(key), true, key);
  for (const key of ["circuit_breakers.d.default.max_requests", "upstream.maintenance_mode.d", "my.key", "fault.http.abort.abort_percent"])
    assert.equal(concerned(key), false, key);
});
