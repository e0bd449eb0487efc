// The objects of files in the form in which clients of the Kubernetes API see them: what was written, with the identity that the
// configuration store gave it, as it would look if it had been applied: a client that applies what a file says already finds no
// difference.
import { keyOf, type ApiObject } from "#api/object";
import type { ObjectOfFile } from "./objects/file-layer.ts";
import type { ConfigStore, WrittenObject } from "./store.ts";
import type { ResourceName, StoredMeta, StoredObject } from "./stored-object.ts";

export interface ObjectsOfFilesOptions {
  readonly store: ConfigStore;
  /** The resource of a kind, and whether its objects are in namespaces. Undefined: clients cannot see such objects. */
  readonly resourceOf: (apiVersion: string, kind: string) => (ResourceName & { readonly namespaced: boolean }) | undefined;
  /** With what the API and its clients fill in when such an object is applied. */
  readonly asApplied: (object: StoredObject) => StoredObject;
}

function storedForm({ object, rawValue }: WrittenObject, namespaced: boolean): StoredObject | undefined {
  const raw = rawValue() as StoredObject | undefined;
  if (typeof raw !== "object" || typeof raw.apiVersion !== "string" || typeof raw.kind !== "string") return undefined;
  const { name, namespace, uid, generation, creationTimestamp } = object.metadata;
  const written: StoredMeta = raw.metadata ?? {};
  const { resourceVersion: _version, managedFields: _fields, deletionTimestamp: _deleted, namespace: _namespace, ...metadata } = written;
  const identity = { name, ...(namespaced ? { namespace } : {}), uid, generation, creationTimestamp };
  return { ...raw, metadata: { ...metadata, ...identity } };
}

export class ObjectsOfFiles {
  readonly #options: ObjectsOfFilesOptions;
  /** An object of the configuration store is the same while nothing in it changes; so is what is made of it. */
  readonly #forms = new WeakMap<ApiObject, ObjectOfFile>();

  constructor(options: ObjectsOfFilesOptions) {
    this.#options = options;
  }

  /** False: the object stands in no file, or clients do not see it. It is told to them with the next list. */
  changeStatus(object: ApiObject, change: (status: unknown) => unknown): boolean {
    const form = this.#forms.get(object);
    if (form === undefined) return false;
    const status = change(form.object["status"]);
    if (status !== form.object["status"]) this.#forms.set(object, { ...form, object: { ...form.object, status } });
    return true;
  }

  /** All that can be seen now. */
  list(): readonly ObjectOfFile[] {
    const found: ObjectOfFile[] = [];
    for (const written of this.#options.store.writtenObjects()) {
      const form = this.#forms.get(written.object) ?? this.#make(written);
      if (form === undefined) continue;
      this.#forms.set(written.object, form);
      found.push(form);
    }
    return found;
  }

  #make(written: WrittenObject): ObjectOfFile | undefined {
    const { store, resourceOf, asApplied } = this.#options;
    const raw = written.rawValue() as StoredObject | undefined;
    const resource = resourceOf(String(raw?.apiVersion), String(raw?.kind));
    const form = resource === undefined ? undefined : storedForm(written, resource.namespaced);
    if (resource === undefined || form === undefined) return undefined;
    const object = asApplied(form);
    const key = keyOf(written.object);
    const { name, namespace } = written.object.metadata;
    return {
      name: { group: resource.group, resource: resource.resource, namespace: resource.namespaced ? namespace : "", name },
      object,
      place: () => {
        const place = store.placeOf(key);
        return place === undefined ? "a file" : `${place.file}:${place.line}`;
      },
    };
  }
}
