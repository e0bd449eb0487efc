// Endpoints of one cluster as one caller sees them: filtered, in localities, with weights and priorities.
import { create } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema, type ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { Service, ServiceEndpoint } from "#control-plane/registry/service";
import { lbEndpoint } from "./lb-endpoint.ts";
import { localityOf } from "./locality.ts";
import { preferNear, sumOfWeights, type LocalityGroup } from "./locality-load-balancing.ts";
import { sendsUnhealthyEndpoints, type LocalityPreference } from "./locality-setting.ts";
import type { Topology } from "./topology.ts";

export interface LoadAssignmentInputs {
  readonly clusterName: string;
  readonly service: Service;
  readonly endpoints: readonly ServiceEndpoint[];
  /** Those of the subset; every one must be on the endpoint. */
  readonly labels: Readonly<Record<string, string>>;
  readonly preference: LocalityPreference | undefined;
  readonly caller: Topology;
  /** Endpoints of other clusters do not count (MeshConfig.serviceSettings). */
  readonly clusterLocal: boolean;
  /** Within a cluster that looks names up, or for a subscription of its own. */
  readonly resolvedBy: "dns" | "eds";
  readonly mutualTls: (endpoint: ServiceEndpoint) => boolean;
  /** For gateways that pass mutual TLS through: endpoints that would not take it are left out. */
  readonly onlyMutualTls?: boolean;
}

export function loadAssignment(inputs: LoadAssignmentInputs): ClusterLoadAssignment {
  const { clusterName, preference, caller, resolvedBy, mutualTls } = inputs;
  const localities = new Map<string, ServiceEndpoint[]>();
  for (const endpoint of inputs.endpoints) {
    if (!isFor(endpoint, inputs)) continue;
    const same = localities.get(endpoint.locality);
    if (same === undefined) localities.set(endpoint.locality, [endpoint]);
    else same.push(endpoint);
  }
  const groups = [...localities]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([locality, endpoints]): LocalityGroup => ({
      locality: localityOf(locality),
      endpoints,
      weight: sumOfWeights(endpoints),
      priority: 0,
    }));
  const arranged = preference === undefined ? groups : preferNear(groups, preference, caller, resolvedBy === "eds");
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: arranged.map(({ locality, endpoints, weight, priority }) => ({
      locality,
      lbEndpoints: endpoints.map((endpoint) => lbEndpoint(endpoint, mutualTls(endpoint))),
      loadBalancingWeight: weight,
      priority,
    })),
  });
}

const PERSISTENT_SESSION = ["istio.io/persistent-session", "istio.io/persistent-session-header"];

/** A service whose sessions stay with an endpoint keeps those that drain, for their sessions alone. */
export function keepsDrainingEndpoints(service: Service): boolean {
  return PERSISTENT_SESSION.some((label) => (service.labels[label] ?? "") !== "");
}

function isFor(endpoint: ServiceEndpoint, inputs: LoadAssignmentInputs): boolean {
  const { service, labels, caller } = inputs;
  if (endpoint.health === "UNHEALTHY" && !sendsUnhealthyEndpoints(service)) return false;
  if (endpoint.health === "DRAINING" && !keepsDrainingEndpoints(service)) return false;
  if (service.nodeLocal && endpoint.nodeName !== caller.nodeName) return false;
  if (inputs.clusterLocal && endpoint.clusterId !== caller.clusterId) return false;
  if (inputs.resolvedBy === "eds" && !isAddress(endpoint.address)) return false;
  if (inputs.onlyMutualTls === true && !(inputs.mutualTls(endpoint) && endpoint.tlsMode === "istio")) return false;
  return Object.entries(labels).every(([key, value]) => endpoint.labels[key] === value);
}

/** Envoy takes no names by EDS. */
function isAddress(address: string): boolean {
  return address.includes(":") || /^\d{1,3}(?:\.\d{1,3}){3}$/u.test(address);
}
