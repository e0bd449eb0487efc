import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { AppliedChange } from "#control-plane/config/applied-objects";
import type { ObjectStore } from "#control-plane/config/object-store";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import type { WatchQueue } from "#control-plane/config/objects/watch-queue";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import { StatusError } from "#control-plane/config/status-error";
import type { StoredObject } from "#control-plane/config/stored-object";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ClusterSource } from "./cluster-source.ts";
import { ResourceFollower } from "./resource-follower.ts";

const CONFIG_MAPS = { group: "", resource: "configmaps", optional: false };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Cluster {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  readonly store: CachedObjectStore;
  /** What the next lists and watches are answered with, instead of the objects. */
  readonly failures: (() => Error)[] = [];
  readonly troubles: string[] = [];
  lists = 0;
  #watch: WatchQueue | undefined;

  private constructor(store: CachedObjectStore) {
    this.store = store;
  }

  static async open(t: TestContext): Promise<Cluster> {
    const parts = { clock: new ManualClock(), random: seededRandom(1), log: silentLog };
    const store = await CachedObjectStore.open({ journal: new MemoryJournal(), hasNamespace: () => true, ...parts });
    t.after(() => store.close());
    return new Cluster(store);
  }

  get face(): Pick<ObjectStore, "list" | "watch"> {
    const fail = (): void => {
      const failure = this.failures.shift();
      if (failure !== undefined) throw failure();
    };
    return {
      list: async (resource, options) => {
        this.lists++;
        fail();
        return this.store.list(resource, options);
      },
      watch: async (resource, options) => {
        fail();
        this.#watch = (await this.store.watch(resource, options)) as WatchQueue;
        return this.#watch;
      },
    };
  }

  follow(t: TestContext, optional = false): ResourceFollower {
    const follower = new ResourceFollower({
      store: this.face,
      resource: { ...CONFIG_MAPS, optional },
      onChange: ({ key, object }) => this.told.push(`${object === undefined ? "-" : ""}${key.split("/").at(-1)}`),
      onTrouble: (_, message) => this.troubles.push(message),
      clock: this.clock,
      random: seededRandom(1),
      log: silentLog,
    });
    t.after(() => follower.close());
    return follower;
  }

  breakWatch(error: StatusError): void {
    assert.ok(this.#watch, "somebody watches");
    this.#watch.fail(error);
  }

  async put(name: string, text = ""): Promise<void> {
    const change = (current: StoredObject | undefined): StoredObject => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: current?.metadata ?? { name },
      data: { text },
    });
    await this.store.write([{ verb: "modify", name: { ...CONFIG_MAPS, namespace: "default", name }, change, mayCreate: true }]);
  }

  async remove(name: string): Promise<void> {
    await this.store.write([{ verb: "delete", name: { ...CONFIG_MAPS, namespace: "default", name } }]);
  }

  /** Lets the follower's patience pass until it has told this. */
  async tells(...expected: readonly string[]): Promise<void> {
    for (let attempt = 0; attempt < 200 && this.told.length < expected.length; attempt++) {
      await settle();
      this.clock.advance(500);
    }
    assert.deepEqual(this.told.splice(0), expected);
  }
}

test("tells what there is, then each change", async (t) => {
  const cluster = await Cluster.open(t);
  await cluster.put("a");
  const follower = cluster.follow(t);
  await follower.whenListed;
  await cluster.tells("a");
  await cluster.put("b");
  await cluster.put("a", "new");
  await cluster.remove("b");
  await cluster.tells("b", "a", "-b");
});

test("waits for a server that is away, and lists anew after every kind of failure, telling only differences", async (t) => {
  const cluster = await Cluster.open(t);
  await cluster.put("a");
  await cluster.put("gone");
  const away = (): StatusError => StatusError.unavailable("away");
  cluster.failures.push(away, away);
  const follower = cluster.follow(t);
  await cluster.tells("a", "gone");
  await follower.whenListed;
  cluster.failures.push(
    () => StatusError.of(401, { message: "who are you?", reason: "Unauthorized" }),
    () => StatusError.of(404, { message: "not here" }),
    () => new Error("no JSON"),
  );
  const { lists } = cluster;
  cluster.breakWatch(away());
  await cluster.remove("gone");
  for (let attempt = 0; attempt < 50 && cluster.failures.length > 0; attempt++) {
    await settle();
    cluster.clock.advance(30_000);
  }
  assert.ok(cluster.lists >= lists + 3);
  assert.deepEqual(cluster.told, [], "what is known stays while nobody answers");
  assert.deepEqual(cluster.troubles, ["away", "away", "away", "who are you?", "not here", "no JSON"]);
  await cluster.tells("-gone");
});

test("lists again when its place is forgotten, and finds what was deleted meanwhile", async (t) => {
  const cluster = await Cluster.open(t);
  await cluster.put("a");
  await cluster.put("gone");
  cluster.follow(t);
  await cluster.tells("a", "gone");
  cluster.breakWatch(StatusError.expired("too old"));
  await cluster.remove("gone");
  await cluster.put("new");
  await cluster.tells("new", "-gone");
  assert.equal(cluster.lists, 2);
});

test("a cluster that refuses to tell is an error at the start; a kind that it does not have is none", async (t) => {
  const cluster = await Cluster.open(t);
  cluster.failures.push(() => StatusError.of(403, { message: "configmaps is forbidden", reason: "Forbidden" }));
  await assert.rejects(cluster.follow(t).whenListed, /the cluster does not tell its configmaps: configmaps is forbidden/u);
  cluster.failures.push(() => StatusError.of(404, { message: "the server has no resource", reason: "NotFound" }));
  const absent = cluster.follow(t, true);
  await absent.whenListed;
  await cluster.put("later");
  await cluster.tells("later", "later");
});

test("a source tells nothing before it knows everything, then in batches of the newest of each", async (t) => {
  const cluster = await Cluster.open(t);
  await cluster.put("a");
  const batches: (readonly AppliedChange[])[] = [];
  const source = new ClusterSource({
    store: cluster.face,
    resources: [
      { ...CONFIG_MAPS, namespace: "default" },
      { group: "", resource: "secrets", optional: false },
    ],
    onChanges: (changes) => batches.push(changes),
    clock: cluster.clock,
    random: seededRandom(1),
    log: silentLog,
  });
  t.after(() => source.close());
  await source.start();
  await cluster.put("a", "1");
  await cluster.put("b", "1");
  await cluster.put("a", "2");
  await settle();
  cluster.clock.advance(10);
  const text = batches.map((changes) =>
    changes.map(({ object }) => `${object?.metadata.name}${(object?.["data"] as { text: string } | undefined)?.text}`),
  );
  assert.deepEqual(text, [["a"], ["b1", "a2"]]);
});
