// What a gateway between networks lets through: mutual TLS of the mesh, to any service that the server's hosts cover, by the server name
// in which a sidecar says whom it calls. Nothing is decrypted, so only what looks like the mesh's own TLS gets a chain.
import { isHostWithin } from "#control-plane/mesh/host";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { outboundServerName } from "#control-plane/generate/cluster/cluster-name";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import type { ChainPlan } from "#control-plane/generate/listener/filter-chain";
import { destinationSettings } from "#control-plane/generate/network-filter/tcp-destination";
import { proxyTo, tcpFilters } from "#control-plane/generate/network-filter/tcp-filters";

/** In which sidecars say that they speak the mesh's mutual TLS. */
const MESH_ALPN = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];

export function autoPassthroughChains(hosts: readonly string[], view: ProxyView): readonly ChainPlan[] {
  const inputs = filterInputs(view);
  const chains: ChainPlan[] = [];
  for (const service of view.services) {
    if (service.external || !hosts.some((host) => isHostWithin(service.hostname, host))) continue;
    const rule = view.destinationRule(service.hostname)?.spec;
    for (const { number, protocol } of service.ports) {
      if (protocol === "UDP") continue;
      for (const subset of ["", ...(rule?.subsets ?? []).map(({ name }) => name)]) {
        const name = outboundServerName(number, subset, service.hostname);
        const proxy = { ...proxyTo(name), ...destinationSettings(rule, subset) };
        chains.push({
          serverNames: [name],
          applicationProtocols: MESH_ALPN,
          filters: tcpFilters({ class: "gateway", protocol, proxy }, inputs),
        });
      }
    }
  }
  return chains;
}
