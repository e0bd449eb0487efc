// An outbound listener of a sidecar from its entry.
import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { FilterChainSchema, type FilterChain } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { durationOf } from "#control-plane/generate/duration";
import { bufferLimit, connectionBalance } from "./connection-options.ts";
import { filterChain, matchesAll, type ChainPlan } from "./filter-chain.ts";
import { listenerAddresses } from "./listener.ts";
import { httpInspector, tlsInspector } from "./listener-filters.ts";
import type { OutboundEntry } from "./outbound-entries.ts";
import { unknownDestinationFilters } from "./unknown-destination.ts";

export function outboundListener({ port, binding, chains }: OutboundEntry, view: ProxyView): Listener {
  const detectsHttp = chains.some(({ applicationProtocols = [] }) => applicationProtocols.length > 0);
  const detectsServerName = chains.some(({ serverNames = [] }) => serverNames.length > 0);
  const [address = ""] = binding.addresses;
  return create(ListenerSchema, {
    name: `${address}_${port}`,
    ...listenerAddresses(binding.addresses, port),
    ...(binding.bindToPort ? { maxConnectionsToAcceptPerSocketEvent: 1 } : { bindToPort: false }),
    trafficDirection: TrafficDirection.OUTBOUND,
    ...bufferLimit(view),
    ...connectionBalance("OUTBOUND", view),
    ...chainsOf(chains, view),
    listenerFilters: [...(detectsServerName ? [tlsInspector()] : []), ...(detectsHttp ? [httpInspector()] : [])],
    // Only detection may have to give up: a server that speaks first keeps its client silent.
    listenerFiltersTimeout: durationOf(detectsHttp ? (view.mesh.config.protocolDetectionTimeout ?? 0) : 0),
    continueOnListenerFiltersTimeout: true,
  });
}

/**
 * A chain that takes everything is the default one, so that a connection which meets half of another chain's conditions still finds it;
 * where there is none, connections go where those of unknown destinations go.
 */
function chainsOf(chains: readonly ChainPlan[], view: ProxyView): { filterChains: FilterChain[]; defaultFilterChain?: FilterChain } {
  const conditional = chains.filter((chain) => !matchesAll(chain)).map(filterChain);
  const last = chains.findLast(matchesAll);
  if (last === undefined) return { filterChains: conditional, defaultFilterChain: passThroughChain(view) };
  const unconditional = filterChain(last);
  return conditional.length === 0 ? { filterChains: [unconditional] } : { filterChains: conditional, defaultFilterChain: unconditional };
}

function passThroughChain(view: ProxyView): FilterChain {
  return create(FilterChainSchema, {
    name: "PassthroughFilterChain",
    filterChainMatch: {},
    filters: unknownDestinationFilters(view),
  });
}
