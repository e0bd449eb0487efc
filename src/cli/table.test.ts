import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table } from "./table.ts";

describe("a table", () => {
  it("pads its columns to the widest cell and leaves no blanks at the end of a line", () => {
    assert.equal(table(["NAME", "STATE"], [["reviews-v2-1", "SYNCED"], ["a"]]), "NAME           STATE\nreviews-v2-1   SYNCED\na\n");
  });
});
