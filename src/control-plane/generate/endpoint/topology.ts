// Where a proxy or an endpoint is, and the labels that say so: what failoverPriority compares.
import type { ProxyView } from "#control-plane/mesh/mesh";
import type { Labels } from "#control-plane/registry/labels";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { localityOf } from "./locality.ts";

export interface Topology {
  readonly locality: string;
  readonly network: string;
  readonly clusterId: string;
  readonly nodeName: string;
  readonly labels: Labels;
}

export function topologyOf(view: ProxyView): Topology {
  const { network, clusterId, nodeName, labels } = view.node;
  return { locality: view.locality, network, clusterId, nodeName, labels };
}

/** The label's value, or what is known without it: Istio adds such labels to proxies and endpoints. */
export function topologyLabel(place: Topology | ServiceEndpoint, name: string): string {
  switch (name) {
    case "topology.kubernetes.io/region":
      return localityOf(place.locality).region || (place.labels[name] ?? "");
    case "topology.kubernetes.io/zone":
      return localityOf(place.locality).zone || (place.labels[name] ?? "");
    case "topology.istio.io/subzone":
      return localityOf(place.locality).subZone || (place.labels[name] ?? "");
    case "topology.istio.io/network":
      return place.network || (place.labels[name] ?? "");
    case "topology.istio.io/cluster":
      return place.clusterId || (place.labels[name] ?? "");
    case "kubernetes.io/hostname":
      return place.nodeName || (place.labels[name] ?? "");
    default:
      return place.labels[name] ?? "";
  }
}
