// Keeps objects in one file of the state folder. A commit is one transaction that is on the disk before anybody is told of it; reads
// never come here, they are the cache's. One process has the file: what is in the cache is what is in the file.
import type { DatabaseSync } from "node:sqlite";
import type { ObjectVersion } from "#control-plane/config/object-store";
import {
  MAX_DELETED,
  MAX_VERSIONS,
  PRUNE_EVERY,
  type Commit,
  type Journal,
  type JournalChange,
} from "#control-plane/config/objects/journal";
import type { ObjectCache } from "#control-plane/config/objects/object-cache";
import { StatusError } from "#control-plane/config/status-error";
import { withResourceVersion, type StoredObject } from "#control-plane/config/stored-object";
import { isDiskError, openDatabaseFile } from "./database-file.ts";

/** Revisions that are set aside at once. What was given to objects of files is not written down, and must not be given again. */
const REVISIONS_AHEAD = 10_000;
interface VersionRow {
  readonly version: number;
  readonly revision: number;
  readonly at_ms: number;
  readonly author: string;
  readonly change: ObjectVersion["change"];
  readonly body: string;
}

function statements(database: DatabaseSync) {
  return {
    put: database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)"),
    delete: database.prepare("DELETE FROM objects WHERE key = ?"),
    lastVersion: database.prepare("SELECT max(version) AS version FROM versions WHERE key = ?"),
    addVersion: database.prepare("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)"),
    dropVersions: database.prepare("DELETE FROM versions WHERE key = ? AND version <= ?"),
    versions: database.prepare("SELECT version, revision, at_ms, author, change, body FROM versions WHERE key = ? ORDER BY version DESC"),
    reserve: database.prepare("UPDATE counters SET value = ? WHERE name = 'revision'"),
    prune: database.prepare(
      `DELETE FROM versions WHERE key IN (SELECT key FROM versions WHERE key NOT IN (SELECT key FROM objects)
         GROUP BY key ORDER BY max(revision) DESC LIMIT -1 OFFSET ${MAX_DELETED})`,
    ),
  };
}

export interface SqliteJournalOptions {
  /** Made when it is not there, with its folder. */
  readonly file: string;
  /** Of the file, in pages of 4 KiB; a disk that is full does the same. */
  readonly maxPages?: number;
}

export class SqliteJournal implements Journal {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof statements>;
  #cache: ObjectCache | undefined;
  #reserved = 0;
  #deletions = 0;

  /** @throws DatabaseFileError */
  constructor({ file, maxPages }: SqliteJournalOptions) {
    this.#file = file;
    this.#database = openDatabaseFile(file);
    if (maxPages !== undefined) this.#database.exec(`PRAGMA max_page_count = ${maxPages}`);
    this.#statements = statements(this.#database);
  }

  async open(cache: ObjectCache): Promise<void> {
    this.#cache = cache;
    const { value } = this.#database.prepare("SELECT value FROM counters WHERE name = 'revision'").get() as { readonly value: number };
    this.#reserved = value;
    cache.load(this.#objects(), value);
  }

  async catchUp(): Promise<void> {}

  async commit({ changes, seen, wallMs, author }: Commit): Promise<ReadonlyMap<string, number> | undefined> {
    const cache = this.#cache;
    if (cache === undefined) return undefined;
    for (const [key, revision] of seen) {
      if (cache.storedRevision(key) !== revision) return undefined;
    }
    const first = cache.revision + 1;
    const applied = changes.map(({ key, object }, index) => ({ key, object, revision: first + index }));
    this.#transaction(() => {
      this.#reserve(first + changes.length);
      for (const [index, change] of changes.entries()) this.#keep(change, first + index, wallMs, author);
    });
    cache.apply(applied);
    return new Map(applied.map(({ key, revision }) => [key, revision]));
  }

  async claim(count: number, apply: (revisions: readonly number[]) => void): Promise<void> {
    const first = (this.#cache?.revision ?? 0) + 1;
    if (first + count > this.#reserved) this.#transaction(() => this.#reserve(first + count));
    apply(Array.from({ length: count }, (_, n) => first + n));
  }

  async versions(key: string): Promise<readonly ObjectVersion[]> {
    const rows = this.#statements.versions.all(key) as unknown as readonly VersionRow[];
    return rows.map(({ version, revision, at_ms: atMs, author, change, body }) => ({
      version,
      resourceVersion: String(revision),
      timestamp: new Date(atMs).toISOString(),
      author,
      change,
      object: withResourceVersion(JSON.parse(body) as StoredObject, String(revision)),
    }));
  }

  async close(): Promise<void> {
    this.#cache = undefined;
    if (this.#database.isOpen) this.#database.close();
  }

  *#objects(): Iterable<readonly [string, StoredObject]> {
    for (const row of this.#database.prepare("SELECT key, revision, body FROM objects").iterate()) {
      const { key, revision, body } = row as { readonly key: string; readonly revision: number; readonly body: string };
      yield [key, withResourceVersion(JSON.parse(body) as StoredObject, String(revision))];
    }
  }

  #keep({ key, object, recorded }: JournalChange, revision: number, wallMs: number, author: string): void {
    const { put, delete: remove, lastVersion, addVersion, dropVersions, prune } = this.#statements;
    const body = object === undefined ? undefined : JSON.stringify(object);
    if (body === undefined) remove.run(key);
    else put.run(key, revision, body);
    if (recorded !== undefined) {
      const { version: last } = lastVersion.get(key) as { readonly version: number | null };
      const version = (last ?? 0) + 1;
      addVersion.run(key, version, revision, wallMs, author, recorded.change, body ?? JSON.stringify(recorded.object));
      dropVersions.run(key, version - MAX_VERSIONS);
    }
    if (body === undefined && ++this.#deletions % PRUNE_EVERY === 0) prune.run();
  }

  #reserve(revision: number): void {
    if (revision < this.#reserved) return;
    const next = revision + REVISIONS_AHEAD;
    this.#statements.reserve.run(next);
    this.#reserved = next;
  }

  /** All or nothing, and on the disk when it returns. @throws StatusError */
  #transaction(body: () => void): void {
    const reserved = this.#reserved;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      body();
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#reserved = reserved;
      // SQLite has rolled back by itself when the disk was full; what it had not started cannot be rolled back.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      if (!isDiskError(error)) throw error;
      const why = (error as Error).message;
      throw new StatusError(
        "InternalError",
        `nothing was stored: ${this.#file} cannot be written (${why}); make room on the disk and try again`,
        {
          cause: error,
        },
      );
    }
  }
}
