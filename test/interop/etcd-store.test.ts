// The object store on a real etcd: Kubernetes' behaviour, two control planes on one etcd, an etcd that goes away and comes back, and one
// that compacts what a control plane has not seen.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { objectStoreConformance } from "#control-plane/config/object-store.conformance";
import type { ObjectStore, ObjectWatch, ObjectWrite, WatchEvent } from "#control-plane/config/object-store";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { EtcdClient } from "#control-plane/config/etcd/etcd-client";
import { EtcdJournal } from "#control-plane/config/etcd/etcd-journal";
import { startControlPlane, type ControlPlane } from "#control-plane/control-plane";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName } from "#control-plane/config/stored-object";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { Etcd } from "../harness/etcd.ts";
import { debianTool } from "../harness/tools.ts";

const CONFIG_MAPS = { group: "", resource: "configmaps" };
const shared = await Etcd.start();
after(() => shared[Symbol.asyncDispose]());
let prefixes = 0;

function open({ endpoint }: { readonly endpoint: string }, prefix: string): Promise<CachedObjectStore> {
  const parts = { clock: realClock, random: realRandom, log: silentLog };
  const client = new EtcdClient({ endpoints: [endpoint], clock: realClock, callMs: 2_000 });
  return CachedObjectStore.open({ journal: new EtcdJournal({ client, prefix, ...parts }), ...parts });
}

/** A way to etcd that can be cut. */
class Wire {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #cut = false;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      if (this.#cut) {
        near.destroy();
        return;
      }
      const far = createConnection(port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          near.destroy();
          far.destroy();
          this.#sockets.delete(socket);
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  static async to(etcd: Etcd): Promise<Wire> {
    const wire = new Wire(Number(new URL(etcd.endpoint).port));
    await new Promise<void>((done) => wire.#server.listen(0, "127.0.0.1", done));
    return wire;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function write(name: string, text = ""): ObjectWrite {
  return {
    verb: "modify",
    name: { ...CONFIG_MAPS, namespace: "default", name },
    change: (current) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: current?.metadata ?? { name }, data: { text } }),
    mayCreate: true,
  };
}

function increment(name: string): ObjectWrite {
  return {
    verb: "modify",
    name: { ...CONFIG_MAPS, namespace: "default", name },
    change: (current) => {
      const { count } = (current?.["data"] ?? { count: 0 }) as { readonly count: number };
      return { apiVersion: "v1", kind: "ConfigMap", metadata: current?.metadata ?? { name }, data: { count: count + 1 } };
    },
    mayCreate: true,
  };
}

async function makeDefaultNamespace(store: ObjectStore): Promise<void> {
  const name = { group: "", resource: "namespaces", namespace: "", name: "default" };
  await store.write([{ verb: "create", name, object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } } }]);
}

/** Names in order of events, until `last` is seen. */
async function namesUntil(watch: ObjectWatch, last: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const event of watch) {
    names.push(nameOf(event));
    if (nameOf(event) === last) break;
  }
  return names;
}

async function takeEvents(watch: ObjectWatch, count: number): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of watch) if (events.push(event) === count) break;
  return events;
}

function nameOf(event: WatchEvent): string {
  return event.type === "BOOKMARK" ? "" : String(event.object.metadata.name);
}

objectStoreConformance(
  "in etcd",
  async () => {
    const store = await open(shared, `/conformance-${++prefixes}`);
    return { store, close: () => store.close() };
  },
  { transactions: true },
);

