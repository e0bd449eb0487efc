// The load assignment of one service port and subset for one caller: what decides about it, put together.
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { OutboundPort } from "#control-plane/generate/cluster/outbound-port";
import { subsetLabels } from "#control-plane/generate/cluster/outbound-port";
import { effectivePolicy, endpointTlsMode, needsMissingCertificate } from "#control-plane/generate/cluster/traffic-policy";
import type { Mesh } from "#control-plane/mesh/mesh";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { isClusterLocal } from "./cluster-local.ts";
import { loadAssignment } from "./load-assignment.ts";
import { isEffective, localityPreference } from "./locality-setting.ts";
import { topologyLabel, type Topology } from "./topology.ts";

export interface PortLoadAssignmentInputs {
  readonly mesh: Mesh;
  readonly outbound: OutboundPort;
  readonly subset: string;
  readonly caller: Topology;
  readonly clusterName: string;
  readonly resolvedBy: "dns" | "eds";
  readonly onlyMutualTls: boolean;
}

export function portLoadAssignment(inputs: PortLoadAssignmentInputs): ClusterLoadAssignment {
  const { mesh, outbound, subset, caller, clusterName, resolvedBy, onlyMutualTls } = inputs;
  const { service, port, rule } = outbound;
  const policy = effectivePolicy(rule, subset, port.number, mesh.config);
  return loadAssignment({
    clusterName,
    service,
    // Without the means to encrypt what must be encrypted the cluster stays empty: 503, never plaintext.
    endpoints: needsMissingCertificate(policy, mesh.hasCertificateAuthority)
      ? []
      : mesh.endpoints(service.hostname, port.number, service.namespace),
    labels: subsetLabels(rule, subset),
    preference: localityPreference(service, policy, mesh.config),
    caller,
    clusterLocal: isClusterLocal(service.hostname, mesh.config),
    resolvedBy,
    mutualTls: mutualTlsOf(mesh, endpointTlsMode(rule, subset, port.number)),
    onlyMutualTls,
  });
}

/** What of the caller's place makes a difference to its endpoints of the port; "" where nothing does. */
export function topologyKey({ service, port, rule, subsets }: OutboundPort, mesh: Mesh, caller: Topology): string {
  const preferences = subsets.flatMap((subset) => {
    const preference = localityPreference(service, effectivePolicy(rule, subset, port.number, mesh.config), mesh.config);
    return preference !== undefined && isEffective(preference) ? [preference.setting] : [];
  });
  const labels = preferences.flatMap(({ failoverPriority = [] }) =>
    failoverPriority.map((entry) => topologyLabel(caller, entry.split("=")[0] ?? "")),
  );
  return [
    ...(preferences.length > 0 ? [caller.locality, ...labels] : []),
    ...(service.nodeLocal ? [caller.nodeName] : []),
    ...(isClusterLocal(service.hostname, mesh.config) ? [caller.clusterId] : []),
  ].join("|");
}

function mutualTlsOf(mesh: Mesh, written: ReturnType<typeof endpointTlsMode>): (endpoint: ServiceEndpoint) => boolean {
  if (written !== undefined) return () => written === "ISTIO_MUTUAL";
  return ({ namespace, labels, port, tlsMode }) => tlsMode === "istio" && mesh.mutualTlsMode(namespace, labels, port) !== "DISABLE";
}
