// Chains for ports whose connections are neither HTTP nor TLS.
import type { ProxyView } from "#control-plane/mesh/mesh";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import { routeFilters, serviceFilters } from "#control-plane/generate/network-filter/tcp-destination";
import { conditionsKey, type ChainPlan } from "./filter-chain.ts";
import { isForCaller } from "./l4-match.ts";
import { isTls } from "./listener-protocol.ts";
import type { OutboundTarget } from "./outbound-chains.ts";

export function tcpChains(target: OutboundTarget, view: ProxyView): readonly ChainPlan[] {
  if (isTls(target.port.protocol)) return [];
  const { service, port, networks } = target;
  const { chains, isComplete } = routedChains(target, view);
  return isComplete ? chains : [...chains, { destinations: networks, filters: serviceFilters(service, port, view) }];
}

/** Complete as soon as a route takes whatever the caller addressed. */
function routedChains(
  { port, networks, virtualServices }: OutboundTarget,
  view: ProxyView,
): { readonly chains: readonly ChainPlan[]; readonly isComplete: boolean } {
  const chains: ChainPlan[] = [];
  let isComplete = false;
  for (const { object, spec } of virtualServices) {
    for (const { match: matches = [], route = [] } of spec.tcp ?? []) {
      const filters = routeFilters(route, port, object, view);
      if (filters === undefined) continue;
      const forCaller = matches.filter((match) => isForCaller(match, view.node, port.number));
      // At a unix socket nothing was addressed.
      const takesAll =
        matches.length === 0 || forCaller.some((match) => port.number === 0 || (match.destinationSubnets ?? []).length === 0);
      if (takesAll) {
        const metadata = istioMetadata({ config: configPath(object) });
        return { chains: [...chains, { destinations: networks, filters, metadata }], isComplete: true };
      }
      const destinations = forCaller.flatMap((match) => match.destinationSubnets ?? []);
      if (destinations.length === 0) continue;
      chains.push({ destinations, filters });
      // The service's own chain would ask for the same networks.
      if (networks.length > 0 && conditionsKey({ destinations }) === conditionsKey({ destinations: networks })) isComplete = true;
    }
  }
  return { chains, isComplete };
}
