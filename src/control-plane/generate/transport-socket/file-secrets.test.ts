import assert from "node:assert/strict";
import { test } from "node:test";
import { fileReaderOf } from "./file-secrets.ts";

test("only Istio's own agent serves files", () => {
  assert.equal(fileReaderOf({ istioVersion: "1.32.0", metadata: {} }), "agent");
  assert.equal(fileReaderOf({ istioVersion: "1.32.0", metadata: { MIZZEN_VERSION: "0.1.0" } }), "proxy");
  assert.equal(fileReaderOf({ istioVersion: "", metadata: {} }), "proxy");
});
