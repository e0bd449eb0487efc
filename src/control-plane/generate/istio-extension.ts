// Istio's own extensions of Envoy, by the names under which a proxy announces them. One that does not announce an extension (plain
// Envoy, for one) never gets it: it would refuse the whole resource.
import type { ProxyNode } from "#control-plane/mesh/proxy";

type IstioExtension = "istio.stats" | "istio.alpn" | "envoy.filters.http.peer_metadata" | "envoy.filters.network.metadata_exchange";

export function hasExtension(node: Pick<ProxyNode, "extensions">, extension: IstioExtension): boolean {
  return node.extensions.has(extension);
}
