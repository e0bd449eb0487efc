import assert from "node:assert/strict";
import test from "node:test";
import { StatusError } from "#control-plane/config/status-error";
import type { Json } from "#control-plane/api-server/json";
import { applyJsonPatch } from "./json-patch.ts";

const VALUE: Json = { a: { b: [1, 2, 3] }, "x/y": "slash", "m~n": 1 };

test("applies each operation as RFC 6902 says", () => {
  const cases: readonly (readonly [Json, Json])[] = [
    [[{ op: "add", path: "/a/b/1", value: 9 }], { ...VALUE, a: { b: [1, 9, 2, 3] } }],
    [[{ op: "add", path: "/a/b/-", value: 9 }], { ...VALUE, a: { b: [1, 2, 3, 9] } }],
    [[{ op: "remove", path: "/a/b/0" }], { ...VALUE, a: { b: [2, 3] } }],
    [[{ op: "replace", path: "/x~1y", value: "new" }], { ...VALUE, "x/y": "new" }],
    [[{ op: "move", from: "/a/b", path: "/c" }], { a: {}, "x/y": "slash", "m~n": 1, c: [1, 2, 3] }],
    [[{ op: "copy", from: "/m~0n", path: "/a/b/0" }], { ...VALUE, a: { b: [1, 1, 2, 3] } }],
    [
      [
        { op: "test", path: "/a", value: { b: [1, 2, 3] } },
        { op: "add", path: "", value: 1 },
      ],
      1,
    ],
  ];
  for (const [patch, expected] of cases) assert.deepEqual(applyJsonPatch(VALUE, patch), expected, JSON.stringify(patch));
});

test("refuses operations that do not fit with 422, and what is no patch with 400", () => {
  const codeOf = (patch: Json): number => {
    try {
      applyJsonPatch(VALUE, patch);
      return 200;
    } catch (error) {
      assert.ok(error instanceof StatusError);
      return error.status.code;
    }
  };
  for (const path of ["/a/b/3", "/a/b/01", "/a/b/x", "/nothing", "/a/b/-"]) assert.equal(codeOf([{ op: "remove", path }]), 422, path);
  assert.equal(codeOf([{ op: "test", path: "/m~0n", value: 2 }]), 422);
  assert.equal(codeOf([{ op: "move", from: "/a", path: "/a/c" }]), 422);
  assert.equal(codeOf({ op: "remove" }), 400);
  assert.equal(codeOf([{ op: "add", path: "a", value: 1 }]), 400);
  assert.equal(codeOf([{ op: "grow", path: "/a" }]), 400);
  assert.equal(codeOf([{ op: "add", path: "/a" }]), 400);
  assert.equal(codeOf(Array.from({ length: 10_001 }, () => ({ op: "test", path: "/m~0n", value: 1 }))), 413);
});

test("changes neither the value nor the patch, and what was copied is apart from where it came from", () => {
  const value: Json = { a: { list: [{ n: 1 }] } };
  const patch: Json = [
    { op: "copy", from: "/a", path: "/b" },
    { op: "add", path: "/b/list/0/n", value: 2 },
    { op: "add", path: "/c", value: { x: [] } },
    { op: "add", path: "/c/x/-", value: 1 },
    { op: "add", path: "/c/__proto__", value: 1 },
  ];
  const before = JSON.stringify([value, patch]);
  const expected = '{"a":{"list":[{"n":1}]},"b":{"list":[{"n":2}]},"c":{"x":[1],"__proto__":1}}';
  assert.equal(JSON.stringify(applyJsonPatch(value, patch)), expected);
  assert.equal(JSON.stringify(applyJsonPatch(value, patch)), expected);
  assert.equal(JSON.stringify([value, patch]), before);
});

test("ten thousand operations on one object take as many steps, not a copy of it each", () => {
  const patch = Array.from({ length: 10_000 }, (_, index): Json => ({ op: "add", path: `/data/k${index}`, value: "x" }));
  let reads = 0;
  const data = new Proxy<Record<string, Json>>(
    {},
    {
      ownKeys: (target) => {
        reads++;
        return Reflect.ownKeys(target);
      },
    },
  );
  const result = applyJsonPatch({ data }, patch) as { readonly data: object };
  assert.equal(Object.keys(result.data).length, 10_000);
  assert.ok(reads <= 2, `${reads} copies`);
});
