import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isRequestAddress, parseAddress } from "./urls.ts";

test("the scheme is found, and nothing is mended", () => {
  assert.deepEqual(parseAddress("HTTPS://a.b:8443/x?y#z"), { scheme: "https" });
  assert.deepEqual(parseAddress("oci://registry/name:tag"), { scheme: "oci" });
  assert.deepEqual(parseAddress("registry/name:tag"), { scheme: "" });
  assert.deepEqual(parseAddress("http://[::1]:80"), { scheme: "http" });
  assert.deepEqual(parseAddress("mailto:a"), { scheme: "mailto" });
  for (const bad of ["", ":80", "http://a b", "http://a:x", "http://a/%zz", "http://a\n", "#%", "1:2", "http://[::1", "http://a:1:2"]) {
    assert.equal(parseAddress(bad), undefined, bad);
  }
});

test("a request needs a scheme or a path", () => {
  assert.equal(isRequestAddress("/file"), true);
  assert.equal(isRequestAddress("http://a"), true);
  assert.equal(isRequestAddress("a/b"), false);
});

test("any text is read", () => {
  fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)));
});
