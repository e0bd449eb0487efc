// The main thread's check of a route configuration, a route at a time: 10,000 that are all decoded before the first is compiled are 30 MB,
// and collecting them took longer than everything else.
import { RouteSchema, VirtualHostSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { checkFields, Violations } from "#proxy/field-check";
import { readRouteConfiguration } from "#proxy/route/route-configuration-bytes";
import { routeTableSteps } from "#proxy/route/route-table";
import type { RouteTableOptions, VirtualHostSource } from "#proxy/route/route-table";
import { addClustersOfRoute } from "#proxy/xds-client/references";
import type { RouteFacts } from "#proxy/xds-client/resource-facts";

/** @throws ConfigError with everything that is wrong */
export function checkRoutes(bytes: Uint8Array, options: RouteTableOptions): RouteFacts {
  const { config, hosts } = readRouteConfiguration(bytes);
  const violations = new Violations();
  const clusters = new Set<string>();
  checkFields(RouteConfigurationSchema, config, "", violations);
  const steps = routeTableSteps(config, checkedHosts(hosts, clusters, violations), options, new Violations());
  try {
    while (steps.next().done !== true);
  } catch (error) {
    const found = new Violations();
    found.addFrom(error, "");
    found.tell((path, message) => {
      if (!violations.has(path)) violations.add(path, message);
    });
  }
  violations.throwIfAny(`route configuration "${config.name}"`);
  return { name: config.name, clusters };
}

function* checkedHosts(hosts: Iterable<VirtualHostSource>, clusters: Set<string>, violations: Violations): Generator<VirtualHostSource> {
  let index = 0;
  for (const { host, routes } of hosts) {
    const path = `virtual_hosts[${index++}]`;
    checkFields(VirtualHostSchema, host, path, violations);
    yield { host, routes: checkedRoutes(routes, path, clusters, violations) };
  }
}

function* checkedRoutes(routes: Iterable<Route>, host: string, clusters: Set<string>, violations: Violations): Generator<Route> {
  let index = 0;
  for (const route of routes) {
    checkFields(RouteSchema, route, `${host}.routes[${index++}]`, violations);
    addClustersOfRoute(route, clusters);
    yield route;
  }
}
