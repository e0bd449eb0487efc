import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { RouteAction_HashPolicySchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import { destinationHash, hashPolicy, serviceHash, type ConsistentHash } from "./hash-policy.ts";

const header = (httpHeaderName: string): { readonly loadBalancer: { readonly consistentHash: ConsistentHash } } => ({
  loadBalancer: { consistentHash: { httpHeaderName } },
});
function rule(spec: Partial<DestinationRuleSpec>): ResolvedDestinationRule {
  return { objects: [], host: "reviews", spec: { host: "reviews", ...spec } };
}
const reviews = rule({
  trafficPolicy: { ...header("host"), portLevelSettings: [{ port: { number: 80 }, ...header("host-80") }, { port: { number: 81 } }] },
  subsets: [
    { name: "v1", trafficPolicy: { ...header("v1"), portLevelSettings: [{ port: { number: 80 }, ...header("v1-80") }] } },
    { name: "v2" },
  ],
});

test("a destination's hash is that of its subset, each of a written port first", () => {
  const of = (subset: string | undefined, port: number | undefined): string | undefined =>
    destinationHash(reviews, {
      host: "reviews",
      ...(subset === undefined ? {} : { subset }),
      ...(port === undefined ? {} : { port: { number: port } }),
    })?.httpHeaderName;
  assert.equal(of("v1", 80), "v1-80");
  assert.equal(of("v1", undefined), "v1");
  assert.equal(of("v2", 80), "host-80");
  assert.equal(of("v2", undefined), "host");
  assert.equal(of(undefined, 81), "host");
});

test("a service without a VirtualService has the hash of its port, else of its host", () => {
  assert.equal(serviceHash(reviews, 80)?.httpHeaderName, "host-80");
  assert.equal(serviceHash(reviews, 81)?.httpHeaderName, "host");
  assert.equal(serviceHash(undefined, 80), undefined);
});

test("each key of a request becomes Envoy's policy", () => {
  const json = (hash: ConsistentHash): unknown => {
    const policy = hashPolicy(hash);
    return policy === undefined ? undefined : toJson(RouteAction_HashPolicySchema, policy);
  };
  assert.deepEqual(json({ httpHeaderName: "x-user" }), { header: { headerName: "x-user" } });
  assert.deepEqual(json({ httpQueryParameterName: "user" }), { queryParameter: { name: "user" } });
  assert.deepEqual(json({ useSourceIp: true }), { connectionProperties: { sourceIp: true } });
  assert.deepEqual(json({ httpCookie: { name: "user", path: "/", ttl: 0 } }), { cookie: { name: "user", path: "/", ttl: "0s" } });
  assert.deepEqual(json({ httpCookie: { name: "user", attributes: [{ name: "SameSite", value: "Strict" }] } }), {
    cookie: { name: "user", attributes: [{ name: "SameSite", value: "Strict" }] },
  });
  assert.equal(json({ ringHash: { minimumRingSize: 1024 } }), undefined);
});
