// The object store over a journal: reads come from the cache, writes are planned on it and kept by the journal.
import type {
  ListOptions,
  ObjectList,
  ObjectStore,
  ObjectVersion,
  ObjectWatch,
  ObjectWrite,
  WatchOptions,
  WriteOptions,
  WriteResult,
} from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import { objectKey, type ObjectName, type ResourceName, type StoredObject } from "#control-plane/config/stored-object";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { decodeContinue, encodeContinue } from "./continue-token.ts";
import { DeletionLoop } from "./deletion-loop.ts";
import { FileLayer, type ObjectOfFile } from "./file-layer.ts";
import type { Journal } from "./journal.ts";
import { ObjectCache, type StoredChange } from "./object-cache.ts";
import { selectionOf } from "./selection.ts";
import { resultOf, WritePlan, type PlannedWrite } from "./write-plan.ts";

const MAX_CHANGES = 5_000;
const MAX_OBJECTS = 100_000;
const MAX_WAITING = 1_000;
/** As often as Kubernetes sends them. */
const BOOKMARK_MS = 60_000;
/** Others may be faster so often; then the writer is told to try again. */
const MAX_ATTEMPTS = 24;
/** Before another attempt, longer each time and by chance: writers that start together would meet again and again, and one of them lose always. */
const MAX_BACK_OFF_MS = 100;
/** Of generated names: what Kubernetes uses, without vowels and look-alikes. */
const SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

export interface CachedObjectStoreOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Namespaces that exist without being stored: those of files. */
  readonly hasNamespace?: (namespace: string) => boolean;
  /** Changes that are kept for watches which resume. */
  readonly maxChanges?: number;
  /** Events that a watch may be behind. */
  readonly maxWaiting?: number;
  readonly maxObjects?: number;
}

export class CachedObjectStore implements ObjectStore {
  readonly #options: CachedObjectStoreOptions;
  readonly #cache: ObjectCache;
  readonly #deletions: DeletionLoop;
  readonly #files: FileLayer;
  #bookmarks: Timer | undefined;

  private constructor(options: CachedObjectStoreOptions) {
    this.#options = options;
    this.#cache = new ObjectCache({ maxChanges: options.maxChanges ?? MAX_CHANGES, maxWaiting: options.maxWaiting ?? MAX_WAITING });
    this.#files = new FileLayer(options.journal, this.#cache);
    this.#deletions = new DeletionLoop({ store: this, cache: this.#cache, clock: options.clock, log: options.log });
  }

