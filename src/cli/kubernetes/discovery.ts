// What kinds an API server has, and under which words people ask for them.
import { didYouMean } from "#api/suggestion";
import { CommandError } from "#cli/command-error";
import { ApiError } from "./api-error.ts";
import type { KubernetesClient } from "./client.ts";

export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly isNamespaced: boolean;
  /** Of the versions of its group that have it, the one that the server likes best. */
  readonly isPreferred: boolean;
}

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

interface ApiGroupDiscoveryList {
  readonly kind: "APIGroupDiscoveryList";
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope: string;
        readonly singularResource: string;
        readonly shortNames?: readonly string[];
        readonly categories?: readonly string[];
        readonly verbs?: readonly string[];
      }[];
    }[];
  }[];
}

interface ApiResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly namespaced?: boolean;
    readonly kind: string;
    readonly verbs?: readonly string[];
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  }[];
}

interface ApiGroupList {
  readonly kind: "APIGroupList";
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
    readonly preferredVersion?: { readonly version: string };
  }[];
}

export class Discovery {
  readonly resources: readonly Resource[];

  constructor(resources: readonly Resource[]) {
    this.resources = resources;
  }

  /**
   * `vs`, `VirtualService`, `virtualservices.networking.istio.io`, `virtualservices.v1beta1.networking.istio.io`.
   * @throws CommandError for a word that names none
   */
  byWord(word: string): Resource {
    const [name = "", ...rest] = word.toLowerCase().split(".");
    const inGroup = rest.join(".");
    const [version = "", ...group] = rest;
    const found =
      this.#find(name, (resource) => inGroup === "" || resource.group === inGroup) ??
      this.#find(name, (resource) => resource.version === version && resource.group === group.join("."), true);
    if (found !== undefined) return found;
    const words = this.resources.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]);
    const near = didYouMean(word, [...new Set(words)]);
    throw new CommandError(`the server doesn't have a resource type "${word}"${near === undefined ? "" : ` (${near})`}`);
  }

  #find(name: string, fits: (resource: Resource) => boolean, inAnyVersion = false): Resource | undefined {
    const candidates = this.resources.filter((resource) => fits(resource) && (inAnyVersion || resource.isPreferred));
    return (
      candidates.find(({ plural, singular, kind }) => [plural, singular, kind.toLowerCase()].includes(name)) ??
      candidates.find(({ shortNames }) => shortNames.includes(name))
    );
  }

  /** Several for a category (`istio-io`, `all`), else the one that the word names. */
  byWordOrCategory(word: string): readonly Resource[] {
    const inCategory = this.resources.filter(
      ({ categories, isPreferred, verbs }) => isPreferred && categories.includes(word) && verbs.includes("list"),
    );
    return inCategory.length > 0 ? inCategory : [this.byWord(word)];
  }

  /** undefined: the server has no such kind. */
  byKind(apiVersion: string, kind: string): Resource | undefined {
    const [group, version] = splitApiVersion(apiVersion);
    return this.resources.find((resource) => resource.kind === kind && resource.version === version && resource.group === group);
  }
}

function splitApiVersion(apiVersion: string): readonly [group: string, version: string] {
  const slash = apiVersion.indexOf("/");
  return slash === -1 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

export function pathOf(resource: Resource, namespace: string | undefined, name?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${resource.plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

export async function discover(client: KubernetesClient): Promise<Discovery> {
  const [core, groups] = await Promise.all([
    client.get<ApiGroupDiscoveryList | { readonly kind: "APIVersions"; readonly versions: readonly string[] }>("/api", {}, AGGREGATED),
    client.get<ApiGroupDiscoveryList | ApiGroupList>("/apis", {}, AGGREGATED),
  ]);
  const inCore = core.kind === "APIGroupDiscoveryList" ? fromAggregated(core) : await fromVersions(client, core.versions);
  const inGroups = groups.kind === "APIGroupDiscoveryList" ? fromAggregated(groups) : await fromGroups(client, groups);
  return new Discovery([...inCore, ...inGroups]);
}

function fromAggregated(list: ApiGroupDiscoveryList): readonly Resource[] {
  return list.items.flatMap(({ metadata, versions = [] }) => {
    const seen = new Set<string>();
    return versions.flatMap(({ version, resources = [] }) =>
      resources.map((resource): Resource => {
        const isPreferred = !seen.has(resource.resource);
        seen.add(resource.resource);
        return {
          group: metadata?.name ?? "",
          version,
          kind: resource.responseKind?.kind ?? "",
          plural: resource.resource,
          singular: resource.singularResource,
          shortNames: resource.shortNames ?? [],
          categories: resource.categories ?? [],
          verbs: resource.verbs ?? [],
          isNamespaced: resource.scope === "Namespaced",
          isPreferred,
        };
      }),
    );
  });
}

/** Servers before Kubernetes 1.30 answer one group's version at a time. */
async function fromVersions(client: KubernetesClient, versions: readonly string[]): Promise<readonly Resource[]> {
  const [first = "v1"] = versions;
  return resourcesOf("", first, true, await client.get<ApiResourceList>(`/api/${first}`));
}

async function fromGroups(client: KubernetesClient, { groups = [] }: ApiGroupList): Promise<readonly Resource[]> {
  const found = await Promise.all(
    groups.flatMap(({ name, versions, preferredVersion }) =>
      versions.map(async ({ version }) => {
        try {
          const list = await client.get<ApiResourceList>(`/apis/${name}/${version}`);
          return resourcesOf(name, version, version === (preferredVersion ?? versions[0])?.version, list);
        } catch (error) {
          // A group whose own server is away hides itself only, as with kubectl.
          if (error instanceof ApiError) return [];
          throw error;
        }
      }),
    ),
  );
  return found.flat();
}

function resourcesOf(group: string, version: string, isPreferred: boolean, list: ApiResourceList): readonly Resource[] {
  return (list.resources ?? []).flatMap((resource): readonly Resource[] =>
    resource.name.includes("/")
      ? []
      : [
          {
            group,
            version,
            kind: resource.kind,
            plural: resource.name,
            singular: resource.singularName ?? resource.kind.toLowerCase(),
            shortNames: resource.shortNames ?? [],
            categories: resource.categories ?? [],
            verbs: resource.verbs ?? [],
            isNamespaced: resource.namespaced === true,
            isPreferred,
          },
        ],
  );
}
