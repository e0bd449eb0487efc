// Istio's retries: on by default, twice, to another host where there is one.
import { create } from "@bufbuild/protobuf";
import {
  RetryPolicySchema,
  RetryPolicy_RetryHostPredicateSchema,
  type RetryPolicy,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { PreviousHostsPredicateSchema } from "#envoy/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb";
import { PreviousPrioritiesConfigSchema } from "#envoy/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb";
import type { HTTPRetry } from "#api/virtual-service";
import { pack } from "#envoy/any";
import { durationOf } from "#control-plane/generate/duration";

const DEFAULT_ATTEMPTS = 2;
const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
const HOST_SELECTION_ATTEMPTS = 5n;

/**
 * undefined: no retries. A route without a policy of its own gets the mesh's, which without one is Istio's default. `hashed`: the request's
 * hash names its host, so another attempt must not look for another one unless the rule asks for it.
 */
export function retryPolicy(retries: HTTPRetry | undefined, hashed: boolean): RetryPolicy | undefined {
  if (retries !== undefined && (retries.attempts ?? 0) <= 0) return undefined;
  const conditions =
    retries?.retryOn === undefined || retries.retryOn === "" ? { retryOn: DEFAULT_RETRY_ON, codes: [] } : parseRetryOn(retries.retryOn);
  return create(RetryPolicySchema, {
    retryOn: conditions.retryOn,
    retriableStatusCodes: conditions.codes,
    numRetries: retries?.attempts ?? DEFAULT_ATTEMPTS,
    hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS,
    ...(retries?.perTryTimeout === undefined ? {} : { perTryTimeout: durationOf(retries.perTryTimeout) }),
    ...(retries?.backoff === undefined ? {} : { retryBackOff: { baseInterval: durationOf(retries.backoff) } }),
    ...((retries?.retryIgnorePreviousHosts ?? !hashed) ? { retryHostPredicate: [previousHosts()] } : {}),
    ...(retries?.retryRemoteLocalities === true ? { retryPriority: previousPriorities() } : {}),
  });
}

function previousHosts() {
  return create(RetryPolicy_RetryHostPredicateSchema, {
    name: "envoy.retry_host_predicates.previous_hosts",
    configType: { case: "typedConfig", value: pack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)) },
  });
}

function previousPriorities() {
  return {
    name: "envoy.retry_priorities.previous_priorities",
    configType: {
      case: "typedConfig" as const,
      value: pack(PreviousPrioritiesConfigSchema, create(PreviousPrioritiesConfigSchema, { updateFrequency: 2 })),
    },
  };
}

/** Numbers among the conditions are status codes, which only count together with `retriable-status-codes`. */
function parseRetryOn(text: string): { readonly retryOn: string; readonly codes: number[] } {
  const codes: number[] = [];
  const names: string[] = [];
  for (const part of text.split(",")) {
    const word = part.trim();
    if (word === "") continue;
    if (/^[1-5][0-9][0-9]$/u.test(word)) codes.push(Number(word));
    else names.push(word);
  }
  if (codes.length > 0 && !names.includes("retriable-status-codes")) names.push("retriable-status-codes");
  return { retryOn: names.join(","), codes };
}
