// What a write makes of an object, decided without looking anywhere: the metadata that belongs to the store (uid, generation,
// creation and deletion times), what a subresource may touch, and when an object is gone rather than marked.
import { isDeepStrictEqual } from "node:util";
import type { DeleteOptions, Subresource } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName, ResourceName, StoredMeta, StoredObject } from "#control-plane/config/stored-object";
import { finalizersOfNamespace, isNamespace, newNamespace, terminatingNamespace } from "./namespace.ts";

export interface Stamp {
  readonly wallMs: number;
  readonly uid: () => string;
}

/** Kubernetes' form: whole seconds. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/u, "Z");
}

/** Kinds of Kubernetes that have no generation. */
function countsGenerations({ group, resource }: ResourceName): boolean {
  if (group === "rbac.authorization.k8s.io") return false;
  return group !== "" || resource === "pods" || resource === "replicationcontrollers";
}

function checkName(name: ObjectName, { metadata }: StoredObject): void {
  if (metadata.name !== undefined && metadata.name !== name.name) {
    throw StatusError.badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name.name})`);
  }
  if (metadata.namespace !== undefined && metadata.namespace !== "" && metadata.namespace !== name.namespace) {
    throw StatusError.badRequest(
      `the namespace of the provided object does not match the namespace sent on the request (${metadata.namespace} and ${name.namespace})`,
    );
  }
}

function defined(metadata: object): StoredMeta {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined)) as StoredMeta;
}

export function createdObject(name: ObjectName, written: StoredObject, stamp: Stamp): StoredObject {
  checkName(name, written);
  if (written.metadata.resourceVersion !== undefined && written.metadata.resourceVersion !== "") {
    throw StatusError.badRequest("resourceVersion should not be set on objects to be created");
  }
  const { status: _status, ...content } = written;
  const metadata = defined({
    ...written.metadata,
    name: name.name,
    namespace: name.namespace === "" ? undefined : name.namespace,
    uid: stamp.uid(),
    resourceVersion: undefined,
    generation: countsGenerations(name) ? 1 : undefined,
    creationTimestamp: timestamp(stamp.wallMs),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
  });
  const object: StoredObject = { ...content, metadata };
  return isNamespace(name) ? newNamespace(object) : object;
}

/** What only the store writes, as it was. */
function kept(current: StoredMeta): object {
  const { name, namespace, generateName, uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = current;
  return { name, namespace, generateName, uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds };
}

function specOf(object: StoredObject): unknown {
  const { apiVersion: _version, metadata: _metadata, status: _status, ...spec } = object;
  return spec;
}

function withoutResourceVersion(object: StoredObject): StoredObject {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Throws when the writer has seen another object than the one that is there. */
function checkSeen(name: ObjectName, seen: StoredMeta, current: StoredObject): void {
  if (seen.uid !== undefined && seen.uid !== "" && seen.uid !== current.metadata.uid) {
    throw StatusError.conflict(
      name,
      `Precondition failed: UID in precondition: ${seen.uid}, UID in object meta: ${String(current.metadata.uid)}`,
    );
  }
  const version = seen.resourceVersion;
  if (version !== undefined && version !== "" && version !== current.metadata.resourceVersion) throw StatusError.modified(name);
}

/** Undefined: nothing changes. Without resourceVersion otherwise. */
export function updatedObject(
  name: ObjectName,
  stored: StoredObject,
  written: StoredObject,
  subresource: Subresource | undefined,
): StoredObject | undefined {
  checkName(name, written);
  checkSeen(name, written.metadata, stored);
  const current = withoutResourceVersion(stored);
  const next = touched(current, written, subresource);
  if (current.metadata.deletionTimestamp !== undefined) {
    const added = (next.metadata.finalizers ?? []).filter((finalizer) => current.metadata.finalizers?.includes(finalizer) !== true);
    if (added.length > 0) throw newFinalizers(name, current.kind, added);
  }
  if (isDeepStrictEqual(next, current)) return undefined;
  if (!countsGenerations(name) || isDeepStrictEqual(specOf(next), specOf(current))) return next;
  return { ...next, metadata: { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 } };
}

function touched(current: StoredObject, written: StoredObject, subresource: Subresource | undefined): StoredObject {
  const { managedFields = current.metadata.managedFields } = written.metadata;
  switch (subresource) {
    case "status": {
      const { status: _status, ...content } = current;
      const metadata = defined({ ...current.metadata, managedFields });
      return { ...content, metadata, ...(written["status"] === undefined ? {} : { status: written["status"] }) };
    }
    case "finalize": {
      const finalizers = finalizersOfNamespace(written);
      return { ...current, spec: { ...(current["spec"] as object | undefined), finalizers } };
    }
    case undefined: {
      const { status: _status, ...content } = written;
      const { resourceVersion: _version, selfLink: _link, ...metadata } = written.metadata;
      return {
        ...content,
        metadata: defined({ ...metadata, ...kept(current.metadata) }),
        ...(current["status"] === undefined ? {} : { status: current["status"] }),
      };
    }
  }
}

function newFinalizers(name: ObjectName, kind: string, added: readonly string[]): StatusError {
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  return new StatusError("Invalid", `${kind} ${JSON.stringify(name.name)} is invalid: metadata.finalizers: ${message}`, {
    details: {
      name: name.name,
      ...(name.group === "" ? {} : { group: name.group }),
      kind,
      causes: [{ reason: "FieldValueForbidden", message, field: "metadata.finalizers" }],
    },
  });
}

/** Nothing holds it: a deletion that was asked for is done. */
export function isFinished(name: ObjectName, object: StoredObject): boolean {
  if (object.metadata.deletionTimestamp === undefined) return false;
  return !isHeld(name, object);
}

function isHeld(name: ObjectName, object: StoredObject): boolean {
  return (object.metadata.finalizers ?? []).length > 0 || (isNamespace(name) && finalizersOfNamespace(object).length > 0);
}

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

function deletionFinalizers(current: readonly string[], policy: DeleteOptions["propagationPolicy"]): readonly string[] {
  if (policy === undefined) return current;
  const others = current.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (policy === "Background") return others;
  return [...others, policy === "Foreground" ? FOREGROUND : ORPHAN];
}

/** Kubernetes names the kind here, not the resource. */
function checkPreconditions(
  { group, name }: ObjectName,
  { kind, metadata }: StoredObject,
  asked: DeleteOptions["preconditions"] = {},
): void {
  const of = { group, resource: kind, name };
  const differs = (what: string, seen: string, is: unknown, why: string): StatusError =>
    StatusError.conflict(of, `the ${what} in the precondition (${seen}) does not match the ${what} in record (${String(is)}). ${why}`);
  if (asked.uid !== undefined && asked.uid !== metadata.uid) {
    throw differs("UID", asked.uid, metadata.uid, "The object might have been deleted and then recreated");
  }
  if (asked.resourceVersion !== undefined && asked.resourceVersion !== metadata.resourceVersion) {
    throw differs("ResourceVersion", asked.resourceVersion, metadata.resourceVersion, "The object might have been modified");
  }
}

/** Undefined: it goes at once. The same object: it was marked already. Without resourceVersion otherwise. */
export function markedForDeletion(
  name: ObjectName,
  stored: StoredObject,
  options: DeleteOptions,
  stamp: Pick<Stamp, "wallMs">,
): StoredObject | undefined {
  checkPreconditions(name, stored, options.preconditions);
  const current = withoutResourceVersion(stored);
  const { finalizers: before = [], ...metadata } = current.metadata;
  const finalizers = deletionFinalizers(before, options.propagationPolicy);
  const next: StoredObject = { ...current, metadata: { ...metadata, ...(finalizers.length === 0 ? {} : { finalizers }) } };
  if (!isHeld(name, next)) return undefined;
  if (current.metadata.deletionTimestamp !== undefined) return isDeepStrictEqual(finalizers, before) ? stored : next;
  const marked: StoredObject = {
    ...next,
    metadata: {
      ...next.metadata,
      ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
      deletionTimestamp: timestamp(stamp.wallMs),
      deletionGracePeriodSeconds: 0,
    },
  };
  return isNamespace(name) ? terminatingNamespace(marked) : marked;
}

/** The history is about what people wrote: a status and bookkeeping make no version. */
export function sameContent(before: StoredObject, after: StoredObject): boolean {
  const content = (object: StoredObject): unknown => {
    const { labels, annotations, finalizers, ownerReferences } = object.metadata;
    return [object.apiVersion, specOf(object), labels, annotations, finalizers, ownerReferences];
  };
  return isDeepStrictEqual(content(before), content(after));
}
