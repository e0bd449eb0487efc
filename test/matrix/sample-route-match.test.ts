import assert from "node:assert/strict";
import { test } from "node:test";
import { nearMisses, sampleOfMatch } from "./sample-route-match.ts";

test("a request meets every condition of a match", () => {
  const sample = sampleOfMatch({
    prefix: "/api/",
    headers: [
      { name: ":method", stringMatch: { exact: "POST" } },
      { name: "x-user", stringMatch: { safeRegex: { regex: "j.*n" } } },
      { name: "x-absent", presentMatch: true, invertMatch: true },
    ],
    queryParameters: [{ name: "v", stringMatch: { exact: "2" } }],
  });
  assert.deepEqual(sample, { method: "POST", path: "/api/sample?v=2", authority: undefined, headers: [["x-user", "jxn"]] });
  assert.ok(sample !== undefined);
  assert.deepEqual(
    nearMisses(sample).map(({ method, path, headers }) => [method, path, headers.map(([, value]) => value)]),
    [
      ["POST", "/api/sample?v=2", []],
      ["POST", "/api/sample?v=2", ["other"]],
      ["POST", "/api/sample", ["jxn"]],
      ["GET", "/api/sample?v=2", ["jxn"]],
    ],
  );
});

test("paths of all kinds have samples", () => {
  const paths = [{ path: "/exact" }, { pathSeparatedPrefix: "/a" }, { safeRegex: { regex: "/x[0-9]" } }, { prefix: "/" }];
  assert.deepEqual(
    paths.map((match) => sampleOfMatch(match)?.path),
    ["/exact", "/a/sample", "/x7", "/sample"],
  );
});
