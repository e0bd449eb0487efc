// virtualOutbound: where captured calls of the application arrive. It hands each to the listener of its destination, and keeps the rest.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { FilterChainSchema, type FilterChain } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { catchAllHost } from "#control-plane/generate/route/catch-all-host";
import { routeConfiguration } from "#control-plane/generate/route/route-configuration";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { ALLOW_ANY_DYNAMIC_DNS_CLUSTER } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { listenerAccessLogs } from "#control-plane/generate/network-filter/access-log";
import { connectionManagerFilter, outboundConnectionManager } from "#control-plane/generate/network-filter/connection-manager";
import { blackHoleFilters } from "#control-plane/generate/network-filter/tcp-filters";
import { filterChain } from "./filter-chain.ts";
import { wildcardAddresses } from "./ip-families.ts";
import { listenerAddresses } from "./listener.ts";
import { httpInspector } from "./listener-filters.ts";
import { PLAINTEXT_HTTP_ALPN } from "./listener-protocol.ts";
import { unknownDestinationFilters } from "./unknown-destination.ts";

export function virtualOutboundListener(view: ProxyView): Listener {
  const { config } = view.mesh;
  const port = config.proxyListenPort ?? 0;
  return create(ListenerSchema, {
    name: "virtualOutbound",
    ...listenerAddresses([wildcardAddresses(view.node)[0]], port),
    ...(view.interceptionMode === "TPROXY" ? { transparent: true } : {}),
    useOriginalDst: true,
    trafficDirection: TrafficDirection.OUTBOUND,
    maxConnectionsToAcceptPerSocketEvent: 1,
    accessLog: listenerAccessLogs(config),
    listenerFilters: looksHostsUp(view) ? [httpInspector()] : [],
    ...chainsOf(view, port),
    // Detection may have to give up: a server that speaks first keeps its client silent.
    ...(looksHostsUp(view)
      ? { listenerFiltersTimeout: durationOf(config.protocolDetectionTimeout ?? 0), continueOnListenerFiltersTimeout: true }
      : {}),
  });
}

function chainsOf(view: ProxyView, port: number): MessageInitShape<typeof ListenerSchema> {
  const blackHole = create(FilterChainSchema, {
    name: "virtualOutbound-blackhole",
    filterChainMatch: { destinationPort: port },
    filters: blackHoleFilters("sidecar-outbound", filterInputs(view)),
  });
  const rest = create(FilterChainSchema, { name: "virtualOutbound-catchall-tcp", filters: unknownDestinationFilters(view) });
  if (!looksHostsUp(view)) return { filterChains: [blackHole, rest] };
  // Plaintext that is no HTTP meets half of the chain for HTTP and would find no other but the default one.
  return { filterChains: [blackHole, lookedUpHttpChain(view)], defaultFilterChain: rest };
}

/** ALLOW_ANY_DYNAMIC_DNS: requests go where their Host says, not where the connection went. */
function looksHostsUp({ outboundTrafficPolicy: { mode, egressProxy } }: ProxyView): boolean {
  return mode === "ALLOW_ANY_DYNAMIC_DNS" && egressProxy === undefined;
}

function lookedUpHttpChain(view: ProxyView): FilterChain {
  const routes = routeConfiguration(ALLOW_ANY_DYNAMIC_DNS_CLUSTER, [catchAllHost(view)], false);
  const chain = { statPrefix: `${ALLOW_ANY_DYNAMIC_DNS_CLUSTER};`, routes, protocol: "HTTP" } as const;
  const filters = [connectionManagerFilter(outboundConnectionManager(chain, filterInputs(view)))];
  const made = filterChain({ filters, applicationProtocols: PLAINTEXT_HTTP_ALPN, transportProtocol: "raw_buffer" });
  return { ...made, name: "virtualOutbound-catchall-http" };
}
