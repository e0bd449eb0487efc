// Filters that bring opaque connections to services: to one, or to several by weight.
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { FilterConfigSchema as SniDynamicForwardProxySchema } from "#envoy/gen/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb";
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { ApiObject } from "#api/object";
import type { Destination, RouteDestination } from "#api/virtual-service";
import type { ProxyView } from "#control-plane/mesh/mesh";
import type { Protocol, Service } from "#control-plane/registry/service";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { serviceCaches } from "#control-plane/generate/cluster/dns-caches";
import { connectionStatName } from "#control-plane/generate/cluster/stat-name";
import { durationOf } from "#control-plane/generate/duration";
import { filterInputs, type ListenerClass } from "#control-plane/generate/filter-inputs";
import { isTls } from "#control-plane/generate/listener/listener-protocol";
import { destinationCluster } from "#control-plane/generate/route/destination-cluster";
import { networkFilter } from "./network-filter.ts";
import { proxyTo, tcpFilters, type TcpProxySettings } from "./tcp-filters.ts";
import { withPort } from "#control-plane/generate/route/virtual-host-domains";

interface ListenerPort {
  readonly number: number;
  readonly protocol: Protocol;
}

/** To the service: at the listener's port, or at the only one that it has. */
export function serviceFilters(service: Service, port: ListenerPort, view: ProxyView): Filter[] {
  const only = service.ports.length === 1 ? service.ports[0] : undefined;
  const cluster = outboundClusterName(only?.number ?? port.number, "", service.hostname);
  const statPrefix = statPrefixOf(cluster, service, "", port, view);
  const rule = view.destinationRule(service.hostname)?.spec;
  const chain = { class: classOf(view), protocol: port.protocol, proxy: { ...proxyTo(cluster, statPrefix), ...ruleSettings(rule, "") } };
  return [...serverLookup(service, port, view), ...tcpFilters(chain, filterInputs(view))];
}

/** Looks the server up that the caller's TLS handshake names, for a service that stands for many: `*.example.com`. */
function serverLookup(service: Service, port: ListenerPort, view: ProxyView): readonly Filter[] {
  if (classOf(view) !== "sidecar-outbound" || !isTls(port.protocol) || !service.hostname.startsWith("*")) return [];
  return serviceCaches([service], view).map((cache) =>
    networkFilter("envoy.filters.network.sni_dynamic_forward_proxy", SniDynamicForwardProxySchema, {
      dnsCacheConfig: cache,
      portSpecifier: { case: "portValue", value: port.number },
    }),
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
  const service = view.service(to.host);
  const cluster = destinationCluster(to, service, port.number);
  const subset = to.subset ?? "";
  return { ...proxyTo(cluster, statPrefixOf(cluster, service, subset, port, view)), ...ruleSettings(rule, subset) };
}

function statPrefixOf(clusterName: string, service: Service | undefined, subset: string, { number }: ListenerPort, view: ProxyView) {
  const pattern = view.mesh.config.outboundClusterStatName;
  const name = service?.ports.find((port) => port.number === number)?.name ?? "";
  return connectionStatName({ pattern, clusterName, service, port: { number, name }, subset, targetPort: 0 });
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
  const hostname = withPort(tunnel.targetHost ?? "", tunnel.targetPort ?? 0);
  return { tunnelingConfig: { hostname, usePost: tunnel.protocol === "POST" } };
}
