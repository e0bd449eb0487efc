// The HTTP proxy port: an application that is told to use a proxy reaches the mesh through it, without traffic capture.
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { serviceCaches, unknownHostCaches } from "#control-plane/generate/cluster/dns-caches";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { connectionManagerFilter, httpProxyConnectionManager } from "#control-plane/generate/network-filter/connection-manager";
import { HTTP_PROXY_ROUTES } from "#control-plane/generate/route/sidecar-routes";
import { loopbackAddresses } from "./ip-families.ts";
import { statPrefix } from "./listener.ts";
import { outboundListener } from "./outbound-listener.ts";

export interface HttpProxy {
  readonly addresses: readonly [string, ...string[]];
  readonly port: number;
}

/** What the node announces of address and port, else loopback and MeshConfig's proxyHttpPort. */
export function httpProxyOf({ node, mesh }: ProxyView): HttpProxy | undefined {
  if (node.httpProxy !== undefined) return { addresses: [node.httpProxy.bind], port: node.httpProxy.port };
  const announced = Number(node.metadata["HTTP_PROXY_PORT"] ?? 0);
  const port = announced > 0 ? announced : (mesh.config.proxyHttpPort ?? 0);
  return port > 0 ? { addresses: loopbackAddresses(node), port } : undefined;
}

export function httpProxyListener({ addresses, port }: HttpProxy, view: ProxyView): Listener {
  const dnsCaches = [...serviceCaches(view.services, view), ...unknownHostCaches(view)];
  const chain = { statPrefix: statPrefix("outbound", addresses[0], port), routes: HTTP_PROXY_ROUTES, protocol: "HTTP", dnsCaches } as const;
  const filters = [connectionManagerFilter(httpProxyConnectionManager(chain, filterInputs(view)))];
  return outboundListener({ port, binding: { addresses, bindToPort: true }, chains: [{ filters }] }, view);
}
