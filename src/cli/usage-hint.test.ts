import assert from "node:assert/strict";
import { test } from "node:test";
import { usageHint } from "./usage-hint.ts";

test("who types a folder, or one of kubectl's commands, is told how it is typed here", () => {
  assert.equal(
    usageHint("mizzen: too many arguments for 'up'. Expected 0 arguments but got 1."),
    "folders and files are named with -f: mizzen up -f PATH",
  );
  assert.equal(usageHint("mizzen: unknown command 'label'"), "kubectl has it: mizzen kubectl -- label ...");
  assert.equal(usageHint("mizzen: unknown command 'frob'"), "see mizzen --help");
  assert.equal(usageHint("mizzen: unknown option '--frob'"), "see mizzen --help");
});
