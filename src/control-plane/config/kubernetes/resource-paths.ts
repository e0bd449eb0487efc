// Paths of resources on an API server. A resource is known without a version here; the server's discovery says which it has.
import { StatusError } from "#control-plane/config/status-error";
import { objectKey, resourceText, type ObjectName, type ResourceName } from "#control-plane/config/stored-object";
import type { ApiClient } from "./api-client.ts";

interface ApiGroup {
  readonly preferredVersion: { readonly groupVersion: string };
  readonly versions: readonly { readonly groupVersion: string }[];
}

interface ApiResourceList {
  readonly resources: readonly { readonly name: string }[];
}

export class ResourcePaths {
  readonly #client: ApiClient;
  /** `/api/v1` or `/apis/GROUP/VERSION` of a resource. */
  readonly #roots = new Map<string, Promise<string>>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async of(resource: ResourceName, namespace = ""): Promise<string> {
    const within = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
    return `${await this.#root(resource)}${within}/${encodeURIComponent(resource.resource)}`;
  }

  async ofObject(name: ObjectName, subresource?: string): Promise<string> {
    // Also refuses names that are paths.
    objectKey(name);
    const path = `${await this.of(name, name.namespace)}/${encodeURIComponent(name.name)}`;
    return subresource === undefined ? path : `${path}/${subresource}`;
  }

  #root(resource: ResourceName): Promise<string> {
    if (resource.group === "") return Promise.resolve("/api/v1");
    const key = resourceText(resource);
    let root = this.#roots.get(key);
    if (root === undefined) {
      root = this.#discover(resource);
      this.#roots.set(key, root);
      // A kind may be defined later.
      root.catch(() => this.#roots.delete(key));
    }
    return root;
  }

  async #discover(resource: ResourceName): Promise<string> {
    const group = await this.#client.call<ApiGroup>({ method: "GET", path: `/apis/${encodeURIComponent(resource.group)}` });
    const preferred = group.preferredVersion.groupVersion;
    for (const groupVersion of new Set([preferred, ...group.versions.map((version) => version.groupVersion)])) {
      const { resources } = await this.#client.call<ApiResourceList>({ method: "GET", path: `/apis/${groupVersion}` });
      if (resources.some(({ name }) => name === resource.resource)) return `/apis/${groupVersion}`;
    }
    throw StatusError.of(404, { message: `the server has no resource ${resourceText(resource)}`, reason: "NotFound" });
  }
}
