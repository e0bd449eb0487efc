// Listeners of gateways: one per port of the proxy that HTTP servers of the selecting Gateways use. Servers that end or pass TLS
// and TCP servers are not generated yet: they are left out, never replaced by something in the clear.
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { GatewayServer, ProxyView } from "#control-plane/mesh/mesh";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { listener, statPrefix } from "#control-plane/generate/listener/listener";
import { connectionManagerFilter, gatewayConnectionManager } from "#control-plane/generate/network-filter/connection-manager";

const HTTP_PROTOCOLS: ReadonlySet<string> = new Set(["HTTP", "HTTP2", "GRPC", "GRPC-WEB"]);

/** The HTTP servers of each port where the proxy listens, in the order of the ports. */
function httpServersByPort(view: ProxyView): ReadonlyMap<number, readonly GatewayServer[]> {
  const byPort = new Map<number, GatewayServer[]>();
  for (const server of view.gatewayServers) {
    if (!HTTP_PROTOCOLS.has(server.protocol.toUpperCase())) continue;
    const servers = byPort.get(server.targetPort);
    if (servers === undefined) byPort.set(server.targetPort, [server]);
    else servers.push(server);
  }
  return new Map([...byPort].sort(([a], [b]) => a - b));
}

export function gatewayListeners(view: ProxyView): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const [port, servers] of httpServersByPort(view)) {
    const bind = servers[0]?.bind ?? "";
    const address = bind === "" ? "0.0.0.0" : bind;
    const addresses = bind === "" && view.node.gatewayBindAddresses.length > 0 ? view.node.gatewayBindAddresses : [address];
    const chain = { statPrefix: statPrefix("outbound", address, port), routes: servers[0]?.routeName ?? "", protocol: "HTTP" } as const;
    const manager = gatewayConnectionManager(chain, filterInputs(view));
    listeners.push(
      // The name stays that of the wildcard address wherever the node binds: tools look for `0.0.0.0_8080`.
      listener({ name: `${address}_${port}`, addresses, port, filters: [connectionManagerFilter(manager)] }),
    );
  }
  return listeners;
}
