// Connections to destinations that nobody declared: where the outbound traffic policy sends them.
import type { Filter, FilterChain } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import {
  ALLOW_ANY_DYNAMIC_DNS_CLUSTER,
  BLACK_HOLE_CLUSTER,
  outboundClusterName,
  PASSTHROUGH_CLUSTER,
} from "#control-plane/generate/cluster/cluster-name";
import { unknownHostCaches } from "#control-plane/generate/cluster/dns-caches";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { connectionManagerFilter, outboundConnectionManager } from "#control-plane/generate/network-filter/connection-manager";
import { proxyTo, tcpFilters } from "#control-plane/generate/network-filter/tcp-filters";
import { catchAllHost } from "#control-plane/generate/route/catch-all-host";
import { routeConfiguration } from "#control-plane/generate/route/route-configuration";
import { filterChain } from "./filter-chain.ts";
import { PLAINTEXT_HTTP_ALPN } from "./listener-protocol.ts";

export function unknownDestinationFilters(view: ProxyView): Filter[] {
  return tcpFilters({ class: "sidecar-outbound", protocol: "TCP", proxy: proxyTo(clusterOf(view)) }, filterInputs(view));
}

function clusterOf({ outboundTrafficPolicy: { mode, egressProxy } }: ProxyView): string {
  if (mode === "REGISTRY_ONLY") return BLACK_HOLE_CLUSTER;
  if (egressProxy === undefined) return PASSTHROUGH_CLUSTER;
  return outboundClusterName(egressProxy.port?.number ?? 0, egressProxy.subset ?? "", egressProxy.host);
}

/** Requests, which name a host that can be looked up. Undefined where they go the way of all connections. */
export function unknownHostChain(view: ProxyView): FilterChain | undefined {
  const dnsCaches = unknownHostCaches(view);
  if (dnsCaches.length === 0) return undefined;
  const routes = routeConfiguration(ALLOW_ANY_DYNAMIC_DNS_CLUSTER, [catchAllHost(view)], true);
  const chain = { statPrefix: `${ALLOW_ANY_DYNAMIC_DNS_CLUSTER};`, routes, protocol: "HTTP", dnsCaches } as const;
  const filters = [connectionManagerFilter(outboundConnectionManager(chain, filterInputs(view)))];
  return filterChain({ filters, applicationProtocols: PLAINTEXT_HTTP_ALPN, transportProtocol: "raw_buffer" });
}
