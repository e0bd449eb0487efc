// Listeners of gateways: one for each port and address that servers of the selecting Gateways use. All plain HTTP servers of a listener
// are one filter chain, told apart by Host; servers with TLS have chains of their own, told apart by the server name that callers ask for.
import { create } from "@bufbuild/protobuf";
import { TrafficDirection as Direction } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { GatewayServer, ProxyView } from "#control-plane/mesh/mesh";
import { parseProtocol } from "#control-plane/registry/protocol";
import { isHttp } from "#control-plane/registry/service";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { bufferLimit, connectionBalance } from "#control-plane/generate/listener/connection-options";
import { filterChain, type ChainPlan } from "#control-plane/generate/listener/filter-chain";
import { wildcardAddresses } from "#control-plane/generate/listener/ip-families";
import { listenerAddresses, statPrefix } from "#control-plane/generate/listener/listener";
import { proxyProtocol, tlsInspector } from "#control-plane/generate/listener/listener-filters";
import { listenerAccessLogs } from "#control-plane/generate/network-filter/access-log";
import { connectionManagerFilter, gatewayConnectionManager } from "#control-plane/generate/network-filter/connection-manager";
import { serverChains } from "./server-chains.ts";

/** Below this only a process with privileges may listen. */
const FIRST_UNPRIVILEGED_PORT = 1024;

/** The servers of one listener. */
interface Place {
  readonly bind: string;
  readonly port: number;
  readonly servers: GatewayServer[];
}

export function gatewayListeners(view: ProxyView): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const place of placesOf(view)) {
    const chains = chainsOf(place, view);
    // Nothing is opened where no server has anything to do.
    if (chains.length > 0) listeners.push(listenerOf(place, chains, view));
  }
  return listeners;
}

function placesOf(view: ProxyView): readonly Place[] {
  const unprivileged = view.node.metadata["UNPRIVILEGED_POD"] === "true";
  const places = new Map<string, Place>();
  for (const server of view.gatewayServers) {
    const { bind, targetPort: port } = server;
    if (unprivileged && port < FIRST_UNPRIVILEGED_PORT) continue;
    const place = places.get(`${bind} ${port}`);
    if (place === undefined) places.set(`${bind} ${port}`, { bind, port, servers: [server] });
    else place.servers.push(server);
  }
  return [...places.values()].sort((a, b) => a.port - b.port || (a.bind < b.bind ? -1 : 1));
}

/** A node may say where it binds instead of the wildcard address; names stay those of the wildcard, which tools look for. */
function addressOf({ bind }: Place, view: ProxyView): { readonly name: string; readonly addresses: readonly string[] } {
  if (bind !== "") return { name: bind, addresses: [bind] };
  const [wildcard] = wildcardAddresses(view.node);
  const announced = view.node.gatewayBindAddresses;
  return { name: wildcard, addresses: announced.length > 0 ? announced : [wildcard] };
}

function chainsOf(place: Place, view: ProxyView): readonly ChainPlan[] {
  const prefix = statPrefix("outbound", addressOf(place, view).name, place.port);
  const chains: ChainPlan[] = [];
  const plain = place.servers.find(({ protocol }) => isHttp(parseProtocol(protocol)));
  const taken = new Set<string>();
  for (const server of byProtocol(place.servers)) {
    if (isHttp(parseProtocol(server.protocol))) {
      if (server !== plain) continue;
      const chain = { statPrefix: prefix, routes: server.routeName, protocol: parseProtocol(server.protocol) };
      chains.push({ filters: [connectionManagerFilter(gatewayConnectionManager(chain, filterInputs(view)))] });
    } else {
      chains.push(...serverChains(server, prefix, taken, view));
    }
  }
  return chains;
}

/** Servers of one protocol stand together, in the order in which protocols come up. */
function byProtocol(servers: readonly GatewayServer[]): readonly GatewayServer[] {
  const order = [...new Set(servers.map(({ protocol }) => protocol))];
  return order.flatMap((protocol) => servers.filter((server) => server.protocol === protocol));
}

function listenerOf(place: Place, chains: readonly ChainPlan[], view: ProxyView): Listener {
  const { name, addresses } = addressOf(place, view);
  return create(ListenerSchema, {
    name: `${name}_${place.port}`,
    ...listenerAddresses(addresses, place.port),
    // Istio calls the listeners of gateways outbound.
    trafficDirection: Direction.OUTBOUND,
    // The PROXY protocol's header stands before everything else.
    listenerFilters: [
      ...(view.proxyConfig.gatewayTopology?.proxyProtocol === undefined ? [] : [proxyProtocol()]),
      ...(chains.some(looksIntoTls) ? [tlsInspector()] : []),
    ],
    filterChains: chains.map(filterChain),
    accessLog: listenerAccessLogs(view.mesh.config),
    maxConnectionsToAcceptPerSocketEvent: 1,
    ...bufferLimit(view),
    ...connectionBalance("OUTBOUND", view),
  });
}

/** It needs the server name, or the protocols that the caller offers. */
function looksIntoTls({ serverNames = [], transportSocket }: ChainPlan): boolean {
  return serverNames.length > 0 || transportSocket !== undefined;
}
