import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResourceArguments } from "./resource-arguments.ts";

test("kinds, names and both in one word are told apart", () => {
  assert.deepEqual(parseResourceArguments(["vs"]), [{ word: "vs" }]);
  assert.deepEqual(parseResourceArguments(["vs,dr"]), [{ word: "vs" }, { word: "dr" }]);
  assert.deepEqual(parseResourceArguments(["vs", "a", "b"]), [
    { word: "vs", name: "a" },
    { word: "vs", name: "b" },
  ]);
  assert.deepEqual(parseResourceArguments(["vs/a", "dr/b"]), [
    { word: "vs", name: "a" },
    { word: "dr", name: "b" },
  ]);
});

test("words that do not go together are refused", () => {
  assert.throws(() => parseResourceArguments([]), /name what you mean/);
  assert.throws(() => parseResourceArguments(["vs", "dr/b"]), /resource\/name form: vs/);
  assert.throws(() => parseResourceArguments(["vs/a/b"]), /vs\/a\/b/);
});
