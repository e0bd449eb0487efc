// The objects of files beside the stored ones: what there is now is given as a whole, and what differs reaches clients as changes.
import { objectKey, type ObjectName, type StoredObject } from "#control-plane/config/stored-object";
import type { Journal } from "./journal.ts";
import type { ObjectCache } from "./object-cache.ts";

export interface ObjectOfFile {
  readonly name: ObjectName;
  /** The same object while nothing in it changes. */
  readonly object: StoredObject;
  /** `file:line`, as it is now. */
  readonly place: () => string;
}

export class FileLayer {
  readonly #journal: Journal;
  readonly #cache: ObjectCache;
  #objects: ReadonlyMap<string, ObjectOfFile> = new Map();
  #turn: Promise<void> = Promise.resolve();

  constructor(journal: Journal, cache: ObjectCache) {
    this.#journal = journal;
    this.#cache = cache;
  }

  placeOf(key: string): string | undefined {
    return this.#objects.get(key)?.place();
  }

  /** One after the other: each is compared with what the one before left. */
  set(objects: readonly ObjectOfFile[]): Promise<void> {
    this.#turn = this.#turn.then(
      () => this.#set(objects),
      () => this.#set(objects),
    );
    return this.#turn;
  }

  async #set(objects: readonly ObjectOfFile[]): Promise<void> {
    const next = new Map(objects.map((object) => [objectKey(object.name), object]));
    const changes: { readonly key: string; readonly object: StoredObject | undefined }[] = [];
    for (const [key, { object }] of next) if (this.#objects.get(key)?.object !== object) changes.push({ key, object });
    for (const key of this.#objects.keys()) if (!next.has(key)) changes.push({ key, object: undefined });
    if (changes.length > 0) {
      await this.#journal.claim(changes.length, (revisions) => {
        this.#cache.applyFiles(changes.map((change, index) => ({ ...change, revision: revisions[index] ?? 0 })));
      });
    }
    this.#objects = next;
  }
}
