// Route configurations of gateways: `http.8080` for all HTTP servers that listen on one port of the proxy.
import {
  VirtualHost_TlsRequirementType as TlsRequirement,
  type Route,
  type VirtualHost,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { isHostWithin } from "#control-plane/mesh/host";
import type { GatewayServer, ProxyView, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { byName, routeConfiguration, virtualHost } from "./route-configuration.ts";
import { withPort } from "./virtual-host-domains.ts";
import { isCatchAll } from "./route-match.ts";
import { virtualServiceRoutes } from "./virtual-service-routes.ts";

export function gatewayRouteName(targetPort: number): string {
  return `http.${targetPort}`;
}

interface HostRoutes {
  readonly host: string;
  readonly port: number;
  readonly routes: Route[];
  httpsRedirect: boolean;
}

/** `servers` are the HTTP servers of one target port, oldest Gateway first. */
export function gatewayRoutes(view: ProxyView, targetPort: number, servers: readonly GatewayServer[]): RouteConfiguration {
  const hosts = new Map<string, HostRoutes>();
  const made = new Map<string, readonly Route[]>();
  for (const server of servers) {
    const gateway = `${server.gateway.metadata.namespace}/${server.gateway.metadata.name}`;
    for (const virtualService of view.gatewayVirtualServices(gateway)) {
      const common = commonHosts(serverHosts(server, virtualService.object.metadata.namespace), virtualService.hosts);
      if (common.length === 0) continue;
      const routes = routesOnce(made, view, virtualService, gateway, server.portNumber);
      if (routes.length === 0) continue;
      for (const host of common) {
        const entry = hosts.get(host) ?? { host, port: server.portNumber, routes: [], httpsRedirect: false };
        hosts.set(host, entry);
        entry.routes.push(...routes);
        entry.httpsRedirect ||= server.httpsRedirect;
      }
    }
    if (server.httpsRedirect) redirectHosts(server, hosts);
  }
  const port = servers[0]?.portNumber ?? targetPort;
  // A listener without a route answers 404 itself: the empty virtual host says so.
  const virtualHosts = hosts.size === 0 ? [virtualHost(withPort("blackhole", port), ["*"], [])] : collapse([...hosts.values()]);
  return routeConfiguration(gatewayRouteName(targetPort), virtualHosts.sort(byName), true);
}

/** One VirtualService's routes are made once for a gateway and port: equal lists are then known by identity. */
function routesOnce(
  made: Map<string, readonly Route[]>,
  view: ProxyView,
  virtualService: ResolvedVirtualService,
  gateway: string,
  port: number,
): readonly Route[] {
  const { namespace, name } = virtualService.object.metadata;
  const key = `${gateway} ${namespace}/${name} ${port}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const routes = virtualServiceRoutes(virtualService, {
    config: view.mesh.config,
    callerLabels: view.node.labels,
    callerNamespace: view.node.namespace,
    gateway,
    port,
    service: (hostname) => view.mesh.service(hostname, namespace) ?? view.service(hostname),
  });
  made.set(key, routes);
  return routes;
}

/** The server's hosts as far as a VirtualService of that namespace may use them: with a namespace in front (`ns/host`, `./host`, a star for all) or plain. */
function serverHosts(server: GatewayServer, virtualServiceNamespace: string): readonly string[] {
  const hosts: string[] = [];
  for (const written of server.hosts) {
    const slash = written.indexOf("/");
    if (slash < 0) {
      hosts.push(written);
      continue;
    }
    const scope = written.slice(0, slash);
    const namespace = scope === "." ? server.gateway.metadata.namespace : scope;
    if (namespace === "*" || namespace === virtualServiceNamespace) hosts.push(written.slice(slash + 1));
  }
  return hosts;
}

/** What both lists of hosts cover, by the narrower name of each pair, in lower case. */
function commonHosts(hosts: readonly string[], others: readonly string[]): readonly string[] {
  const common = new Set<string>();
  for (const host of hosts.map((written) => written.toLowerCase())) {
    for (const other of others.map((written) => written.toLowerCase())) {
      if (isHostWithin(host, other)) common.add(host);
      else if (isHostWithin(other, host)) common.add(other);
    }
  }
  return [...common];
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
function collapse(entries: readonly HostRoutes[]): VirtualHost[] {
  const groups = new Map<string, { readonly first: HostRoutes; readonly domains: string[] }>();
  const ids = new Map<Route, number>();
  const idOf = (route: Route): number => {
    const id = ids.get(route) ?? ids.size;
    ids.set(route, id);
    return id;
  };
  for (const entry of [...entries].sort((a, b) => (a.host < b.host ? -1 : 1))) {
    const key = `${entry.httpsRedirect} ${entry.routes.map(idOf).join(",")}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: entry, domains: [entry.host] });
    else group.domains.push(entry.host);
  }
  return [...groups.values()].map(({ first, domains }) => {
    const host = virtualHost(withPort(first.host, first.port), domains, catchAllsLast(first.routes));
    if (first.httpsRedirect) host.requireTls = TlsRequirement.ALL;
    return host;
  });
}

/** Several VirtualServices of one host: a catch-all of an older one must not hide the rules of the younger. */
function catchAllsLast(routes: readonly Route[]): readonly Route[] {
  const all = (route: Route): boolean => isCatchAll(route.match);
  return [...routes.filter((route) => !all(route)), ...routes.filter(all)];
}
