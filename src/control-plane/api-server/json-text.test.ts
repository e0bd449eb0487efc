import assert from "node:assert/strict";
import test from "node:test";
import { readJson, readYamlOrJson } from "./json-text.ts";

test("names fields that stand twice, with their paths", () => {
  const text = '{"a": {"b": 1, "c\\"": [{"d": 1}, {"d": 1, "d": 2}], "b": 3}, "e": ":,{"}';
  const read = readJson(text);
  assert.deepEqual(read.duplicates, ['a.c"[1].d', "a.b"]);
  assert.deepEqual(read.value, { a: { b: 3, 'c"': [{ d: 1 }, { d: 2 }] }, e: ":,{" });
});

test("bounds depth before anything is built", () => {
  assert.throws(() => readJson("[".repeat(1_000_000)), /nested more than 100 levels deep/u);
  assert.throws(() => readYamlOrJson(`a: ${"[".repeat(100_000)}`));
  assert.doesNotThrow(() => readJson(`${"[".repeat(100)}${"]".repeat(100)}`));
});

test("reads YAML where it is no JSON", () => {
  assert.deepEqual(readYamlOrJson("kind: A\nspec: {hosts: [b]}\n").value, { kind: "A", spec: { hosts: ["b"] } });
  assert.deepEqual(readYamlOrJson('  {"kind": "A"}').value, { kind: "A" });
  assert.throws(() => readYamlOrJson("a: 1\n---\nb: 2\n"), /more than one document/u);
  assert.throws(() => readYamlOrJson("a: [1\n"), /line \d/u);
});
