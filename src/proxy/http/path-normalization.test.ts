import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { isPlain, normalizePath } from "./path-normalization.ts";
import type { PathOptions } from "./path-normalization.ts";

const BASE: PathOptions = { normalize: true, mergeSlashes: false, escapedSlashes: "keep" };

describe("path normalization", () => {
  for (const [path, expected] of [
    ["/", "/"],
    ["/app/../admin", "/admin"],
    ["/app//", "/app//"],
    ["/app/%2f", "/app/%2f"],
    ["/xyz%30..//abc", "/xyz0..//abc"],
    ["/app/%2E./admin", "/admin"],
    ["/app\\admin", "/app/admin"],
    ["/app/\\/\\/\\admin", "/app//////admin"],
    ["/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc", "/%5Capp%2f%5c%2F..%2fadmin%5c/abc"],
    ["/app//../../admin", "/admin"],
    ["/..", "/"],
    ["/a/.", "/a/"],
    ["/a/b/..?x=/../y", "/a/?x=/../y"],
    ["/100%", "/100%"],
    ['/"<>^`{|}?"{}', '/%22%3C%3E%5E%60%7B%7C%7D?"{}'],
    ["/!$&'()*+,;=:@[]~", "/!$&'()*+,;=:@[]~"],
  ] as const) {
    it(`turns ${path} into ${expected}`, () => {
      assert.deepEqual(normalizePath(path, BASE), { kind: "ok", path: expected });
    });
  }

  it("merges slashes in the path and leaves the query alone", () => {
    assert.deepEqual(normalizePath("//a///b?c=//", { ...BASE, mergeSlashes: true }), { kind: "ok", path: "/a/b?c=//" });
  });

  it("rejects, redirects or unescapes escaped slashes as configured", () => {
    assert.equal(normalizePath("/a%2Fb", { ...BASE, escapedSlashes: "reject" }).kind, "reject");
    assert.deepEqual(normalizePath("/a%2F..%5cb", { ...BASE, escapedSlashes: "redirect" }), { kind: "redirect", path: "/b" });
    assert.deepEqual(normalizePath("/a%2fb", { ...BASE, escapedSlashes: "unescape" }), { kind: "ok", path: "/a/b" });
  });

  it("rejects NUL, escaped or not", () => {
    assert.equal(normalizePath("/a%00b", BASE).kind, "reject");
  });

  it("is done after one pass, leaves no dot segment, and agrees with the quick check", () => {
    const part = fc.constantFrom("/", "//", ".", "..", "%2e", "%2E%2e", "a", "b%20", "\\", "{", "%", "%41", "?", "q=1");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const path = `/${parts.join("")}`;
        const first = normalizePath(path, { ...BASE, mergeSlashes: true });
        assert.ok(first.kind === "ok");
        const [only] = first.path.split("?");
        assert.ok(!only!.split("/").some((segment) => segment === "." || segment === ".."), first.path);
        if (isPlain(path)) assert.equal(first.path, path);
        assert.equal(isPlain(path) ? first.path : path, path);
      }),
    );
  });
});
