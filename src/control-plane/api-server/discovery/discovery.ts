// Discovery: which groups, versions and resources there are, in the old form (one document a group) and aggregated.
import type { JsonObject } from "#control-plane/api-server/json";
import { SUBRESOURCE_VERBS, VERBS, type Resource } from "#control-plane/api-server/resources/resource";
import type { ResourceTable } from "#control-plane/api-server/resources/resource-table";
import { REVIEWS, type Review } from "./reviews.ts";

function apiVersionText(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Groups with the versions that stored resources or reviews are in. */
function groupsOf(table: ResourceTable): ReadonlyMap<string, readonly string[]> {
  const groups = new Map(table.groups);
  for (const { group, version } of REVIEWS) if (!groups.has(group)) groups.set(group, [version]);
  return groups;
}

function reviewsIn(group: string, version: string): readonly Review[] {
  return REVIEWS.filter((review) => review.group === group && review.version === version);
}

/** `/api` */
export function coreVersions(address: string): JsonObject {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }] };
}

/** `/apis` */
export function groupList(table: ResourceTable): JsonObject {
  const groups = [...groupsOf(table)].filter(([group]) => group !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(([group, versions]) => describeGroup(group, versions)) };
}

/** `/apis/GROUP`; undefined when there is none. */
export function groupDocument(table: ResourceTable, group: string): JsonObject | undefined {
  const versions = groupsOf(table).get(group);
  return versions === undefined || group === "" ? undefined : { kind: "APIGroup", apiVersion: "v1", ...describeGroup(group, versions) };
}

function describeGroup(group: string, versions: readonly string[]): JsonObject {
  const described = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: described, preferredVersion: described[0] ?? {} };
}

/** `/api/v1`, `/apis/GROUP/VERSION`; undefined when there is none. */
export function resourceList(table: ResourceTable, group: string, version: string): JsonObject | undefined {
  if (groupsOf(table).get(group)?.includes(version) !== true) return undefined;
  const resources = table.inVersion({ group, version }).flatMap((resource) => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: [...VERBS],
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
      storageVersionHash: "",
    },
    ...resource.subresources.map((name) => ({
      name: `${resource.plural}/${name}`,
      singularName: "",
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: [...SUBRESOURCE_VERBS],
    })),
  ]);
  const reviews = reviewsIn(group, version).map(({ plural, kind }) => ({
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced: false,
    kind,
    verbs: ["create"],
  }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersionText(group, version), resources: [...resources, ...reviews] };
}

/** `/api` and `/apis` for clients that ask for everything at once. */
export function aggregated(table: ResourceTable, part: "core" | "groups", apiVersion: string): JsonObject {
  const groups = [...groupsOf(table)].filter(([group]) => (group === "") === (part === "core"));
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: "Current",
        resources: [
          ...table.inVersion({ group, version }).map((resource) => aggregatedResource(resource, version)),
          ...reviewsIn(group, version).map(({ plural, kind }) => ({
            resource: plural,
            responseKind: { group, version, kind },
            scope: "Cluster",
            singularResource: kind.toLowerCase(),
            verbs: ["create"],
          })),
        ],
      })),
    })),
  };
}

function aggregatedResource(resource: Resource, version: string): JsonObject {
  const responseKind = { group: resource.group, version, kind: resource.kind };
  return {
    resource: resource.plural,
    responseKind,
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: [...VERBS],
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.subresources.length === 0
      ? {}
      : { subresources: resource.subresources.map((name) => ({ subresource: name, responseKind, verbs: [...SUBRESOURCE_VERBS] })) }),
  };
}
