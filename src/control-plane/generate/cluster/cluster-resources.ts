// All clusters of one proxy, encoded.
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { portLoadAssignment, topologyKey } from "#control-plane/generate/endpoint/port-load-assignment";
import { topologyOf, type Topology } from "#control-plane/generate/endpoint/topology";
import { encode, type Resource } from "#control-plane/generate/resource";
import type { ResourceCache } from "#control-plane/generate/resource-cache";
import { withShared, type ResourcesByName } from "#control-plane/generate/shared-resources";
import type { Mesh, ProxyView } from "#control-plane/mesh/mesh";
import type { Service, ServiceEndpoint } from "#control-plane/registry/service";
import { CLUSTER_TYPE } from "#envoy/type-urls";
import { autoMutualTls } from "./auto-mutual-tls.ts";
import { callerKey, callerOf, type Caller } from "./caller.ts";
import { outboundClusterName, outboundServerName } from "./cluster-name.ts";
import { allowAnyDynamicDnsCluster, blackHoleCluster, inboundPassthroughCluster, passthroughCluster } from "./fixed-cluster.ts";
import { inboundCluster } from "./inbound-cluster.ts";
import { outboundCluster, type OutboundClusterInputs } from "./outbound-cluster.ts";
import { outboundPortKey, outboundPorts, type OutboundPort } from "./outbound-port.ts";
import { serviceIdentities } from "./service-identity.ts";
import { passesMutualTls } from "./sni-dnat.ts";

export function clusterResources(view: ProxyView, cache: ResourceCache | undefined): ResourcesByName {
  const { config } = view.mesh;
  const caller = callerOf(view);
  const clusters = [blackHoleCluster(config)];
  if (view.node.type === "sidecar") {
    clusters.push(passthroughCluster(config, caller), inboundPassthroughCluster(config, caller));
    if (view.outboundTrafficPolicy.mode === "ALLOW_ANY_DYNAMIC_DNS") clusters.push(allowAnyDynamicDnsCluster(config, caller));
    for (const port of view.inboundPorts) {
      clusters.push(
        inboundCluster({
          port,
          rule: port.service === undefined ? undefined : view.destinationRule(port.service.hostname),
          connectionPool: port.connectionPool ?? view.inboundConnectionPool,
          mesh: config,
          caller,
          ipAddresses: view.node.ipAddresses,
        }),
      );
    }
  }
  const own = clusters.map((cluster) => encode(CLUSTER_TYPE, ClusterSchema, cluster));
  const modes: readonly OutboundClusterInputs["mode"][] = passesMutualTls(view) ? ["default", "sni-dnat"] : ["default"];
  return withShared(cache, `cds ${modes.join()} ${callerKey(caller)}`, view, own, () => outboundResources(view, caller, modes, cache));
}

function outboundResources(
  view: ProxyView,
  caller: Caller,
  modes: readonly OutboundClusterInputs["mode"][],
  cache: ResourceCache | undefined,
): readonly Resource[] {
  const { mesh } = view;
  const place = topologyOf(view);
  const alike = callerKey(caller);
  const resources: Resource[] = [];
  for (const outbound of outboundPorts(view)) {
    // Names that the proxy looks up stand in the cluster, weighed by where the caller is.
    const topology = outbound.service.resolution.startsWith("DNS") ? topologyKey(outbound, mesh, place) : "";
    for (const mode of modes) {
      if (mode === "sni-dnat" && outbound.service.external) continue;
      const make = (): readonly Resource[] => portClusters(mesh, outbound, caller, place, mode);
      const key = `cds ${mode} ${alike} ${outboundPortKey(outbound)} ${topology}`;
      resources.push(...(cache === undefined ? make() : cache.get(key, clusterInputs(mesh, outbound), make)));
    }
  }
  return resources;
}

/** What the clusters of a port are made of beside the caller: they change when one of these does. */
function clusterInputs(mesh: Mesh, { service, port, rule }: OutboundPort): readonly unknown[] {
  const endpoints = mesh.endpoints(service.hostname, port.number, service.namespace);
  const identities = identitiesOf(mesh, service).join();
  return [mesh.config, mesh.hasCertificateAuthority, mesh.peerAuthentications, service, ...(rule?.objects ?? []), endpoints, identities];
}

function portClusters(
  mesh: Mesh,
  outbound: OutboundPort,
  caller: Caller,
  place: Topology,
  mode: OutboundClusterInputs["mode"],
): readonly Resource[] {
  const { service, port, rule, subsets } = outbound;
  const identities = identitiesOf(mesh, service);
  const nameOf = mode === "default" ? outboundClusterName : outboundServerName;
  return subsets.flatMap((subset) => {
    const cluster = outboundCluster({
      service,
      port,
      subset,
      rule,
      mesh: mesh.config,
      hasCertificateAuthority: mesh.hasCertificateAuthority,
      caller,
      mode,
      identities,
      autoMutualTls: autoMutualTls(mesh, service, port, rule, subset),
      loadAssignment: () =>
        portLoadAssignment({
          mesh,
          outbound,
          subset,
          caller: place,
          clusterName: nameOf(port.number, subset, service.hostname),
          resolvedBy: "dns",
          onlyMutualTls: mode === "sni-dnat",
        }),
    });
    return cluster === undefined ? [] : [encode(CLUSTER_TYPE, ClusterSchema, cluster)];
  });
}

const identitiesByMesh = new WeakMap<Mesh, Map<Service, readonly string[]>>();

/** They are those of all ports: gathered once, not for each port again. */
function identitiesOf(mesh: Mesh, service: Service): readonly string[] {
  let byService = identitiesByMesh.get(mesh);
  if (byService === undefined) identitiesByMesh.set(mesh, (byService = new Map()));
  let identities = byService.get(service);
  if (identities === undefined) byService.set(service, (identities = serviceIdentities(service, endpointsOf(mesh, service), mesh.config)));
  return identities;
}

function* endpointsOf(mesh: Mesh, service: Service): Iterable<ServiceEndpoint> {
  for (const port of service.ports) yield* mesh.endpoints(service.hostname, port.number, service.namespace);
}
