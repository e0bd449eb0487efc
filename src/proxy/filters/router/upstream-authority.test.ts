import assert from "node:assert/strict";
import { test } from "node:test";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import { upstreamAuthority } from "./upstream-authority.ts";

test("a header names the server where it is configured and there, else the authority does", () => {
  const pseudo = { method: "GET", path: "/", authority: "a.example:80", scheme: "http", upgrade: undefined };
  const headers = new PairRequestHeaderMap(pseudo, [
    ["x-name", "b.example"],
    ["x-empty", ""],
  ]);
  assert.equal(upstreamAuthority(headers, undefined), "a.example:80");
  assert.equal(upstreamAuthority(headers, "x-name"), "b.example");
  assert.equal(upstreamAuthority(headers, "x-empty"), "a.example:80");
  assert.equal(upstreamAuthority(headers, "x-missing"), "a.example:80");
});
