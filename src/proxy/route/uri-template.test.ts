import assert from "node:assert/strict";
import { test } from "node:test";
import { compileUriTemplate } from "./uri-template.ts";

const compile = (template: string) =>
  compileUriTemplate(template, "p", (path, message) => {
    throw new Error(`${path}: ${message}`);
  });

for (const [template, path, expected] of [
  ["/videos/{file}", "/videos/1080p5000_00001.m4s", true],
  ["/videos/{file}", "/videos/a/b", false],
  ["/videos/{file}", "/videos/", false],
  ["/**.mpd", "/content/123/india/dash/55/manifest.mpd", true],
  ["/**.mpd", "/content/manifest.mpdx", false],
  ["/videos/*/*/*.m4s", "/videos/123414/hls/1080p5000_00001.m4s", true],
  ["/api/{version=v1/*}/x", "/api/v1/b/x", true],
  ["/api/{version=v1/*}/x", "/api/v2/b/x", false],
  ["/a/{rest=**}", "/a/", true],
  ["/a/{rest=**}", "/a/b/c", true],
  ["/a/", "/a/", true],
  ["/a/", "/a", false],
  ["/a.b", "/axb", false],
  ["/", "/", true],
  ["/a/*", "/a/b;p=1", true],
  ["/a/**", "/a/b=1*%22//d", true],
  ["/a/*", "/a/b=1*", true],
  ["/a/*", "/a/b|", false],
  ["/a/**", '/a/b"c"', false],
  ["/a/**", "/a/b\\c", false],
  ["/a/{rest=**}", "/a/[b]", false],
] as const) {
  test(`${template} ${expected ? "takes" : "does not take"} ${path}`, () => {
    assert.equal(compile(template).matches(path), expected);
  });
}

for (const [template, why] of [
  ["videos", /must begin/],
  ["/**/*", /last operator/],
  ["/{a=**}/{b}", /last operator/],
  ["/{a}/{a}", /stands twice/],
  ["/{a", /not closed/],
  ["/{1a}", /not a name/],
  ["/{abcdefghijklmnopq}", /not a name/],
  ["/a*", /not a literal/],
  ["/a//b", /not a literal/],
  ["/*.a/b", /not a literal/],
  ["/{a}/{b}/{c}/{d}/{e}/{f}", /more than 5/],
  ["/{a=}", /not a literal/],
] as const) {
  test(`${template} is no template`, () => assert.throws(() => compile(template), why));
}

test("a rewrite puts what variables matched where it says", () => {
  const rewrite = compile("/{country}/{lang}/{rest=**}").compileRewrite("/{lang}/x/{country}.{rest}");
  assert.equal(rewrite("/us/en/a/b"), "/en/x/us.a/b");
  assert.throws(() => compile("/{a}").compileRewrite("/{b}"), /no variable "b"/);
  assert.throws(() => compile("/{a}").compileRewrite("{a}"), /must begin/);
  assert.throws(() => compile("/{a}").compileRewrite("/{a}//b"), /not a literal/);
});
