// Retries of calls to the own application: only while it has not seen a byte of the request, which is safe for every method. There is one
// endpoint, so nothing in the policy is about others.
import { create } from "@bufbuild/protobuf";
import { RetryPolicySchema, type RetryPolicy } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { HTTPRetry } from "#api/virtual-service";
import type { Protocol } from "#control-plane/registry/service";
import { durationOf } from "#control-plane/generate/duration";
import { retryPolicy } from "#control-plane/generate/route/retry-policy";

const DEFAULT_RETRY_ON = "reset-before-request";
const DEFAULT_ATTEMPTS = 2;

/** `written` is MeshConfig's. Undefined: no retries, also for gRPC, whose streams cannot be repeated unseen. */
export function inboundRetryPolicy(protocol: Protocol, written: HTTPRetry | undefined): RetryPolicy | undefined {
  if (protocol === "GRPC" || protocol === "GRPC-WEB") return undefined;
  if (written !== undefined && (written.attempts ?? 0) <= 0) return undefined;
  const asksFor = written?.retryOn ?? "";
  const conditions = asksFor === "" ? undefined : retryPolicy({ attempts: 1, retryOn: asksFor }, false);
  return create(RetryPolicySchema, {
    retryOn: conditions?.retryOn ?? DEFAULT_RETRY_ON,
    retriableStatusCodes: conditions?.retriableStatusCodes ?? [],
    numRetries: written?.attempts ?? DEFAULT_ATTEMPTS,
    ...(written?.backoff === undefined ? {} : { retryBackOff: { baseInterval: durationOf(written.backoff) } }),
  });
}
