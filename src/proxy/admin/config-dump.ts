// `/config_dump`: Envoy's ConfigDump as JSON with proto names. The order of the sections is Envoy's.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { CLUSTER_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { AcceptedResource, ResourceSlots } from "#proxy/xds-client/resource-slots";
import { isStatic } from "#proxy/xds-client/static-resources";
import type { AdminSource, ClusterSummary } from "./admin-source.ts";
import { dumpMessage, dumpResource } from "./dump-registry.ts";
import { endpointsSection } from "./endpoints-dump.ts";
import { masked } from "./field-mask.ts";
import { secretsSection } from "./secrets-dump.ts";

export interface DumpQuery {
  readonly includeEndpoints: boolean;
  /** One repeated field, e.g. `dynamic_listeners`: its entries alone are the dump. */
  readonly resource: string | undefined;
  /** Paths of fields to keep, below each section or below each element of the resource. */
  readonly mask: string | undefined;
  /** RE2 over resource names. */
  readonly matchesName: ((name: string) => boolean) | undefined;
}

/** Messages of a section's elements, by the field that holds them. */
const ELEMENTS: Readonly<Record<string, string>> = {
  static_clusters: "ClustersConfigDump.StaticCluster",
  dynamic_active_clusters: "ClustersConfigDump.DynamicCluster",
  dynamic_warming_clusters: "ClustersConfigDump.DynamicCluster",
  static_listeners: "ListenersConfigDump.StaticListener",
  dynamic_listeners: "ListenersConfigDump.DynamicListener",
  static_route_configs: "RoutesConfigDump.StaticRouteConfig",
  dynamic_route_configs: "RoutesConfigDump.DynamicRouteConfig",
  static_endpoint_configs: "EndpointsConfigDump.StaticEndpointConfig",
  dynamic_endpoint_configs: "EndpointsConfigDump.DynamicEndpointConfig",
  static_secrets: "SecretsConfigDump.StaticSecret",
  dynamic_active_secrets: "SecretsConfigDump.DynamicSecret",
  dynamic_warming_secrets: "SecretsConfigDump.DynamicSecret",
};

const ADMIN = "type.googleapis.com/envoy.admin.v3.";

