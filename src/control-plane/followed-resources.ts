// What of a cluster means something to the mesh.
import type { FollowedResource } from "#control-plane/config/kubernetes/resource-follower";
import type { ResourceTable } from "#control-plane/api-server/resources/resource-table";

/** As istiod leaves out what is large and never a gateway's certificate. */
const SECRETS = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";
const MESH_CONFIG = "istio";
/** In every namespace, and never an authority that a policy names. */
const ROOT_CERTIFICATES = ["kube-root-ca.crt", "istio-ca-root-cert"];

function core(resource: string, more: Partial<FollowedResource> = {}): FollowedResource {
  return { group: "", resource, optional: false, ...more };
}

/** Istio's kinds and the Gateway API's, as far as the cluster has them, and Kubernetes' that say where workloads and certificates are. */
export function followedResources(table: ResourceTable, rootNamespace: string): readonly FollowedResource[] {
  const others = [MESH_CONFIG, ...ROOT_CERTIFICATES].map((name) => `metadata.name!=${name}`).join(",");
  return [
    ...["namespaces", "nodes", "services", "pods"].map((resource) => core(resource)),
    core("secrets", { fieldSelector: SECRETS }),
    // The one of the root namespace is MeshConfig; elsewhere the name means nothing.
    core("configmaps", { namespace: rootNamespace, fieldSelector: `metadata.name=${MESH_CONFIG}` }),
    core("configmaps", { fieldSelector: others }),
    { group: "discovery.k8s.io", resource: "endpointslices", optional: false },
    { group: "networking.k8s.io", resource: "ingresses", optional: false },
    { group: "networking.k8s.io", resource: "ingressclasses", optional: false },
    ...table.all.filter(({ isCustom }) => isCustom).map(({ group, plural }) => ({ group, resource: plural, optional: true })),
  ];
}
