// The section of `/config_dump?include_eds` with the hosts that clusters have now, each with its defaults filled in and its health.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { LocalitySchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import { Endpoint_HealthCheckConfigSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";
import type { LbEndpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";
import { ClusterLoadAssignment_PolicySchema, ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "#envoy/type-urls";
import type { ClusterFacts } from "#proxy/xds-client/resource-facts";
import type { AcceptedResource } from "#proxy/xds-client/resource-slots";
import { isStatic } from "#proxy/xds-client/static-resources";
import type { AdminSource, ClusterSummary, HostSummary } from "./admin-source.ts";
import { dumpResource } from "./dump-registry.ts";

const OVERPROVISIONING_FACTOR = 140;

/** `clusters`: what the traffic threads say of the hosts. */
export function endpointsSection(
  source: AdminSource,
  clusters: readonly ClusterSummary[],
  matchesName: ((name: string) => boolean) | undefined,
): JsonObject {
  const fixed: JsonObject[] = [];
  const dynamic: JsonObject[] = [];
  const hostsOf = new Map(clusters.map(({ name, hosts }) => [name, hosts]));
  for (const cluster of source.config.clusters.live) {
    const assignment = assignmentOf(source, cluster);
    if (matchesName?.(assignment.clusterName) === false) continue;
    fillIn(assignment, hostsOf.get(cluster.name) ?? []);
    const shown = { endpoint_config: dumpResource(ENDPOINT_TYPE, toBinary(ClusterLoadAssignmentSchema, assignment)) };
    (isStatic(source.staticResources, CLUSTER_TYPE, cluster.name) ? fixed : dynamic).push(shown);
  }
  return {
    "@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
    ...(fixed.length === 0 ? {} : { static_endpoint_configs: fixed }),
    ...(dynamic.length === 0 ? {} : { dynamic_endpoint_configs: dynamic }),
  };
}

function assignmentOf({ config }: AdminSource, { name, bytes, facts }: AcceptedResource<ClusterFacts>): ClusterLoadAssignment {
  const { dns, endpoints } = facts;
  const clusterName = endpoints?.name ?? name;
  if (dns === undefined && endpoints === undefined) {
    const own = fromBinary(ClusterSchema, bytes).loadAssignment;
    return own === undefined ? create(ClusterLoadAssignmentSchema, { clusterName }) : { ...own, clusterName };
  }
  const slot = dns === undefined ? config.assignments.get(endpoints?.name ?? "") : config.resolutions.get(dns.config.key);
  if (slot?.live === undefined) return create(ClusterLoadAssignmentSchema, { clusterName });
  return { ...fromBinary(ClusterLoadAssignmentSchema, slot.live.bytes), clusterName };
}

function fillIn(assignment: ClusterLoadAssignment, hosts: readonly HostSummary[]): void {
  assignment.policy ??= create(ClusterLoadAssignment_PolicySchema);
  assignment.policy.overprovisioningFactor ??= OVERPROVISIONING_FACTOR;
  assignment.endpoints.sort((a, b) => a.priority - b.priority);
  const health = new Map(hosts.map((host) => [`${host.address} ${host.port}`, healthOf(host)]));
  for (const locality of assignment.endpoints) {
    locality.locality ??= create(LocalitySchema);
    locality.loadBalancingWeight ??= 0;
    for (const endpoint of locality.lbEndpoints) {
      if (endpoint.hostIdentifier.case === "endpoint")
        endpoint.hostIdentifier.value.healthCheckConfig ??= create(Endpoint_HealthCheckConfigSchema);
      endpoint.loadBalancingWeight ??= 1;
      endpoint.healthStatus = health.get(keyOf(endpoint)) ?? endpoint.healthStatus;
    }
  }
}

function keyOf({ hostIdentifier }: LbEndpoint): string {
  const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
  if (address?.case === "pipe") return `${address.value.path} 0`;
  if (address?.case !== "socketAddress") return "";
  const { address: ip, portSpecifier } = address.value;
  return `${ip} ${portSpecifier.case === "portValue" ? portSpecifier.value : 0}`;
}

/** What load balancing makes of it, as Envoy's coarse health. */
function healthOf({ activeHealth, edsHealth, ejected }: HostSummary): HealthStatus {
  if (ejected || edsHealth === "unhealthy" || activeHealth?.failed === true) return HealthStatus.UNHEALTHY;
  if (edsHealth === "degraded" || activeHealth?.degraded === true) return HealthStatus.DEGRADED;
  return HealthStatus.HEALTHY;
}
