// Several writes at a time, and the versions that are kept of an object.
import assert from "node:assert/strict";
import type { ObjectWrite } from "#control-plane/config/object-store";
import type { StoredObject } from "#control-plane/config/stored-object";
import { CONFIG_MAPS, NAMESPACES, VIRTUAL_SERVICES, configMap, namespaceObject, refuses, virtualService, type Check } from "./room.ts";

export function sets(check: Check): void {
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
