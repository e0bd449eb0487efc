import assert from "node:assert/strict";
import { test } from "node:test";
import { PairRequestHeaderMap } from "./pair-header-map.ts";
import { addUserAgent } from "./user-agent.ts";

function added(before: string | undefined, node: string): (string | undefined)[] {
  const headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "h", scheme: "http" });
  if (before !== undefined) headers.set("user-agent", before);
  addUserAgent(headers, "service", node);
  return ["user-agent", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node"].map((name) => headers.get(name));
}

test("a request without a user agent gets the service's name, and every one says where it comes from", () => {
  assert.deepEqual(added(undefined, "node"), ["service", "service", "node"]);
  assert.deepEqual(added("", "node"), ["service", "service", "node"]);
  assert.deepEqual(added("curl", ""), ["curl", "service", undefined]);
});
