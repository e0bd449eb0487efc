// Objects that live as long as the process: for tests, and for a mesh without a state folder.
import type { ObjectVersion } from "#control-plane/config/object-store";
import { withResourceVersion } from "#control-plane/config/stored-object";
import { MAX_VERSIONS, type Commit, type Journal } from "./journal.ts";
import type { ObjectCache } from "./object-cache.ts";

export class MemoryJournal implements Journal {
  #cache: ObjectCache | undefined;
  readonly #versions = new Map<string, ObjectVersion[]>();

  async open(cache: ObjectCache): Promise<void> {
    this.#cache = cache;
  }

  async catchUp(): Promise<void> {}

  async commit({ changes, seen, wallMs, author }: Commit): Promise<ReadonlyMap<string, number> | undefined> {
    const cache = this.#cache;
    if (cache === undefined) return undefined;
    for (const [key, revision] of seen) {
      if (cache.storedRevision(key) !== revision) return undefined;
    }
    let revision = cache.revision;
    const applied = changes.map(({ key, object, recorded }) => {
      revision++;
      if (recorded !== undefined) {
        const versions = this.#versions.get(key) ?? [];
        const version = {
          version: (versions[0]?.version ?? 0) + 1,
          resourceVersion: String(revision),
          timestamp: new Date(wallMs).toISOString(),
          author,
          change: recorded.change,
          object: withResourceVersion(recorded.object, String(revision)),
        };
        this.#versions.set(key, [version, ...versions].slice(0, MAX_VERSIONS));
      }
      return { key, revision, object };
    });
    cache.apply(applied);
    return new Map(applied.map(({ key, revision }) => [key, revision]));
  }

  async claim(count: number, apply: (revisions: readonly number[]) => void): Promise<void> {
    const first = (this.#cache?.revision ?? 0) + 1;
    apply(Array.from({ length: count }, (_, n) => first + n));
  }

  async versions(key: string): Promise<readonly ObjectVersion[]> {
    return this.#versions.get(key) ?? [];
  }

  async close(): Promise<void> {}
}
