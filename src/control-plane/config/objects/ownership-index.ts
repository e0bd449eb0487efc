// Who owns whom, and what is in a namespace: kept up with every change, and says which objects a change gives reason to look at.
import { objectKey, parseObjectKey, type StoredObject } from "#control-plane/config/stored-object";
import { isNamespace, namespaceName } from "./namespace.ts";
import type { LoggedChange } from "./object-cache.ts";

const NONE: ReadonlySet<string> = new Set();

function add(index: Map<string, Set<string>>, at: string, key: string): void {
  const keys = index.get(at);
  if (keys === undefined) index.set(at, new Set([key]));
  else keys.add(key);
}

function remove(index: Map<string, Set<string>>, at: string, key: string): void {
  const keys = index.get(at);
  if (keys?.delete(key) === true && keys.size === 0) index.delete(at);
}

function ownerUids(object: StoredObject | undefined): readonly string[] {
  return (object?.metadata.ownerReferences ?? []).map(({ uid }) => uid);
}

export class OwnershipIndex {
  readonly #keyByUid = new Map<string, string>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #inNamespace = new Map<string, Set<string>>();

  keyOf(uid: string): string | undefined {
    return this.#keyByUid.get(uid);
  }

  dependents(uid: string): ReadonlySet<string> {
    return this.#dependents.get(uid) ?? NONE;
  }

  inNamespace(namespace: string): ReadonlySet<string> {
    return this.#inNamespace.get(namespace) ?? NONE;
  }

  /** Keys of the objects that may have to go, or may let go, because of the change. */
  apply({ key, before, after }: Pick<LoggedChange, "key" | "before" | "after">): readonly string[] {
    this.#index(key, before, after);
    const found: string[] = [];
    const owners = new Set([...ownerUids(before), ...ownerUids(after)]);
    if (after !== undefined && (ownerUids(after).length > 0 || after.metadata.deletionTimestamp !== undefined)) found.push(key);
    // An owner that waits for its dependents, or for them to be orphaned, may have waited for this one.
    for (const uid of owners) {
      const owner = this.#keyByUid.get(uid);
      if (owner !== undefined) found.push(owner);
    }
    if (before?.metadata.uid !== undefined && before.metadata.uid !== after?.metadata.uid)
      found.push(...this.dependents(before.metadata.uid));
    const name = parseObjectKey(key);
    if (name.namespace !== "") found.push(objectKey(namespaceName(name.namespace)));
    else if (isNamespace(name)) found.push(key);
    return found;
  }

  #index(key: string, before: StoredObject | undefined, after: StoredObject | undefined): void {
    if (before?.metadata.uid !== undefined && this.#keyByUid.get(before.metadata.uid) === key) this.#keyByUid.delete(before.metadata.uid);
    for (const uid of ownerUids(before)) remove(this.#dependents, uid, key);
    const { namespace } = parseObjectKey(key);
    if (after === undefined) {
      remove(this.#inNamespace, namespace, key);
      return;
    }
    if (after.metadata.uid !== undefined) this.#keyByUid.set(after.metadata.uid, key);
    for (const uid of ownerUids(after)) add(this.#dependents, uid, key);
    if (namespace !== "") add(this.#inNamespace, namespace, key);
  }
}
