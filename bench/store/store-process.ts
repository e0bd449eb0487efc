// One store under one load, in a process of its own, so that its memory is its own: fills it, writes, lists, tells watchers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { PutRequestSchema, RangeRequestSchema, WatchRequestSchema, type WatchResponse } from "#envoy/gen/etcdserverpb/rpc_pb";
import { EtcdClient, PUT, RANGE } from "#control-plane/config/etcd/etcd-client";
import { EtcdJournal } from "#control-plane/config/etcd/etcd-journal";
import type { ObjectWrite } from "#control-plane/config/object-store";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import type { Journal } from "#control-plane/config/objects/journal";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import type { StoredObject } from "#control-plane/config/stored-object";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";

export const STORES = ["memory", "sqlite", "etcd", "etcd directly"] as const;

export interface StoreRequest {
  readonly store: (typeof STORES)[number];
  readonly objects: number;
  readonly endpoint: string;
  readonly prefix: string;
}

export interface StoreReport {
  readonly fillMs: number;
  /** One after the other. */
  readonly writeP50Ms: number;
  readonly writeP99Ms: number;
  /** With 16 under way. */
  readonly writesPerSecond: number;
  readonly listMs: number;
  readonly page500Ms: number;
  /** From the first of 100 writes until the last of 100 watchers has all of them. */
  readonly fanOutMs: number;
  readonly rssMb: number;
}

