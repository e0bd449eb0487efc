// What an object belongs to: its namespace, and the objects that own it.
import assert from "node:assert/strict";
import {
  CONFIG_MAPS,
  NAMESPACES,
  VIRTUAL_SERVICES,
  configMap,
  namespaceObject,
  ownedBy,
  refuses,
  take,
  virtualService,
  type Check,
} from "./room.ts";

export function namespacesAndOwners(check: Check): void {
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
}