test("two control planes on one etcd see each other's writes in one order, and one set wins", async () => {
  const [one, two] = await Promise.all([open(shared, "/two"), open(shared, "/two")]);
  await makeDefaultNamespace(one);
  const { resourceVersion } = await two.list(CONFIG_MAPS);
  const watches = [await one.watch(CONFIG_MAPS, { resourceVersion }), await two.watch(CONFIG_MAPS, { resourceVersion })];
  const seen = watches.map((watch) => namesUntil(watch, "last"));
  await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).write([write(`a${n}`)])));
  await one.write([write("last")]);
  const [first, second] = await Promise.all(seen);
  assert.equal(first?.length, 21);
  assert.deepEqual(first, second);
  assert.deepEqual((await two.get({ ...CONFIG_MAPS, namespace: "default", name: "last" })).metadata.name, "last");
  await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).write([increment("counter")])));
  assert.deepEqual((await one.get({ ...CONFIG_MAPS, namespace: "default", name: "counter" }))["data"], { count: 20 });
  // Either can go: the other has everything and goes on.
  await one.close();
  await two.write([write("after")]);
  assert.equal((await two.list(CONFIG_MAPS)).items.length, 23);
  await two.close();
});

test("a set of 1,000 objects is one commit", async () => {
  const store = await open(shared, "/large");
  await makeDefaultNamespace(store);
  const results = await store.write(Array.from({ length: 1_000 }, (_, n) => write(`a${n}`)));
  assert.equal(new Set(results.map(({ object }) => object.metadata.resourceVersion)).size, 1);
  assert.equal((await store.list(CONFIG_MAPS)).items.length, 1_000);
  await store.close();
  const again = await open(shared, "/large");
  assert.equal((await again.list(CONFIG_MAPS)).items.length, 1_000);
  await again.close();
});

test("a watch that broke within a set is told the whole set again, and one after a list is not", async () => {
  const store = await open(shared, "/within");
  await makeDefaultNamespace(store);
  const before = await store.list(CONFIG_MAPS);
  await store.write([write("a"), write("b"), write("c")]);
  const [first] = await takeEvents(await store.watch(CONFIG_MAPS, { resourceVersion: before.resourceVersion }), 1);
  assert.ok(first?.type === "ADDED");
  const { resourceVersion = "" } = first.object.metadata;
  const again = await takeEvents(await store.watch(CONFIG_MAPS, { resourceVersion }), 3);
  assert.deepEqual(again.map(nameOf), ["a", "b", "c"]);
  const after = await store.list(CONFIG_MAPS);
  const watch = await store.watch(CONFIG_MAPS, { resourceVersion: after.resourceVersion });
  await store.write([write("d")]);
  assert.deepEqual((await takeEvents(watch, 1)).map(nameOf), ["d"]);
  await store.close();
});

test("versions of deleted names are kept for a thousand of them", async () => {
  const store = await open(shared, "/pruned");
  await makeDefaultNamespace(store);
  const names = Array.from({ length: 1_200 }, (_, n) => ({ ...CONFIG_MAPS, namespace: "default", name: `a${n}` }));
  await store.write(names.map(({ name }) => write(name)));
  for (let n = 0; n < names.length; n += 100) await store.write(names.slice(n, n + 100).map((name) => ({ verb: "delete", name })));
  for (let attempt = 0; attempt < 100 && (await store.versions(names[0] as ObjectName)).length > 0; attempt++) {
    await new Promise((resume) => setTimeout(resume, 50));
  }
  assert.equal((await store.versions(names[0] as ObjectName)).length, 0);
  assert.equal((await store.versions(names[1_199] as ObjectName)).length, 2);
  await store.close();
});

