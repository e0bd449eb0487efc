// Servers of Gateways that open nothing, because nobody says where their connections go: whoever calls the port finds it shut.
import type { Finding } from "#api/finding";
import { keyOf } from "#api/object";
import { gatewayNameOf } from "#control-plane/mesh/gateway-servers";
import type { GatewayServer, ProxyView } from "#control-plane/mesh/mesh";
import { serverChains } from "./server-chains.ts";

/** `views` are those of gateway proxies. */
export function unopenedServerFindings(views: readonly ProxyView[]): readonly Finding[] {
  const findings = new Map<string, Finding>();
  for (const view of views) {
    for (const server of view.gatewayServers) {
      if (!needsRoute(server) || serverChains(server, "", new Set(), view).length > 0) continue;
      findings.set(`${gatewayNameOf(server)} ${server.serverIndex}`, unopened(server));
    }
  }
  return [...findings.values()];
}

/** A server that reads HTTP answers 404 itself; one between networks needs services, not routes; ISTIO_MUTUAL has a finding of its own. */
function needsRoute({ routeName, tlsMode }: GatewayServer): boolean {
  return routeName === "" && tlsMode !== "AUTO_PASSTHROUGH" && tlsMode !== "ISTIO_MUTUAL";
}

function unopened({ gateway, serverIndex, portNumber, tlsMode }: GatewayServer): Finding {
  const rules = tlsMode === "PASSTHROUGH" ? "tls" : "tcp";
  return {
    level: "warning",
    code: "MZ0004",
    object: keyOf(gateway),
    field: `spec.servers[${serverIndex}]`,
    message: `port ${portNumber} is not opened: no VirtualService says where its connections go`,
    hint: `name the Gateway in a VirtualService with ${rules} routes for one of its hosts`,
  };
}
