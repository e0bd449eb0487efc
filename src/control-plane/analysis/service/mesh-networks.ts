// The service registries that MeshNetworks names must exist: Istio's own, and clusters that a remote secret leads to.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const BUILT_IN = ["Mock", "Kubernetes", "External"];
const REMOTE_SECRET_LABEL = "istio/multiCluster";

export const meshNetworksAnalyzer: Analyzer = {
  name: "meshnetworks.MeshNetworksAnalyzer",
  description: "Service registries that MeshNetworks names exist",
  inputs: ["MeshNetworks", "Secret"],
  analyze: ({ objects, report }) => {
    const registries = new Set(BUILT_IN);
    for (const { labels, spec } of objects.list("Secret")) {
      if (labels[REMOTE_SECRET_LABEL] === "true")
        for (const name of [...Object.keys(spec.data ?? {}), ...Object.keys(spec.stringData ?? {})]) registries.add(name);
    }
    for (const meshNetworks of objects.list("MeshNetworks")) {
      for (const [name, network] of Object.entries(meshNetworks.spec.networks ?? {})) {
        for (const [index, endpoints] of (network?.endpoints ?? []).entries()) {
          const registry = endpoints?.fromRegistry;
          if (registry === undefined || registries.has(registry)) continue;
          const where = { near: `networks.${name}.endpoints[${index}]`, hint: "name a cluster that has a remote secret" };
          report(meshNetworks, MESSAGES.UnknownMeshNetworksServiceRegistry, [registry, name], where);
        }
      }
    }
  },
};
