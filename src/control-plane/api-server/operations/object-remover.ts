// Delete, of one object or of a collection.
import type { ObjectStore, ObjectWrite } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import { textAt, type JsonObject } from "#control-plane/api-server/json";
import type { ResourcePath } from "#control-plane/api-server/request/api-path";
import { deleteQuery, listQuery } from "#control-plane/api-server/request/query";
import { readObject, type Body } from "#control-plane/api-server/request/body";
import { asJson, type Answer } from "./answer.ts";
import { nameOf } from "./object-writer.ts";
import { inVersion } from "./versions.ts";

export interface Deletion {
  readonly store: ObjectStore;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly author: string;
}

function optionsOf({ query, body }: Deletion): ReturnType<typeof deleteQuery> {
  return deleteQuery(query, body.bytes.length === 0 ? {} : readObject(body).object);
}

/** A Status when it is gone, the object when it waits for its finalizers. */
export async function deleteObject(deletion: Deletion): Promise<Answer> {
  const { store, path, author } = deletion;
  const { options, dryRun } = optionsOf(deletion);
  const [result] = await store.write([{ verb: "delete", name: nameOf(path, path.name), ...options }], { author, dryRun });
  if (result === undefined) throw new StatusError("InternalError", "the store answered nothing");
  const object = asJson(result.object);
  if (result.outcome !== "deleted") return { code: 200, body: inVersion(object, path.resource, path.version), warnings: [] };
  const { group, plural } = path.resource;
  const details: JsonObject = { name: path.name, ...(group === "" ? {} : { group }), kind: plural, uid: textAt(object, "metadata", "uid") };
  return { code: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details }, warnings: [] };
}

/** All that is selected, one by one; what was deleted by somebody else in the meantime is no error. */
export async function deleteCollection(deletion: Deletion): Promise<Answer> {
  const { store, path, query, author } = deletion;
  const { resource, version, namespace } = path;
  const { options, dryRun } = optionsOf(deletion);
  const { limit: _limit, continue: _continue, ...selection } = listQuery(query);
  const list = await store.list(
    { group: resource.group, resource: resource.plural },
    { ...selection, ...(namespace === "" ? {} : { namespace }) },
  );
  const writes = list.items.map((object): ObjectWrite => {
    const name = nameOf({ ...path, namespace: object.metadata.namespace ?? "" }, object.metadata.name ?? "");
    return { verb: "delete", name, ...options, preconditions: { uid: object.metadata.uid ?? "" } };
  });
  for (const write of writes) {
    await store.write([write], { author, dryRun }).catch((error: unknown) => {
      if (!(error instanceof StatusError && (error.reason === "NotFound" || error.reason === "Conflict"))) throw error;
    });
  }
  const items = list.items.map((object) => inVersion(asJson(object), resource, version));
  return {
    code: 200,
    body: { kind: resource.listKind, apiVersion: resource.apiVersion(version), metadata: { resourceVersion: list.resourceVersion }, items },
    warnings: [],
  };
}
