// All resources of the API, found by path or by kind.
import type { ResourceName } from "#control-plane/config/stored-object";
import { customResources } from "./custom-resources.ts";
import { kubernetesResources } from "./kubernetes-resources.ts";
import type { Resource } from "./resource.ts";

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

export class ResourceTable {
  readonly all: readonly Resource[];
  readonly #byPath = new Map<string, Resource>();
  readonly #byKind = new Map<string, Resource>();

  constructor(resources: readonly Resource[] = [...kubernetesResources(), ...customResources()]) {
    this.all = resources;
    for (const resource of resources) {
      this.#byPath.set(`${resource.group}/${resource.plural}`, resource);
      this.#byKind.set(`${resource.group}/${resource.kind}`, resource);
    }
  }

  /** Undefined where the group has no such resource, or not in this version. */
  at({ group, version }: GroupVersion, plural: string): Resource | undefined {
    const resource = this.#byPath.get(`${group}/${plural}`);
    return resource?.versions.includes(version) === true ? resource : undefined;
  }

  ofKind(apiVersion: string, kind: string): Resource | undefined {
    const { group, version } = parseApiVersion(apiVersion);
    const resource = this.#byKind.get(`${group}/${kind}`);
    return resource?.versions.includes(version) === true ? resource : undefined;
  }

  /** As the object store names the resource of a kind. */
  nameOf(apiVersion: string, kind: string): (ResourceName & { readonly namespaced: boolean }) | undefined {
    const resource = this.ofKind(apiVersion, kind);
    return resource === undefined ? undefined : { group: resource.group, resource: resource.plural, namespaced: resource.namespaced };
  }

  /** Groups in the order of the table, "" first; each with its versions, the preferred one first. */
  get groups(): ReadonlyMap<string, readonly string[]> {
    const groups = new Map<string, Set<string>>();
    for (const { group, versions } of this.all) {
      const known = groups.get(group) ?? new Set();
      for (const version of versions) known.add(version);
      groups.set(group, known);
    }
    return new Map([...groups].map(([group, versions]) => [group, [...versions].sort(compareVersions)]));
  }

  inVersion({ group, version }: GroupVersion): readonly Resource[] {
    return this.all
      .filter((resource) => resource.group === group && resource.versions.includes(version))
      .sort((a, b) => (a.plural < b.plural ? -1 : 1));
  }
}

export function parseApiVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf("/");
  return slash === -1 ? { group: "", version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Kubernetes' order: stable before beta before alpha, higher numbers first. */
function compareVersions(a: string, b: string): number {
  return rank(b) - rank(a) || (a < b ? -1 : 1);
}

function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/u.exec(version);
  if (match === null) return -1;
  const stability = match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
  return stability * 1e6 + Number(match[1]) * 1e3 + Number(match[3] ?? 0);
}
