// Makes the writes that follow from deletions, one look after the other. What others change in between gives reason for another look,
// so a write that comes too late is no fault; only while whoever keeps the objects is away it waits.
import type { ObjectStore, ObjectWrite } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { deletionWrites } from "./deletion-decisions.ts";
import type { ObjectCache } from "./object-cache.ts";
import { OwnershipIndex } from "./ownership-index.ts";

const RETRY_MS = 1_000;
/** Writes that are kept together where none depends on another: a namespace of 10,000 objects is 100 commits. */
const BATCH = 100;
const AUTHOR = "system:serviceaccount:kube-system:generic-garbage-collector";

export interface DeletionLoopOptions {
  readonly store: Pick<ObjectStore, "write">;
  readonly cache: ObjectCache;
  readonly clock: Clock;
  readonly log: Log;
}

export class DeletionLoop {
  readonly #options: DeletionLoopOptions;
  #index = new OwnershipIndex();
  #waiting = new Set<string>();
  #running: Promise<void> | undefined;
  #retry: Timer | undefined;
  #stopFollowing: (() => void) | undefined;

  constructor(options: DeletionLoopOptions) {
    this.#options = options;
  }

  start(): void {
    const { cache } = this.#options;
    this.#stopFollowing = cache.follow({
      changed: (changes) => {
        for (const change of changes) for (const key of this.#index.apply(change)) this.#waiting.add(key);
        this.#run();
      },
      loaded: () => this.#readAll(),
    });
    this.#readAll();
  }

  async close(): Promise<void> {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
    this.#retry?.cancel();
    this.#waiting.clear();
    await this.#running;
  }

  #readAll(): void {
    this.#index = new OwnershipIndex();
    for (const [key, after] of this.#options.cache.all()) {
      for (const found of this.#index.apply({ key, before: undefined, after })) this.#waiting.add(found);
    }
    this.#run();
  }

  #run(): void {
    if (this.#running !== undefined || this.#waiting.size === 0) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    // Not within the commit that gave the reason: its writer is answered first.
    await Promise.resolve();
    const { cache } = this.#options;
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      const writes = deletionWrites(key, {
        index: this.#index,
        get: (other) => cache.get(other),
        isReadOnly: (other) => cache.isOfFile(other),
      });
      for (let start = 0; start < writes.length; start += BATCH) {
        const batch = writes.slice(start, start + BATCH);
        if ((await this.#write(batch)) || this.#stopFollowing === undefined) continue;
        this.#waiting.add(key);
        this.#retry?.cancel();
        this.#retry = this.#options.clock.setTimer(RETRY_MS, () => this.#run(), true);
        return;
      }
    }
  }

  /** False: whoever keeps the objects is away. */
  async #write(writes: readonly ObjectWrite[]): Promise<boolean> {
    try {
      await this.#options.store.write(writes, { author: AUTHOR });
      return true;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (error.reason === "ServiceUnavailable" || error.reason === "InternalError") return false;
      if (writes.length > 1) {
        for (const write of writes) if (!(await this.#write([write]))) return false;
        return true;
      }
      // NotFound and Conflict: it has gone or changed by itself, which is looked at again.
      if (error.reason !== "NotFound" && error.reason !== "Conflict") {
        this.#options.log.warn("cannot delete or release an object that belongs to a deleted one", { error: error.message });
      }
      return true;
    }
  }
}
