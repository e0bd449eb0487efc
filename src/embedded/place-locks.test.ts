import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "#agent/instance-address";
import { choosePort } from "./control-plane-ports.ts";
import { PlaceLocks } from "./place-locks.ts";

test("a place belongs to one mesh until it is given back", async () => {
  const [one, other] = [new PlaceLocks(), new PlaceLocks()];
  const port = await freePort();
  assert.equal(await one.lock("127.0.0.1", port), true);
  assert.equal(await one.lock("127.0.0.1", port), false);
  assert.equal(await other.lock("127.0.0.1", port), false);
  one.release("127.0.0.1", port);
  assert.equal(await other.lock("127.0.0.1", port), true);
  other.close();
  assert.equal(await one.lock("127.0.0.1", port), true);
  one.close();
});

test("meshes that start at the same moment choose different ports", async () => {
  const meshes = Array.from({ length: 8 }, () => new PlaceLocks());
  const wanted = await freePort();
  const chosen = await Promise.all(meshes.map((locks) => choosePort(wanted, locks)));
  assert.equal(new Set(chosen).size, meshes.length);
  assert.equal(chosen.filter((port) => port === wanted).length, 1);
  for (const locks of meshes) locks.close();
});