  static async open(options: CachedObjectStoreOptions): Promise<CachedObjectStore> {
    const store = new CachedObjectStore(options);
    await options.journal.open(store.#cache);
    store.#bookmarkLater();
    store.#deletions.start();
    return store;
  }

  async get(name: ObjectName): Promise<StoredObject> {
    const key = objectKey(name);
    await this.#options.journal.catchUp();
    const object = this.#cache.get(key);
    if (object === undefined) throw StatusError.notFound(name);
    return object;
  }

  async list(resource: ResourceName, options: ListOptions = {}): Promise<ObjectList> {
    const selection = selectionOf(resource, options);
    const token = decodeContinue(options.continue, selection.prefix);
    if (token === undefined && options.resourceVersion !== "0") await this.#options.journal.catchUp();
    const revision = token?.revision ?? exactRevision(options, this.#cache.revision);
    const start = token?.start ?? "";
    let found;
    try {
      found = this.#cache.snapshot(selection, revision ?? this.#cache.revision, start);
    } catch (error) {
      if (token === undefined || !(error instanceof StatusError) || error.reason !== "Expired") throw error;
      throw StatusError.expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        encodeContinue({ revision: undefined, start }),
      );
    }
    const resourceVersion = String(revision ?? this.#cache.revision);
    const limit = options.limit ?? 0;
    if (limit <= 0 || found.length <= limit) return { resourceVersion, items: found.map(([, object]) => object) };
    const page = found.slice(0, limit);
    return {
      resourceVersion,
      items: page.map(([, object]) => object),
      continue: encodeContinue({ revision: Number(resourceVersion), start: page.at(-1)?.[0] ?? "" }),
      ...(selection.matches === undefined ? { remainingItemCount: found.length - limit } : {}),
    };
  }

  async watch(resource: ResourceName, options: WatchOptions = {}): Promise<ObjectWatch> {
    const selection = selectionOf(resource, options);
    const { resourceVersion = "", sendInitialEvents, allowWatchBookmarks = false } = options;
    const fromNow = sendInitialEvents ?? (resourceVersion === "" || resourceVersion === "0");
    // What is known already can be followed also while whoever keeps the objects is away.
    const known = resourceVersion !== "" && parseRevision(resourceVersion) <= this.#cache.revision;
    if (!known) await this.#options.journal.catchUp();
    let from: number | "now" = "now";
    if (!fromNow) from = resourceVersion === "" ? this.#cache.revision : parseRevision(resourceVersion);
    else if (parseRevision(resourceVersion || "0") > this.#cache.revision) {
      throw StatusError.tooLargeVersion(parseRevision(resourceVersion), this.#cache.revision);
    }
    const queue = this.#cache.watch(selection, from, sendInitialEvents === true && allowWatchBookmarks);
    queue.wantsBookmarks = allowWatchBookmarks;
    return queue;
  }

  async write(writes: readonly ObjectWrite[], options: WriteOptions = {}): Promise<readonly WriteResult[]> {
    const { journal, clock, random } = this.#options;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (attempt > 0) await this.#backOff(random.integer(Math.min(MAX_BACK_OFF_MS, 2 ** attempt)));
      await journal.catchUp();
      const wallMs = clock.wallMs();
      const plan = new WritePlan({
        wallMs,
        uid: () => random.uuid(),
        suffix: () => Array.from({ length: 5 }, () => SUFFIX_LETTERS[random.integer(SUFFIX_LETTERS.length)]).join(""),
        find: (key) => this.#cache.get(key),
        storedRevision: (key) => this.#cache.storedRevision(key),
        placeInFile: (key) => this.#files.placeOf(key),
        hasNamespace: (namespace) => this.#options.hasNamespace?.(namespace) === true,
      });
      const planned = writes.map((write) => plan.add(write));
      this.#checkRoom(planned);
      const { changes } = plan;
      if (options.dryRun === true) return planned.map((write) => resultOf(write, this.#cache.get(write.key)?.metadata.resourceVersion));
      if (changes.length === 0) return planned.map((write) => resultOf(write, undefined));
      const kept = await journal.commit({ changes, seen: plan.seen, wallMs, author: options.author ?? "" });
      if (kept !== undefined) return planned.map((write) => this.#result(write, kept));
    }
    throw StatusError.unavailable("the objects are being changed by others faster than this write could be made; try again");
  }

  #backOff(delayMs: number): Promise<void> | undefined {
    return delayMs === 0 ? undefined : new Promise((done) => void this.#options.clock.setTimer(delayMs, done));
  }

  async versions(name: ObjectName): Promise<readonly ObjectVersion[]> {
    return this.#options.journal.versions(objectKey(name));
  }

  /** All objects that files hold now: visible to clients before stored ones of the same name, and changed by nobody but the file. */
  setFiles(objects: readonly ObjectOfFile[]): Promise<void> {
    return this.#files.set(objects);
  }

  /** What is stored (also behind objects of files) now, then after each change; of one that has gone, undefined. Returns how to stop. */
  followStored(told: (changes: readonly StoredChange[]) => void): () => void {
    const known = new Set<string>();
    const tell = (changes: readonly StoredChange[]): void => {
      for (const { key, object } of changes)
        if (object === undefined) known.delete(key);
        else known.add(key);
      if (changes.length > 0) told(changes);
    };
    const readAll = (): void => {
      const stored = new Map(this.#cache.stored());
      const gone = [...known].filter((key) => !stored.has(key)).map((key) => ({ key, object: undefined }));
      tell([...gone, ...[...stored].map(([key, object]) => ({ key, object }))]);
    };
    readAll();
    return this.#cache.follow({ changed: (_, stored) => tell(stored), loaded: readAll });
  }

  async close(): Promise<void> {
    this.#bookmarks?.cancel();
    await this.#deletions.close();
    this.#cache.close(StatusError.unavailable("the store is shutting down"));
    await this.#options.journal.close();
  }

  /** All of them are in memory: a client in a loop must not fill it. */
  #checkRoom(planned: readonly PlannedWrite[]): void {
    const { maxObjects = MAX_OBJECTS } = this.#options;
    const created = planned.filter(({ outcome }) => outcome === "created").length;
    if (created === 0 || this.#cache.size + created <= maxObjects) return;
    throw new StatusError("Forbidden", `exceeded quota: the store holds ${this.#cache.size} objects, at most ${maxObjects} are kept`);
  }

  #result(write: PlannedWrite, revisions: ReadonlyMap<string, number>): WriteResult {
    const revision = revisions.get(write.key);
    return resultOf(write, revision === undefined ? undefined : String(revision));
  }

  #bookmarkLater(): void {
    this.#bookmarks = this.#options.clock.setTimer(
      BOOKMARK_MS,
      () => {
        this.#cache.bookmark();
        this.#bookmarkLater();
      },
      true,
    );
  }
}

function parseRevision(text: string): number {
  const revision = Number(text);
  if (!/^\d+$/u.test(text) || !Number.isSafeInteger(revision))
    throw StatusError.badRequest(`Invalid value: ${JSON.stringify(text)}: resourceVersion is a number`);
  return revision;
}

/** Undefined: the latest. @throws StatusError */
function exactRevision({ resourceVersion = "", resourceVersionMatch, limit = 0 }: ListOptions, current: number): number | undefined {
  if (resourceVersion === "" || resourceVersion === "0") {
    if (resourceVersionMatch === "Exact") {
      throw StatusError.badRequest('resourceVersionMatch "Exact" is forbidden for a resourceVersion that is 0 or not provided');
    }
    return undefined;
  }
  const revision = parseRevision(resourceVersion);
  if (revision > current) throw StatusError.tooLargeVersion(revision, current);
  // As Kubernetes: a limited list of a version is of exactly that version, unless it says otherwise.
  const exact = resourceVersionMatch === "Exact" || (resourceVersionMatch === undefined && limit > 0);
  return exact ? revision : undefined;
}
