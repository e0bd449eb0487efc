import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { objectStoreConformance } from "#control-plane/config/object-store.conformance";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { StoredObject } from "#control-plane/config/stored-object";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { openDatabaseFile } from "./database-file.ts";
import { SqliteJournal } from "./sqlite-journal.ts";

function folder(t?: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "sqlite-journal-"));
  t?.after(() => rmSync(path, { recursive: true }));
  return path;
}

function open(file: string, maxPages?: number): Promise<CachedObjectStore> {
  return CachedObjectStore.open({
    journal: new SqliteJournal(maxPages === undefined ? { file } : { file, maxPages }),
    clock: realClock,
    random: realRandom,
    log: silentLog,
    hasNamespace: () => true,
  });
}

const CONFIG_MAPS = { group: "", resource: "configmaps" };

function name(text: string) {
  return { ...CONFIG_MAPS, namespace: "default", name: text };
}

function configMap(text: string, data = ""): StoredObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: text }, data: { text: data } };
}

objectStoreConformance(
  "in a file",
  async () => {
    const path = folder();
    const store = await CachedObjectStore.open({
      journal: new SqliteJournal({ file: join(path, "s", "db") }),
      clock: realClock,
      random: realRandom,
      log: silentLog,
    });
    return {
      store,
      close: async () => {
        await store.close();
        rmSync(path, { recursive: true });
      },
    };
  },
  { transactions: true },
);

test("has everything after it was opened again, and never gives a version twice", async (t) => {
  const file = join(folder(t), "db");
  const first = await open(file);
  const [created] = await first.write([{ verb: "create", name: name("a"), object: configMap("a", "1") }], { author: "alice" });
  await first.write([{ verb: "create", name: name("b"), object: configMap("b") }]);
  await first.write([{ verb: "delete", name: name("b") }]);
  await first.close();
  const second = await open(file);
  assert.deepEqual(await second.get(name("a")), created?.object);
  assert.deepEqual(
    (await second.versions(name("b"))).map(({ change }) => change),
    ["deleted", "created"],
  );
  assert.deepEqual(
    (await second.versions(name("a"))).map(({ author, object }) => [author, object]),
    [["alice", created?.object]],
  );
  const { resourceVersion, items } = await second.list(CONFIG_MAPS);
  assert.equal(items.length, 1);
  assert.ok(Number(resourceVersion) >= 3);
  const [later] = await second.write([{ verb: "create", name: name("c"), object: configMap("c") }]);
  assert.ok(Number(later?.object.metadata.resourceVersion) > Number(resourceVersion));
  await assert.rejects(second.watch(CONFIG_MAPS, { resourceVersion: "2" }), /too old resource version: 2/u);
  await second.close();
});

test("nobody else can read the file or its folder", async (t) => {
  const path = join(folder(t), "state");
  const store = await open(join(path, "db"));
  await store.write([{ verb: "create", name: name("a"), object: configMap("a") }]);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  for (const file of ["db", "db-wal"]) assert.equal(statSync(join(path, file)).mode & 0o777, 0o600, file);
  await store.close();
});

test("a second process is told who is in its way", async (t) => {
  const file = join(folder(t), "db");
  const store = await open(file);
  assert.throws(
    () => openDatabaseFile(file),
    new RegExp(`^DatabaseFileError: ${file} is in use by another control plane; stop that one`, "u"),
  );
  await store.close();
  await (await open(file)).close();
});

test("a full disk is said clearly, loses nothing and goes by when there is room", async (t) => {
  const file = join(folder(t), "db");
  const store = await open(file, 40);
  let kept = 0;
  let refusal: unknown;
  while (refusal === undefined) {
    const set = [`${kept}-a`, `${kept}-b`].map((text) => ({
      verb: "create" as const,
      name: name(text),
      object: configMap(text, "x".repeat(2_000)),
    }));
    await store.write(set).then(
      () => kept++,
      (error: unknown) => (refusal = error),
    );
  }
  assert.ok(refusal instanceof StatusError && refusal.reason === "InternalError");
  assert.match(
    refusal.message,
    new RegExp(`^nothing was stored: ${file} cannot be written \\(database or disk is full\\); make room`, "u"),
  );
  assert.equal((await store.list(CONFIG_MAPS)).items.length, kept * 2);
  for (let n = 0; n < kept; n++)
    await store.write([{ verb: "modify", name: name(`${n}-a`), change: (current) => current ?? configMap("") }]);
  await store.close();
  const again = await open(file);
  assert.equal((await again.list(CONFIG_MAPS)).items.length, kept * 2);
  await again.write([{ verb: "create", name: name("more"), object: configMap("more") }]);
  await again.close();
});

test("a damaged file is refused by name, with the way out", async (t) => {
  const path = folder(t);
  const text = join(path, "text");
  writeFileSync(text, "this is no database ".repeat(1_000));
  assert.throws(
    () => openDatabaseFile(text),
    /^DatabaseFileError: .*\/text is damaged \(file is not a database\): move it away and start again/u,
  );
  const file = join(path, "db");
  const store = await open(file);
  for (let n = 0; n < 50; n++) await store.write([{ verb: "create", name: name(`a${n}`), object: configMap(`a${n}`, "x".repeat(1_000)) }]);
  await store.close();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xa5, 8_192, 40_960));
  assert.throws(() => openDatabaseFile(file), /\/db is damaged \(.*\): move it away and start again/u);
});

test("a file of a newer version and one of another program are left alone", async (t) => {
  const path = folder(t);
  const newer = join(path, "newer");
  await (await open(newer)).close();
  const database = new DatabaseSync(newer);
  database.exec("PRAGMA user_version = 99");
  database.close();
  assert.throws(() => openDatabaseFile(newer), /newer was written by a newer version \(schema 99, this one knows 1\)/u);
  const other = new DatabaseSync(join(path, "other"));
  other.exec("PRAGMA user_version = 3; CREATE TABLE mine (a)");
  other.close();
  assert.throws(() => openDatabaseFile(join(path, "other")), /is a database of another program/u);
});

test("versions of deleted names are kept for a thousand of them", async (t) => {
  const store = await open(join(folder(t), "db"));
  const names = Array.from({ length: 1_200 }, (_, n) => `a${n}`);
  await store.write(names.map((text) => ({ verb: "create" as const, name: name(text), object: configMap(text) })));
  for (let n = 0; n < names.length; n += 100) {
    await store.write(names.slice(n, n + 100).map((text) => ({ verb: "delete" as const, name: name(text) })));
  }
  assert.equal((await store.versions(name("a0"))).length, 0);
  assert.equal((await store.versions(name("a1199"))).length, 2);
  await store.close();
});

test("a folder that cannot be written is named", (t) => {
  const path = folder(t);
  writeFileSync(join(path, "file"), "");
  chmodSync(join(path, "file"), 0o600);
  assert.throws(() => openDatabaseFile(join(path, "file", "db")), /file\/db cannot be opened: .*; check the disk and the permissions/u);
});
