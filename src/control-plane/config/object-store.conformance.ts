// What every object store must do, as tests: Kubernetes' behaviour, word for word where clients look at words. A store's own test
// gives this suite a bench; on a Kubernetes API server it holds as well, apart from what only we have.
import assert from "node:assert/strict";
import test from "node:test";
import { realClock } from "#runtime/clock";
import type { ObjectStore, ObjectWatch, ObjectWrite, WatchEvent, WatchOptions } from "./object-store.ts";
import { StatusError, type StatusReason } from "./status-error.ts";
import type { ObjectName, ResourceName, StoredMeta, StoredObject } from "./stored-object.ts";

export interface ObjectStoreBench {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

export interface ObjectStoreTraits {
  /** Several writes are kept together, and versions are kept. */
  readonly transactions: boolean;
  /** Forgets what happened until now, as a compaction does. Absent where a test cannot make it happen. */
  readonly compact?: (bench: ObjectStoreBench) => Promise<void>;
}

const VIRTUAL_SERVICES: ResourceName = { group: "networking.istio.io", resource: "virtualservices" };
const CONFIG_MAPS: ResourceName = { group: "", resource: "configmaps" };
const NAMESPACES: ResourceName = { group: "", resource: "namespaces" };

function virtualService(name: string, host = "reviews", metadata: StoredMeta = {}): StoredObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { ...(name === "" ? {} : { name }), ...metadata },
    spec: { hosts: [host], http: [{ route: [{ destination: { host } }] }] },
  };
}

function configMap(name: string, text: string, metadata: StoredMeta = {}): StoredObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data: { text } };
}

function namespaceObject(name: string): StoredObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

/** What a check works with: a namespace of its own, so that a server may be shared. */
class Room {
  readonly store: ObjectStore;
  readonly namespace: string;

  constructor(store: ObjectStore, namespace: string) {
    this.store = store;
    this.namespace = namespace;
  }

  name(name: string, resource = VIRTUAL_SERVICES): ObjectName {
    return { ...resource, namespace: this.namespace, name };
  }

  async write(write: ObjectWrite): Promise<StoredObject> {
    const [result] = await this.store.write([write]);
    assert.ok(result);
    return result.object;
  }

  create(name: string, object = virtualService(name), resource = VIRTUAL_SERVICES): Promise<StoredObject> {
    return this.write({ verb: "create", name: this.name(name, resource), object });
  }

  createMap(name: string, text = "", metadata: StoredMeta = {}): Promise<StoredObject> {
    return this.create(name, configMap(name, text, metadata), CONFIG_MAPS);
  }

  async names(options: Parameters<ObjectStore["list"]>[1] = {}, resource = VIRTUAL_SERVICES): Promise<readonly string[]> {
    const { items } = await this.store.list(resource, { namespace: this.namespace, ...options });
    return items.map(({ metadata }) => String(metadata.name));
  }

  /** Ends when there is no such object, or no more. */
  async gone(name: ObjectName): Promise<void> {
    const { group, resource, namespace } = name;
    const bookmarks = { sendInitialEvents: true, allowWatchBookmarks: true };
    const watch = await this.store.watch({ group, resource }, { namespace, fieldSelector: `metadata.name=${name.name}`, ...bookmarks });
    let there = false;
    for await (const event of watch) {
      if (event.type === "BOOKMARK" ? !there : event.type === "DELETED") break;
      there = true;
    }
  }

  /** Takes away what holds an object that is being deleted. */
  release(name: ObjectName): Promise<StoredObject> {
    const change = (current: StoredObject | undefined): StoredObject => {
      assert.ok(current);
      const { finalizers: _finalizers, ...metadata } = current.metadata;
      return { ...current, metadata };
    };
    return this.write({ verb: "modify", name, change });
  }

  watch(options: WatchOptions = {}, resource = VIRTUAL_SERVICES): Promise<ObjectWatch> {
    return this.store.watch(resource, { namespace: this.namespace, ...options });
  }
}

/** The next `count` events as `TYPE name`, then the watch is closed. */
async function take(watch: ObjectWatch, count: number): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  if (count > 0) {
    for await (const event of watch) {
      events.push(event);
      if (events.length === count) break;
    }
  }
  watch.close();
  return events;
}

