import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nearPaths } from "./near-paths.ts";

describe("paths in messages", () => {
  it("are named from the working directory when they lie below it", () => {
    assert.equal(
      nearPaths("/home/me/mesh/a.yaml:3:5: error: the same object is defined in /home/me/mesh/b.yaml:1", "/home/me"),
      "mesh/a.yaml:3:5: error: the same object is defined in mesh/b.yaml:1",
    );
  });

  it("stay whole elsewhere", () => {
    for (const text of ["/home/merry/a.yaml:1:1: x", "see /var/home/me/a.yaml", "no path / at all", "https://home/me/a"]) {
      assert.equal(nearPaths(text, "/home/me"), text);
    }
    assert.equal(nearPaths("/a.yaml:1:1", "/"), "/a.yaml:1:1");
  });
});
