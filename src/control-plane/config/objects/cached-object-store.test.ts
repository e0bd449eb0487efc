import assert from "node:assert/strict";
import test from "node:test";
import type { ObjectStore, WatchEvent } from "#control-plane/config/object-store";
import { objectStoreConformance, type ObjectStoreBench } from "#control-plane/config/object-store.conformance";
import { StatusError } from "#control-plane/config/status-error";
import { ManualClock, realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom, seededRandom } from "#runtime/random";
import { CachedObjectStore } from "./cached-object-store.ts";
import { MemoryJournal } from "./memory-journal.ts";

const CONFIG_MAPS = { group: "", resource: "configmaps" };

async function openBench(maxChanges?: number): Promise<ObjectStoreBench> {
  const limits = maxChanges === undefined ? {} : { maxChanges };
  const store = await CachedObjectStore.open({
    journal: new MemoryJournal(),
    clock: realClock,
    random: realRandom,
    log: silentLog,
    ...limits,
  });
  return { store, close: () => store.close() };
}

async function createMap(store: ObjectStore, name: string): Promise<void> {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
  await store.write([{ verb: "create", name: { ...CONFIG_MAPS, namespace: "default", name }, object }]);
}

objectStoreConformance("in memory", openBench, { transactions: true });

objectStoreConformance("in memory with a short log", () => openBench(64), {
  transactions: true,
  compact: async ({ store }) => {
    await store.write([
      {
        verb: "create",
        name: { group: "", resource: "namespaces", namespace: "", name: "default" },
        object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
      },
    ]);
    for (let n = 0; n < 128; n++) await createMap(store, `filler-${n}`);
  },
});

function openDefault(clock = new ManualClock()): Promise<CachedObjectStore> {
  const hasNamespace = (namespace: string): boolean => namespace === "default";
  return CachedObjectStore.open({
    journal: new MemoryJournal(),
    clock,
    random: seededRandom(1),
    log: silentLog,
    hasNamespace,
    maxWaiting: 10,
  });
}

test("ends a watch that falls behind, after what it can still read", async () => {
  const store = await openDefault();
  const watch = await store.watch(CONFIG_MAPS, { namespace: "default" });
  for (let n = 0; n < 11; n++) await createMap(store, `a${n}`);
  await assert.rejects(
    async () => {
      for await (const _ of watch);
    },
    (error: unknown) => error instanceof StatusError && error.reason === "Expired",
  );
  await store.close();
});

test("sends bookmarks every minute to watchers that asked for them and have read everything", async () => {
  const clock = new ManualClock();
  const store = await openDefault(clock);
  const watch = await store.watch(CONFIG_MAPS, { allowWatchBookmarks: true });
  const events: WatchEvent[] = [];
  const read = (async () => {
    for await (const event of watch) {
      events.push(event);
      if (event.type === "BOOKMARK") break;
    }
  })();
  await createMap(store, "a");
  await new Promise((resume) => setImmediate(resume));
  clock.advance(60_000);
  await read;
  assert.deepEqual(
    events.map(({ type }) => type),
    ["ADDED", "BOOKMARK"],
  );
  assert.deepEqual(events[1], { type: "BOOKMARK", resourceVersion: "1", initialEventsEnd: false });
  await store.close();
  assert.equal(clock.pending, 0);
});

test("a watch that ends leaves nothing behind, and says why when the store closes", async () => {
  const store = await openDefault();
  const closed = await store.watch(CONFIG_MAPS);
  closed.close();
  const open = await store.watch(CONFIG_MAPS);
  await store.close();
  await assert.rejects(async () => {
    for await (const _ of open);
  }, /the store is shutting down/u);
  for await (const _ of closed) assert.fail("a closed watch tells nothing");
});

test("does not delete the namespaces that Kubernetes keeps", async () => {
  const store = await openDefault();
  const name = { group: "", resource: "namespaces", namespace: "", name: "default" };
  await store.write([{ verb: "create", name, object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } } }]);
  await assert.rejects(
    store.write([{ verb: "delete", name }]),
    /^StatusError: namespaces "default" is forbidden: this namespace may not be deleted$/u,
  );
  await store.close();
});

test("deletes a namespace of 10,000 objects in bounded steps", async () => {
  const store = await openDefault();
  const name = { group: "", resource: "namespaces", namespace: "", name: "large" };
  await store.write([{ verb: "create", name, object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "large" } } }]);
  const inside = Array.from({ length: 10_000 }, (_, n) => ({ ...CONFIG_MAPS, namespace: "large", name: `a${n}` }));
  await store.write(
    inside.map((of) => ({ verb: "create", name: of, object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: of.name } } })),
  );
  const watch = await store.watch({ group: "", resource: "namespaces" });
  await store.write([{ verb: "delete", name }]);
  for await (const event of watch) if (event.type === "DELETED") break;
  assert.equal((await store.list(CONFIG_MAPS)).items.length, 0);
  await store.close();
});

/** Others are faster so often, each time. */
class ContestedJournal extends MemoryJournal {
  commits = 0;
  readonly #losses: number;

  constructor(losses: number) {
    super();
    this.#losses = losses;
  }

  override commit(...given: Parameters<MemoryJournal["commit"]>): ReturnType<MemoryJournal["commit"]> {
    return this.commits++ < this.#losses ? Promise.resolve(undefined) : super.commit(...given);
  }
}

test("a write that others overtake is made again, later and later, and says at last that it could not be", async () => {
  const open = (journal: ContestedJournal, clock: ManualClock) =>
    CachedObjectStore.open({
      journal,
      clock,
      random: { ...seededRandom(1), integer: (below) => below - 1 },
      log: silentLog,
      hasNamespace: () => true,
    });
  const clock = new ManualClock();
  const journal = new ContestedJournal(3);
  const store = await open(journal, clock);
  const made = createMap(store, "a");
  const waited: number[] = [];
  for (const ms of [1, 3, 7]) {
    while (clock.pending < 2) await new Promise(setImmediate);
    clock.advance(ms);
    waited.push(journal.commits);
  }
  await made;
  assert.deepEqual([waited, journal.commits], [[1, 2, 3], 4]);
  await store.close();

  const hopeless = await CachedObjectStore.open({
    journal: new ContestedJournal(Number.POSITIVE_INFINITY),
    clock: realClock,
    random: { ...seededRandom(1), integer: () => 0 },
    log: silentLog,
    hasNamespace: () => true,
  });
  await assert.rejects(createMap(hopeless, "b"), /changed by others faster/);
  await hopeless.close();
});
