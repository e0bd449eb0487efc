// Connections to destinations that nobody declared: where the outbound traffic policy sends them.
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { BLACK_HOLE_CLUSTER, outboundClusterName, PASSTHROUGH_CLUSTER } from "#control-plane/generate/cluster/cluster-name";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { proxyTo, tcpFilters } from "#control-plane/generate/network-filter/tcp-filters";

export function unknownDestinationFilters(view: ProxyView): Filter[] {
  return tcpFilters({ class: "sidecar-outbound", protocol: "TCP", proxy: proxyTo(clusterOf(view)) }, filterInputs(view));
}

function clusterOf({ outboundTrafficPolicy: { mode, egressProxy } }: ProxyView): string {
  if (mode === "REGISTRY_ONLY") return BLACK_HOLE_CLUSTER;
  if (egressProxy === undefined) return PASSTHROUGH_CLUSTER;
  return outboundClusterName(egressProxy.port?.number ?? 0, egressProxy.subset ?? "", egressProxy.host);
}
