// Lists and watches: what they hold, in which order, and what they say when it is too old.
import assert from "node:assert/strict";
import type { StoredObject } from "#control-plane/config/stored-object";
import { VIRTUAL_SERVICES, refuses, take, texts, virtualService, type Check, type ObjectStoreBench } from "./room.ts";

export function listsAndWatches(check: Check): void {
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
}

export function compaction(check: Check, compact: (bench: ObjectStoreBench) => Promise<void>): void {
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
