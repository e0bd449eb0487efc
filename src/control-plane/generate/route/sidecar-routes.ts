// Route configurations of sidecars, by the names that listeners ask for: `9080` (a port, hosts told apart by name), `host:9080` (one
// service on a port whose protocol is detected), `http_proxy` and `unix:///path` (all ports at once, told apart by name and port).
import { create } from "@bufbuild/protobuf";
import { VirtualHostSchema, type VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { EgressListener, ProxyView } from "#control-plane/mesh/mesh";
import type { Service } from "#control-plane/registry/service";
import { serviceAddresses } from "#control-plane/generate/service-addresses";
import { announcedProxyRoutes } from "./announced-proxy-routes.ts";
import { catchAllHost } from "./catch-all-host.ts";
import { byName, routeConfiguration, virtualHost, virtualHostSettings } from "./route-configuration.ts";
import { callerOf } from "./route-context.ts";
import { ALL_PORTS, sidecarHosts, UNKNOWN_HOST_PORT, type HostRoutes } from "./sidecar-virtual-hosts.ts";
import { DomainTable, bracketed, serviceDomains, withPort } from "./virtual-host-domains.ts";

export const HTTP_PROXY_ROUTES = "http_proxy";
const UNIX_PREFIX = "unix://";
const NO_SHORT_FORMS: ReadonlySet<string> = new Set();

/** undefined: no listener of ours has routes of this name. */
export function sidecarRouteConfiguration(view: ProxyView, name: string): RouteConfiguration | undefined {
  if (name === HTTP_PROXY_ROUTES && view.node.httpProxy !== undefined) return announcedProxyRoutes(view, name);
  const wanted = parseName(name);
  if (wanted === undefined) return undefined;
  const listener = egressListenerOf(view.egressListeners, wanted.port, name);
  // Envoy ignores the port of a Host header, which the listener has settled; gRPC without a proxy compares all of it.
  const ignorePort = !callerOf(view.node).proxyless;
  const hosts = listener === undefined ? [] : virtualHosts(view, listener, wanted, ignorePort);
  if (wanted.service !== undefined) return routeConfiguration(name, ofOneService(hosts, name, wanted.service), ignorePort);
  return routeConfiguration(name, [...hosts.sort(byName), catchAllHost(view)], ignorePort);
}

interface RouteName {
  readonly port: number;
  /** The host before the port. */
  readonly service: string | undefined;
}

function parseName(name: string): RouteName | undefined {
  if (name === HTTP_PROXY_ROUTES || name.startsWith(UNIX_PREFIX)) return { port: ALL_PORTS, service: undefined };
  const colon = name.lastIndexOf(":");
  const port = Number(name.slice(colon + 1));
  if (!Number.isInteger(port) || port <= 0) return undefined;
  return { port, service: colon < 0 ? undefined : name.slice(0, colon) };
}

/** The listener of the port, or of the socket; else the one without a port, which stands for all others. */
function egressListenerOf(listeners: readonly EgressListener[], port: number, name: string): EgressListener | undefined {
  return listeners.find(
    (listener) => listener.port === undefined || (listener.port.number === port && (port !== ALL_PORTS || listener.bind === name)),
  );
}

function virtualHosts(view: ProxyView, listener: EgressListener, { port, service }: RouteName, ignorePort: boolean): VirtualHost[] {
  // A listener for HTTP proxy requests takes every port, as the mesh's own does.
  const called = listener.port?.protocol === "HTTP_PROXY" ? ALL_PORTS : port;
  const hosts = sidecarHosts({
    config: view.mesh.config,
    caller: callerOf(view.node),
    port: called,
    services: listener.services,
    virtualServices: listener.virtualServices,
    only: service,
    destinationRule: (hostname) => view.destinationRule(hostname),
  });
  const aliases = aliasesOf(listener.services);
  const table = new DomainTable(fullNames(hosts));
  const settings = virtualHostSettings(view.proxyConfig);
  const names = new Set<string>();
  const result: VirtualHost[] = [];
  for (const entry of hosts) {
    const name = withPort(entry.host, entry.port);
    if (names.has(name)) continue;
    names.add(name);
    const taken = domainsOf(entry, view, aliases, table, called !== ALL_PORTS && ignorePort);
    // Names without a port mean port 80 where all ports share one configuration.
    const domains = called === ALL_PORTS && entry.port !== UNKNOWN_HOST_PORT ? taken.filter((domain) => domain.includes(":")) : taken;
    if (domains.length > 0) result.push(virtualHost(name, domains, entry.routes, settings));
  }
  return result;
}

function domainsOf(
  { host, port, service }: HostRoutes,
  view: ProxyView,
  aliases: ReadonlyMap<string, readonly string[]>,
  table: DomainTable,
  ignorePort: boolean,
): readonly string[] {
  if (service === undefined) {
    // Other than of services, names are taken as they are written.
    return table.take(ignorePort ? [bracketed(host)] : [bracketed(host), withPort(host, port)], NO_SHORT_FORMS);
  }
  const { names, shortForms } = serviceDomains({
    service,
    aliases: aliases.get(service.hostname) ?? [],
    addresses: serviceAddresses(service, view.node),
    callerDomain: view.node.dnsDomain,
  });
  if (ignorePort) return table.take(names, shortForms);
  const withPorts = (name: string): readonly string[] => [name, `${name}:${port}`];
  return table.take(names.flatMap(withPorts), new Set([...shortForms].flatMap(withPorts)));
}

/** Hosts of ExternalName Services by the service that they stand for. */
function aliasesOf(services: readonly Service[]): ReadonlyMap<string, readonly string[]> {
  const aliases = new Map<string, string[]>();
  for (const { alias, hostname } of services) {
    if (alias === undefined) continue;
    const list = aliases.get(alias);
    if (list === undefined) aliases.set(alias, [hostname]);
    else list.push(hostname);
  }
  return aliases;
}

function fullNames(hosts: readonly HostRoutes[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { host, port, service } of hosts) if (service !== undefined) names.add(host).add(withPort(host, port));
  return names;
}

/** A listener of one service knows for whom its requests are, whatever they say. */
function ofOneService(hosts: readonly VirtualHost[], name: string, service: string): VirtualHost[] {
  // Beside the service there may be other hosts of its VirtualService.
  const mine = hosts.filter(({ domains }) => domains.includes(name) || domains.includes(service));
  const [only, ...others] = mine;
  if (only !== undefined && others.length === 0) return [create(VirtualHostSchema, { ...only, domains: ["*"] })];
  return mine.sort(byName);
}
