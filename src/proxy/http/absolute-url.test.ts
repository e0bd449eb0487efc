import assert from "node:assert/strict";
import { test } from "node:test";
import { isReferer, parseAbsoluteUrl } from "./absolute-url.ts";

test("an absolute URL has a scheme and a host, of any kind", () => {
  assert.deepEqual(parseAbsoluteUrl("http://a.example:80/x?y#z"), {
    hostAndPort: "a.example:80",
    hasUserInfo: false,
    hasFragment: true,
  });
  assert.equal(parseAbsoluteUrl("ftp://user:word@a.example?x")?.hostAndPort, "a.example");
  assert.equal(parseAbsoluteUrl("ftp://user:word@a.example?x")?.hasUserInfo, true);
  assert.equal(parseAbsoluteUrl("HTTPS://[::1]:8443")?.hostAndPort, "[::1]:8443");
  for (const text of ["", "null", "a.example", "//a.example", "https:/a.example", "http://", "http://a.example#x", "http://a:b", "h1://a/"])
    assert.equal(parseAbsoluteUrl(text), undefined, text);
});

test("a referer is a URL or a relative reference, without user information and fragment", () => {
  for (const text of ["http://a.example/x?y=z", "a.example", "x/y:z", "/x?y", ""]) assert.equal(isReferer(text), true, text);
  for (const text of ["http://u@a.example/", "http://a.example/#x", "x#y", "about:blank", "a b", "https:/a.example"])
    assert.equal(isReferer(text), false, text);
});
