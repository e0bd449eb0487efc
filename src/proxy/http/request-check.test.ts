import assert from "node:assert/strict";
import { test } from "node:test";
import type { HcmConfig } from "./hcm-config.ts";
import { HcmStats } from "./hcm-stats.ts";
import { PairRequestHeaderMap } from "./pair-header-map.ts";
import { checkRequest } from "./request-check.ts";
import { FakeStats } from "./stats.fake.ts";

function check(
  over: Partial<HcmConfig>,
  lines: [string, string][] = [],
  authority = "a.example",
): { headers: PairRequestHeaderMap; status: number | undefined; stats: FakeStats } {
  const stats = new FakeStats();
  const headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority, scheme: "http", upgrade: undefined }, lines);
  const defaults = { underscores: "allow", stripTrailingHostDot: false, stripPort: "none", defaultHostForHttp10: "" };
  const config = { ...defaults, ...over } as HcmConfig;
  const status = checkRequest(headers, "HTTP/1.1", 80, config, new HcmStats(stats.scope("http", "p"), stats))?.status;
  return { headers, status, stats };
}

test("header names with an underscore pass, are dropped, or refuse the request", () => {
  const lines: [string, string][] = [
    ["x-a", "1"],
    ["x_a", "2"],
    ["y_", "3"],
  ];
  assert.equal(check({}, lines).headers.get("x_a"), "2");
  const dropped = check({ underscores: "drop" }, lines);
  assert.deepEqual([dropped.status, dropped.headers.count, dropped.headers.get("x-a")], [undefined, 1, "1"]);
  assert.equal(dropped.stats.get("http1.dropped_headers_with_underscores"), 2);
  const refused = check({ underscores: "reject" }, lines);
  assert.equal(refused.status, 400);
  assert.equal(refused.stats.get("http1.requests_rejected_with_underscores_in_headers"), 1);
  assert.equal(check({ underscores: "reject" }, [["x-a", "1"]]).status, undefined);
});

test("a host loses its trailing dot, before a port too, and then the port", () => {
  const strip = { stripTrailingHostDot: true };
  assert.equal(check(strip, [], "a.example.").headers.authority, "a.example");
  assert.equal(check(strip, [], "a.example.:81").headers.authority, "a.example:81");
  assert.equal(check({ ...strip, stripPort: "any" }, [], "a.example.:81").headers.authority, "a.example");
  assert.equal(check(strip, [], "[::1]:81").headers.authority, "[::1]:81");
  assert.equal(check({}, [], "a.example.").headers.authority, "a.example.");
});

test("strip_matching_host_port takes away the port of the listener and no other", () => {
  assert.equal(check({ stripPort: "matching" }, [], "a.example:80").headers.authority, "a.example");
  assert.equal(check({ stripPort: "matching" }, [], "[::1]:80").headers.authority, "[::1]");
  assert.equal(check({ stripPort: "matching" }, [], "a.example:81").headers.authority, "a.example:81");
});

test("escaped slashes of a gRPC request are refused where others are redirected", () => {
  const path = { normalize: true, mergeSlashes: false, escapedSlashes: "redirect" } as const;
  const refused = (lines: [string, string][]): number | undefined => {
    const headers = new PairRequestHeaderMap({ method: "POST", path: "/a%2Fb", authority: "a", scheme: "http", upgrade: undefined }, lines);
    const config = {
      underscores: "allow",
      stripTrailingHostDot: false,
      stripPort: "none",
      defaultHostForHttp10: "",
      path,
    } as Partial<HcmConfig>;
    const stats = new FakeStats();
    return checkRequest(headers, "HTTP/1.1", 80, config as HcmConfig, new HcmStats(stats.scope("http", "p"), stats))?.status;
  };
  assert.equal(refused([]), 307);
  assert.equal(refused([["content-type", "application/grpc"]]), 400);
});
