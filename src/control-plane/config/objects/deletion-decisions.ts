// What follows for an object from what happened to others: Kubernetes' garbage collector and namespace controller as decisions. Each
// gives the writes that are to be made now; what those change gives reason for the next look.
import type { ObjectWrite } from "#control-plane/config/object-store";
import { parseObjectKey, type ObjectName, type OwnerReference, type StoredObject } from "#control-plane/config/stored-object";
import { finalizersOfNamespace, isNamespace, NAMESPACE_FINALIZER } from "./namespace.ts";
import { FOREGROUND, ORPHAN } from "./object-changes.ts";
import type { OwnershipIndex } from "./ownership-index.ts";

export interface Everything {
  readonly index: OwnershipIndex;
  readonly get: (key: string) => StoredObject | undefined;
  /** Objects of files: nobody but the file takes them away. */
  readonly isReadOnly: (key: string) => boolean;
}

function isDeleting({ metadata }: StoredObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function has({ metadata }: StoredObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) === true;
}

function deletion(name: ObjectName, object: StoredObject, propagationPolicy: "Background" | "Foreground" | undefined): ObjectWrite {
  const { uid } = object.metadata;
  return {
    verb: "delete",
    name,
    preconditions: uid === undefined ? {} : { uid },
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
  };
}

/** A change of the metadata of just this object, not of another one that took its name. */
function metadataChange(
  name: ObjectName,
  object: StoredObject,
  field: "finalizers" | "ownerReferences",
  value: readonly unknown[],
): ObjectWrite {
  const { uid } = object.metadata;
  return {
    verb: "modify",
    name,
    change: (current = object) => {
      const { [field]: _before, ...metadata } = current.metadata;
      const { uid: currentUid } = current.metadata;
      if (currentUid !== uid) return current;
      return { ...current, metadata: { ...metadata, ...(value.length === 0 ? {} : { [field]: value }) } };
    },
  };
}

function withoutFinalizer(name: ObjectName, object: StoredObject, finalizer: string): ObjectWrite {
  return metadataChange(
    name,
    object,
    "finalizers",
    (object.metadata.finalizers ?? []).filter((other) => other !== finalizer),
  );
}

type Standing = "solid" | "dangling" | "waiting";

/** An owner stands in the same namespace or in none; one of that uid elsewhere is none. */
function standingOf({ uid, kind, name }: OwnerReference, namespace: string, all: Everything): Standing {
  const key = all.index.keyOf(uid);
  const owner = key === undefined ? undefined : all.get(key);
  if (key === undefined || owner === undefined || owner.kind !== kind || owner.metadata.name !== name) return "dangling";
  const where = parseObjectKey(key).namespace;
  if (where !== "" && where !== namespace) return "dangling";
  return isDeleting(owner) && has(owner, FOREGROUND) ? "waiting" : "solid";
}

function releaseDependents(name: ObjectName, object: StoredObject, all: Everything): readonly ObjectWrite[] {
  const { uid = "" } = object.metadata;
  const writes: ObjectWrite[] = [];
  for (const key of all.index.dependents(uid)) {
    const dependent = all.get(key);
    if (dependent === undefined || all.isReadOnly(key)) continue;
    const references = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
    writes.push(metadataChange(parseObjectKey(key), dependent, "ownerReferences", references));
  }
  return [...writes, withoutFinalizer(name, object, ORPHAN)];
}

/** A foreground deletion goes on when nothing is left that blocks it. */
function deleteDependents(name: ObjectName, object: StoredObject, all: Everything): readonly ObjectWrite[] {
  const { uid = "" } = object.metadata;
  const blocking = [...all.index.dependents(uid)].flatMap((key) => {
    const dependent = all.get(key);
    const reference = dependent?.metadata.ownerReferences?.find((candidate) => candidate.uid === uid);
    return dependent !== undefined && reference?.blockOwnerDeletion === true && !all.isReadOnly(key) ? [[key, dependent] as const] : [];
  });
  if (blocking.length === 0) return [withoutFinalizer(name, object, FOREGROUND)];
  return blocking.flatMap(([key, dependent]) => (isDeleting(dependent) ? [] : ownedWrites(parseObjectKey(key), dependent, all)));
}

function ownedWrites(name: ObjectName, object: StoredObject, all: Everything): readonly ObjectWrite[] {
  const references = object.metadata.ownerReferences ?? [];
  if (references.length === 0) return [];
  const standings = references.map((reference) => standingOf(reference, name.namespace, all));
  if (standings.includes("solid")) {
    const left = references.filter((_, index) => standings[index] === "solid");
    return left.length === references.length ? [] : [metadataChange(name, object, "ownerReferences", left)];
  }
  const ownsSomething = all.index.dependents(object.metadata.uid ?? "").size > 0;
  if (standings.includes("waiting") && ownsSomething) return [deletion(name, object, "Foreground")];
  // Its own finalizers say what becomes of its dependents.
  return [deletion(name, object, has(object, ORPHAN) || has(object, FOREGROUND) ? undefined : "Background")];
}

function namespaceWrites(name: ObjectName, object: StoredObject, all: Everything): readonly ObjectWrite[] {
  const inside = [...all.index.inNamespace(name.name)].filter((key) => !all.isReadOnly(key));
  if (inside.length > 0) {
    return inside.flatMap((key) => {
      const content = all.get(key);
      return content === undefined || isDeleting(content) ? [] : [deletion(parseObjectKey(key), content, "Background")];
    });
  }
  const finalizers = finalizersOfNamespace(object);
  if (!finalizers.includes(NAMESPACE_FINALIZER)) return [];
  const change = (current = object): StoredObject => ({
    ...current,
    spec: {
      ...(current["spec"] as object | undefined),
      finalizers: finalizersOfNamespace(current).filter((other) => other !== NAMESPACE_FINALIZER),
    },
  });
  return [{ verb: "modify", name, subresource: "finalize", change }];
}

export function deletionWrites(key: string, all: Everything): readonly ObjectWrite[] {
  const object = all.get(key);
  if (object === undefined || all.isReadOnly(key)) return [];
  const name = parseObjectKey(key);
  if (!isDeleting(object)) return ownedWrites(name, object, all);
  if (has(object, ORPHAN)) return releaseDependents(name, object, all);
  if (has(object, FOREGROUND)) return deleteDependents(name, object, all);
  return isNamespace(name) ? namespaceWrites(name, object, all) : [];
}
