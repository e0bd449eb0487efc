import assert from "node:assert/strict";
import test from "node:test";
import type { RequestOp } from "#envoy/gen/etcdserverpb/rpc_pb";
import type { Commit, JournalChange } from "#control-plane/config/objects/journal";
import { commitTransaction } from "./commit-transaction.ts";
import { decodeJson, decodeText, EtcdKeys } from "./etcd-keys.ts";

const keys = new EtcdKeys("/mizzen/");

function created(key: string): JournalChange {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: key } };
  return { key, object, recorded: { change: "created", object } };
}

function transaction(changes: readonly JournalChange[], lastVersion = 0) {
  const seen = new Map(changes.map(({ key }) => [key, 7]));
  const commit: Commit = { changes, seen, wallMs: 0, author: "alice" };
  return commitTransaction(commit, { keys, mark: "me/1", latestRevision: 42, lastVersion: () => lastVersion });
}

function texts(operations: readonly RequestOp[]): readonly string[] {
  return operations.flatMap(({ request }) => {
    if (request.case === "requestTxn") return texts(request.value.success);
    assert.ok(request.case === "requestPut" || request.case === "requestDeleteRange");
    return [`${request.case === "requestPut" ? "put" : "delete"} ${decodeText(request.value.key)}`];
  });
}

test("guards every key that was looked at, and touches the latest write", () => {
  const { compare, success } = transaction([created("/configmaps/default/a")]);
  assert.deepEqual(
    compare.map(({ key, targetUnion }) => [decodeText(key), targetUnion.value]),
    [["/mizzen/objects//configmaps/default/a", 7n]],
  );
  assert.deepEqual(texts(success), [
    "put /mizzen/objects",
    "put /mizzen/objects//configmaps/default/a",
    "put /mizzen/versions//configmaps/default/a/000000000001",
  ]);
  const [, stored] = success;
  assert.ok(stored?.request.case === "requestPut");
  assert.equal((decodeJson(stored.request.value.value) as { readonly version: number }).version, 1);
});

test("drops the version that is one too many, and makes none of a status", () => {
  const change = created("/configmaps/default/a");
  assert.deepEqual(texts(transaction([change], 30).success).slice(2), [
    "put /mizzen/versions//configmaps/default/a/000000000031",
    "delete /mizzen/versions//configmaps/default/a/000000000011",
  ]);
  assert.deepEqual(texts(transaction([{ ...change, recorded: undefined }], 30).success), [
    "put /mizzen/objects",
    "put /mizzen/objects//configmaps/default/a",
  ]);
});

test("a large set stays within what etcd takes, guarded by the latest write of all", () => {
  const changes = Array.from({ length: 1_000 }, (_, n) => created(`/configmaps/default/a${n}`));
  const { compare, success } = transaction(changes);
  assert.deepEqual(
    compare.map(({ key, targetUnion }) => [decodeText(key), targetUnion.value]),
    [["/mizzen/objects", 42n]],
  );
  assert.ok(success.length + 50 <= 128);
  assert.equal(texts(success).length, 2_001);
  assert.equal(new Set(texts(success)).size, 2_001);
});

test("a set of a hundred leaves room for the operations within", () => {
  for (const count of [10, 40, 60, 61, 100, 500]) {
    const { compare, success } = transaction(Array.from({ length: count }, (_, n) => created(`/configmaps/default/a${n}`)));
    const within = success.map(({ request }) => (request.case === "requestTxn" ? request.value.success.length : 0));
    assert.ok(Math.max(compare.length, success.length) + Math.max(...within) <= 128, String(count));
  }
});

test("a key that is none of ours is nobody's object", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  assert.equal(keys.keyOf(bytes("/mizzen/objects//configmaps/default/a")), "/configmaps/default/a");
  for (const other of ["/mizzen/objects", "/mizzen/objects/x", "/mizzen/objects/a/b/c/d/e", "/other/objects//configmaps/default/a"]) {
    assert.equal(keys.keyOf(bytes(other)), undefined, other);
  }
});
