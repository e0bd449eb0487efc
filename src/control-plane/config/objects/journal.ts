// Who keeps the objects. A journal fills the cache at the start, decides whether a commit fits what is there, keeps it, and tells the
// cache about every change, its own and, where several processes share it, those of others.
import type { ObjectVersion } from "#control-plane/config/object-store";
import type { StoredObject } from "#control-plane/config/stored-object";
import type { ObjectCache } from "./object-cache.ts";

export interface JournalChange {
  readonly key: string;
  /** Undefined: it is deleted. Without a resourceVersion. */
  readonly object: StoredObject | undefined;
  /** Whether it makes a version, and what kind. */
  readonly recorded: { readonly change: ObjectVersion["change"]; readonly object: StoredObject } | undefined;
}

export interface Commit {
  readonly changes: readonly JournalChange[];
  /** Keys that were looked at, with the revision they had; 0: not there. The commit counts only when all are still so. */
  readonly seen: ReadonlyMap<string, number>;
  readonly wallMs: number;
  readonly author: string;
}

export interface Journal {
  /** Fills the cache. */
  open(cache: ObjectCache): Promise<void>;
  /** Until the cache has everything that was committed before the call, by whomever. */
  catchUp(): Promise<void>;
  /** Keeps all changes and has told the cache when it returns: the revision of each key. Undefined: somebody else was faster. */
  commit(commit: Commit): Promise<ReadonlyMap<string, number> | undefined>;
  /**
   * Calls `apply` with `count` revisions, in order with all commits: for what is seen by clients and not kept. They are one and the same
   * where a journal cannot give several at once.
   */
  claim(count: number, apply: (revisions: readonly number[]) => void): Promise<void>;
  versions(key: string): Promise<readonly ObjectVersion[]>;
  close(): Promise<void>;
}

/** Of one object. */
export const MAX_VERSIONS = 20;
/** Names whose versions are kept after they were deleted; what is too much goes once in so many deletions. */
export const MAX_DELETED = 1_000;
export const PRUNE_EVERY = 100;
