// Everything that is stored, in memory, with the changes that led to it as far back as they are kept: lists, snapshots of the recent
// past and watches are served from here, whoever keeps the objects. It decides nothing and trusts what a journal tells it.
import type { WatchEvent } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import { withResourceVersion, type StoredObject } from "#control-plane/config/stored-object";
import type { Selection } from "./selection.ts";
import { SortedObjects } from "./sorted-objects.ts";
import { WatchQueue } from "./watch-queue.ts";

export interface CacheChange {
  readonly key: string;
  readonly revision: number;
  /** Undefined: it was deleted. Its resourceVersion is set by the cache. */
  readonly object: StoredObject | undefined;
}

export interface LoggedChange {
  readonly key: string;
  readonly revision: number;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

/** What a journal keeps of an object now, whether clients see it or an object of a file in its place. */
export interface StoredChange {
  readonly key: string;
  readonly object: StoredObject | undefined;
}

interface Follower {
  readonly changed: (changes: readonly LoggedChange[], stored: readonly StoredChange[]) => void;
  /** Everything was read anew. */
  readonly loaded: () => void;
}

interface Watcher {
  readonly selection: Selection;
  readonly queue: WatchQueue;
}

function resourcePrefix(key: string): string {
  return key.slice(0, key.indexOf("/", key.indexOf("/") + 1) + 1);
}

export interface ObjectCacheOptions {
  /** Changes that are kept for watches which resume. */
  readonly maxChanges: number;
  /** Events that a watch may be behind. */
  readonly maxWaiting: number;
}

export class ObjectCache {
  readonly #options: ObjectCacheOptions;
  readonly #resources = new Map<string, SortedObjects>();
  #log: LoggedChange[] = [];
  #revision = 0;
  #compacted = 0;
  /** The last revision that is forgotten had several changes: a watcher may have seen only the first of them. */
  #compactedWithin = false;
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #followers = new Set<Follower>();
  /** Objects of files: they stand before stored ones of the same name, which wait here. */
  readonly #files = new Map<string, StoredObject | undefined>();
  /** Revisions of stored objects that clients see under a later one, since a file no longer stands before them. */
  readonly #storedRevisions = new Map<string, number>();

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
  }

  /** Of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** What happened up to here is forgotten. */
  get compacted(): number {
    return this.#compacted;
  }

