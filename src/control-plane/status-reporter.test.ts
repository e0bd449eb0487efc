import assert from "node:assert/strict";
import test from "node:test";
import { keyOf, type ApiObject } from "#api/object";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import type { ObjectDistribution } from "#control-plane/xds/distribution";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { StatusReporter, statusWith } from "./status-reporter.ts";

const NAME = { group: "networking.istio.io", resource: "virtualservices", namespace: "default", name: "reviews" };
const REFUSAL = { proxy: "sidecar~1", type: "RDS", message: "no" };

interface Bench {
  readonly store: CachedObjectStore;
  readonly reporter: StatusReporter;
  readonly object: ApiObject;
  distribution: Pick<ObjectDistribution, "live" | "pending" | "refused">;
  inFile: boolean;
  readonly fileStatus: unknown[];
  look(): Promise<void>;
}

async function open(): Promise<Bench> {
  const clock = new ManualClock(Date.parse("2026-01-01T00:00:00Z"));
  const store = await CachedObjectStore.open({
    journal: new MemoryJournal(),
    clock,
    random: seededRandom(1),
    log: silentLog,
    hasNamespace: () => true,
  });
  const written = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews" },
    spec: { hosts: ["reviews"] },
  };
  await store.write([{ verb: "create", name: NAME, object: written }]);
  const metadata = {
    name: "reviews",
    namespace: "default",
    labels: {},
    annotations: {},
    creationTimestamp: "",
    generation: 1,
    resourceVersion: "1",
    uid: "",
  };
  const object: ApiObject = { ...written, metadata };
  const fileStatus: unknown[] = [];
  const bench: Bench = {
    store,
    object,
    distribution: { live: [], pending: [], refused: [] },
    inFile: false,
    fileStatus,
    reporter: new StatusReporter({
      store,
      find: () => object,
      distributionOf: () => ({ object: keyOf(object), generation: 1, resourceVersion: "1", ...bench.distribution }),
      nameOf: () => NAME,
      changeInFile: (_, change) => {
        if (bench.inFile) fileStatus.push(change(undefined));
        return bench.inFile;
      },
      onFilesChanged: () => fileStatus.push("shown"),
      clock,
      log: silentLog,
    }),
    look: async () => {
      clock.advance(500);
      for (let turn = 0; turn < 5; turn++) await new Promise((resume) => setImmediate(resume));
    },
  };
  bench.reporter.noteChanged(keyOf(object));
  return bench;
}

async function statusOf({ store }: Bench): Promise<unknown> {
  return (await store.get(NAME))["status"];
}

test("says nothing before every proxy has answered, then once that all have the object", async () => {
  const bench = await open();
  bench.distribution = { live: ["a"], pending: ["b"], refused: [] };
  await bench.look();
  assert.equal(await statusOf(bench), undefined);
  bench.distribution = { live: ["a", "b"], pending: [], refused: [] };
  await bench.look();
  assert.deepEqual(await statusOf(bench), {
    observedGeneration: 1,
    conditions: [{ type: "Reconciled", status: "True", message: "2/2 proxies up to date.", lastTransitionTime: "2026-01-01T00:00:01Z" }],
  });
  const { metadata } = await bench.store.get(NAME);
  assert.equal(metadata.generation, 1);
  await bench.look();
  assert.equal((await bench.store.get(NAME)).metadata.resourceVersion, metadata.resourceVersion);
});

test("says who refuses an object, and takes it back when nobody does", async () => {
  const bench = await open();
  bench.distribution = { live: ["a"], pending: [], refused: [REFUSAL] };
  await bench.look();
  const refused = (await statusOf(bench)) as { readonly conditions: readonly { readonly status: string; readonly message: string }[] };
  assert.equal(refused.conditions[0]?.status, "False");
  assert.match(refused.conditions[0]?.message ?? "", /sidecar~1 refused RDS: no/u);
  bench.distribution = { live: ["a", "b"], pending: [], refused: [] };
  await bench.look();
  const live = (await statusOf(bench)) as { readonly conditions: readonly { readonly status: string }[] };
  assert.deepEqual(
    live.conditions.map(({ status }) => status),
    ["True"],
  );
});

test("tells the file layer of an object of a file, and leaves a newer generation to the next look", async () => {
  const bench = await open();
  bench.inFile = true;
  bench.distribution = { live: ["a"], pending: [], refused: [] };
  await bench.look();
  assert.equal(bench.fileStatus.at(-1), "shown");
  assert.equal(await statusOf(bench), undefined);
  bench.inFile = false;
  const current = await bench.store.get(NAME);
  await bench.store.write([{ verb: "update", name: NAME, object: { ...current, spec: { hosts: ["ratings"] } } }]);
  bench.reporter.noteChanged(keyOf(bench.object));
  await bench.look();
  assert.equal(await statusOf(bench), undefined);
  bench.reporter.close();
});

test("keeps other conditions, and the time of a condition that stays", () => {
  const other = { type: "Other", status: "True", message: "" };
  const condition = { type: "Reconciled", status: "True", message: "1/1 proxies up to date." };
  const first = statusWith({ conditions: [other], addresses: ["a"] }, 1, condition, 0);
  assert.deepEqual(first, {
    addresses: ["a"],
    observedGeneration: 1,
    conditions: [other, { ...condition, lastTransitionTime: "1970-01-01T00:00:00Z" }],
  });
  assert.equal(statusWith(first, 1, condition, 5_000), first);
});
