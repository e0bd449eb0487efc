// Route configurations of gateways: `http.8080` for all HTTP servers that listen on one port of the proxy, one for each server that ends
// TLS. A host is served where a server and a VirtualService bound to its Gateway both name it.
import type { Route, VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { bySpecificity, commonHosts } from "#control-plane/mesh/host";
import type { GatewayServer, ProxyView, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { gatewayNameOf, hostsForNamespace } from "#control-plane/mesh/gateway-servers";
import { byName, routeConfiguration, virtualHost, virtualHostSettings, type VirtualHostSettings } from "./route-configuration.ts";
import { rememberedRoutes } from "./remembered-routes.ts";
import { callerOf, type RouteContext } from "./route-context.ts";
import { isCatchAll } from "./route-match.ts";
import { withPort } from "./virtual-host-domains.ts";
import { virtualServiceRoutes } from "./virtual-service-routes.ts";

interface HostRoutes {
  readonly host: string;
  readonly port: number;
  /** Of each VirtualService of the host, the oldest first. */
  readonly routes: (readonly Route[])[];
  httpsRedirect: boolean;
}

/** `servers` share the route configuration of that name, oldest Gateway first. */
export function gatewayRouteConfiguration(view: ProxyView, name: string, servers: readonly GatewayServer[]): RouteConfiguration {
  const hosts = new Map<string, HostRoutes>();
  const made = new Map<string, readonly Route[]>();
  for (const server of servers) {
    const gateway = gatewayNameOf(server);
    for (const virtualService of view.gatewayVirtualServices(gateway)) {
      const common = commonHosts(hostsForNamespace(server, virtualService.object.metadata.namespace), virtualService.hosts);
      if (common.length === 0) continue;
      const routes = routesOnce(made, view, virtualService, server);
      if (routes.length === 0) continue;
      for (const host of common) {
        const entry = hosts.get(host) ?? { host, port: server.portNumber, routes: [], httpsRedirect: false };
        hosts.set(host, entry);
        entry.routes.push(routes);
        entry.httpsRedirect ||= server.httpsRedirect;
      }
    }
    if (server.httpsRedirect) redirectHosts(server, hosts);
  }
  const settings = virtualHostSettings(view.proxyConfig);
  const ignorePort = !callerOf(view.node).proxyless;
  if (hosts.size > 0) return routeConfiguration(name, collapse([...hosts.values()], settings).sort(byName), ignorePort);
  // A listener without a route answers 404 itself: the empty virtual host says so. It is nobody's, so it counts no attempts.
  const nobody = virtualHost(withPort("blackhole", servers[0]?.portNumber ?? 0), ["*"], [], { includeRequestAttemptCount: false });
  return routeConfiguration(name, [nobody], ignorePort);
}

/** One VirtualService's routes are made once for a Gateway, with the port of its first server: equal lists are then known by identity. */
function routesOnce(
  made: Map<string, readonly Route[]>,
  view: ProxyView,
  virtualService: ResolvedVirtualService,
  server: GatewayServer,
): readonly Route[] {
  const { namespace, name } = virtualService.object.metadata;
  const gateway = gatewayNameOf(server);
  const key = `${gateway} ${namespace}/${name}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const context: RouteContext = {
    config: view.mesh.config,
    caller: callerOf(view.node),
    gateway,
    port: server.portNumber,
    endsTls: server.tls !== undefined,
    service: (hostname) => view.mesh.service(hostname, namespace) ?? view.service(hostname),
    destinationRule: (hostname) => view.destinationRule(hostname),
  };
  const routes = rememberedRoutes(virtualService, context, (watched) => virtualServiceRoutes(virtualService, watched));
  made.set(key, routes);
  return routes;
}

/** Hosts of a redirecting server answer 301 even where no VirtualService names them. */
function redirectHosts(server: GatewayServer, hosts: Map<string, HostRoutes>): void {
  for (const written of server.hosts) {
    const host = written.slice(written.indexOf("/") + 1).toLowerCase();
    const entry = hosts.get(host);
    if (entry === undefined) hosts.set(host, { host, port: server.portNumber, routes: [], httpsRedirect: true });
    else entry.httpsRedirect = true;
  }
}

/** Hosts with the same routes share one virtual host, named after the first of them. */
function collapse(entries: readonly HostRoutes[], settings: VirtualHostSettings): VirtualHost[] {
  const groups = new Map<string, { readonly first: HostRoutes; readonly domains: string[] }>();
  const ids = new Map<readonly Route[], number>();
  const idOf = (routes: readonly Route[]): number => {
    const id = ids.get(routes) ?? ids.size;
    ids.set(routes, id);
    return id;
  };
  for (const entry of [...entries].sort((a, b) => bySpecificity(a.host, b.host))) {
    const key = `${entry.httpsRedirect} ${entry.routes.map(idOf).join(",")}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: entry, domains: [entry.host] });
    else group.domains.push(entry.host);
  }
  return [...groups.values()].map(({ first: { host, port, routes, httpsRedirect }, domains }) =>
    virtualHost(withPort(host, port), domains, merged(routes), { ...settings, httpsRedirect }),
  );
}

/** Several VirtualServices of one host: a catch-all of an older one must not hide the rules of the younger. Those of one are as they are. */
function merged(lists: readonly (readonly Route[])[]): readonly Route[] {
  const [only, ...others] = lists;
  if (only !== undefined && others.length === 0) return only;
  const routes = lists.flat();
  const all = (route: Route): boolean => isCatchAll(route.match);
  return [...routes.filter((route) => !all(route)), ...routes.filter(all)];
}
