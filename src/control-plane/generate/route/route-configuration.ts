// What all route configurations share: their frame, the default route of a service, the order of virtual hosts.
import { create } from "@bufbuild/protobuf";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { RouteSchema, VirtualHostSchema, type Route, type VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import { retryPolicy } from "./retry-policy.ts";
import { routeMatch } from "./route-match.ts";

/** As much as a VirtualService may hold; Envoy's own limit is 4 KB. */
const MAX_DIRECT_RESPONSE_BYTES = 1024 * 1024;

export function routeConfiguration(name: string, virtualHosts: VirtualHost[], ignorePort: boolean): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts,
    // Routes may arrive before their clusters and outlive them: that is a 503, not a refused table.
    validateClusters: false,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BYTES,
    ignorePortInHostMatching: ignorePort,
  });
}

export function virtualHost(name: string, domains: readonly string[], routes: readonly Route[]): VirtualHost {
  return create(VirtualHostSchema, { name, domains: [...domains], routes: [...routes], includeRequestAttemptCount: true });
}

/** Where requests of a service go that no VirtualService says anything about. */
export function defaultRoute(hostname: string, port: number, config: MeshConfigSpec): Route {
  const retries = retryPolicy(config.defaultHttpRetryPolicy);
  return create(RouteSchema, {
    name: "default",
    match: routeMatch(undefined),
    decorator: { operation: `${hostname}:${port}/*` },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: outboundClusterName(port, "", hostname) },
        timeout: durationOf(0),
        maxGrpcTimeout: durationOf(0),
        ...(retries === undefined ? {} : { retryPolicy: retries }),
      },
    },
  });
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