test("two control planes on one etcd have the same mesh, and either can end", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "etcd-store-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const start = (): Promise<ControlPlane> => {
    const parts = { clock: realClock, random: realRandom, log: silentLog };
    const client = new EtcdClient({ endpoints: [shared.endpoint], clock: realClock });
    return startControlPlane({
      sources: [],
      recursive: false,
      grpc: { address: "127.0.0.1", port: 0 },
      http: { address: "127.0.0.1", port: 0 },
      stateDirectory: folder,
      journal: () => new EtcdJournal({ client, prefix: "/mesh", ...parts }),
      version: "1.2.3",
      clock: realClock,
      log: silentLog,
    });
  };
  const live = async ({ httpPort }: ControlPlane, count: number): Promise<void> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const objects = (await (await fetch(`http://127.0.0.1:${httpPort}/debug/configz`)).json()) as readonly { readonly kind: string }[];
      if (objects.filter(({ kind }) => kind === "ServiceEntry").length === count) return;
      await new Promise((resume) => setTimeout(resume, 20));
    }
    assert.fail(`${count} ServiceEntries are not live within 2 s`);
  };
  const serviceEntry = (name: string): ObjectWrite => {
    const spec = { hosts: [`${name}.example.com`], ports: [{ number: 80, name: "http", protocol: "HTTP" }], resolution: "DNS" };
    const object = { apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { name }, spec };
    return { verb: "create", name: { group: "networking.istio.io", resource: "serviceentries", namespace: "default", name }, object };
  };
  const [one, two] = [await start(), await start()];
  await makeDefaultNamespace(one.objects);
  await one.objects.write([serviceEntry("a")]);
  await live(two, 1);
  await one.close();
  await two.objects.write([serviceEntry("b")]);
  await live(two, 2);
  const three = await start();
  await live(three, 2);
  await two.close();
  await three.objects.write([serviceEntry("c")]);
  await live(three, 3);
  await three.close();
});

test("while etcd is away writes fail clearly and soon, what was read stays, and watches go on when it is back", async () => {
  await using etcd = await Etcd.start();
  const store = await open(etcd, "/away");
  await makeDefaultNamespace(store);
  await store.write([write("before")]);
  const { resourceVersion } = await store.list(CONFIG_MAPS);
  const seen = namesUntil(await store.watch(CONFIG_MAPS, { resourceVersion }), "after");
  await etcd.kill();
  const startedMs = Date.now();
  await assert.rejects(store.write([write("lost")]), (error: unknown) => {
    assert.ok(error instanceof StatusError);
    assert.equal(error.reason, "ServiceUnavailable");
    assert.match(error.message, /^etcd at http:\/\/127\.0\.0\.1:\d+ does not answer/u);
    return true;
  });
  assert.ok(Date.now() - startedMs < 4_000);
  assert.equal((await store.list(CONFIG_MAPS, { resourceVersion: "0" })).items.length, 1);
  await etcd.run();
  for (let attempt = 0; attempt < 100; attempt++) {
    const kept = await store.write([write("after")]).then(
      () => true,
      () => false,
    );
    if (kept) break;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  assert.deepEqual(await seen, ["after"]);
  await store.close();
});

test("a control plane that missed what etcd has compacted reads everything anew, and its clients are told", async () => {
  await using etcd = await Etcd.start();
  using wire = await Wire.to(etcd);
  const [one, two] = await Promise.all([open(wire, "/compact"), open(etcd, "/compact")]);
  await makeDefaultNamespace(one);
  await one.write([write("before")]);
  const { resourceVersion } = await one.list(CONFIG_MAPS);
  const watch = await one.watch(CONFIG_MAPS, { resourceVersion });
  wire.cut();
  await two.write([write("a"), write("b")]);
  await two.write([{ verb: "delete", name: { ...CONFIG_MAPS, namespace: "default", name: "before" } }]);
  const [kept] = await two.write([write("c")]);
  const etcdctl = debianTool("etcdctl", "etcd-client");
  const env = { ...process.env, ETCDCTL_API: "3" };
  execFileSync(etcdctl, [`--endpoints=${etcd.endpoint}`, "compact", String(kept?.object.metadata.resourceVersion)], { env });
  wire.mend();
  await assert.rejects(namesUntil(watch, ""), (error: unknown) => error instanceof StatusError && error.reason === "Expired");
  assert.deepEqual(
    (await one.list(CONFIG_MAPS)).items.map(({ metadata }) => metadata.name),
    ["a", "b", "c"],
  );
  await two.write([write("d")]);
  assert.equal((await one.list(CONFIG_MAPS)).items.length, 4);
  await one.close();
  await two.close();
});
