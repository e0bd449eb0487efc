// hedge_policy: whether a try that takes too long goes on beside the next one. initial_requests and additional_request_chance have no effect
// in Envoy either.
import type { HedgePolicy } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { ReportViolation } from "#matcher/string-matcher";

/** undefined: nothing is said of it. */
export function compileHedgePolicy(config: HedgePolicy | undefined, path: string, report: ReportViolation): boolean | undefined {
  if (config?.initialRequests === 0) report(`${path}.initial_requests`, "must be at least 1");
  return config?.hedgeOnPerTryTimeout;
}
