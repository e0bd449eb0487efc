// RetryPolicy of a route or virtual host, compiled. Which failure is worth another try is decided by the router.
import type { RetryPolicy as RetryPolicyMessage } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { PreviousHostsPredicateSchema } from "#envoy/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb";
import { PreviousPrioritiesConfigSchema } from "#envoy/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb";
import { nameOf, unpack } from "#envoy/any";
import { compileHeaderMatchers } from "#matcher/header-matcher";
import type { HeaderMatcher } from "#matcher/header-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { durationMs } from "#envoy/duration";
import type { RetryPolicy } from "./route.ts";

const GRPC_CODES: Readonly<Record<string, number>> = {
  cancelled: 1,
  "deadline-exceeded": 4,
  "resource-exhausted": 8,
  internal: 13,
  unavailable: 14,
};
const DEFAULT_BASE_INTERVAL_MS = 25;

export function compileRetryPolicy(config: RetryPolicyMessage, path: string, report: ReportViolation): RetryPolicy {
  // Words that are not known are ignored, as Envoy does: Istio lets any text through.
  const retryOn = new Set(config.retryOn.split(",").map((word) => word.trim()));
  const baseIntervalMs = durationMs(config.retryBackOff?.baseInterval) ?? DEFAULT_BASE_INTERVAL_MS;
  const maxIntervalMs = durationMs(config.retryBackOff?.maxInterval) ?? baseIntervalMs * 10;
  if (config.retryBackOff !== undefined && baseIntervalMs <= 0) report(`${path}.retry_back_off.base_interval`, "must be greater than 0");
  if (maxIntervalMs < baseIntervalMs) report(`${path}.retry_back_off.max_interval`, "must not be below base_interval");
  return Object.freeze({
    connectFailure: retryOn.has("connect-failure"),
    refusedStream: retryOn.has("refused-stream"),
    reset: retryOn.has("reset"),
    resetBeforeRequest: retryOn.has("reset-before-request"),
    gatewayError: retryOn.has("gateway-error"),
    status5xx: retryOn.has("5xx"),
    retriable4xx: retryOn.has("retriable-4xx"),
    envoyRateLimited: retryOn.has("envoy-ratelimited"),
    retriableStatusCodes: new Set(retryOn.has("retriable-status-codes") ? config.retriableStatusCodes : []),
    onRetriableHeaders: retryOn.has("retriable-headers"),
    retriableHeaders: compileHeaderMatchers(config.retriableHeaders, `${path}.retriable_headers`, report).map(ofResponse),
    grpcCodes: new Set([...retryOn].flatMap((word) => (Object.hasOwn(GRPC_CODES, word) ? [GRPC_CODES[word] as number] : []))),
    numRetries: config.numRetries ?? 1,
    perTryTimeoutMs: durationMs(config.perTryTimeout) ?? 0,
    baseIntervalMs,
    maxIntervalMs,
    priorityUpdateFrequency: priorityUpdateFrequency(config, `${path}.retry_priority`, report),
    hostSelectionAttempts: hostSelectionAttempts(config, path, report),
  });
}

function priorityUpdateFrequency({ retryPriority }: RetryPolicyMessage, path: string, report: ReportViolation): number {
  if (retryPriority === undefined) return 0;
  const any = retryPriority.configType.case === "typedConfig" ? retryPriority.configType.value : undefined;
  if (any === undefined || nameOf(any.typeUrl) !== PreviousPrioritiesConfigSchema.typeName) {
    report(path, `"${retryPriority.name}" is not served; only previous_priorities is`);
    return 0;
  }
  let frequency = 0;
  try {
    frequency = unpack(any, PreviousPrioritiesConfigSchema)?.updateFrequency ?? 0;
  } catch (error) {
    report(path, `is not a valid PreviousPrioritiesConfig: ${String(error)}`);
    return 0;
  }
  if (frequency < 1) report(`${path}.update_frequency`, "must be greater than 0");
  return frequency;
}

/** A response has none of a request's pseudo headers. */
function ofResponse(matcher: HeaderMatcher): RetryPolicy["retriableHeaders"][number] {
  return (headers) => matcher.matches({ method: "", path: "", authority: "", scheme: "", getJoined: (name) => headers.getJoined(name) });
}

function hostSelectionAttempts(config: RetryPolicyMessage, path: string, report: ReportViolation): number {
  let previousHosts = false;
  for (const [index, predicate] of config.retryHostPredicate.entries()) {
    const type = predicate.configType.case === "typedConfig" ? nameOf(predicate.configType.value.typeUrl) : "";
    if (type === PreviousHostsPredicateSchema.typeName) previousHosts = true;
    else report(`${path}.retry_host_predicate[${index}]`, `"${predicate.name}" is not served; only previous_hosts is`);
  }
  if (!previousHosts) return 0;
  const attempts = Number(config.hostSelectionRetryMaxAttempts);
  return attempts === 0 ? 1 : attempts;
}
