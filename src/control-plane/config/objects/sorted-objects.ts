// The objects of one resource by key. Keys are put into order when somebody asks, so that a burst of writes sorts once.
import type { StoredObject } from "#control-plane/config/stored-object";

export class SortedObjects {
  readonly #objects = new Map<string, StoredObject>();
  #keys: readonly string[] | undefined = [];

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  set(key: string, object: StoredObject): void {
    if (!this.#objects.has(key)) this.#keys = undefined;
    this.#objects.set(key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#keys = undefined;
  }

  /** Of keys that begin with `prefix` and come after `start`. The answer does not see later changes. */
  entries(prefix: string, start = ""): readonly (readonly [string, StoredObject])[] {
    const keys = (this.#keys ??= [...this.#objects.keys()].sort());
    const found: (readonly [string, StoredObject])[] = [];
    for (let index = firstAtLeast(keys, start > prefix ? start : prefix); index < keys.length; index++) {
      const key = keys[index] as string;
      if (!key.startsWith(prefix)) break;
      const object = this.#objects.get(key);
      if (key !== start && object !== undefined) found.push([key, object]);
    }
    return found;
  }
}

function firstAtLeast(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
