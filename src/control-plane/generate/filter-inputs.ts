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

const inputsOf = new WeakMap<ProxyView, FilterInputs>();

/** The same object for the same view: what is made of it alone can be kept with it. */
export function filterInputs(view: ProxyView): FilterInputs {
  let inputs = inputsOf.get(view);
  if (inputs === undefined) inputsOf.set(view, (inputs = { config: view.mesh.config, proxyConfig: view.proxyConfig, node: view.node }));
  return inputs;
}
