// What a path of the API means. Pure; what leads nowhere is undefined.
import { needsNode } from "#control-plane/api-server/admission/without-node";
import { REVIEWS, type Review } from "#control-plane/api-server/discovery/reviews";
import type { Resource } from "#control-plane/api-server/resources/resource";
import type { GroupVersion, ResourceTable } from "#control-plane/api-server/resources/resource-table";

/** Subresources of every stored object, beside those that a resource has. */
const HISTORY = "history";
const OF_RUNNING_PODS: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward", "proxy", "eviction", "ephemeralcontainers"]);

export interface ResourcePath {
  readonly is: "resource";
  readonly resource: Resource;
  readonly version: string;
  /** "" for all namespaces, and for kinds without one. */
  readonly namespace: string;
  /** "" for the collection. */
  readonly name: string;
  readonly subresource: string;
}

export type ApiPath =
  | ResourcePath
  | { readonly is: "review"; readonly review: Review }
  | { readonly is: "transactions" }
  /** What needs pods that run: their logs, a command in one, their number. */
  | { readonly is: "running pods"; readonly kind: string; readonly name: string; readonly subresource: string }
  | { readonly is: "core versions" }
  | { readonly is: "groups" }
  | { readonly is: "group"; readonly group: string }
  | ({ readonly is: "version" } & GroupVersion)
  | { readonly is: "openapi v2" }
  | { readonly is: "openapi v3 index" }
  | ({ readonly is: "openapi v3" } & GroupVersion)
  | { readonly is: "product version" }
  | { readonly is: "health"; readonly verbose: boolean }
  | { readonly is: "root" };

export function parsePath(path: string, table: ResourceTable): ApiPath | undefined {
  const segments = segmentsOf(path);
  if (segments === undefined) return undefined;
  const [first, second, third, ...rest] = segments;
  switch (first) {
    case undefined:
      return { is: "root" };
    case "version":
      return second === undefined ? { is: "product version" } : undefined;
    case "healthz":
    case "livez":
    case "readyz":
      return { is: "health", verbose: true };
    case "openapi":
      return openApiPath(segments.slice(1));
    case "api":
      if (second === undefined) return { is: "core versions" };
      return versionPath({ group: "", version: second }, segments.slice(2), table);
    case "apis":
      if (second === undefined) return { is: "groups" };
      if (third === undefined) return { is: "group", group: second };
      return versionPath({ group: second, version: third }, rest, table);
    default:
      return undefined;
  }
}

/** Undefined for what is no path: empty or hostile segments, wrong escapes. */
function segmentsOf(path: string): readonly string[] | undefined {
  const raw = path.replace(/^\//u, "").replace(/\/$/u, "");
  if (raw === "") return [];
  const segments: string[] = [];
  for (const part of raw.split("/")) {
    let segment: string;
    try {
      segment = decodeURIComponent(part);
    } catch {
      return undefined;
    }
    if (segment === "" || segment === "." || segment === ".." || /[/\p{Cc}]/u.test(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

function openApiPath([kind, ...rest]: readonly string[]): ApiPath | undefined {
  if (kind === "v2" && rest.length === 0) return { is: "openapi v2" };
  if (kind !== "v3") return undefined;
  const [root, first, second] = rest;
  if (root === undefined) return { is: "openapi v3 index" };
  if (root === "api" && first !== undefined && second === undefined) return { is: "openapi v3", group: "", version: first };
  if (root === "apis" && first !== undefined && second !== undefined) return { is: "openapi v3", group: first, version: second };
  return undefined;
}

function versionPath(groupVersion: GroupVersion, segments: readonly string[], table: ResourceTable): ApiPath | undefined {
  const [first, second, third] = segments;
  if (first === undefined) return { is: "version", ...groupVersion };
  if (groupVersion.group === "mizzen.io") {
    return groupVersion.version === "v1" && first === "transactions" && second === undefined ? { is: "transactions" } : undefined;
  }
  const review = REVIEWS.find(
    ({ group, version, plural }) => group === groupVersion.group && version === groupVersion.version && plural === first,
  );
  if (review !== undefined) return second === undefined ? { is: "review", review } : undefined;
  // `namespaces/NAME/status` is a namespace's own; any other word there names a resource within it.
  const namespaces = table.at({ group: "", version: "v1" }, "namespaces");
  const isOwn = third === undefined || third === HISTORY || namespaces?.subresources.includes(third) === true;
  if (first === "namespaces" && second !== undefined && !(groupVersion.group === "" && isOwn)) {
    return third === undefined ? undefined : resourcePath(groupVersion, third, second, segments.slice(3), table);
  }
  return resourcePath(groupVersion, first, "", segments.slice(1), table);
}

function resourcePath(
  groupVersion: GroupVersion,
  plural: string,
  namespace: string,
  [name = "", subresource = "", ...more]: readonly string[],
  table: ResourceTable,
): ApiPath | undefined {
  const resource = table.at(groupVersion, plural);
  if (resource === undefined || more.length > 0) return undefined;
  if (namespace !== "" && !resource.namespaced) return undefined;
  if (namespace === "" && resource.namespaced && name !== "") return undefined;
  const ofPods = resource.kind === "Pod" ? OF_RUNNING_PODS.has(subresource) : subresource === "scale" && needsNode(resource);
  if (ofPods) return { is: "running pods", kind: resource.kind, name, subresource };
  if (subresource !== "" && subresource !== HISTORY && !resource.subresources.includes(subresource)) return undefined;
  return { is: "resource", resource, version: groupVersion.version, namespace, name, subresource };
}
