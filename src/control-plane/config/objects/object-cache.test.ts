import assert from "node:assert/strict";
import test from "node:test";
import { ObjectCache } from "./object-cache.ts";

const SELECTION = { prefix: "/configmaps/" };

function cacheOf(maxChanges: number): {
  readonly cache: ObjectCache;
  readonly put: (revision: number, ...names: readonly string[]) => void;
} {
  const cache = new ObjectCache({ maxChanges, maxWaiting: 100 });
  const put = (revision: number, ...names: readonly string[]): void => {
    const change = (name: string) => ({
      key: `/configmaps/default/${name}`,
      revision,
      object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } },
    });
    cache.apply(names.map(change));
  };
  return { cache, put };
}

test("forgets whole revisions, and refuses a watch from one that may have been seen by half", () => {
  const { cache, put } = cacheOf(4);
  put(1, "a", "b", "c");
  put(2, "d", "e");
  assert.equal(cache.compacted, 1);
  assert.throws(() => cache.watch(SELECTION, 1, false), /too old resource version/u);
  assert.equal(cache.snapshot(SELECTION, 1).length, 3);
  put(3, "f");
  put(4, "g");
  put(5, "h");
  assert.equal(cache.compacted, 3);
  cache.watch(SELECTION, 3, false).close();
  assert.throws(() => cache.watch(SELECTION, 2, false), /too old resource version/u);
});

test("makes the recent past from the changes since", () => {
  const { cache, put } = cacheOf(100);
  put(1, "a");
  put(2, "b");
  cache.apply([{ key: "/configmaps/default/a", revision: 3, object: undefined }]);
  put(4, "a", "c");
  const names = (revision: number): readonly unknown[] => cache.snapshot(SELECTION, revision).map(([, { metadata }]) => metadata.name);
  assert.deepEqual([1, 2, 3, 4].map(names), [["a"], ["a", "b"], ["b"], ["a", "b", "c"]]);
  assert.throws(() => cache.watch(SELECTION, 5, false), /Too large resource version: 5, current: 4/u);
});
