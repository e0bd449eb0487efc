// Filter chains of the servers of a gateway that are not plain HTTP: each is known by the server names that it serves.
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { ServerTLSSettings } from "#api/gateway";
import { cipherSuites } from "#api/gateway/cipher-suites";
import type { L4MatchAttributes, TLSMatchAttributes } from "#api/virtual-service";
import { gatewayNameOf, hostsForNamespace, isPassthrough } from "#control-plane/mesh/gateway-servers";
import { hostsOverlap } from "#control-plane/mesh/host";
import type { GatewayServer, ProxyView, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { parseProtocol } from "#control-plane/registry/protocol";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { hasExtension } from "#control-plane/generate/istio-extension";
import type { ChainPlan } from "#control-plane/generate/listener/filter-chain";
import { connectionManagerFilter, gatewayConnectionManager } from "#control-plane/generate/network-filter/connection-manager";
import { metadataExchange } from "#control-plane/generate/network-filter/istio-filters";
import { routeFilters } from "#control-plane/generate/network-filter/tcp-destination";
import { fileReaderOf } from "#control-plane/generate/transport-socket/file-secrets";
import { downstreamTlsContext } from "#control-plane/generate/transport-socket/downstream-tls-context";
import { downstreamTlsSocket } from "#control-plane/generate/transport-socket/transport-socket";
import { autoPassthroughChains } from "./auto-passthrough-chains.ts";

/** `statPrefix` is that of the listener; server names that are in use on it are added to `taken`. */
export function serverChains(server: GatewayServer, statPrefix: string, taken: Set<string>, view: ProxyView): readonly ChainPlan[] {
  const { tls } = server;
  if (tls === undefined) {
    const filters = tcpFiltersOf(server, view);
    return filters === undefined ? [] : [{ filters }];
  }
  if (server.tlsMode === "AUTO_PASSTHROUGH") return autoPassthroughChains(serverNames(server), view);
  if (isPassthrough(server.tlsMode)) return passthroughChains(server, taken, view);
  // Certificates of the mesh where it issues none: the server is not opened, which a finding says.
  if (server.tlsMode === "ISTIO_MUTUAL" && !view.mesh.hasCertificateAuthority) return [];
  const filters = server.routeName === "" ? tcpFiltersOf(server, view) : [httpFilter(server, statPrefix, view)];
  const transportSocket = tlsSocket(server, tls, view);
  return filters === undefined
    ? []
    : [{ serverNames: serverNames(server), filters, ...(transportSocket === undefined ? {} : { transportSocket }) }];
}

function httpFilter(server: GatewayServer, statPrefix: string, view: ProxyView): Filter {
  const name = server.gateway.spec.servers?.[server.serverIndex]?.name ?? "";
  const chain = { statPrefix: name === "" ? statPrefix : name, routes: server.routeName, protocol: parseProtocol(server.protocol) };
  return connectionManagerFilter(gatewayConnectionManager(chain, filterInputs(view)));
}

function tlsSocket(server: GatewayServer, tls: ServerTLSSettings, view: ProxyView) {
  const known = tls.cipherSuites?.filter((name) => cipherSuites.has(name));
  const context = downstreamTlsContext(known === undefined ? tls : { ...tls, cipherSuites: [...new Set(known)] }, {
    mesh: view.mesh.config,
    transport: server.routeName === "" ? "tcp" : "http",
    metadataExchange: hasExtension(view.node, "envoy.filters.network.metadata_exchange"),
    fileReader: fileReaderOf(view.node),
  });
  return context === undefined ? undefined : downstreamTlsSocket(context);
}

/** Without the namespaces that stand in front of them. */
function serverNames({ hosts }: GatewayServer): readonly string[] {
  return [...new Set(hosts.map((host) => host.slice(host.indexOf("/") + 1)))].sort();
}

/** The first TCP route that is for the server; undefined when there is none: then nobody has said where connections go. */
function tcpFiltersOf(server: GatewayServer, view: ProxyView): readonly Filter[] | undefined {
  for (const { object, spec } of virtualServicesOf(server, view)) {
    for (const { match = [], route = [] } of spec.tcp ?? []) {
      if (route.length === 0 || (match.length > 0 && !match.some((one) => isForServer(one, server)))) continue;
      const filters = routeFilters(route, portOf(server), object, view);
      if (filters === undefined) return undefined;
      return server.tlsMode === "ISTIO_MUTUAL" ? [...metadataExchange(filterInputs(view)), ...filters] : filters;
    }
  }
  return undefined;
}

/** A chain for each match of a TLS route; of several that ask for one server name only the first counts. */
function passthroughChains(server: GatewayServer, taken: Set<string>, view: ProxyView): readonly ChainPlan[] {
  const chains: ChainPlan[] = [];
  for (const { object, spec } of virtualServicesOf(server, view)) {
    for (const { match: matches, route = [] } of spec.tls ?? []) {
      for (const match of matches) {
        if (!isForServer(match, server) || match.sniHosts.some((name) => taken.has(name))) continue;
        const filters = routeFilters(route, portOf(server), object, view);
        if (filters === undefined) continue;
        for (const name of match.sniHosts) taken.add(name);
        chains.push({ serverNames: match.sniHosts, filters });
      }
    }
  }
  return chains;
}

/** VirtualServices of the server's Gateway that have a host with it in common. */
function virtualServicesOf(server: GatewayServer, view: ProxyView): readonly ResolvedVirtualService[] {
  return view.gatewayVirtualServices(gatewayNameOf(server)).filter(({ object, hosts }) => {
    const served = hostsForNamespace(server, object.metadata.namespace);
    return served.some((host) => hosts.some((other) => hostsOverlap(host, other)));
  });
}

/** At a gateway nothing is known of the caller: only the port and the Gateway count. */
function isForServer({ port = 0, gateways = [] }: L4MatchAttributes | TLSMatchAttributes, server: GatewayServer): boolean {
  return (port === 0 || port === server.portNumber) && (gateways.length === 0 || gateways.includes(gatewayNameOf(server)));
}

function portOf({ portNumber, protocol }: GatewayServer) {
  return { number: portNumber, protocol: parseProtocol(protocol) };
}
