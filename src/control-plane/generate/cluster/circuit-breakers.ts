// Limits of a cluster, as circuit breakers. Istio sets none of its own; a zero in a rule means the same as nothing written.
import { create } from "@bufbuild/protobuf";
import { CircuitBreakersSchema, type CircuitBreakers } from "#envoy/gen/envoy/config/cluster/v3/circuit_breaker_pb";
import type { ConnectionPoolSettings, TrafficPolicy } from "#api/destination-rule";

const UNLIMITED = 0xffff_ffff;
/** Istio's defaults. The API calls it a percentage: istiod's own default is 0.2 of a percent, not 20. */
const BUDGET_PERCENT = 0.2;
const BUDGET_RETRIES = 3;

export function circuitBreakers(pool: ConnectionPoolSettings | undefined, budget?: TrafficPolicy["retryBudget"]): CircuitBreakers {
  return create(CircuitBreakersSchema, {
    thresholds: [
      {
        maxConnections: limit(pool?.tcp?.maxConnections),
        maxPendingRequests: limit(pool?.http?.http1MaxPendingRequests),
        maxRequests: limit(pool?.http?.http2MaxRequests),
        maxRetries: limit(pool?.http?.maxRetries),
        ...(budget === undefined
          ? {}
          : {
              retryBudget: {
                budgetPercent: { value: budget.percent ?? BUDGET_PERCENT },
                minRetryConcurrency: budget.minRetryConcurrency || BUDGET_RETRIES,
              },
            }),
      },
    ],
  });
}

function limit(written: number | undefined): number {
  return written !== undefined && written > 0 ? written : UNLIMITED;
}
