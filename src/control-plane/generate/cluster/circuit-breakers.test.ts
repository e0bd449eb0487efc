import assert from "node:assert/strict";
import { test } from "node:test";
import { circuitBreakers } from "./circuit-breakers.ts";

const UNLIMITED = 4_294_967_295;

test("without settings nothing is limited, and a zero means nothing written", () => {
  for (const pool of [undefined, { tcp: { maxConnections: 0 }, http: { http2MaxRequests: 0, maxRetries: 0 } }]) {
    const [threshold] = circuitBreakers(pool).thresholds;
    assert.deepEqual(
      [threshold?.maxConnections, threshold?.maxPendingRequests, threshold?.maxRequests, threshold?.maxRetries],
      [UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED],
    );
  }
});

test("each limit goes where Envoy has it", () => {
  const pool = { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4 } };
  const [threshold] = circuitBreakers(pool).thresholds;
  assert.deepEqual([threshold?.maxConnections, threshold?.maxPendingRequests, threshold?.maxRequests, threshold?.maxRetries], [1, 2, 3, 4]);
});

test("a retry budget has istiod's defaults for what it does not say", () => {
  const budget = (settings: object) => circuitBreakers(undefined, settings).thresholds[0]?.retryBudget;
  assert.deepEqual([budget({})?.budgetPercent?.value, budget({})?.minRetryConcurrency], [0.2, 3]);
  const written = budget({ percent: 50, minRetryConcurrency: 7 });
  assert.deepEqual([written?.budgetPercent?.value, written?.minRetryConcurrency], [50, 7]);
  assert.equal(circuitBreakers(undefined).thresholds[0]?.retryBudget, undefined);
});
