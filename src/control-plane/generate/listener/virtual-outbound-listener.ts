// virtualOutbound: where captured calls of the application arrive. It hands each to the listener of its destination, and keeps the rest.
import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { listenerAccessLogs } from "#control-plane/generate/network-filter/access-log";
import { blackHoleFilters } from "#control-plane/generate/network-filter/tcp-filters";
import { wildcardAddresses } from "./ip-families.ts";
import { listenerAddresses } from "./listener.ts";
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
    filterChains: [
      {
        name: "virtualOutbound-blackhole",
        filterChainMatch: { destinationPort: port },
        filters: blackHoleFilters("sidecar-outbound", filterInputs(view)),
      },
      { name: "virtualOutbound-catchall-tcp", filters: unknownDestinationFilters(view) },
    ],
  });
}
