// Chains for ports whose connections are encrypted by the application: told apart by the server name that the caller asks for.
import type { ProxyView } from "#control-plane/mesh/mesh";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import { routeFilters, serviceFilters } from "#control-plane/generate/network-filter/tcp-destination";
import type { ChainPlan } from "./filter-chain.ts";
import { wildcardAddresses } from "./ip-families.ts";
import { isForCaller } from "./l4-match.ts";
import { isTls } from "./listener-protocol.ts";
import type { OutboundTarget } from "./outbound-chains.ts";

export function tlsChains(target: OutboundTarget, view: ProxyView): readonly ChainPlan[] {
  if (!isTls(target.port.protocol)) return [];
  const routed = routedChains(target, view);
  if (routed.length > 0) return routed;
  const { service, port, networks } = target;
  return [
    {
      ...(needsServerName(target, view) ? { serverNames: namesOf(target, view) } : {}),
      destinations: networks,
      filters: serviceFilters(service, port, view),
    },
  ];
}

function routedChains({ port, networks, virtualServices }: OutboundTarget, view: ProxyView): readonly ChainPlan[] {
  const chains: ChainPlan[] = [];
  // Of matches that ask for the same names and networks only the first can ever be reached.
  const seen = new Set<string>();
  for (const { object, spec } of virtualServices) {
    for (const { match: matches, route = [] } of spec.tls ?? []) {
      for (const match of matches) {
        const { sniHosts, destinationSubnets = [] } = match;
        const key = JSON.stringify([sniHosts, destinationSubnets]);
        if (seen.has(key) || !isForCaller(match, view.node, port.number)) continue;
        seen.add(key);
        const filters = routeFilters(route, port, object, view);
        if (filters === undefined) continue;
        chains.push({
          serverNames: sniHosts,
          destinations: destinationSubnets.length > 0 && port.number > 0 ? destinationSubnets : networks,
          filters,
          metadata: istioMetadata({ config: configPath(object) }),
        });
      }
    }
  }
  return chains;
}

/** Where services share an address, the name is all that tells them apart. */
function needsServerName({ service, address, networks }: OutboundTarget, view: ProxyView): boolean {
  const wildcard = wildcardAddresses(view.node)[0];
  return networks.length > 0 || (service.addresses.length === 0 && address === wildcard);
}

function namesOf({ service }: OutboundTarget, view: ProxyView): readonly string[] {
  const aliases = view.services.filter(({ resolution, alias }) => resolution === "ALIAS" && alias === service.hostname);
  return [service.hostname, ...aliases.map(({ hostname }) => hostname)];
}
