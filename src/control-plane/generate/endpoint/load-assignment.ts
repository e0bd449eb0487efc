// Endpoints of one cluster. Unhealthy and draining instances are left out: they leave every proxy before they stop answering.
import { create } from "@bufbuild/protobuf";
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import { ClusterLoadAssignmentSchema, type ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { LbEndpointSchema, type LbEndpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { istioMetadata } from "#control-plane/generate/istio-metadata";
import { socketAddress } from "#control-plane/generate/address";

const CLUSTER_ID = "Kubernetes";

/** `labels`: those of the subset; every one must be on the endpoint. */
export function loadAssignment(
  clusterName: string,
  endpoints: readonly ServiceEndpoint[],
  labels: Readonly<Record<string, string>>,
): ClusterLoadAssignment {
  const wanted = Object.entries(labels);
  const localities = new Map<string, ServiceEndpoint[]>();
  for (const endpoint of endpoints) {
    if (endpoint.health !== "HEALTHY") continue;
    if (!wanted.every(([key, value]) => endpoint.labels[key] === value)) continue;
    const same = localities.get(endpoint.locality);
    if (same === undefined) localities.set(endpoint.locality, [endpoint]);
    else same.push(endpoint);
  }
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [...localities]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([locality, members]) => ({
        locality: localityOf(locality),
        lbEndpoints: members.map(lbEndpoint),
        loadBalancingWeight: members.reduce((sum, member) => sum + weightOf(member), 0),
      })),
  });
}

function lbEndpoint(endpoint: ServiceEndpoint): LbEndpoint {
  return create(LbEndpointSchema, {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(endpoint.address, endpoint.port) } },
    healthStatus: HealthStatus.HEALTHY,
    loadBalancingWeight: weightOf(endpoint),
    metadata: istioMetadata({ workload: workloadText(endpoint) }),
  });
}

function weightOf(endpoint: ServiceEndpoint): number {
  return Math.max(1, endpoint.weight);
}

/** `region/zone/sub-zone`, each part optional. */
function localityOf(text: string) {
  const [region = "", zone = "", ...rest] = text.split("/");
  return { region, zone, subZone: rest.join("/") };
}

/** `workload;namespace;canonical service;canonical revision;cluster`, as Istio's telemetry reads it. */
function workloadText(endpoint: ServiceEndpoint): string {
  const labels = endpoint.labels;
  const service = labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? endpoint.workload;
  const revision = labels["service.istio.io/canonical-revision"] ?? labels["app.kubernetes.io/version"] ?? labels["version"] ?? "";
  // "latest" is what tools put where nobody named a revision.
  return [endpoint.workload, endpoint.namespace, service, revision === "latest" ? "" : revision, CLUSTER_ID].join(";");
}
