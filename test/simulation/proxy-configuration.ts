// What a proxy was told, taken apart as far as a call needs it. Matching is the proxy's own code, compiled once.
import { fromBinary } from "@bufbuild/protobuf";
import type { ResourceSet } from "#control-plane/generate/resources";
import { unpack } from "#envoy/any";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { FilterChain, ListenerFilterChainMatchPredicate } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { TcpProxySchema } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { DownstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { HTTP_FILTERS } from "#proxy/filters/table";
import { compileFilterChainMatches, type FilterChainMatcher } from "#proxy/listener/filter-chain-match";
import type { RouteTable } from "#proxy/route/route";
import { compileRouteTable } from "#proxy/route/route-table";
import { VirtualHostIndex } from "#proxy/route/virtual-host-index";

export interface SimulatedListener {
  readonly wire: Listener;
  readonly chains: readonly FilterChain[];
  readonly matcher: FilterChainMatcher;
}

export interface SimulatedRoutes {
  readonly virtualHosts: VirtualHostIndex<VirtualHost>;
  readonly table: RouteTable;
}

/** Where a filter chain leads. */
export type ChainEnd =
  | { readonly kind: "http"; readonly fetchedRoutes: string; readonly inlineRoutes: RouteConfiguration | undefined }
  | { readonly kind: "tcp"; readonly cluster: string }
  | { readonly kind: "nothing" };

function refuse(where: string): (path: string, message: string) => void {
  return (path, message) => {
    throw new Error(`our proxy refuses ${where}: ${path}: ${message}`);
  };
}

export class ProxyConfiguration {
  readonly listeners: readonly SimulatedListener[];
  readonly #routes: ReadonlyMap<string, RouteConfiguration>;
  readonly #compiled = new Map<RouteConfiguration, SimulatedRoutes>();

  constructor(resources: ResourceSet) {
    this.listeners = [...(resources.get(LISTENER_TYPE)?.values() ?? [])].map(({ value }) => {
      const wire = fromBinary(ListenerSchema, value);
      const matches = wire.filterChains.map(({ filterChainMatch }) => filterChainMatch);
      return { wire, chains: wire.filterChains, matcher: compileFilterChainMatches(matches, refuse(`listener ${wire.name}`)) };
    });
    this.#routes = new Map(
      [...(resources.get(ROUTE_TYPE)?.values() ?? [])].map(({ name, value }) => [name, fromBinary(RouteConfigurationSchema, value)]),
    );
  }

  routeConfiguration(name: string): RouteConfiguration | undefined {
    return this.#routes.get(name);
  }

  compiled(config: RouteConfiguration): SimulatedRoutes {
    let routes = this.#compiled.get(config);
    if (routes === undefined) {
      const domains = config.virtualHosts.flatMap((host) => host.domains.map((domain) => ({ domain, path: host.name, host })));
      const report = refuse(`route configuration ${config.name}`);
      routes = {
        virtualHosts: new VirtualHostIndex(domains, config.ignorePortInHostMatching, report),
        table: compileRouteTable(config, { filters: HTTP_FILTERS }),
      };
      this.#compiled.set(config, routes);
    }
    return routes;
  }
}

export function endOf(chain: FilterChain): ChainEnd {
  for (const { configType } of chain.filters) {
    if (configType.case !== "typedConfig") continue;
    const manager = unpack(configType.value, HttpConnectionManagerSchema);
    if (manager !== undefined) {
      const { case: how, value } = manager.routeSpecifier;
      const fetchedRoutes = how === "rds" ? value.routeConfigName : "";
      return { kind: "http", fetchedRoutes, inlineRoutes: how === "routeConfig" ? value : undefined };
    }
    const tcp = unpack(configType.value, TcpProxySchema);
    if (tcp !== undefined) {
      return { kind: "tcp", cluster: tcp.clusterSpecifier.case === "cluster" ? tcp.clusterSpecifier.value : "" };
    }
  }
  return { kind: "nothing" };
}

/** True when the chain wants to know its clients by certificate. */
export function wantsClientCertificate(chain: FilterChain): boolean {
  const socket = chain.transportSocket?.configType;
  const context = socket?.case === "typedConfig" ? unpack(socket.value, DownstreamTlsContextSchema) : undefined;
  return context?.requireClientCertificate === true;
}

export function runsOnPort(listener: Listener, filter: string, port: number): boolean {
  const found = listener.listenerFilters.find(({ name }) => name === filter);
  return found !== undefined && (found.filterDisabled === undefined || !holds(found.filterDisabled, port));
}

function holds({ rule }: ListenerFilterChainMatchPredicate, port: number): boolean {
  switch (rule.case) {
    case "anyMatch":
      return rule.value;
    case "destinationPortRange":
      return port >= rule.value.start && port < rule.value.end;
    case "orMatch":
      return rule.value.rules.some((inner) => holds(inner, port));
    case "andMatch":
      return rule.value.rules.every((inner) => holds(inner, port));
    case "notMatch":
      return !holds(rule.value, port);
    default:
      return false;
  }
}
