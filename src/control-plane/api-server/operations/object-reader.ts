// Get, list and the versions of an object.
import type { ObjectStore } from "#control-plane/config/object-store";
import type { JsonObject } from "#control-plane/api-server/json";
import type { ResourcePath } from "#control-plane/api-server/request/api-path";
import { listQuery } from "#control-plane/api-server/request/query";
import { asJson } from "./answer.ts";
import { nameOf } from "./object-writer.ts";
import { inVersion } from "./versions.ts";

export interface ListAnswer {
  readonly metadata: JsonObject;
  readonly items: readonly JsonObject[];
}

export async function getObject(store: ObjectStore, path: ResourcePath): Promise<JsonObject> {
  return inVersion(asJson(await store.get(nameOf(path, path.name))), path.resource, path.version);
}

export async function listObjects(store: ObjectStore, path: ResourcePath, query: URLSearchParams): Promise<ListAnswer> {
  const { resource, version, namespace } = path;
  const list = await store.list(
    { group: resource.group, resource: resource.plural },
    { ...listQuery(query), ...(namespace === "" ? {} : { namespace }) },
  );
  return {
    metadata: {
      resourceVersion: list.resourceVersion,
      ...(list.continue === undefined ? {} : { continue: list.continue }),
      ...(list.remainingItemCount === undefined ? {} : { remainingItemCount: list.remainingItemCount }),
    },
    items: list.items.map((object) => inVersion(asJson(object), resource, version)),
  };
}

const OPERATIONS = { created: "Create", updated: "Update", deleted: "Delete" } as const;

/** Oldest first; also of an object that is no longer there. */
export async function objectHistory(store: ObjectStore, path: ResourcePath): Promise<JsonObject> {
  const versions = await store.versions(nameOf(path, path.name));
  return {
    apiVersion: "mizzen.io/v1",
    kind: "History",
    metadata: {},
    items: versions.toReversed().map(({ version, resourceVersion, timestamp, author, change, object }) => ({
      version,
      resourceVersion,
      time: timestamp,
      author,
      operation: OPERATIONS[change],
      object: inVersion(asJson(object), path.resource, path.version),
    })),
  };
}