  /** Objects of all resources, those of files as well. */
  get size(): number {
    let count = 0;
    for (const objects of this.#resources.values()) count += objects.size;
    return count;
  }

  get watchers(): number {
    let count = 0;
    for (const watchers of this.#watchers.values()) count += watchers.size;
    return count;
  }

  get(key: string): StoredObject | undefined {
    return this.#resources.get(resourcePrefix(key))?.get(key);
  }

  /** Whether a file holds it: then only the file changes it. */
  isOfFile(key: string): boolean {
    return this.#files.has(key);
  }

  /** The revision under which a journal keeps it; 0: it keeps none. */
  storedRevision(key: string): number {
    const object = this.#files.has(key) ? this.#files.get(key) : this.get(key);
    return this.#storedRevisions.get(key) ?? Number(object?.metadata.resourceVersion ?? 0);
  }

  /** All that a journal keeps. */
  *stored(): Iterable<readonly [string, StoredObject]> {
    for (const [key, object] of this.all()) if (!this.#files.has(key)) yield [key, object];
    for (const [key, object] of this.#files) if (object !== undefined) yield [key, object];
  }

  /** All objects that clients see, of every resource. */
  *all(): Iterable<readonly [string, StoredObject]> {
    for (const objects of this.#resources.values()) yield* objects.entries("");
  }

  /** What a journal keeps at the beginning: no changes, and nothing before it is known. Watches that are open lose their place. */
  load(objects: Iterable<readonly [string, StoredObject]>, revision: number): void {
    const files = [...this.#files.keys()].map((key) => [key, this.get(key)] as const);
    for (const watchers of this.#watchers.values()) {
      for (const watcher of watchers) watcher.queue.fail(StatusError.expired("the store was read anew; start again with a list"));
    }
    this.#resources.clear();
    this.#storedRevisions.clear();
    for (const [key, object] of objects) this.#objects(key).set(key, object);
    for (const [key, object] of files) {
      this.#files.set(key, this.get(key));
      if (object !== undefined) this.#objects(key).set(key, object);
    }
    this.#log = [];
    this.#revision = revision;
    this.#compacted = revision;
    this.#compactedWithin = false;
    for (const { loaded } of this.#followers) loaded();
  }

  /** Changes of one commit of the journal, in order. All are visible before anybody is told. */
  apply(changes: readonly CacheChange[]): void {
    const logged: LoggedChange[] = [];
    const stored: StoredChange[] = [];
    for (const { key, revision, object } of changes) {
      const after = object === undefined ? undefined : withResourceVersion(object, String(revision));
      this.#storedRevisions.delete(key);
      stored.push({ key, object: after });
      if (this.#files.has(key)) this.#files.set(key, after);
      else this.#show(key, after, revision, logged);
      this.#revision = Math.max(this.#revision, revision);
    }
    this.#tell(logged, stored);
  }

  /** Objects of files that come, change or go (undefined), at revisions that nothing else has. */
  applyFiles(changes: readonly CacheChange[]): void {
    const logged: LoggedChange[] = [];
    for (const { key, revision, object } of changes) {
      const hidden = this.#files.has(key) ? this.#files.get(key) : this.get(key);
      const storedRevision = this.storedRevision(key);
      if (object === undefined) this.#files.delete(key);
      else this.#files.set(key, hidden);
      if (storedRevision > 0) this.#storedRevisions.set(key, storedRevision);
      const visible = object ?? hidden;
      this.#show(key, visible === undefined ? undefined : withResourceVersion(visible, String(revision)), revision, logged);
      this.#revision = Math.max(this.#revision, revision);
    }
    this.#tell(logged, []);
  }

  #show(key: string, after: StoredObject | undefined, revision: number, logged: LoggedChange[]): void {
    const objects = this.#objects(key);
    const before = objects.get(key);
    if (before === undefined && after === undefined) return;
    if (after === undefined) objects.delete(key);
    else objects.set(key, after);
    logged.push({ key, revision, before, after });
  }

  #tell(logged: readonly LoggedChange[], stored: readonly StoredChange[]): void {
    this.#log.push(...logged);
    this.#trim();
    for (const change of logged) {
      for (const watcher of this.#watchers.get(resourcePrefix(change.key)) ?? []) {
        const event = eventOf(change, watcher.selection);
        if (event !== undefined) watcher.queue.push(event, this.#options.maxWaiting);
      }
    }
    for (const { changed } of this.#followers) changed(logged, stored);
  }

  /** By whole halves, so that it costs little; by whole revisions, so that none is half there. */
  #trim(): void {
    if (this.#log.length <= this.#options.maxChanges) return;
    let cut = Math.ceil(this.#log.length / 2);
    const last = this.#log[cut - 1]?.revision ?? 0;
    while (this.#log[cut]?.revision === last) cut++;
    this.#compacted = last;
    this.#compactedWithin = this.#log[cut - 2]?.revision === last;
    this.#log.splice(0, cut);
  }

  /** Nothing changed up to `revision`. */
  advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  /** The objects of a selection, in order of keys, after `start`. @throws StatusError Expired */
  snapshot(selection: Selection, revision: number, start = ""): readonly (readonly [string, StoredObject])[] {
    const objects = this.#resources.get(resourcePrefix(selection.prefix));
    const { matches } = selection;
    let entries: Iterable<readonly [string, StoredObject]> = objects?.entries(selection.prefix, start) ?? [];
    if (revision < this.#revision) entries = this.#past(entries, selection.prefix, revision, start);
    const found = [...entries];
    return matches === undefined ? found : found.filter(([, object]) => matches(object));
  }

  /** Watches from `revision`, or from now with everything there is first. @throws StatusError Expired */
  watch(selection: Selection, from: number | "now", initialEventsEnd: boolean): WatchQueue {
    const resource = resourcePrefix(selection.prefix);
    let watchers = this.#watchers.get(resource);
    if (watchers === undefined) this.#watchers.set(resource, (watchers = new Set()));
    const initial = from === "now" ? this.#initial(selection, initialEventsEnd) : this.#since(selection, from);
    const watcher: Watcher = { selection, queue: new WatchQueue(initial, () => watchers.delete(watcher)) };
    watchers.add(watcher);
    return watcher.queue;
  }

  /** For those who read everything: told after each commit. Returns how to stop. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** A bookmark for every watch that wants some. */
  bookmark(): void {
    for (const watchers of this.#watchers.values()) {
      for (const { queue } of watchers) queue.bookmark(String(this.#revision), this.#options.maxWaiting);
    }
  }

  close(error: StatusError): void {
    for (const watchers of this.#watchers.values()) for (const { queue } of watchers) queue.fail(error);
  }

  #objects(key: string): SortedObjects {
    const resource = resourcePrefix(key);
    let objects = this.#resources.get(resource);
    if (objects === undefined) this.#resources.set(resource, (objects = new SortedObjects()));
    return objects;
  }

  #checkKept(revision: number): void {
    if (revision < this.#compacted) throw StatusError.expired(`too old resource version: ${revision} (${this.#compacted})`);
    if (revision > this.#revision) throw StatusError.tooLargeVersion(revision, this.#revision);
  }

  #past(
    now: Iterable<readonly [string, StoredObject]>,
    prefix: string,
    revision: number,
    start: string,
  ): readonly (readonly [string, StoredObject])[] {
    this.#checkKept(revision);
    const objects = new Map(now);
    for (let index = this.#log.length - 1; index >= 0; index--) {
      const change = this.#log[index];
      if (change === undefined || change.revision <= revision) break;
      if (!change.key.startsWith(prefix) || change.key <= start) continue;
      if (change.before === undefined) objects.delete(change.key);
      else objects.set(change.key, change.before);
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #initial(selection: Selection, initialEventsEnd: boolean): Iterable<WatchEvent> {
    const found = this.snapshot(selection, this.#revision);
    return initialEvents(found, initialEventsEnd ? String(this.#revision) : undefined);
  }

  #since(selection: Selection, revision: number): readonly WatchEvent[] {
    this.#checkKept(this.#compactedWithin && revision === this.#compacted ? revision - 1 : revision);
    const { prefix } = selection;
    const first = this.#firstAfter(revision);
    const later = this.#log.slice(first).filter(({ key }) => key.startsWith(prefix));
    // Of several changes with one revision the watcher may have seen only the first: it is told all of them again rather than too few.
    const same: LoggedChange[] = [];
    for (let index = first - 1; this.#log[index]?.revision === revision; index--) {
      const change = this.#log[index] as LoggedChange;
      if (change.key.startsWith(prefix)) same.unshift(change);
    }
    const changes = same.length > 1 ? [...same, ...later] : later;
    return changes.flatMap((change) => eventOf(change, selection) ?? []);
  }

  #firstAfter(revision: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function* initialEvents(found: readonly (readonly [string, StoredObject])[], end: string | undefined): Iterable<WatchEvent> {
  for (const [, object] of found) yield { type: "ADDED", object };
  if (end !== undefined) yield { type: "BOOKMARK", resourceVersion: end, initialEventsEnd: true };
}

/** As a watcher of the selection sees it: an object that leaves it is deleted for it, one that enters it is added. */
function eventOf({ key, revision, before, after }: LoggedChange, { prefix, matches }: Selection): WatchEvent | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const was = before !== undefined && (matches === undefined || matches(before));
  const is = after !== undefined && (matches === undefined || matches(after));
  if (is) return { type: was ? "MODIFIED" : "ADDED", object: after };
  if (!was) return undefined;
  // The last state that the watcher knows, with the version of the change, so that it can resume from it.
  return { type: "DELETED", object: withResourceVersion(before, String(revision)) };
}
