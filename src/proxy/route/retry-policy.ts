// RetryPolicy of a route or virtual host, compiled. Which failure is worth another try is decided by the router.
import type { RetryPolicy as RetryPolicyMessage } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { isDeepStrictEqual } from "node:util";
import { OmitCanaryHostsPredicateSchema } from "#envoy/gen/envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts_pb";
import { OmitHostMetadataConfigSchema } from "#envoy/gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb";
import { PreviousHostsPredicateSchema } from "#envoy/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb";
import { PreviousPrioritiesConfigSchema } from "#envoy/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb";
import { nameOf, unpack } from "#envoy/any";
import { compileHeaderMatchers } from "#matcher/header-matcher";
import type { HeaderMatcher } from "#matcher/header-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { durationMs } from "#envoy/duration";
import type { HostMetadata } from "#proxy/cluster/cluster";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { compileResetHeaders } from "./reset-headers.ts";
import type { RetryPolicy } from "./route.ts";

const GRPC_CODES: Readonly<Record<string, number>> = {
  cancelled: 1,
  "deadline-exceeded": 4,
  "resource-exhausted": 8,
  internal: 13,
  unavailable: 14,
};
const DEFAULT_BASE_INTERVAL_MS = 25;

type Reasons = Pick<
  RetryPolicy,
  | "connectFailure"
  | "refusedStream"
  | "reset"
  | "resetBeforeRequest"
  | "gatewayError"
  | "status5xx"
  | "retriable4xx"
  | "envoyRateLimited"
  | "onRetriableHeaders"
  | "grpcCodes"
> & { readonly onRetriableStatusCodes: boolean };

/** A mesh writes the same few texts on thousands of routes. */
const compiledReasons = new Map<string, Reasons>();
const MAX_COMPILED_REASONS = 100;
const NO_CODES: ReadonlySet<number> = new Set();

function reasonsOf(text: string): Reasons {
  const known = compiledReasons.get(text);
  if (known !== undefined) return known;
  // Words that are not known are ignored, as Envoy does: Istio lets any text through.
  const retryOn = new Set(text.split(",").map((word) => word.trim()));
  const reasons = {
    connectFailure: retryOn.has("connect-failure"),
    refusedStream: retryOn.has("refused-stream"),
    reset: retryOn.has("reset"),
    resetBeforeRequest: retryOn.has("reset-before-request"),
    gatewayError: retryOn.has("gateway-error"),
    status5xx: retryOn.has("5xx"),
    retriable4xx: retryOn.has("retriable-4xx"),
    envoyRateLimited: retryOn.has("envoy-ratelimited"),
    onRetriableHeaders: retryOn.has("retriable-headers"),
    onRetriableStatusCodes: retryOn.has("retriable-status-codes"),
    grpcCodes: new Set([...retryOn].flatMap((word) => (Object.hasOwn(GRPC_CODES, word) ? [GRPC_CODES[word] as number] : []))),
  };
  if (compiledReasons.size >= MAX_COMPILED_REASONS) compiledReasons.clear();
  compiledReasons.set(text, reasons);
  return reasons;
}

export function compileRetryPolicy(config: RetryPolicyMessage, path: string, report: ReportViolation): RetryPolicy {
  const { onRetriableStatusCodes, ...reasons } = reasonsOf(config.retryOn);
  const baseIntervalMs = durationMs(config.retryBackOff?.baseInterval);
  const maxIntervalMs = durationMs(config.retryBackOff?.maxInterval);
  if (baseIntervalMs !== undefined && baseIntervalMs <= 0) report(`${path}.retry_back_off.base_interval`, "must be greater than 0");
  if (maxIntervalMs !== undefined && maxIntervalMs < (baseIntervalMs ?? DEFAULT_BASE_INTERVAL_MS))
    report(`${path}.retry_back_off.max_interval`, "must not be below base_interval");
  return Object.freeze({
    ...reasons,
    retriableStatusCodes:
      onRetriableStatusCodes && config.retriableStatusCodes.length > 0 ? new Set(config.retriableStatusCodes) : NO_CODES,
    retriableHeaders: compileHeaderMatchers(config.retriableHeaders, `${path}.retriable_headers`, report).map(ofResponse),
    numRetries: config.numRetries ?? 1,
    perTryTimeoutMs: durationMs(config.perTryTimeout) ?? 0,
    perTryIdleTimeoutMs: durationMs(config.perTryIdleTimeout) ?? 0,
    retriableRequestHeaders: compileHeaderMatchers(config.retriableRequestHeaders, `${path}.retriable_request_headers`, report).map(
      (matcher) => (headers: RequestHeaderMap) => matcher.matches(headers),
    ),
    resetInterval: compileResetHeaders(config.rateLimitedRetryBackOff, `${path}.rate_limited_retry_back_off`, report),
    baseIntervalMs,
    maxIntervalMs,
    priorityUpdateFrequency: priorityUpdateFrequency(config, `${path}.retry_priority`, report),
    ...hostPredicates(config, path, report),
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
  const request = { method: "", path: "", authority: "", scheme: "" };
  return (headers) => matcher.matches({ ...request, getAll: (name) => headers.getAll(name), getJoined: (name) => headers.getJoined(name) });
}

/** The canary and metadata predicates look at what the endpoint says of itself; Envoy's name for that is `envoy.lb`. */
function hostPredicates(
  config: RetryPolicyMessage,
  path: string,
  report: ReportViolation,
): Pick<RetryPolicy, "hostSelectionAttempts" | "omitsTriedHosts" | "omitsHost"> {
  let omitsTriedHosts = false;
  let omitsHost: RetryPolicy["omitsHost"];
  const omit = (also: (metadata: HostMetadata) => boolean): void => {
    const before = omitsHost;
    omitsHost = before === undefined ? also : (metadata) => before(metadata) || also(metadata);
  };
  for (const [index, predicate] of config.retryHostPredicate.entries()) {
    const at = `${path}.retry_host_predicate[${index}]`;
    const any = predicate.configType.case === "typedConfig" ? predicate.configType.value : undefined;
    switch (nameOf(any?.typeUrl ?? "")) {
      case PreviousHostsPredicateSchema.typeName:
        omitsTriedHosts = true;
        break;
      case OmitCanaryHostsPredicateSchema.typeName:
        omit((metadata) => metadata["envoy.lb"]?.["canary"] === true);
        break;
      case OmitHostMetadataConfigSchema.typeName:
        try {
          const wanted = Object.entries(unpack(any, OmitHostMetadataConfigSchema)?.metadataMatch?.filterMetadata["envoy.lb"] ?? {});
          const says = (metadata: HostMetadata): boolean =>
            wanted.every(([key, value]) => isDeepStrictEqual(metadata["envoy.lb"]?.[key], value));
          // Nothing to match matches nothing.
          if (wanted.length > 0) omit(says);
        } catch (error) {
          report(at, `is not a valid OmitHostMetadataConfig: ${String(error)}`);
        }
        break;
      default:
        report(at, `"${predicate.name}" is not known to this proxy`);
    }
  }
  for (const [index, { name }] of config.retryOptionsPredicates.entries())
    report(`${path}.retry_options_predicates[${index}]`, `"${name}" is not known to this proxy`);
  const attempts = Number(config.hostSelectionRetryMaxAttempts);
  const any = omitsTriedHosts || omitsHost !== undefined;
  return { omitsTriedHosts, omitsHost, hostSelectionAttempts: any ? (attempts === 0 ? 1 : attempts) : 0 };
}
