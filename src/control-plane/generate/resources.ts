// Everything that one proxy is to have, encoded. Pure: the view is the only input. Parts that depend on less than the whole view
// (clusters, endpoints, routes of a namespace) are made once for a mesh and shared, under keys that name what they depend on.
import { toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { ProxyView, ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { Service, ServicePort } from "#control-plane/registry/service";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { outboundClusterName } from "./cluster/cluster-name.ts";
import { blackHoleCluster, inboundCluster, outboundClusters, passthroughClusters } from "./cluster/clusters.ts";
import { loadAssignment } from "./endpoint/load-assignment.ts";
import { gatewayListeners } from "./gateway/gateway-listeners.ts";
import { gatewayRouteConfiguration } from "./route/gateway-routes.ts";
import type { ResourceCache } from "./resource-cache.ts";
import { routeNames } from "./route/route-names.ts";
import { sidecarRouteConfiguration } from "./route/sidecar-routes.ts";
import { servedInboundPorts, sidecarListeners } from "./listener/sidecar-listeners.ts";
import { effectivePolicy, needsMissingEncryption } from "./cluster/traffic-policy.ts";

/** One resource in its wire form; the bytes are shared between proxies and must not be changed. */
export interface Resource {
  readonly name: string;
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** By type URL, then by name; both in a fixed order. */
export type ResourceSet = ReadonlyMap<string, ReadonlyMap<string, Resource>>;

/** With a cache or without, the result is the same. */
export function generateResources(view: ProxyView, cache?: ResourceCache): ResourceSet {
  const listeners = listenersOf(view);
  return new Map([
    [CLUSTER_TYPE, byName(clusterResources(view, cache))],
    [ENDPOINT_TYPE, byName(endpointResources(view, cache))],
    [LISTENER_TYPE, byName(listeners.map((listener) => encode(LISTENER_TYPE, ListenerSchema, listener)))],
    [ROUTE_TYPE, byName(routeResources(view, listeners, cache))],
  ]);
}

/** Only the endpoints, where nothing else has changed. */
export function generateEndpoints(view: ProxyView, cache?: ResourceCache): ReadonlyMap<string, Resource> {
  return byName(endpointResources(view, cache));
}

function clusterResources(view: ProxyView, cache: ResourceCache | undefined): readonly Resource[] {
  const config = view.mesh.config;
  const resources = [encode(CLUSTER_TYPE, ClusterSchema, blackHoleCluster(config))];
  if (view.node.type === "sidecar") {
    for (const cluster of passthroughClusters(config)) resources.push(encode(CLUSTER_TYPE, ClusterSchema, cluster));
    for (const port of servedInboundPorts(view)) {
      const cluster = inboundCluster(port, config);
      if (cluster !== undefined) resources.push(encode(CLUSTER_TYPE, ClusterSchema, cluster));
    }
  }
  for (const { service, port, rule } of outboundPorts(view)) {
    const make = (): readonly Resource[] =>
      outboundClusters(service, port, rule, view.node.type, config).map((cluster) => encode(CLUSTER_TYPE, ClusterSchema, cluster));
    resources.push(...cached(cache, `cds ${view.node.type} ${portKey(service, port)} ${ruleKey(rule)}`, make));
  }
  return resources;
}

function endpointResources(view: ProxyView, cache: ResourceCache | undefined): readonly Resource[] {
  const resources: Resource[] = [];
  for (const { service, port, rule } of outboundPorts(view)) {
    const make = (): readonly Resource[] => {
      const all = view.mesh.endpoints(service.hostname, port.number);
      const host = rule?.spec.trafficPolicy;
      const subsets = [{ name: "", labels: {}, trafficPolicy: undefined }, ...(rule?.spec.subsets ?? [])];
      return subsets.map((subset) => {
        // Without the means to encrypt what must be encrypted the cluster stays empty: 503, never plaintext.
        const reachable = needsMissingEncryption(effectivePolicy(host, subset.trafficPolicy, port.number)) ? [] : all;
        const name = outboundClusterName(port.number, subset.name, service.hostname);
        return encode(ENDPOINT_TYPE, ClusterLoadAssignmentSchema, loadAssignment(name, reachable, subset.labels ?? {}), name);
      });
    };
    resources.push(...cached(cache, `eds ${portKey(service, port)} ${ruleKey(rule)}`, make));
  }
  return resources;
}

function listenersOf(view: ProxyView): readonly Listener[] {
  return view.node.type === "router" ? gatewayListeners(view) : capturesNothing(view) ? sidecarListeners(view) : [];
}

/** Exactly those that the listeners ask for. */
function routeResources(view: ProxyView, listeners: readonly Listener[], cache: ResourceCache | undefined): readonly Resource[] {
  const resources: Resource[] = [];
  for (const name of routeNames(listeners)) {
    if (view.node.type === "router") {
      const servers = view.gatewayServers.filter(({ routeName }) => routeName === name);
      resources.push(encode(ROUTE_TYPE, RouteConfigurationSchema, gatewayRouteConfiguration(view, name, servers)));
      continue;
    }
    const make = (): readonly Resource[] => {
      const routes = sidecarRouteConfiguration(view, name);
      return routes === undefined ? [] : [encode(ROUTE_TYPE, RouteConfigurationSchema, routes)];
    };
    resources.push(...cached(cache, `rds ${name} ${callerKey(view)}`, make));
  }
  return resources;
}

/** Sidecars whose traffic is captured (REDIRECT, TPROXY) need virtualInbound and virtualOutbound, which are not generated yet. */
function capturesNothing(view: ProxyView): boolean {
  return view.node.interceptionMode === "NONE";
}

interface OutboundPort {
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: ResolvedDestinationRule | undefined;
}

function outboundPorts(view: ProxyView): readonly OutboundPort[] {
  const ports: OutboundPort[] = [];
  for (const service of view.services) {
    const rule = view.destinationRule(service.hostname);
    for (const port of service.ports) {
      if (port.protocol !== "UDP") ports.push({ service, port, rule });
    }
  }
  return ports;
}

function portKey(service: Service, port: ServicePort): string {
  return `${service.namespace}/${service.hostname} ${port.number}`;
}

/** Which DestinationRules make up the rule: which of them a caller sees depends on its namespace. */
function ruleKey(rule: ResolvedDestinationRule | undefined): string {
  return rule === undefined ? "" : rule.objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(",");
}

/** Routes depend on the caller's namespace (visibility, short names) and labels (sourceLabels). */
function callerKey(view: ProxyView): string {
  const labels = Object.entries(view.node.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([view.node.namespace, view.node.dnsDomain, labels]);
}

function cached(cache: ResourceCache | undefined, key: string, make: () => readonly Resource[]): readonly Resource[] {
  return cache === undefined ? make() : cache.get(key, make);
}

function encode<Desc extends DescMessage>(
  typeUrl: string,
  schema: Desc,
  message: MessageShape<Desc> & { readonly name?: string },
  name?: string,
): Resource {
  return { name: name ?? message.name ?? "", typeUrl, value: toBinary(schema, message) };
}

function byName(resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  return new Map(
    [...resources].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)).map((resource) => [resource.name, resource]),
  );
}