/** `clusters`: what the traffic threads say of hosts, when endpoints are wanted. */
export function configDump(
  source: AdminSource,
  query: DumpQuery,
  clusters: readonly ClusterSummary[],
): { readonly configs: JsonValue } | { readonly status: number; readonly problem: string } {
  const { matchesName } = query;
  const sections = [
    bootstrapSection(source),
    clustersSection(source, query),
    ...(query.includeEndpoints ? [endpointsSection(source, clusters, matchesName)] : []),
    listenersSection(source, query),
    { "@type": `${ADMIN}ScopedRoutesConfigDump` },
    routesSection(source, query),
    secretsSection(source, matchesName),
  ];
  const paths = query.mask === undefined || query.mask === "" ? undefined : query.mask.split(",");
  if (query.resource !== undefined) {
    const name = query.resource;
    const section = sections.find((candidate) => Array.isArray(candidate[name]));
    const element = ELEMENTS[name];
    if (sections.some((candidate) => candidate[name] !== undefined && !Array.isArray(candidate[name])))
      return { status: 400, problem: `${name} is not a repeated field. Use ?mask=${name} to get only this field` };
    if (section === undefined || element === undefined) return { status: 404, problem: `${name} not found in config dump` };
    const shown: JsonObject[] = [];
    for (const item of section[name] as readonly JsonObject[]) {
      const kept = paths === undefined ? item : masked(item, paths);
      if (kept !== undefined) shown.push(kept);
    }
    return { configs: shown.map((item) => ({ "@type": `${ADMIN}${element}`, ...item })) };
  }
  if (paths !== undefined) {
    const shown = sections.flatMap((section) => masked(section, paths) ?? []);
    if (shown.length > 0) return { configs: shown };
    return { status: 400, problem: `FieldMask ${query.mask} could not be successfully applied to any configs.` };
  }
  return { configs: sections };
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

function bootstrapSection(source: AdminSource): JsonObject {
  return {
    "@type": `${ADMIN}BootstrapConfigDump`,
    bootstrap: dumpMessage(BootstrapSchema, source.bootstrap),
    last_updated: timestamp(source.wallMs() - source.uptimeMs()),
  };
}

function entries<Facts>(
  slots: ResourceSlots<Facts>,
  which: "live" | "waiting",
  query: DumpQuery,
  entry: (resource: AcceptedResource<Facts>) => JsonObject | undefined,
): JsonObject[] {
  const list: JsonObject[] = [];
  for (const slot of slots) {
    const resource = slot[which];
    if (resource === undefined || query.matchesName?.(resource.name) === false) continue;
    const shown = entry(resource);
    if (shown !== undefined) list.push(shown);
  }
  return list;
}

function clustersSection(source: AdminSource, query: DumpQuery): JsonObject {
  const { config, staticResources } = source;
  const those =
    (ofBootstrap: boolean) =>
    ({ name, version, bytes, acceptedWallMs }: AcceptedResource<unknown>): JsonObject | undefined =>
      isStatic(staticResources, CLUSTER_TYPE, name) === ofBootstrap
        ? {
            ...(ofBootstrap || version === "" ? {} : { version_info: version }),
            cluster: dumpResource(CLUSTER_TYPE, bytes),
            last_updated: timestamp(acceptedWallMs),
          }
        : undefined;
  return {
    "@type": `${ADMIN}ClustersConfigDump`,
    ...versionInfo(source, CLUSTER_TYPE),
    ...unlessEmpty("static_clusters", entries(config.clusters, "live", query, those(true))),
    ...unlessEmpty("dynamic_active_clusters", entries(config.clusters, "live", query, those(false))),
    ...unlessEmpty("dynamic_warming_clusters", entries(config.clusters, "waiting", query, those(false))),
  };
}

/** Of the newest response that was accepted. */
function versionInfo(source: AdminSource, type: string): JsonObject {
  const version = source.versionInfo(type);
  return version === "" ? {} : { version_info: version };
}

function unlessEmpty(name: string, list: readonly JsonObject[]): JsonObject {
  return list.length === 0 ? {} : { [name]: [...list] };
}

function listenersSection(source: AdminSource, query: DumpQuery): JsonObject {
  const { config, staticResources } = source;
  const shown = ({ bytes, acceptedWallMs }: AcceptedResource<unknown>): JsonObject => ({
    listener: dumpResource(LISTENER_TYPE, bytes),
    last_updated: timestamp(acceptedWallMs),
  });
  const state = (field: string, resource: AcceptedResource<unknown> | undefined): JsonObject =>
    resource === undefined
      ? {}
      : { [field]: { ...(resource.version === "" ? {} : { version_info: resource.version }), ...shown(resource) } };
  const ofBootstrap: JsonObject[] = [];
  const dynamic: JsonObject[] = [];
  for (const { name, live, waiting } of config.listeners) {
    if (query.matchesName?.(name) === false) continue;
    if (!isStatic(staticResources, LISTENER_TYPE, name))
      dynamic.push({ name, ...state("active_state", live), ...state("warming_state", waiting) });
    else if (live !== undefined) ofBootstrap.push(shown(live));
  }
  return {
    "@type": `${ADMIN}ListenersConfigDump`,
    ...versionInfo(source, LISTENER_TYPE),
    ...unlessEmpty("static_listeners", ofBootstrap),
    ...unlessEmpty("dynamic_listeners", dynamic),
  };
}

function routesSection({ config }: AdminSource, query: DumpQuery): JsonObject {
  const dynamic = entries(config.routes, "live", query, ({ version, bytes, acceptedWallMs }) => ({
    ...(version === "" ? {} : { version_info: version }),
    route_config: dumpResource(ROUTE_TYPE, bytes),
    last_updated: timestamp(acceptedWallMs),
  }));
  const inline: JsonObject[] = [];
  for (const { bytes, acceptedWallMs } of config.listeners.live) {
    for (const route of inlineRoutes(dumpResource(LISTENER_TYPE, bytes))) {
      if (query.matchesName?.(typeof route["name"] === "string" ? route["name"] : "") === false) continue;
      inline.push({ route_config: { "@type": ROUTE_TYPE, ...route }, last_updated: timestamp(acceptedWallMs) });
    }
  }
  return {
    "@type": `${ADMIN}RoutesConfigDump`,
    ...unlessEmpty("static_route_configs", inline),
    ...unlessEmpty("dynamic_route_configs", dynamic),
  };
}

/** Those that connection managers of a listener hold themselves, at whatever depth. */
function inlineRoutes(value: JsonValue): JsonObject[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(inlineRoutes);
  return Object.entries(value).flatMap(([key, inner]) => {
    const isRoute = key === "route_config" && typeof inner === "object" && inner !== null && !Array.isArray(inner);
    return isRoute ? [inner as JsonObject] : inlineRoutes(inner);
  });
}
