// The load assignments that a proxy subscribes to: one for each of its clusters that is told its endpoints.
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { callerKey, callerOf, type Caller } from "#control-plane/generate/cluster/caller";
import { outboundClusterName, outboundServerName } from "#control-plane/generate/cluster/cluster-name";
import { discoveryOf } from "#control-plane/generate/cluster/discovery";
import { outboundPortKey, outboundPorts, type OutboundPort } from "#control-plane/generate/cluster/outbound-port";
import { passesMutualTls } from "#control-plane/generate/cluster/sni-dnat";
import { effectivePolicy } from "#control-plane/generate/cluster/traffic-policy";
import { encode, type Resource } from "#control-plane/generate/resource";
import type { ResourceCache } from "#control-plane/generate/resource-cache";
import { withShared, type ResourcesByName } from "#control-plane/generate/shared-resources";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { ENDPOINT_TYPE } from "#envoy/type-urls";
import { portLoadAssignment, topologyKey } from "./port-load-assignment.ts";
import { topologyOf } from "./topology.ts";

export function endpointResources(view: ProxyView, cache: ResourceCache | undefined): ResourcesByName {
  const caller = callerOf(view);
  const passesThrough = passesMutualTls(view);
  const key = `eds ${passesThrough} ${callerKey(caller)}`;
  return withShared(cache, key, view, [], () => sharedAssignments(view, caller, passesThrough, cache));
}

function sharedAssignments(view: ProxyView, caller: Caller, passesThrough: boolean, cache: ResourceCache | undefined): readonly Resource[] {
  const { mesh } = view;
  const place = topologyOf(view);
  const resources: Resource[] = [];
  for (const outbound of outboundPorts(view)) {
    const { service, port, rule } = outbound;
    const byEds = outbound.subsets.filter(
      (subset) => discoveryOf(service, port, effectivePolicy(rule, subset, port.number, mesh.config), caller)?.kind === "eds",
    );
    if (byEds.length === 0) continue;
    const make = (nameOf: typeof outboundClusterName, onlyMutualTls: boolean) => (): readonly Resource[] =>
      byEds.map((subset) => {
        const clusterName = nameOf(port.number, subset, service.hostname);
        const assignment = portLoadAssignment({ mesh, outbound, subset, caller: place, clusterName, resolvedBy: "eds", onlyMutualTls });
        return encode(ENDPOINT_TYPE, ClusterLoadAssignmentSchema, assignment, clusterName);
      });
    const endpoints = mesh.endpoints(service.hostname, port.number, service.namespace);
    const inputs = [mesh.config, mesh.hasCertificateAuthority, mesh.peerAuthentications, service, ...(rule?.objects ?? []), endpoints];
    const key = keyOf(outbound, byEds, topologyKey(outbound, mesh, place));
    resources.push(...shared(cache, `eds ${key}`, inputs, make(outboundClusterName, false)));
    if (passesThrough && !service.external) resources.push(...shared(cache, `eds sni-dnat ${key}`, inputs, make(outboundServerName, true)));
  }
  return resources;
}

function keyOf(outbound: OutboundPort, subsets: readonly string[], topology: string): string {
  return `${outboundPortKey(outbound)} ${subsets.join(",")} ${topology}`;
}

function shared(
  cache: ResourceCache | undefined,
  key: string,
  inputs: readonly unknown[],
  make: () => readonly Resource[],
): readonly Resource[] {
  return cache === undefined ? make() : cache.get(key, inputs, make);
}