function texts(events: readonly WatchEvent[]): readonly string[] {
  return events.map((event) => (event.type === "BOOKMARK" ? event.type : `${event.type} ${String(event.object.metadata.name)}`));
}

function ownedBy(owner: StoredObject, blockOwnerDeletion = false): StoredMeta {
  const { name = "", uid = "" } = owner.metadata;
  return { ownerReferences: [{ apiVersion: owner.apiVersion, kind: owner.kind, name, uid, blockOwnerDeletion }] };
}

async function refuses(promise: Promise<unknown>, reason: StatusReason, message?: RegExp): Promise<StatusError> {
  const error = await promise.then(
    () => assert.fail(`was not refused; ${reason} was expected`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof StatusError, String(error));
  assert.equal(error.reason, reason, error.message);
  if (message !== undefined) assert.match(error.message, message);
  return error;
}

export function objectStoreConformance(what: string, open: () => Promise<ObjectStoreBench>, traits: ObjectStoreTraits): void {
  let rooms = 0;
  const check = (name: string, body: (room: Room, bench: ObjectStoreBench) => Promise<void>): void => {
    test(`${what}: ${name}`, async () => {
      const bench = await open();
      try {
        const namespace = `conformance-${realClock.wallMs().toString(36)}-${++rooms}`;
        const of = { ...NAMESPACES, namespace: "", name: namespace };
        await bench.store.write([{ verb: "create", name: of, object: namespaceObject(namespace) }]);
        await body(new Room(bench.store, namespace), bench);
        await bench.store.write([{ verb: "delete", name: of }]);
      } finally {
        await bench.close();
      }
    });
  };

  check("gives a created object its identity", async (room) => {
    const created = await room.create("reviews");
    const { uid, generation, creationTimestamp, resourceVersion, namespace } = created.metadata;
    assert.match(String(uid), /^[0-9a-f]{8}-[0-9a-f]{4}-/u);
    assert.equal(generation, 1);
    assert.match(String(creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    assert.match(String(resourceVersion), /^[1-9]\d*$/u);
    assert.equal(namespace, room.namespace);
    assert.deepEqual(await room.store.get(room.name("reviews")), created);
  });

  check("refuses what is not there, and what is there already, in Kubernetes' words", async (room) => {
    await refuses(room.store.get(room.name("none")), "NotFound", /^virtualservices\.networking\.istio\.io "none" not found$/u);
    await refuses(room.write({ verb: "update", name: room.name("none"), object: virtualService("none") }), "NotFound");
    await refuses(room.write({ verb: "delete", name: room.name("none") }), "NotFound");
    await room.create("reviews");
    const error = await refuses(
      room.create("reviews"),
      "AlreadyExists",
      /^virtualservices\.networking\.istio\.io "reviews" already exists$/u,
    );
    assert.equal(error.status.code, 409);
    assert.equal(error.status.details?.kind, "virtualservices");
  });

  check("refuses an object in a namespace that is not there", async (room) => {
    const name = { ...VIRTUAL_SERVICES, namespace: "nowhere-to-be-found", name: "reviews" };
    await refuses(
      room.write({ verb: "create", name, object: virtualService("reviews") }),
      "NotFound",
      /^namespaces "nowhere-to-be-found" not found$/u,
    );
  });

  check("makes a name from generateName", async (room) => {
    const one = await room.create("", virtualService("", "a", { generateName: "reviews-" }));
    const two = await room.create("", virtualService("", "a", { generateName: "reviews-" }));
    assert.match(String(one.metadata.name), /^reviews-[a-z0-9]{5}$/u);
    assert.notEqual(one.metadata.name, two.metadata.name);
  });

  check("counts generations by changes of the spec only", async (room) => {
    const created = await room.create("reviews");
    const labelled = await room.write({
      verb: "update",
      name: room.name("reviews"),
      object: { ...created, metadata: { ...created.metadata, labels: { a: "b" } } },
    });
    assert.equal(labelled.metadata.generation, 1);
    assert.notEqual(labelled.metadata.resourceVersion, created.metadata.resourceVersion);
    const { metadata } = labelled;
    const changed = await room.write({
      verb: "update",
      name: room.name("reviews"),
      object: { ...virtualService("reviews", "ratings"), metadata },
    });
    assert.equal(changed.metadata.generation, 2);
    assert.equal(changed.metadata.uid, created.metadata.uid);
    assert.equal(changed.metadata.creationTimestamp, created.metadata.creationTimestamp);
  });

  check("leaves the version alone when an update changes nothing", async (room) => {
    const created = await room.create("reviews");
    const [result] = await room.store.write([{ verb: "update", name: room.name("reviews"), object: created }]);
    assert.equal(result?.object.metadata.resourceVersion, created.metadata.resourceVersion);
  });

  check("refuses an update of a version that is not the latest", async (room) => {
    const first = await room.createMap("settings", "1");
    const name = room.name("settings", CONFIG_MAPS);
    await room.write({ verb: "update", name, object: { ...first, data: { text: "2" } } });
    await refuses(
      room.write({ verb: "update", name, object: { ...first, data: { text: "3" } } }),
      "Conflict",
      /the object has been modified; please apply your changes to the latest version and try again$/u,
    );
    const { resourceVersion: _version, ...metadata } = first.metadata;
    const unguarded = await room.write({ verb: "update", name, object: { ...first, metadata, data: { text: "4" } } });
    assert.deepEqual(unguarded["data"], { text: "4" });
  });

  check("takes status by its subresource only, and nothing else by that", async (room) => {
    const created = await room.create("reviews", { ...virtualService("reviews"), status: { observedGeneration: 7 } });
    assert.equal(created["status"], undefined);
    const name = room.name("reviews");
    const withStatus = { ...virtualService("reviews", "ratings"), status: { observedGeneration: 1 } };
    const object = { ...withStatus, metadata: created.metadata };
    const status = await room.write({ verb: "update", name, object, subresource: "status" });
    assert.deepEqual(status["status"], { observedGeneration: 1 });
    assert.deepEqual(status["spec"], created["spec"]);
    assert.equal(status.metadata.generation, 1);
    const updated = await room.write({
      verb: "update",
      name,
      object: { ...virtualService("reviews", "ratings"), metadata: status.metadata },
    });
    assert.deepEqual(updated["status"], { observedGeneration: 1 });
    assert.equal(updated.metadata.generation, 2);
  });

  check("asks a patch again when somebody else was faster", async (room) => {
    await room.createMap("counter", "0");
    const name = room.name("counter", CONFIG_MAPS);
    const increment: ObjectWrite = {
      verb: "modify",
      name,
      change: (current) => {
        assert.ok(current);
        const { text } = current["data"] as { readonly text: string };
        return { ...current, data: { text: String(Number(text) + 1) } };
      },
    };
    await Promise.all(Array.from({ length: 8 }, () => room.write(increment)));
    assert.deepEqual((await room.store.get(name))["data"], { text: "8" });
  });

  check("creates by a patch where it may", async (room) => {
    const name = room.name("settings", CONFIG_MAPS);
    const change = (current: StoredObject | undefined): StoredObject => current ?? configMap("settings", "made");
    await refuses(room.write({ verb: "modify", name, change }), "NotFound");
    const [result] = await room.store.write([{ verb: "modify", name, change, mayCreate: true }]);
    assert.equal(result?.outcome, "created");
  });

  check("keeps nothing of a dry run", async (room) => {
    const [result] = await room.store.write([{ verb: "create", name: room.name("reviews"), object: virtualService("reviews") }], {
      dryRun: true,
    });
    assert.equal(result?.outcome, "created");
    assert.deepEqual(await room.names(), []);
  });

  check("deletes under preconditions", async (room) => {
    const created = await room.create("reviews");
    const name = room.name("reviews");
    await refuses(
      room.write({ verb: "delete", name, preconditions: { uid: "00000000-0000-0000-0000-000000000000" } }),
      "Conflict",
      /^Operation cannot be fulfilled on VirtualService\.networking\.istio\.io "reviews": the UID in the precondition \(0[-0]*\) does not match the UID in record/u,
    );
    await refuses(
      room.write({ verb: "delete", name, preconditions: { resourceVersion: "1" } }),
      "Conflict",
      /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(\d+\)\. The object might have been modified$/u,
    );
    const [result] = await room.store.write([{ verb: "delete", name, preconditions: { uid: String(created.metadata.uid) } }]);
    assert.equal(result?.outcome, "deleted");
    await refuses(room.store.get(name), "NotFound");
  });

  check("holds a deleted object until its finalizers are gone", async (room) => {
    await room.createMap("held", "", { finalizers: ["example.com/hold"] });
    const name = room.name("held", CONFIG_MAPS);
    const [marked] = await room.store.write([{ verb: "delete", name }]);
    assert.equal(marked?.outcome, "terminating");
    assert.ok(marked.object.metadata.deletionTimestamp);
    const held = await room.store.get(name);
    const more = { ...held, metadata: { ...held.metadata, finalizers: ["example.com/hold", "example.com/more"] } };
    await refuses(room.write({ verb: "update", name, object: more }), "Invalid", /no new finalizers can be added/u);
    const { finalizers: _finalizers, ...metadata } = held.metadata;
    await room.write({ verb: "update", name, object: { ...held, metadata } });
    await refuses(room.store.get(name), "NotFound");
  });

  check("lists one namespace in the order of names, by label and by field", async (room) => {
    await room.create("b", virtualService("b", "x", { labels: { app: "b", env: "prod" } }));
    await room.create("a", virtualService("a", "x", { labels: { app: "a" } }));
    await room.create("c", virtualService("c", "x"));
    assert.deepEqual(await room.names(), ["a", "b", "c"]);
    for (const [labelSelector, expected] of [
      ["app=a", ["a"]],
      ["app==b", ["b"]],
      ["app!=a", ["b", "c"]],
      ["app", ["a", "b"]],
      ["!app", ["c"]],
      ["app in (a,b),env=prod", ["b"]],
      ["app notin (a)", ["b", "c"]],
      ["env notin (prod),app", ["a"]],
    ] as const) {
      assert.deepEqual(await room.names({ labelSelector }), expected, labelSelector);
    }
    assert.deepEqual(await room.names({ fieldSelector: "metadata.name=b" }), ["b"]);
    assert.deepEqual(await room.names({ fieldSelector: "metadata.name!=b" }), ["a", "c"]);
    await refuses(room.names({ fieldSelector: "spec.hosts=x" }), "BadRequest", /field label not supported: spec\.hosts/u);
    await refuses(room.names({ labelSelector: "app in a" }), "BadRequest");
  });

  check("continues a list on the snapshot that it began with", async (room) => {
    for (const name of ["a", "b", "c", "d", "e"]) await room.create(name);
    const options = { namespace: room.namespace, limit: 2 };
    const first = await room.store.list(VIRTUAL_SERVICES, options);
    assert.equal(first.items.length, 2);
    assert.equal(first.remainingItemCount, 3);
    await room.write({ verb: "delete", name: room.name("c") });
    await room.create("bb");
    const second = await room.store.list(VIRTUAL_SERVICES, { ...options, continue: String(first.continue) });
    assert.deepEqual(
      second.items.map(({ metadata }) => metadata.name),
      ["c", "d"],
    );
    assert.equal(second.resourceVersion, first.resourceVersion);
    const third = await room.store.list(VIRTUAL_SERVICES, { ...options, continue: String(second.continue) });
    assert.deepEqual(
      third.items.map(({ metadata }) => metadata.name),
      ["e"],
    );
    assert.equal(third.continue, undefined);
    await refuses(room.store.list(VIRTUAL_SERVICES, { ...options, continue: "nonsense" }), "BadRequest");
  });

  check("lists an exact version of the recent past", async (room) => {
    await room.create("a");
    const { resourceVersion } = await room.store.list(VIRTUAL_SERVICES, { namespace: room.namespace });
    await room.create("b");
    assert.deepEqual(await room.names({ resourceVersion, resourceVersionMatch: "Exact" }), ["a"]);
    assert.deepEqual(await room.names({ resourceVersion, resourceVersionMatch: "NotOlderThan" }), ["a", "b"]);
  });

  check("tells changes after a version, in order", async (room) => {
    const { resourceVersion } = await room.store.list(VIRTUAL_SERVICES, { namespace: room.namespace });
    const watch = await room.watch({ resourceVersion });
    const created = await room.create("a");
    await room.create("b");
    await room.write({ verb: "update", name: room.name("a"), object: { ...virtualService("a", "new"), metadata: created.metadata } });
    await room.write({ verb: "delete", name: room.name("a") });
    assert.deepEqual(texts(await take(watch, 4)), ["ADDED a", "ADDED b", "MODIFIED a", "DELETED a"]);
    const again = await room.watch({ resourceVersion: String(created.metadata.resourceVersion) });
    const resumed = await take(again, 3);
    assert.deepEqual(texts(resumed), ["ADDED b", "MODIFIED a", "DELETED a"]);
    const versions = resumed.map((event) => (event.type === "BOOKMARK" ? 0 : Number(event.object.metadata.resourceVersion)));
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
    );
  });

  check("tells a watch without a version what there is first", async (room) => {
    await room.create("a");
    const watch = await room.watch();
    const events = take(watch, 2);
    await room.create("b");
    assert.deepEqual(texts(await events), ["ADDED a", "ADDED b"]);
  });

  check("ends initial events with a bookmark", async (room) => {
    await room.create("a");
    const watch = await room.watch({ sendInitialEvents: true, allowWatchBookmarks: true });
    const events = await take(watch, 2);
    assert.deepEqual(texts(events), ["ADDED a", "BOOKMARK"]);
    const end = events[1];
    assert.ok(end?.type === "BOOKMARK" && end.initialEventsEnd);
    await room.create("b");
    assert.deepEqual(texts(await take(await room.watch({ resourceVersion: end.resourceVersion }), 1)), ["ADDED b"]);
  });

  check("adds and deletes for a watcher what comes into its selection and leaves it", async (room) => {
    const created = await room.create("a");
    const watch = await room.watch({ labelSelector: "app=a", resourceVersion: String(created.metadata.resourceVersion) });
    const label = (current: StoredObject, labels: Readonly<Record<string, string>>): Promise<StoredObject> =>
      room.write({ verb: "update", name: room.name("a"), object: { ...current, metadata: { ...current.metadata, labels } } });
    const inside = await label(created, { app: "a" });
    const still = await label(inside, { app: "a", more: "yes" });
    await label(still, { app: "b" });
    assert.deepEqual(texts(await take(watch, 3)), ["ADDED a", "MODIFIED a", "DELETED a"]);
  });

  check("does not tell a watcher of other namespaces and resources", async (room) => {
    const watch = await room.watch();
    await room.createMap("a");
    await room.create("mine");
    assert.deepEqual(texts(await take(watch, 1)), ["ADDED mine"]);
  });

  check("shows a namespace as Kubernetes does", async (room) => {
    const namespace = await room.store.get({ ...NAMESPACES, namespace: "", name: room.namespace });
    assert.deepEqual(namespace["status"], { phase: "Active" });
    assert.deepEqual(namespace["spec"], { finalizers: ["kubernetes"] });
    assert.equal(namespace.metadata.labels?.["kubernetes.io/metadata.name"], room.namespace);
  });

  check("takes no new content into a namespace that is being deleted", async (room) => {
    const name = { ...NAMESPACES, namespace: "", name: `${room.namespace}-x` };
    await room.write({ verb: "create", name, object: namespaceObject(name.name) });
    const held = { ...VIRTUAL_SERVICES, namespace: name.name, name: "held" };
    await room.write({ verb: "create", name: held, object: virtualService("held", "a", { finalizers: ["example.com/hold"] }) });
    const [marked] = await room.store.write([{ verb: "delete", name }]);
    assert.equal(marked?.outcome, "terminating");
    assert.deepEqual((marked.object["status"] as { readonly phase: string }).phase, "Terminating");
    const late = { ...VIRTUAL_SERVICES, namespace: name.name, name: "late" };
    await refuses(room.write({ verb: "create", name: late, object: virtualService("late") }), "Forbidden", /is being terminated/u);
    await room.release(held);
  });

  check("deletes a namespace with everything in it", async (room) => {
    const name = { ...NAMESPACES, namespace: "", name: `${room.namespace}-z` };
    await room.write({ verb: "create", name, object: namespaceObject(name.name) });
    const inside = { ...CONFIG_MAPS, namespace: name.name, name: "inside" };
    const held = { ...VIRTUAL_SERVICES, namespace: name.name, name: "held" };
    await room.write({ verb: "create", name: inside, object: configMap("inside", "") });
    await room.write({
      verb: "create",
      name: held,
      object: virtualService("held", "a", { finalizers: ["example.com/hold"] }),
    });
    await room.write({ verb: "delete", name });
    await room.gone(inside);
    assert.ok((await room.store.get(name)).metadata.deletionTimestamp);
    await room.release(held);
    await room.gone(name);
    await refuses(room.store.get(held), "NotFound");
  });

  check("deletes what an object owns after it, and not what others own as well", async (room) => {
    const owner = await room.createMap("owner");
    const other = await room.createMap("other");
    const owned = await room.createMap("owned", "", ownedBy(owner));
    await room.createMap("grandchild", "", ownedBy(owned));
    const both = { ownerReferences: [...(ownedBy(owner).ownerReferences ?? []), ...(ownedBy(other).ownerReferences ?? [])] };
    await room.createMap("shared", "", both);
    const watch = await room.watch({ fieldSelector: "metadata.name=shared" }, CONFIG_MAPS);
    await room.write({ verb: "delete", name: room.name("owner", CONFIG_MAPS) });
    await room.gone(room.name("owned", CONFIG_MAPS));
    await room.gone(room.name("grandchild", CONFIG_MAPS));
    const [, released] = await take(watch, 2);
    assert.ok(released?.type === "MODIFIED");
    assert.deepEqual(
      released.object.metadata.ownerReferences?.map(({ name }) => name),
      ["other"],
    );
  });

  check("deletes an object whose owner is not there", async (room) => {
    const owner = await room.createMap("owner");
    await room.write({ verb: "delete", name: room.name("owner", CONFIG_MAPS) });
    await room.createMap("late", "", ownedBy(owner));
    await room.gone(room.name("late", CONFIG_MAPS));
  });

  check("keeps the owner until what blocks its deletion has gone, in the foreground", async (room) => {
    const owner = await room.createMap("owner");
    const metadata = { ...ownedBy(owner, true), finalizers: ["example.com/hold"] };
    await room.createMap("blocking", "", metadata);
    const name = room.name("owner", CONFIG_MAPS);
    const blocking = room.name("blocking", CONFIG_MAPS);
    const [marked] = await room.store.write([{ verb: "delete", name, propagationPolicy: "Foreground" }]);
    assert.equal(marked?.outcome, "terminating");
    assert.deepEqual(marked.object.metadata.finalizers, ["foregroundDeletion"]);
    for await (const event of await room.watch({ fieldSelector: "metadata.name=blocking" }, CONFIG_MAPS)) {
      if (event.type !== "BOOKMARK" && event.object.metadata.deletionTimestamp !== undefined) break;
    }
    assert.ok(await room.store.get(name));
    await room.release(blocking);
    await room.gone(name);
    await refuses(room.store.get(blocking), "NotFound");
  });

  check("lets go of what an object owns when it is orphaned", async (room) => {
    const owner = await room.createMap("owner");
    await room.createMap("orphan", "", ownedBy(owner));
    await room.store.write([{ verb: "delete", name: room.name("owner", CONFIG_MAPS), propagationPolicy: "Orphan" }]);
    await room.gone(room.name("owner", CONFIG_MAPS));
    assert.equal((await room.store.get(room.name("orphan", CONFIG_MAPS))).metadata.ownerReferences, undefined);
  });

  check("refuses names that are paths", async (room) => {
    for (const name of ["a/b", "..", ".", "a%2fb", ""]) await refuses(room.store.get(room.name(name)), "BadRequest");
  });

  if (traits.transactions) transactions(check);
  const { compact } = traits;
  if (compact !== undefined) compaction(check, compact);
}

type Check = (name: string, body: (room: Room, bench: ObjectStoreBench) => Promise<void>) => void;

function transactions(check: Check): void {
  check("keeps a set of writes together or not at all", async (room) => {
    await room.create("b");
    const set: readonly ObjectWrite[] = ["a", "b", "c"].map((name) => ({
      verb: "create",
      name: room.name(name),
      object: virtualService(name),
    }));
    await refuses(room.store.write(set), "AlreadyExists", /"b" already exists/u);
    assert.deepEqual(await room.names(), ["b"]);
  });

  check("lets a write of a set see those before it", async (room) => {
    const namespace = `${room.namespace}-y`;
    const inside = { ...VIRTUAL_SERVICES, namespace, name: "reviews" };
    const results = await room.store.write([
      { verb: "create", name: { ...NAMESPACES, namespace: "", name: namespace }, object: namespaceObject(namespace) },
      { verb: "create", name: inside, object: virtualService("reviews") },
      { verb: "modify", name: inside, change: (current) => ({ ...(current as StoredObject), spec: { hosts: ["ratings"] } }) },
    ]);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ["created", "created", "updated"],
    );
    assert.deepEqual((await room.store.get(inside))["spec"], { hosts: ["ratings"] });
  });

  check("lets only one of several sets win that change the same object", async (room) => {
    const first = await room.createMap("settings", "0");
    const name = room.name("settings", CONFIG_MAPS);
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map((n) =>
        room.store.write([
          { verb: "create", name: room.name(`mark-${n}`, CONFIG_MAPS), object: configMap(`mark-${n}`, "") },
          { verb: "update", name, object: { ...first, data: { text: String(n) } } },
        ]),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    const marks = (await room.names({}, CONFIG_MAPS)).filter((mark) => mark.startsWith("mark-"));
    assert.equal(marks.length, 1);
  });

  check("keeps versions with time and author, bounded, also of what was deleted", async (room) => {
    const name = room.name("settings", CONFIG_MAPS);
    await room.store.write([{ verb: "create", name, object: configMap("settings", "1") }], { author: "alice" });
    for (let n = 2; n <= 30; n++) {
      const change = (current: StoredObject | undefined): StoredObject => ({ ...(current as StoredObject), data: { text: String(n) } });
      await room.store.write([{ verb: "modify", name, change }], { author: "bob" });
    }
    await room.store.write([{ verb: "delete", name }], { author: "carol" });
    const versions = await room.store.versions(name);
    assert.equal(versions.length, 20);
    assert.deepEqual([versions[0]?.version, versions[0]?.author, versions[0]?.change], [31, "carol", "deleted"]);
    assert.deepEqual([versions[1]?.version, versions[1]?.author, versions[1]?.change], [30, "bob", "updated"]);
    assert.deepEqual(versions[1]?.object["data"], { text: "30" });
    assert.match(String(versions[0]?.timestamp), /^\d{4}-\d\d-\d\dT/u);
    await room.createMap("settings", "again");
    assert.equal((await room.store.versions(name))[0]?.version, 32);
  });

  check("makes no version of a status", async (room) => {
    const created = await room.create("reviews");
    const object = { ...created, status: { observedGeneration: 1 } };
    await room.write({ verb: "update", name: room.name("reviews"), object, subresource: "status" });
    assert.equal((await room.store.versions(room.name("reviews"))).length, 1);
  });
}

function compaction(check: Check, compact: (bench: ObjectStoreBench) => Promise<void>): void {
  check("says 410 when what a watch or a list asks for is forgotten", async (room, bench) => {
    for (const name of ["a", "b", "c"]) await room.create(name);
    const options = { namespace: room.namespace, limit: 2 };
    const first = await room.store.list(VIRTUAL_SERVICES, options);
    await compact(bench);
    await room.create("d");
    const gone = await refuses(
      room.watch({ resourceVersion: first.resourceVersion }).then((watch) => take(watch, 1)),
      "Expired",
      /too old resource version/u,
    );
    assert.equal(gone.status.code, 410);
    await refuses(room.names({ resourceVersion: first.resourceVersion, resourceVersionMatch: "Exact" }), "Expired");
    const expired = await refuses(room.store.list(VIRTUAL_SERVICES, { ...options, continue: String(first.continue) }), "Expired");
    const token = expired.status.metadata.continue;
    assert.ok(token !== undefined);
    const rest = await room.store.list(VIRTUAL_SERVICES, { ...options, continue: token });
    assert.deepEqual(
      rest.items.map(({ metadata }) => metadata.name),
      ["c", "d"],
    );
  });
}
