// Filters that bring opaque connections to services: to one, or to several by weight.
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { ApiObject } from "#api/object";
import type { Destination, RouteDestination } from "#api/virtual-service";
import type { ProxyView } from "#control-plane/mesh/mesh";
import type { Protocol, Service } from "#control-plane/registry/service";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import { filterInputs, type ListenerClass } from "#control-plane/generate/filter-inputs";
import { destinationCluster } from "#control-plane/generate/route/destination-cluster";
import { proxyTo, tcpFilters, type TcpProxySettings } from "./tcp-filters.ts";

interface ListenerPort {
  readonly number: number;
  readonly protocol: Protocol;
}

/** To the service: at the listener's port, or at the only one that it has. */
export function serviceFilters(service: Service, port: ListenerPort, view: ProxyView): Filter[] {
  const only = service.ports.length === 1 ? service.ports[0] : undefined;
  const cluster = outboundClusterName(only?.number ?? port.number, "", service.hostname);
  const rule = view.destinationRule(service.hostname)?.spec;
  return tcpFilters(
    { class: classOf(view), protocol: port.protocol, proxy: { ...proxyTo(cluster), ...ruleSettings(rule, "") } },
    filterInputs(view),
  );
}

/** As a VirtualService's route says. Undefined when nothing of it gets connections. */
export function routeFilters(
  route: readonly RouteDestination[],
  port: ListenerPort,
  virtualService: ApiObject<unknown>,
  view: ProxyView,
): Filter[] | undefined {
  const [first, ...others] = route;
  if (first === undefined) return undefined;
  const rule = view.destinationRule(first.destination.host)?.spec;
  const proxy = others.length === 0 ? single(first.destination, port, rule, view) : weighted(route, port, virtualService, rule, view);
  if (proxy === undefined) return undefined;
  return tcpFilters({ class: classOf(view), protocol: port.protocol, proxy }, filterInputs(view));
}

function single(to: Destination, port: ListenerPort, rule: DestinationRuleSpec | undefined, view: ProxyView): TcpProxySettings {
  return { ...proxyTo(destinationCluster(to, view.service(to.host), port.number)), ...ruleSettings(rule, to.subset ?? "") };
}

function weighted(
  route: readonly RouteDestination[],
  port: ListenerPort,
  { metadata }: ApiObject<unknown>,
  rule: DestinationRuleSpec | undefined,
  view: ProxyView,
): TcpProxySettings | undefined {
  const clusters = route
    .filter(({ weight = 0 }) => weight > 0)
    .map(({ destination, weight = 0 }) => ({ name: destinationCluster(destination, view.service(destination.host), port.number), weight }));
  if (clusters.length === 0) return undefined;
  return {
    statPrefix: `${metadata.name}.${metadata.namespace}`,
    clusterSpecifier: { case: "weightedClusters", value: { clusters } },
    ...ruleSettings(rule, ""),
  };
}

function classOf(view: ProxyView): ListenerClass {
  return view.node.type === "router" ? "gateway" : "sidecar-outbound";
}

function ruleSettings(rule: DestinationRuleSpec | undefined, subsetName: string): Partial<TcpProxySettings> {
  return { ...destinationSettings(rule, subsetName), ...tunnelSettings(rule, subsetName) };
}

/** What a DestinationRule says about connections that only a listener can do. */
export function destinationSettings(rule: DestinationRuleSpec | undefined, subsetName: string): Partial<TcpProxySettings> {
  const subset = rule?.subsets?.find(({ name }) => name === subsetName)?.trafficPolicy;
  const policy = rule?.trafficPolicy;
  const { idleTimeout, maxConnectionDuration } = policy?.connectionPool?.tcp ?? {};
  const balancer = subset?.loadBalancer ?? policy?.loadBalancer;
  return {
    ...(idleTimeout === undefined ? {} : { idleTimeout: durationOf(idleTimeout) }),
    ...(maxConnectionDuration === undefined ? {} : { maxDownstreamConnectionDuration: durationOf(maxConnectionDuration) }),
    ...(balancer?.consistentHash?.useSourceIp === true ? { hashPolicy: [{ policySpecifier: { case: "sourceIp", value: {} } }] } : {}),
  };
}

/** A subset's tunnel counts for the subset alone. */
function tunnelSettings(rule: DestinationRuleSpec | undefined, subsetName: string): Partial<TcpProxySettings> {
  const subset = rule?.subsets?.find(({ name }) => name === subsetName)?.trafficPolicy;
  const tunnel = (subsetName === "" ? rule?.trafficPolicy : subset)?.tunnel;
  if (tunnel === undefined) return {};
  const hostname = hostAndPort(tunnel.targetHost ?? "", tunnel.targetPort ?? 0);
  return { tunnelingConfig: { hostname, usePost: tunnel.protocol === "POST" } };
}

function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
