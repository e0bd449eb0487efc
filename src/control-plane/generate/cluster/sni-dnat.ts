// Gateways that pass mutual TLS through by server name, without a route for each service (AUTO_PASSTHROUGH).
import type { ProxyView } from "#control-plane/mesh/mesh";

export function passesMutualTls(view: ProxyView): boolean {
  return view.gatewayServers.some(({ tls }) => tls?.mode === "AUTO_PASSTHROUGH");
}
