import assert from "node:assert/strict";
import test from "node:test";
import { negotiate } from "./accept.ts";

test("takes the first form that is understood, by quality", () => {
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
  assert.deepEqual(negotiate(table, ["Table"]), { as: "Table", version: "v1" });
  assert.deepEqual(negotiate(table, []), { as: "", version: "" });
  assert.deepEqual(negotiate("", ["Table"]), { as: "", version: "" });
  assert.deepEqual(negotiate("application/vnd.kubernetes.protobuf,application/json", []), { as: "", version: "" });
  assert.deepEqual(negotiate("application/json;q=0.1, application/json;as=Table;v=v1;g=meta.k8s.io;q=0.9", ["Table"]), {
    as: "Table",
    version: "v1",
  });
});

test("refuses what is only protobuf, so that the client asks again", () => {
  assert.throws(
    () => negotiate("application/vnd.kubernetes.protobuf", []),
    /only the following media types are accepted: application\/json/u,
  );
  assert.throws(() => negotiate("application/json;as=Table;v=v9;g=meta.k8s.io", ["Table"]));
});
