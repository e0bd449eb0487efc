// `/config_dump`: Envoy's ConfigDump as JSON with proto names. The order of the sections is Envoy's.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { AcceptedResource, ResourceSlots } from "#proxy/xds-client/resource-slots";
import { isStatic } from "#proxy/xds-client/static-resources";
import type { AdminSource } from "./admin-source.ts";
import { dumpMessage, dumpResource } from "./dump-registry.ts";
import { masked } from "./field-mask.ts";

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
  dynamic_route_configs: "RoutesConfigDump.DynamicRouteConfig",
  dynamic_endpoint_configs: "EndpointsConfigDump.DynamicEndpointConfig",
};

const ADMIN = "type.googleapis.com/envoy.admin.v3.";

export function configDump(
  source: AdminSource,
  query: DumpQuery,
): { readonly configs: JsonValue } | { readonly status: number; readonly problem: string } {
  const sections = [
    bootstrapSection(source),
    clustersSection(source, query),
    listenersSection(source, query),
    routesSection(source, query),
  ];
  if (query.includeEndpoints) sections.push(endpointsSection(source, query));
  const paths = query.mask === undefined || query.mask === "" ? undefined : query.mask.split(",");
  if (query.resource !== undefined) {
    const name = query.resource;
    const section = sections.find((candidate) => Array.isArray(candidate[name]));
    const element = ELEMENTS[name];
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

function bootstrapSection({ bootstrap }: AdminSource): JsonObject {
  return { "@type": `${ADMIN}BootstrapConfigDump`, bootstrap: dumpMessage(BootstrapSchema, bootstrap) };
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

function clustersSection({ config, staticResources }: AdminSource, query: DumpQuery): JsonObject {
  const those =
    (ofBootstrap: boolean) =>
    ({ name, version, bytes, acceptedWallMs }: AcceptedResource<unknown>): JsonObject | undefined =>
      isStatic(staticResources, CLUSTER_TYPE, name) === ofBootstrap
        ? {
            ...(ofBootstrap ? {} : { version_info: version }),
            cluster: dumpResource(CLUSTER_TYPE, bytes),
            last_updated: timestamp(acceptedWallMs),
          }
        : undefined;
  return {
    "@type": `${ADMIN}ClustersConfigDump`,
    static_clusters: entries(config.clusters, "live", query, those(true)),
    dynamic_active_clusters: entries(config.clusters, "live", query, those(false)),
    dynamic_warming_clusters: entries(config.clusters, "waiting", query, those(false)),
  };
}

function listenersSection({ config, staticResources }: AdminSource, query: DumpQuery): JsonObject {
  const shown = ({ bytes, acceptedWallMs }: AcceptedResource<unknown>): JsonObject => ({
    listener: dumpResource(LISTENER_TYPE, bytes),
    last_updated: timestamp(acceptedWallMs),
  });
  const state = (field: string, resource: AcceptedResource<unknown> | undefined): JsonObject =>
    resource === undefined ? {} : { [field]: { version_info: resource.version, ...shown(resource) } };
  const ofBootstrap: JsonObject[] = [];
  const dynamic: JsonObject[] = [];
  for (const { name, live, waiting } of config.listeners) {
    if (query.matchesName?.(name) === false) continue;
    if (!isStatic(staticResources, LISTENER_TYPE, name))
      dynamic.push({ name, ...state("active_state", live), ...state("warming_state", waiting) });
    else if (live !== undefined) ofBootstrap.push(shown(live));
  }
  return { "@type": `${ADMIN}ListenersConfigDump`, static_listeners: ofBootstrap, dynamic_listeners: dynamic };
}

function routesSection({ config }: AdminSource, query: DumpQuery): JsonObject {
  return {
    "@type": `${ADMIN}RoutesConfigDump`,
    dynamic_route_configs: entries(config.routes, "live", query, ({ version, bytes, acceptedWallMs }) => ({
      version_info: version,
      route_config: dumpResource(ROUTE_TYPE, bytes),
      last_updated: timestamp(acceptedWallMs),
    })),
  };
}

function endpointsSection({ config }: AdminSource, query: DumpQuery): JsonObject {
  return {
    "@type": `${ADMIN}EndpointsConfigDump`,
    dynamic_endpoint_configs: entries(config.assignments, "live", query, ({ version, bytes, acceptedWallMs }) => ({
      version_info: version,
      endpoint_config: dumpResource(ENDPOINT_TYPE, bytes),
      last_updated: timestamp(acceptedWallMs),
    })),
  };
}
