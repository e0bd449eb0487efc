// The incremental protocol: a client says what it wants more and less, and is told differences with a version for each resource.
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryResponseSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { ResourceRequest, ResourceResponse } from "./discovery-session.ts";
import { versionOf } from "./resource-version.ts";

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

export function toDelta(response: ResourceResponse): DeltaDiscoveryResponse {
  return create(DeltaDiscoveryResponseSchema, {
    systemVersionInfo: response.version,
    typeUrl: response.typeUrl,
    nonce: response.nonce,
    removedResources: [...response.removed],
    resources: response.resources.map((resource) => ({
      name: resource.name,
      version: versionOf(resource),
      resource: create(AnySchema, { typeUrl: resource.typeUrl, value: resource.value }),
    })),
  });
}