/** What is measured: the same for stores and for etcd itself. */
interface Load {
  fill(count: number): Promise<void>;
  update(index: number, text: string): Promise<void>;
  list(limit: number): Promise<number>;
  /** Resolves once every watcher has told `count` events; watching has begun when `started` is called. */
  watch(watchers: number, count: number, started: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const UPDATES = 200;
const CONCURRENT = 16;
const WATCHERS = 100;
const SET = 500;
const RESOURCE = { group: "networking.istio.io", resource: "virtualservices" };

/** About 1 KB, as an ordinary VirtualService with its managed fields has. */
function virtualService(index: number, text: string): StoredObject {
  const http = Array.from({ length: 4 }, (_, n) => ({
    match: [{ uri: { prefix: `/path-${n}` }, headers: { "x-version": { exact: text } } }],
    route: [{ destination: { host: `service-${index}.default.svc.cluster.local`, subset: `v${n}`, port: { number: 9080 } }, weight: 100 }],
  }));
  const metadata = { name: `service-${index}`, labels: { app: `service-${index}`, team: `team-${index % 10}` } };
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, spec: { hosts: [`service-${index}`], http } };
}

function storeLoad(store: CachedObjectStore, close: () => void): Load {
  const nameOf = (index: number) => ({ ...RESOURCE, namespace: "default", name: `service-${index}` });
  return {
    async fill(count) {
      for (let start = 0; start < count; start += SET) {
        const set = Array.from({ length: Math.min(SET, count - start) }, (_, n): ObjectWrite => {
          return { verb: "create", name: nameOf(start + n), object: virtualService(start + n, "first") };
        });
        await store.write(set, { author: "bench" });
      }
    },
    async update(index, text) {
      const change = (current: StoredObject | undefined): StoredObject => ({
        ...virtualService(index, text),
        metadata: current?.metadata ?? {},
      });
      await store.write([{ verb: "modify", name: nameOf(index), change }], { author: "bench" });
    },
    async list(limit) {
      return (await store.list(RESOURCE, { namespace: "default", limit })).items.length;
    },
    async watch(watchers, count, started) {
      const { resourceVersion } = await store.list(RESOURCE, { limit: 1 });
      const watches = await Promise.all(
        Array.from({ length: watchers }, () => store.watch(RESOURCE, { namespace: "default", resourceVersion })),
      );
      const read = watches.map(async (watch) => {
        let seen = 0;
        for await (const _ of watch) if (++seen === count) break;
      });
      await started();
      await Promise.all(read);
    },
    async close() {
      await store.close();
      close();
    },
  };
}

/** What etcd does for a client that wants nothing but etcd. */
function etcdLoad(client: EtcdClient, prefix: string): Load {
  const utf8 = new TextEncoder();
  const key = (index: number): Uint8Array => utf8.encode(`${prefix}/service-${index}`);
  const range = { key: utf8.encode(`${prefix}/`), rangeEnd: utf8.encode(`${prefix}0`) };
  const put = async (index: number, text: string): Promise<void> => {
    const value = utf8.encode(JSON.stringify(virtualService(index, text)));
    await client.call(PUT, create(PutRequestSchema, { key: key(index), value }));
  };
  return {
    async fill(count) {
      for (let start = 0; start < count; start += SET) {
        await Promise.all(Array.from({ length: Math.min(SET, count - start) }, (_, n) => put(start + n, "first")));
      }
    },
    update: put,
    async list(limit) {
      const { kvs } = await client.call(RANGE, create(RangeRequestSchema, { ...range, limit: BigInt(limit) }));
      const text = new TextDecoder();
      return kvs.map(({ value }) => JSON.parse(text.decode(value)) as unknown).length;
    },
    async watch(watchers, count, started) {
      const begun: Promise<void>[] = [];
      const read = Array.from({ length: watchers }, () => {
        const stream = client.watch(create(WatchRequestSchema, { requestUnion: { case: "createRequest", value: range } }));
        let seen = 0;
        return new Promise<void>((done) => {
          begun.push(
            new Promise((ready) => {
              stream.on("data", ({ created, events }: WatchResponse) => {
                if (created) ready();
                seen += events.length;
                if (seen < count) return;
                stream.cancel();
                done();
              });
            }),
          );
          stream.on("error", () => done());
        });
      });
      await Promise.all(begun);
      await started();
      await Promise.all(read);
    },
    async close() {
      client.close();
    },
  };
}

async function openLoad({ store, endpoint, prefix }: StoreRequest): Promise<Load> {
  const parts = { clock: realClock, random: realRandom, log: silentLog };
  if (store === "etcd directly") return etcdLoad(new EtcdClient({ endpoints: [endpoint], clock: realClock }), prefix);
  const folder = mkdtempSync(join(tmpdir(), "bench-store-"));
  const journals: Readonly<Record<Exclude<typeof store, "etcd directly">, () => Journal>> = {
    memory: () => new MemoryJournal(),
    sqlite: () => new SqliteJournal({ file: join(folder, "objects.db") }),
    etcd: () => new EtcdJournal({ client: new EtcdClient({ endpoints: [endpoint], clock: realClock }), prefix, ...parts }),
  };
  const opened = await CachedObjectStore.open({ journal: journals[store](), ...parts, hasNamespace: () => true });
  return storeLoad(opened, () => rmSync(folder, { recursive: true }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function repeated(times: number, work: (n: number) => Promise<unknown>): Promise<readonly number[]> {
  const took: number[] = [];
  for (let n = 0; n < times; n++) took.push(await timed(() => work(n)));
  return took.sort((a, b) => a - b);
}

async function measure(request: StoreRequest): Promise<StoreReport> {
  const { objects } = request;
  const load = await openLoad(request);
  const fillMs = await timed(() => load.fill(objects));
  const writes = await repeated(UPDATES, (n) => load.update(n % objects, `one-${n}`));
  let next = 0;
  const concurrentMs = await timed(() =>
    Promise.all(
      Array.from({ length: CONCURRENT }, async () => {
        while (next < UPDATES * 2) {
          const n = next++;
          await load.update(n % objects, `many-${n}`);
        }
      }),
    ),
  );
  const lists = await repeated(5, async () => {
    const found = await load.list(0);
    if (found !== objects) throw new Error(`${found} of ${objects} objects are listed`);
  });
  const pages = await repeated(20, () => load.list(500));
  let fanOutMs = 0;
  let startedMs = 0;
  await load.watch(WATCHERS, 100, async () => {
    startedMs = performance.now();
    for (let n = 0; n < 100; n++) await load.update(n, `told-${n}`);
  });
  fanOutMs = performance.now() - startedMs;
  const report = {
    fillMs,
    writeP50Ms: writes[Math.floor(writes.length / 2)] ?? 0,
    writeP99Ms: writes[Math.floor(writes.length * 0.99)] ?? 0,
    writesPerSecond: (UPDATES * 2 * 1_000) / concurrentMs,
    listMs: lists[2] ?? 0,
    page500Ms: pages[10] ?? 0,
    fanOutMs,
    rssMb: process.memoryUsage.rss() / 1024 / 1024,
  };
  await load.close();
  return report;
}

if (process.send !== undefined) {
  process.once("message", (request) => {
    measure(request as StoreRequest).then(
      (report) => process.send?.(report, () => process.exit(0)),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
