// One object: created, changed, held against others who change it, deleted.
import assert from "node:assert/strict";
import type { ObjectWrite } from "#control-plane/config/object-store";
import type { StoredObject } from "#control-plane/config/stored-object";
import { CONFIG_MAPS, VIRTUAL_SERVICES, configMap, refuses, virtualService, type Check } from "./room.ts";

export function writes(check: Check): void {
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
}
