// Which route configurations a proxy's listeners ask for.
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { routeNameOf } from "#control-plane/generate/network-filter/route-name";

/** In order of names. */
export function routeNames(listeners: readonly Listener[]): readonly string[] {
  const names = new Set<string>();
  for (const listener of listeners) {
    for (const chain of [...listener.filterChains, ...(listener.defaultFilterChain === undefined ? [] : [listener.defaultFilterChain])]) {
      for (const filter of chain.filters) {
        if (filter.configType.case !== "typedConfig") continue;
        const name = routeNameOf(filter.configType.value);
        if (name !== undefined) names.add(name);
      }
    }
  }
  return [...names].sort();
}
