import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "#api/finding";
import { atWriteTime } from "./write-time.ts";

function levelOf(code: string, field: string): string {
  const finding: Finding = { level: "error", code, message: "", field };
  return atWriteTime(finding).level;
}

test("who writes a reference to a host must have written the host; workloads may come later", () => {
  assert.equal(levelOf("IST0101", "spec.http[0].route[0].destination.host"), "error");
  assert.equal(levelOf("IST0101", "spec.selector"), "warning");
  assert.equal(levelOf("IST0173", "spec.subsets[0].labels"), "warning");
  assert.equal(levelOf("IST0106", "spec.host"), "error");
});
