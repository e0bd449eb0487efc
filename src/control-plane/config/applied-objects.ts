// Feeds the configuration store from applied objects: each is decoded like a file of its own. It was checked before it was stored; what
// there is to say about it names the object, for it stands in no file.
import type { ParseFile, SourceDocument } from "./document.ts";
import type { ConfigStore, Origin } from "./store.ts";
import type { StoredObject } from "./stored-object.ts";

export interface AppliedChange {
  readonly key: string;
  /** Undefined: it has gone. */
  readonly object: StoredObject | undefined;
}

function originOf(key: string, object: StoredObject): Origin {
  const createdMs = Date.parse(object.metadata.creationTimestamp ?? "");
  return { path: `<applied>/${key}`, rank: "applied", seenMs: Number.isNaN(createdMs) ? 0 : createdMs };
}

/** What changes with every write and means nothing to the mesh is left out: it must not make a new object of it. */
function meaning(object: StoredObject): string {
  const { managedFields: _fields, resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
  const { status } = object as { readonly status?: unknown };
  if (typeof status !== "object" || status === null) return JSON.stringify({ ...object, metadata });
  const { conditions, observedGeneration: _observed, ...rest } = status as Readonly<Record<string, unknown>>;
  const said = object.kind === "Pod" ? { ...rest, conditions: readiness(conditions) } : rest;
  return JSON.stringify({ ...object, metadata, status: said });
}

/** Of a Pod it is the one condition that counts: traffic goes to who is ready. */
function readiness(conditions: unknown): readonly object[] {
  const list: readonly { readonly type?: unknown; readonly status?: unknown }[] = Array.isArray(conditions) ? conditions : [];
  return list.flatMap((condition) => (condition?.type === "Ready" ? [{ type: "Ready", status: condition.status }] : []));
}

function documentOf(object: StoredObject, document: SourceDocument): SourceDocument {
  const { uid, generation = 1, resourceVersion } = object.metadata;
  const findings = document.findings.map(({ place: _place, ...finding }) => finding);
  const identity = uid === undefined || resourceVersion === undefined ? undefined : { uid, generation, resourceVersion };
  return {
    ...(document.key === undefined ? {} : { key: document.key }),
    ...(document.object === undefined ? {} : { object: { ...document.object, identity } }),
    findings,
    hash: document.hash,
    startLine: 1,
  };
}

/** Changes are live after `publish`. */
export function putApplied(store: ConfigStore, parse: ParseFile, changes: readonly AppliedChange[]): void {
  for (const { key, object } of changes) {
    const path = `<applied>/${key}`;
    // A file without an object is looked at twice, since editors truncate before they write; nothing truncates here.
    if (object === undefined) {
      if (store.remove(path, 0)) store.remove(path, 1_000);
      continue;
    }
    store.put(
      originOf(key, object),
      parse(meaning(object), path).map((document) => documentOf(object, document)),
      0,
    );
  }
}
