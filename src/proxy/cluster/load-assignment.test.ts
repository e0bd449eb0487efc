import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { parseLoadAssignment } from "./load-assignment.ts";
import type { EndpointConfig } from "./load-assignment.ts";

const socket = (address: string, portValue = 80): JsonObject => ({ socketAddress: { address, portValue } });

function endpoints(group: JsonObject): readonly EndpointConfig[] {
  const wire = fromJson(ClusterLoadAssignmentSchema, { clusterName: "c", endpoints: [group] });
  return parseLoadAssignment(wire).priorities[0]?.[0]?.endpoints ?? [];
}

test("an endpoint's locality is region, zone and sub-zone, as far as they are given", () => {
  const localityOf = (locality: JsonObject): string | undefined =>
    endpoints({ locality, lbEndpoints: [{ endpoint: { address: socket("10.0.0.1") } }] })[0]?.locality;
  assert.equal(localityOf({ region: "r", zone: "z", subZone: "s" }), "r/z/s");
  assert.equal(localityOf({ region: "r", zone: "z" }), "r/z");
  assert.equal(localityOf({ region: "r" }), "r");
});

test("endpoints may stand in load_balancer_endpoints, too", () => {
  const list = endpoints({ loadBalancerEndpoints: { lbEndpoints: [{ endpoint: { address: socket("10.0.0.1") } }] } });
  assert.deepEqual(
    list.map(({ address }) => address),
    [{ address: "10.0.0.1", port: 80 }],
  );
});

test("an endpoint has addresses to fall back on, and a way of its own to be checked", () => {
  const endpoint = {
    address: socket("10.0.0.1"),
    additionalAddresses: [{ address: socket("::1", 81) }],
    healthCheckConfig: { portValue: 9, hostname: "h", address: socket("10.0.0.2"), disableActiveHealthCheck: true },
  };
  const [read] = endpoints({ lbEndpoints: [{ endpoint }] });
  assert.deepEqual(read?.additionalAddresses, [{ address: "::1", port: 81 }]);
  assert.deepEqual(read?.healthCheck, { address: { address: "10.0.0.2", port: 80 }, port: 9, hostname: "h", disabled: true });
});

test("drop_overloads has one category, and its drop_percentage is a share of whatever it is a part of", () => {
  const read = (...dropOverloads: JsonObject[]): number | undefined =>
    parseLoadAssignment(fromJson(ClusterLoadAssignmentSchema, { clusterName: "c", policy: { dropOverloads } })).dropOverload;
  const of = (numerator: number, denominator: string): JsonObject => ({ category: "lb", dropPercentage: { numerator, denominator } });
  assert.deepEqual(
    [read(), read(of(0, "HUNDRED")), read(of(40, "HUNDRED")), read(of(5, "TEN_THOUSAND"))],
    [undefined, undefined, 0.4, 0.0005],
  );
  assert.throws(() => read(of(1, "HUNDRED"), of(2, "HUNDRED")), /policy.drop_overloads: has 2 categories, only one is served/);
  assert.throws(() => read({}), /policy.drop_overloads\[0\].category: must not be empty/);
});
