// What filters depend on beside the listener that they stand in: the same for all listeners of a proxy.
import type { MeshConfigSpec, ProxyConfig } from "#api/mesh-config";
import type { ProxyView } from "#control-plane/mesh/mesh";
import type { ProxyNode } from "#control-plane/mesh/proxy";

export interface FilterInputs {
  readonly config: MeshConfigSpec;
  readonly proxyConfig: ProxyConfig;
  readonly node: ProxyNode;
}

/** On which side of the traffic a listener stands; filters and headers go by it. */
export type ListenerClass = "sidecar-inbound" | "sidecar-outbound" | "gateway";

export function filterInputs(view: ProxyView): FilterInputs {
  return { config: view.mesh.config, proxyConfig: view.proxyConfig, node: view.node };
}
