import assert from "node:assert/strict";
import { test } from "node:test";
import { decorateRequest, decorateResponse } from "./operation-decorator.ts";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "./pair-header-map.ts";

const HEADER = "x-envoy-decorator-operation";
const decorator = { operation: "web:80/*", propagate: true };

function request(given?: string): PairRequestHeaderMap {
  const lines: [string, string][] = given === undefined ? [] : [[HEADER, given]];
  return new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http", upgrade: undefined }, lines);
}

test("on the way out the request names its operation, and the answer none", () => {
  const headers = request("of the application");
  assert.equal(decorateRequest(headers, decorator, true), undefined);
  assert.equal(headers.get(HEADER), "web:80/*");
  const kept = request("of the application");
  decorateRequest(kept, { ...decorator, propagate: false }, true);
  assert.equal(kept.get(HEADER), "of the application");
  const response = new PairResponseHeaderMap(200, [[HEADER, "of the server"]]);
  decorateResponse(response, undefined, true);
  assert.equal(response.get(HEADER), undefined);
});

test("on the way in the caller's name goes before ours and no further; without one the answer names it", () => {
  const named = request("of the caller");
  assert.equal(decorateRequest(named, decorator, false), undefined);
  assert.equal(named.get(HEADER), undefined);
  assert.equal(decorateRequest(request(), decorator, false), "web:80/*");
  assert.equal(decorateRequest(request(""), decorator, false), "web:80/*");
  assert.equal(decorateRequest(request(), { ...decorator, propagate: false }, false), undefined);
  const response = new PairResponseHeaderMap(200, []);
  decorateResponse(response, "web:80/*", false);
  assert.equal(response.get(HEADER), "web:80/*");
});
