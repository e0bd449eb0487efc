// Route configurations of sidecars: `http_proxy` (all services, told apart by name and port) and one per service port (`9080`).
// Inputs are the caller's namespace and labels and what is visible from there: proxies that agree in them share the result.
import { create } from "@bufbuild/protobuf";
import { RouteSchema, type Route, type VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { isHostWithin, isWildcard } from "#control-plane/mesh/host";
import type { ProxyView, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { isHttp, type Service, type ServicePort } from "#control-plane/registry/service";
import { PASSTHROUGH_CLUSTER } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import { byName, defaultRoute, routeConfiguration, virtualHost } from "./route-configuration.ts";
import { serviceDomains, takeDomains, withPort } from "./virtual-host-domains.ts";
import { virtualServiceRoutes } from "./virtual-service-routes.ts";

export const HTTP_PROXY_ROUTES = "http_proxy";
/** Hosts of VirtualServices that are no service are reached on this port, and on those of the services beside them, as in Istio. */
const UNKNOWN_HOST_PORT = 80;

/** Ports whose requests are routed one by one. A port of unknown protocol may carry HTTP, so it has routes too. */
function hasRoutes(port: ServicePort): boolean {
  return isHttp(port.protocol) || port.protocol === "AUTO";
}

/** The routes behind the HTTP proxy port, where requests say `GET http://reviews:9080/...`: names count with their port. */
export function httpProxyRoutes(view: ProxyView): RouteConfiguration {
  const ports = new Set<number>();
  for (const service of view.services) for (const port of service.ports) if (hasRoutes(port)) ports.add(port.number);
  ports.add(UNKNOWN_HOST_PORT);
  const taken = new Set<string>();
  const hosts: VirtualHost[] = [];
  // Port 80 comes first: a name without a port means 80 where the service has it, and else the service's first HTTP port.
  const order = [...ports].sort((a, b) => Number(b === UNKNOWN_HOST_PORT) - Number(a === UNKNOWN_HOST_PORT) || a - b);
  for (const number of order) {
    for (const entry of entriesForPort(view, number, (host) => view.service(host) !== undefined)) {
      const names = entry.service === undefined ? [entry.host] : serviceDomains(entry.host, entry.service.addresses, view.node.dnsDomain);
      const bare = entry.service === undefined || barePort(entry.service) === number;
      const domains = takeDomains(
        names.flatMap((name) => (bare ? [name, withPort(name, number)] : [withPort(name, number)])),
        taken,
      );
      if (domains.length > 0) hosts.push(virtualHost(withPort(entry.host, number), domains, entry.routes));
    }
  }
  // Names with and without ports stand side by side, so the port of a Host header must count.
  return routeConfiguration(HTTP_PROXY_ROUTES, [...hosts.sort(byName), catchAll(view)], false);
}

/** The routes of one service port, where the port is known from the listener. */
export function servicePortRoutes(view: ProxyView, port: number): RouteConfiguration {
  const taken = new Set<string>();
  const hosts: VirtualHost[] = [];
  // As istiod has it: what is no service on this port is no service here.
  const known = new Set(
    view.services.filter((service) => service.ports.some((candidate) => candidate.number === port)).map(({ hostname }) => hostname),
  );
  for (const entry of entriesForPort(view, port, (host) => known.has(host))) {
    const names = entry.service === undefined ? [entry.host] : serviceDomains(entry.host, entry.service.addresses, view.node.dnsDomain);
    const domains = takeDomains(names, taken);
    if (domains.length > 0) hosts.push(virtualHost(withPort(entry.host, port), domains, entry.routes));
  }
  return routeConfiguration(String(port), [...hosts.sort(byName), catchAll(view)], true);
}

interface HostEntry {
  readonly host: string;
  /** undefined: a VirtualService's host that is no service. */
  readonly service: Service | undefined;
  readonly routes: readonly Route[];
}

/** The hosts that exist on one port with their routes; those with a VirtualService first, in the order of VirtualServices. */
function entriesForPort(view: ProxyView, port: number, isService: (host: string) => boolean): readonly HostEntry[] {
  const services = new Map<string, Service>();
  for (const service of view.services) {
    if (service.ports.some((candidate) => candidate.number === port && hasRoutes(candidate))) services.set(service.hostname, service);
  }
  const routesOf = new Map<ResolvedVirtualService, readonly Route[]>();
  const lookup = (hostname: string): Service | undefined => (isService(hostname) ? view.service(hostname) : undefined);
  for (const virtualService of view.meshVirtualServices) {
    const routes = virtualServiceRoutes(virtualService, {
      config: view.mesh.config,
      callerLabels: view.node.labels,
      callerNamespace: view.node.namespace,
      gateway: "mesh",
      port,
      service: lookup,
    });
    // Without a rule for this caller the VirtualService does not count here, and the next one of the host gets its turn.
    if (routes.length > 0) routesOf.set(virtualService, routes);
  }
  const claims = claimedServices(services, [...routesOf.keys()]);
  const entries: HostEntry[] = [];
  for (const [virtualService, routes] of routesOf) {
    const mine = [...claims].filter(([, owner]) => owner === virtualService).map(([hostname]) => hostname);
    if (port === UNKNOWN_HOST_PORT || mine.length > 0) {
      for (const host of unknownHosts(virtualService, view, isService)) entries.push({ host, service: undefined, routes });
    }
    for (const hostname of mine) entries.push({ host: hostname, service: services.get(hostname), routes });
  }
  for (const [hostname, service] of services) {
    if (!claims.has(hostname)) entries.push({ host: hostname, service, routes: [defaultRoute(hostname, port, view.mesh.config)] });
  }
  return entries;
}

/** Which VirtualService decides for a service: the oldest that names it, else the one with the longest wildcard. */
function claimedServices(
  services: ReadonlyMap<string, Service>,
  virtualServices: readonly ResolvedVirtualService[],
): ReadonlyMap<string, ResolvedVirtualService> {
  const claims = new Map<string, ResolvedVirtualService>();
  const wildcards: { readonly host: string; readonly virtualService: ResolvedVirtualService }[] = [];
  for (const virtualService of virtualServices) {
    for (const host of virtualService.hosts) {
      if (isWildcard(host)) wildcards.push({ host, virtualService });
      else if (services.has(host) && !claims.has(host)) claims.set(host, virtualService);
    }
  }
  // Sorting is stable: of equally long wildcards the older VirtualService stays in front.
  wildcards.sort((a, b) => b.host.length - a.host.length);
  if (wildcards.length === 0) return claims;
  for (const hostname of services.keys()) {
    if (claims.has(hostname)) continue;
    const best = wildcards.find((candidate) => isHostWithin(hostname, candidate.host));
    if (best !== undefined) claims.set(hostname, best.virtualService);
  }
  return claims;
}

/** Hosts of a VirtualService that are no service: calls of them are routed all the same. */
function unknownHosts(virtualService: ResolvedVirtualService, view: ProxyView, isService: (host: string) => boolean): readonly string[] {
  return virtualService.hosts.filter((host) =>
    isWildcard(host)
      ? !view.services.some((service) => isService(service.hostname) && isHostWithin(service.hostname, host))
      : !isService(host),
  );
}

function barePort(service: Service): number | undefined {
  const ports = service.ports.filter(hasRoutes);
  return (ports.find((port) => port.number === UNKNOWN_HOST_PORT) ?? ports[0])?.number;
}

/** What happens to hosts that nobody declared. */
function catchAll(view: ProxyView): VirtualHost {
  if (view.mesh.config.outboundTrafficPolicy?.mode === "REGISTRY_ONLY") {
    const block = create(RouteSchema, {
      name: "block_all",
      match: { pathSpecifier: { case: "prefix", value: "/" } },
      action: { case: "directResponse", value: { status: 502 } },
    });
    return virtualHost("block_all", ["*"], [block]);
  }
  const pass = create(RouteSchema, {
    name: "allow_any",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: {
      case: "route",
      value: { clusterSpecifier: { case: "cluster", value: PASSTHROUGH_CLUSTER }, timeout: durationOf(0), maxGrpcTimeout: durationOf(0) },
    },
  });
  return virtualHost("allow_any", ["*"], [pass]);
}
