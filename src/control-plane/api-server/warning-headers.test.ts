import assert from "node:assert/strict";
import test from "node:test";
import { warningHeaders } from "./warning-headers.ts";

test("quotes what a header cannot hold, and says nothing twice", () => {
  assert.deepEqual(warningHeaders(['a "b"\n\\', "x", "x"]), ['299 - "a \\"b\\" \\\\"', '299 - "x"']);
  assert.equal(Buffer.from(warningHeaders(["für"])[0] ?? "", "latin1").toString("utf8"), '299 - "für"');
});

test("cuts what is too long for headers", () => {
  const headers = warningHeaders(Array.from({ length: 100 }, (_, index) => `${index} ${"x".repeat(500)}`));
  assert.ok(headers.join("").length <= 4096);
  assert.ok(headers[0]?.endsWith('..."'));
});
