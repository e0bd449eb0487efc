// virtualOutbound: where captured calls of the application arrive. It hands each to the listener of its destination, and keeps the rest.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { FilterChainSchema } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { durationOf } from "#control-plane/generate/duration";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { listenerAccessLogs } from "#control-plane/generate/network-filter/access-log";
import { blackHoleFilters } from "#control-plane/generate/network-filter/tcp-filters";
import { bufferLimit } from "./connection-options.ts";
import { wildcardAddresses } from "./ip-families.ts";
import { httpInspector } from "./listener-filters.ts";
import { listenerAddresses } from "./listener.ts";
import { unknownDestinationFilters, unknownHostChain } from "./unknown-destination.ts";

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
    ...bufferLimit(view),
    accessLog: listenerAccessLogs(config),
    ...chainsOf(view, port),
  });
}

function chainsOf(view: ProxyView, destinationPort: number): Exclude<MessageInitShape<typeof ListenerSchema>, Listener> {
  const blackHole = create(FilterChainSchema, {
    name: "virtualOutbound-blackhole",
    filterChainMatch: { destinationPort },
    filters: blackHoleFilters("sidecar-outbound", filterInputs(view)),
  });
  const rest = create(FilterChainSchema, { name: "virtualOutbound-catchall-tcp", filters: unknownDestinationFilters(view) });
  const requests = unknownHostChain(view);
  if (requests === undefined) return { filterChains: [blackHole, rest] };
  return {
    // Plaintext that is no HTTP meets half of the chain for HTTP and would find no other but the default one.
    filterChains: [blackHole, { ...requests, name: "virtualOutbound-catchall-http" }],
    defaultFilterChain: rest,
    listenerFilters: [httpInspector()],
    // Detection may have to give up: a server that speaks first keeps its client silent.
    listenerFiltersTimeout: durationOf(view.mesh.config.protocolDetectionTimeout ?? 0),
    continueOnListenerFiltersTimeout: true,
  };
}
