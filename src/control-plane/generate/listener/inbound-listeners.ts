// Where calls to the application arrive: virtualInbound for captured ones, and a listener of its own for every port that is not captured.
import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { FilterChain, ListenerFilter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { InboundPort, ProxyView } from "#control-plane/mesh/mesh";
import { durationOf } from "#control-plane/generate/duration";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { listenerAccessLogs } from "#control-plane/generate/network-filter/access-log";
import { bufferLimit, connectionBalance } from "./connection-options.ts";
import { blackHoleChain, passThroughChains, portChains } from "./inbound-chains.ts";
import { wildcardAddresses } from "./ip-families.ts";
import { listenerAddresses } from "./listener.ts";
import { inspectors, originalDestination, originalSource } from "./listener-filters.ts";
import { agentPorts } from "./outbound-port.ts";

export function inboundListeners(view: ProxyView): readonly Listener[] {
  const ports = servedInboundPorts(view);
  const own = ports
    .filter(({ bindToPort }) => bindToPort)
    .map((port) => inboundListener(`${port.bind}_${port.targetPort}`, [port.bind], port.targetPort, portChains(port, view), view));
  if (view.interceptionMode === "NONE") return own;
  return [
    virtualInbound(
      ports.filter(({ bindToPort }) => !bindToPort),
      view,
    ),
    ...own,
  ];
}

/** Inbound ports that a listener takes: the first of two at one target port, and none that the proxy's own listeners have. */
function servedInboundPorts(view: ProxyView): readonly InboundPort[] {
  const wildcard = wildcardAddresses(view.node)[0];
  const taken = new Set<string>();
  return view.inboundPorts.filter((port) => {
    const key = port.bindToPort ? `${port.bind}_${port.targetPort}` : String(port.targetPort);
    // Without capture there is nothing to do about UDP; with it istiod keeps a place for the port, and so do we.
    if (taken.has(key) || (port.bindToPort && port.port.protocol === "UDP")) return false;
    if (port.bind === wildcard && agentPorts(view).includes(port.targetPort)) return false;
    taken.add(key);
    return true;
  });
}

function virtualInbound(ports: readonly InboundPort[], view: ProxyView): Listener {
  const chains = [blackHoleChain(filterInputs(view)), ...passThroughChains(view), ...ports.flatMap((port) => portChains(port, view))];
  const port = view.mesh.config.proxyInboundListenPort ?? 0;
  const listener = inboundListener("virtualInbound", [wildcardAddresses(view.node)[0]], port, chains, view);
  const isTransparent = view.interceptionMode === "TPROXY";
  if (isTransparent) listener.transparent = true;
  const captured: ListenerFilter[] = [originalDestination(), ...(isTransparent ? [originalSource()] : [])];
  listener.listenerFilters.unshift(...captured);
  return listener;
}

function inboundListener(
  name: string,
  addresses: readonly string[],
  port: number,
  filterChains: readonly FilterChain[],
  view: ProxyView,
): Listener {
  const { config } = view.mesh;
  return create(ListenerSchema, {
    name,
    ...listenerAddresses(addresses, port),
    trafficDirection: TrafficDirection.INBOUND,
    maxConnectionsToAcceptPerSocketEvent: 1,
    ...bufferLimit(view),
    ...connectionBalance("INBOUND", view),
    accessLog: listenerAccessLogs(config),
    filterChains: [...filterChains],
    listenerFilters: inspectors(filterChains),
    listenerFiltersTimeout: durationOf(config.protocolDetectionTimeout ?? 0),
    continueOnListenerFiltersTimeout: true,
  });
}
