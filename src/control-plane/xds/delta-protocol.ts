// The incremental protocol: a client says what it wants more and less, and is told differences with a version for each resource.
import type { DeltaDiscoveryRequest } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { ResourceRequest } from "./discovery-session.ts";

export function fromDelta(request: DeltaDiscoveryRequest): ResourceRequest {
  return {
    typeUrl: request.typeUrl,
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    nonce: request.responseNonce,
    error: request.errorDetail?.message,
    versions: request.initialResourceVersions,
  };
}
