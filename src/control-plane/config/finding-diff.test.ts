import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "#api/finding";
import { diffFindings } from "./finding-diff.ts";

const at = (line: number, message: string): Finding => ({
  level: "error",
  code: "MZ0002",
  message,
  place: { file: "a.yaml", line, column: 1 },
});

test("a finding that only moved is no news", () => {
  assert.deepEqual(diffFindings([at(1, "x")], [at(7, "x")]), { fresh: [], gone: [] });
  assert.deepEqual(diffFindings([at(1, "x")], [at(1, "y")]), { fresh: [at(1, "y")], gone: [at(1, "x")] });
});

test("two documents with the same fault are two findings", () => {
  assert.deepEqual(diffFindings([], [at(1, "x"), at(5, "x")]).fresh, [at(1, "x"), at(5, "x")]);
  assert.equal(diffFindings([at(1, "x"), at(5, "x")], [at(1, "x")]).gone.length, 1);
});
