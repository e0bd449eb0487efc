// Opens the database file of the store: nobody else may read it or have it open, what was acknowledged is on the disk, and a file that
// is damaged or too new is refused by name, with the way out. Nothing here knows what an object is.
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Why a file cannot be opened, for the person who has to do something about it. */
class DatabaseFileError extends Error {
  override readonly name = "DatabaseFileError";
}

/** "mizn": tells our files from other databases. */
const APPLICATION_ID = 0x6d697a6e;
/** A process that was just killed may still hold the lock for a moment. */
const LOCK_WAIT_MS = 500;

/** Each brings a file from one version of the schema to the next; once released, none is ever changed. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE objects (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE versions (key TEXT NOT NULL, version INTEGER NOT NULL, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL,
     author TEXT NOT NULL, change TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (key, version)) WITHOUT ROWID;
   CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
   INSERT INTO counters VALUES ('revision', 0);`,
];

/** SQLite's result codes. */
const SQLITE = { PERM: 3, BUSY: 5, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

function sqliteCode(error: unknown): number | undefined {
  const { errcode } = error as { readonly errcode?: unknown };
  // Extended codes have the plain one in their lowest byte.
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** Whether the disk refused a write: full, broken, read-only. */
export function isDiskError(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.FULL || code === SQLITE.IOERR || code === SQLITE.READONLY || code === SQLITE.CANTOPEN || code === SQLITE.PERM;
}

function explain(file: string, error: unknown): DatabaseFileError {
  if (error instanceof DatabaseFileError) return error;
  const why = error instanceof Error ? error.message : String(error);
  switch (sqliteCode(error)) {
    case SQLITE.BUSY:
      return new DatabaseFileError(
        `${file} is in use by another control plane; stop that one, or give this one a state folder of its own`,
        {
          cause: error,
        },
      );
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      return damaged(file, why, error);
    default:
      return new DatabaseFileError(`${file} cannot be opened: ${why}; check the disk and the permissions of the folder`, { cause: error });
  }
}

function damaged(file: string, why: string, cause?: unknown): DatabaseFileError {
  return new DatabaseFileError(
    `${file} is damaged (${why}): move it away and start again, then apply your files again, or put a copy back in its place; ` +
      `sqlite3 ${file} .recover shows what can still be read`,
    { cause },
  );
}

function migrate(database: DatabaseSync, file: string): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { readonly user_version: number };
  const { application_id: application } = database.prepare("PRAGMA application_id").get() as { readonly application_id: number };
  if (version > 0 && application !== APPLICATION_ID) {
    throw new DatabaseFileError(`${file} is a database of another program; give another state folder`);
  }
  if (version > MIGRATIONS.length) {
    throw new DatabaseFileError(
      `${file} was written by a newer version (schema ${version}, this one knows ${MIGRATIONS.length}); use that version, or another state folder`,
    );
  }
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${migration} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

/** @throws DatabaseFileError */
export function openDatabaseFile(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Made before SQLite opens it, so that nobody else can read it even for a moment; its journal gets the same mode.
    closeSync(openSync(file, "a", 0o600));
    database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
    // The lock is taken by the first write and never given back; without shared memory WAL works on any file system.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec("BEGIN IMMEDIATE; COMMIT");
    const check = database.prepare("PRAGMA quick_check(1)").get() as { readonly quick_check: string } | undefined;
    // The first line names the database, the next one what is wrong.
    if (check?.quick_check !== "ok") throw damaged(file, check?.quick_check.split("\n").at(-1) ?? "no answer");
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw explain(file, error);
  }
}
