// Encoded parts of one mesh, shared by all proxies that need them. It lives as long as its mesh: nothing in it can go stale.
import type { Resource } from "./resource.ts";

export class ResourceCache {
  readonly #entries = new Map<string, readonly Resource[]>();

  get(key: string, make: () => readonly Resource[]): readonly Resource[] {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#entries.set(key, made);
    return made;
  }
}
