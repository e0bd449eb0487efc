import assert from "node:assert/strict";
import { test } from "node:test";
import { ResourceCache } from "./resource-cache.ts";

test("an entry is made again only when one of its inputs is another one", () => {
  const cache = new ResourceCache();
  let made = 0;
  const get = (...inputs: unknown[]): number => cache.get("key", inputs, () => ++made);
  const [service, rule] = [{}, {}];
  assert.equal(get(service, rule), 1);
  assert.equal(get(service, rule), 1);
  assert.equal(get(service, {}), 2);
  assert.equal(get(service), 3);
  assert.equal(
    cache.get("other", [service], () => 9),
    9,
  );
});

test("what a whole push did not need is forgotten", () => {
  const cache = new ResourceCache();
  cache.nextRound();
  cache.get("a", [], () => 1);
  cache.get("b", [], () => 1);
  cache.nextRound();
  cache.get("a", [], () => assert.fail("it was there"));
  assert.equal(cache.size, 2, "the push before may still be on its way to somebody");
  cache.nextRound();
  assert.equal(cache.size, 1);
});
