// Which resources a resource needs: an EDS cluster its endpoints, a listener its route configurations, both routes and listeners their
// clusters. Warming and subscriptions are built on this.
import { decodeMessage } from "#envoy/decode";
import { Cluster_DiscoveryType } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { ConfigSource } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { TcpProxySchema } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { nameOf } from "#envoy/any";
import { fetchTimeoutMs, readResourceSource } from "#proxy/resource-source";
import type { ResourceSource } from "#proxy/resource-source";

/** A resource that another one waits for. `timeoutMs` 0: for ever. */
export interface Need {
  readonly name: string;
  readonly timeoutMs: number;
  /** Undefined: the ADS stream. */
  readonly source?: ResourceSource;
}

export interface RouteNeed extends Need {
  /** Of the connection manager: part of the statistics' names. */
  readonly statPrefix: string;
}

export interface ListenerReferences {
  readonly routes: readonly RouteNeed[];
  readonly clusters: ReadonlySet<string>;
}

/** What cannot be read was refused where the resource was compiled. */
function sourceOf(source: ConfigSource | undefined): Pick<Need, "source"> {
  const read = readResourceSource(source, "", () => {});
  return read === undefined || read.kind === "ads" ? {} : { source: read };
}

/** The endpoints that a cluster of type EDS needs. */
export function endpointsOf(cluster: Cluster): Need | undefined {
  const type = cluster.clusterDiscoveryType;
  if (type.case !== "type" || type.value !== Cluster_DiscoveryType.EDS) return undefined;
  const config = cluster.edsClusterConfig;
  const service = config?.serviceName ?? "";
  return { name: service === "" ? cluster.name : service, timeoutMs: fetchTimeoutMs(config?.edsConfig), ...sourceOf(config?.edsConfig) };
}

function clustersOfRoutes(config: RouteConfiguration): Set<string> {
  const names = new Set<string>();
  for (const { routes } of config.virtualHosts) for (const route of routes) addClustersOfRoute(route, names);
  return names;
}

export function addClustersOfRoute({ action }: Route, names: Set<string>): void {
  if (action.case !== "route") return;
  const specifier = action.value.clusterSpecifier;
  for (const { cluster } of action.value.requestMirrorPolicies) if (cluster !== "") names.add(cluster);
  if (specifier.case === "cluster") names.add(specifier.value);
  else if (specifier.case === "weightedClusters") for (const { name } of specifier.value.clusters) if (name !== "") names.add(name);
}

export function referencesOf(listener: Listener): ListenerReferences {
  const routes = new Map<string, RouteNeed>();
  const clusters = new Set<string>();
  const chains =
    listener.defaultFilterChain === undefined ? listener.filterChains : [...listener.filterChains, listener.defaultFilterChain];
  for (const { configType } of chains.flatMap(({ filters }) => filters)) {
    if (configType.case !== "typedConfig") continue;
    const { typeUrl, value } = configType.value;
    if (nameOf(typeUrl) === HttpConnectionManagerSchema.typeName) {
      const hcm = decodeMessage(HttpConnectionManagerSchema, value);
      const source = hcm.routeSpecifier;
      if (source.case === "rds") {
        const name = source.value.routeConfigName;
        const { configSource } = source.value;
        const statPrefix = hcm.statPrefix.replace(/;$/, "");
        routes.set(name, { name, timeoutMs: fetchTimeoutMs(configSource), statPrefix, ...sourceOf(configSource) });
      } else if (source.case === "routeConfig") for (const name of clustersOfRoutes(source.value)) clusters.add(name);
    } else if (nameOf(typeUrl) === TcpProxySchema.typeName) {
      const specifier = decodeMessage(TcpProxySchema, value).clusterSpecifier;
      if (specifier.case === "cluster") clusters.add(specifier.value);
      else if (specifier.case === "weightedClusters") for (const { name } of specifier.value.clusters) clusters.add(name);
    }
  }
  return { routes: [...routes.values()], clusters };
}
