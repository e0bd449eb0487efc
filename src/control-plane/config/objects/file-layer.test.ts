import assert from "node:assert/strict";
import test from "node:test";
import type { ObjectStore, WatchEvent } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName, StoredObject } from "#control-plane/config/stored-object";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { CachedObjectStore } from "./cached-object-store.ts";
import type { ObjectOfFile } from "./file-layer.ts";
import { MemoryJournal } from "./memory-journal.ts";

const CONFIG_MAPS = { group: "", resource: "configmaps" };

function open(): Promise<CachedObjectStore> {
  const clock = new ManualClock();
  return CachedObjectStore.open({ journal: new MemoryJournal(), clock, random: seededRandom(1), log: silentLog, hasNamespace: () => true });
}

function name(text: string): ObjectName {
  return { ...CONFIG_MAPS, namespace: "default", name: text };
}

function configMap(text: string, data: string): StoredObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: text, namespace: "default" }, data: { text: data } };
}

function ofFile(text: string, data: string): ObjectOfFile {
  const { metadata, ...content } = configMap(text, data);
  return {
    name: name(text),
    object: { ...content, metadata: { ...metadata, uid: `file-${text}` } },
    place: () => `mesh/${text}.yaml:3`,
  } as ObjectOfFile;
}

async function textOf(store: ObjectStore, text: string): Promise<unknown> {
  return ((await store.get(name(text)))["data"] as { readonly text: string }).text;
}

async function eventsOf(store: CachedObjectStore, resourceVersion: string, count: number): Promise<readonly string[]> {
  const events: WatchEvent[] = [];
  for await (const event of await store.watch(CONFIG_MAPS, { resourceVersion })) {
    events.push(event);
    if (events.length === count) break;
  }
  return events.map((event) =>
    event.type === "BOOKMARK" ? event.type : `${event.type} ${(event.object["data"] as { readonly text: string }).text}`,
  );
}

test("clients see objects of files beside stored ones, and each change of a file", async () => {
  const store = await open();
  await store.write([{ verb: "create", name: name("stored"), object: configMap("stored", "stored") }]);
  const { resourceVersion } = await store.list(CONFIG_MAPS);
  const kept = ofFile("a", "file");
  await store.setFiles([kept, ofFile("b", "1")]);
  await store.setFiles([kept, ofFile("b", "2")]);
  await store.setFiles([kept]);
  const { items } = await store.list(CONFIG_MAPS);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["a", "stored"],
  );
  assert.deepEqual(await eventsOf(store, resourceVersion, 4), ["ADDED file", "ADDED 1", "MODIFIED 2", "DELETED 2"]);
  await store.close();
});

test("a write to an object of a file is refused with the place to edit", async () => {
  const store = await open();
  await store.setFiles([ofFile("a", "file")]);
  for (const write of [
    { verb: "modify", name: name("a"), mayCreate: true, change: () => configMap("a", "x") },
    { verb: "update", name: name("a"), object: configMap("a", "x") },
    { verb: "delete", name: name("a") },
  ] as const) {
    await assert.rejects(store.write([write]), (error: unknown) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.reason, "Forbidden");
      assert.equal(error.message, 'configmaps "a" is forbidden: it is read from mesh/a.yaml:3; edit that file');
      return true;
    });
  }
  await assert.rejects(store.write([{ verb: "create", name: name("a"), object: configMap("a", "x") }]), /configmaps "a" already exists$/u);
  await store.close();
});

test("who writes what the file says already is content with it", async () => {
  const store = await open();
  await store.setFiles([ofFile("a", "file")]);
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  const [modified, updated] = await store.write([
    {
      verb: "modify",
      name: name("a"),
      change: (current) => ({ ...(current as StoredObject), metadata: { ...(current as StoredObject).metadata, annotations } }),
    },
    { verb: "update", name: name("a"), object: configMap("a", "file") },
  ]);
  assert.deepEqual([modified?.outcome, updated?.outcome], ["unchanged", "unchanged"]);
  assert.equal((await store.get(name("a"))).metadata.annotations, undefined);
  await store.close();
});

test("a stored object waits behind one of a file, and can be written again when the file has gone", async () => {
  const store = await open();
  await store.write([{ verb: "create", name: name("a"), object: configMap("a", "stored") }]);
  const { resourceVersion } = await store.list(CONFIG_MAPS);
  const stored: string[] = [];
  store.followStored((changes) => {
    for (const { key, object } of changes)
      stored.push(`${key} ${String((object?.["data"] as { readonly text?: string } | undefined)?.text)}`);
  });
  await store.setFiles([ofFile("a", "file")]);
  assert.equal(await textOf(store, "a"), "file");
  await store.setFiles([]);
  assert.equal(await textOf(store, "a"), "stored");
  assert.deepEqual(await eventsOf(store, resourceVersion, 2), ["MODIFIED file", "MODIFIED stored"]);
  const object = await store.get(name("a"));
  await store.write([{ verb: "update", name: name("a"), object: { ...object, data: { text: "new" } } }]);
  await store.write([
    { verb: "modify", name: name("a"), change: (current) => ({ ...(current as StoredObject), data: { text: "newer" } }) },
  ]);
  assert.equal(await textOf(store, "a"), "newer");
  assert.deepEqual(stored, ["/configmaps/default/a stored", "/configmaps/default/a new", "/configmaps/default/a newer"]);
  await store.close();
});
