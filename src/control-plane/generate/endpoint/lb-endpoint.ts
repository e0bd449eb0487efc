// One endpoint as Envoy's configuration has it, with what Istio's telemetry and auto mTLS read from it.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { MetadataSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import { LbEndpointSchema, type LbEndpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";
import { socketAddress } from "#control-plane/generate/address";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { weightOf } from "./locality-load-balancing.ts";

/** Where Envoy looks for what `transport_socket_matches` compare. */
const TRANSPORT_SOCKET_MATCH = "envoy.transport_socket_match";

/** `mutualTls`: whether the endpoint is called with the mesh's mutual TLS. */
export function lbEndpoint(endpoint: ServiceEndpoint, mutualTls: boolean): LbEndpoint {
  const filterMetadata: Record<string, JsonObject> = { istio: { workload: workloadText(endpoint) } };
  if (mutualTls && endpoint.tlsMode === "istio") filterMetadata[TRANSPORT_SOCKET_MATCH] = { tlsMode: "istio" };
  return create(LbEndpointSchema, {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(endpoint.address, endpoint.port) } },
    healthStatus: HealthStatus[endpoint.health],
    loadBalancingWeight: weightOf(endpoint),
    metadata: create(MetadataSchema, { filterMetadata }),
  });
}

/** `workload;namespace;canonical service;canonical revision;cluster`, as Istio's telemetry reads it. */
function workloadText({ labels, workload, namespace, clusterId }: ServiceEndpoint): string {
  const service = labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? workload;
  const revision = labels["service.istio.io/canonical-revision"] ?? labels["app.kubernetes.io/version"] ?? labels["version"] ?? "";
  // "latest" is what tools put where nobody named a revision.
  return [workload, namespace, service, revision === "latest" ? "" : revision, clusterId].join(";");
}
