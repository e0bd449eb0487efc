// Which route configurations a proxy's listeners ask for.
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { unpack } from "#envoy/any";

/** In order of names. */
export function routeNames(listeners: readonly Listener[]): readonly string[] {
  const names = new Set<string>();
  for (const listener of listeners) {
    for (const chain of [...listener.filterChains, ...(listener.defaultFilterChain === undefined ? [] : [listener.defaultFilterChain])]) {
      for (const filter of chain.filters) {
        if (filter.configType.case !== "typedConfig") continue;
        const routes = unpack(filter.configType.value, HttpConnectionManagerSchema)?.routeSpecifier;
        if (routes?.case === "rds") names.add(routes.value.routeConfigName);
      }
    }
  }
  return [...names].sort();
}
