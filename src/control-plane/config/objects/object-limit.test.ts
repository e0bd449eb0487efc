import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { CachedObjectStore } from "./cached-object-store.ts";
import { MemoryJournal } from "./memory-journal.ts";

test("more objects than the limit are refused, and changes of those that are there are not", async () => {
  const store = await CachedObjectStore.open({
    journal: new MemoryJournal(),
    clock: new ManualClock(),
    random: seededRandom(1),
    log: silentLog,
    maxObjects: 2,
  });
  const create = (name: string) =>
    ({
      verb: "create",
      name: { group: "", resource: "namespaces", namespace: "", name },
      object: { apiVersion: "v1", kind: "Namespace", metadata: { name } },
    }) as const;
  await assert.rejects(
    store.write([create("a"), create("b"), create("c")]),
    /exceeded quota: the store holds 0 objects, at most 2 are kept/u,
  );
  await store.write([create("a"), create("b")]);
  await assert.rejects(store.write([create("c")]), /exceeded quota/u);
  const change = {
    verb: "modify",
    name: create("a").name,
    change: (current: object | undefined) => ({ ...create("a").object, ...current, extra: 1 }),
  } as const;
  assert.equal((await store.write([change]))[0]?.outcome, "updated");
  await store.write([{ verb: "delete", name: create("b").name }]);
  await store.close();
});
