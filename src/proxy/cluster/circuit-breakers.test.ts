import assert from "node:assert/strict";
import { it } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { FakeStats } from "#proxy/http/stats.fake";
import { CircuitBreakers } from "./circuit-breakers.ts";
import { parseCluster } from "./cluster-config.ts";
import type { CircuitBreakerConfig } from "./cluster-config.ts";

const limits = (threshold: JsonValue): CircuitBreakerConfig =>
  parseCluster(fromJson(ClusterSchema, { name: "c", circuitBreakers: { thresholds: [threshold] } })).circuitBreakers;

const retries = (breakers: CircuitBreakers): number => {
  let count = 0;
  while (count < 100 && breakers.tryAcquireRetry()) count++;
  for (let i = 0; i < count; i++) breakers.releaseRetry();
  return count;
};

const requests = (breakers: CircuitBreakers, count: number): void => {
  for (let i = 0; i < count; i++) assert.ok(breakers.tryAcquireRequest());
};

it("lets as many retries run as the budget's share of the requests, and a few in any case", () => {
  const breakers = new CircuitBreakers(
    "default",
    limits({ maxRetries: 1, retryBudget: { budgetPercent: { value: 25 }, minRetryConcurrency: 2 } }),
    new FakeStats(),
  );
  assert.equal(retries(breakers), 2);
  requests(breakers, 11);
  assert.equal(retries(breakers), 2);
  requests(breakers, 9);
  assert.equal(retries(breakers), 5);
});

it("takes 20 per cent and 3 where a budget says only half, and max_retries where it says nothing", () => {
  const byShare = new CircuitBreakers("default", limits({ retryBudget: { minRetryConcurrency: 0 } }), new FakeStats());
  requests(byShare, 10);
  assert.equal(retries(byShare), 2);
  assert.equal(retries(new CircuitBreakers("default", limits({ retryBudget: { budgetPercent: { value: 50 } } }), new FakeStats())), 3);
  assert.equal(retries(new CircuitBreakers("default", limits({ maxRetries: 7, retryBudget: {} }), new FakeStats())), 7);
});

it("shows when a breaker is open, and what is left where that is tracked", () => {
  const stats = new FakeStats();
  const breakers = new CircuitBreakers("default", limits({ maxRequests: 2, maxConnections: 5, trackRemaining: true }), stats);
  const left = (name: string): number => stats.get(`circuit_breakers.default.${name}`);
  assert.equal(left("remaining_rq"), 2);
  assert.equal(left("remaining_cx"), 5);
  requests(breakers, 2);
  assert.equal(left("remaining_rq"), 0);
  assert.equal(left("rq_open"), 1);
  assert.equal(breakers.tryAcquireRequest(), false);
  breakers.releaseRequest();
  assert.equal(left("remaining_rq"), 1);
  assert.equal(left("rq_open"), 0);
  breakers.configure(limits({ maxRequests: 1 }));
  assert.equal(left("rq_open"), 1);
  assert.equal(left("remaining_rq"), 0);
});
