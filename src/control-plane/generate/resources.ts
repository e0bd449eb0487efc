// Everything that one proxy is to have, encoded. Pure: the view is the only input. Parts that depend on less than the whole view
// (clusters, endpoints, routes of a namespace) are made once for a mesh and shared, under keys that name what they depend on.
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import { clusterResources } from "./cluster/cluster-resources.ts";
import { endpointResources } from "./endpoint/endpoint-resources.ts";
import { gatewayListeners } from "./gateway/gateway-listeners.ts";
import { gatewayRouteConfiguration } from "./route/gateway-routes.ts";
import { proxylessResources } from "./proxyless/proxyless-resources.ts";
import { encode, sameOr, type Resource } from "./resource.ts";
import type { ResourceCache } from "./resource-cache.ts";
import { callerKey } from "./route/caller-key.ts";
import { encodeRouteConfiguration } from "./route/encode-route-configuration.ts";
import { routeNames } from "./route/route-names.ts";
import { secretResources } from "./secret/secret-resources.ts";
import { sidecarRouteConfiguration } from "./route/sidecar-routes.ts";
import { byName, type ResourcesByName } from "./shared-resources.ts";
import { sidecarListeners } from "./listener/sidecar-listeners.ts";

/** By type URL, then by name; both in a fixed order. */
export type ResourceSet = ReadonlyMap<string, ResourcesByName>;

/** With a cache or without, the result is the same. */
export function generateResources(view: ProxyView, cache?: ResourceCache): ResourceSet {
  if (view.node.generator === "grpc") {
    const resources = proxylessResources(view);
    const ofType = (typeUrl: string): ResourcesByName => byName(resources.filter((resource) => resource.typeUrl === typeUrl));
    return new Map([
      [CLUSTER_TYPE, ofType(CLUSTER_TYPE)],
      [ENDPOINT_TYPE, generateEndpoints(view, cache)],
      [LISTENER_TYPE, ofType(LISTENER_TYPE)],
      [ROUTE_TYPE, ofType(ROUTE_TYPE)],
    ]);
  }
  const listeners = listenersOf(view);
  return new Map([
    [CLUSTER_TYPE, clusterResources(view, cache)],
    [ENDPOINT_TYPE, endpointResources(view, cache)],
    [LISTENER_TYPE, byName(listeners.map((listener) => encode(LISTENER_TYPE, ListenerSchema, listener)))],
    [ROUTE_TYPE, byName(routeResources(view, listeners, cache))],
    [SECRET_TYPE, byName(secretResources(view))],
  ]);
}

/** Only the endpoints, where nothing else has changed. */
export function generateEndpoints(view: ProxyView, cache?: ResourceCache): ResourcesByName {
  return endpointResources(view, cache);
}

function listenersOf(view: ProxyView): readonly Listener[] {
  return view.node.type === "router" ? gatewayListeners(view) : sidecarListeners(view);
}

/** Exactly those that the listeners ask for. */
function routeResources(view: ProxyView, listeners: readonly Listener[], cache: ResourceCache | undefined): readonly Resource[] {
  const resources: Resource[] = [];
  for (const name of routeNames(listeners)) {
    if (view.node.type === "router") {
      const servers = view.gatewayServers.filter(({ routeName }) => routeName === name);
      resources.push({ name, typeUrl: ROUTE_TYPE, value: encodeRouteConfiguration(gatewayRouteConfiguration(view, name, servers)) });
      continue;
    }
    const make = (before?: readonly Resource[]): readonly Resource[] => {
      const routes = sidecarRouteConfiguration(view, name);
      return routes === undefined ? [] : [sameOr(before?.[0], { name, typeUrl: ROUTE_TYPE, value: encodeRouteConfiguration(routes) })];
    };
    resources.push(...(cache === undefined ? make() : cache.get(`rds ${name} ${callerKey(view)}`, [view.mesh, view.services], make)));
  }
  return resources;
}
