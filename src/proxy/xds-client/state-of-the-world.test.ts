import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { StatusSchema } from "#envoy/gen/google/rpc/status_pb";
import { anyOf } from "#envoy/any";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "#envoy/type-urls";
import { StateOfTheWorld } from "./state-of-the-world.ts";

function clusters(world: StateOfTheWorld, version: string, ...names: string[]): DeltaDiscoveryResponse {
  const resources = names.map((name) => anyOf(CLUSTER_TYPE, toBinary(ClusterSchema, create(ClusterSchema, { name }))));
  const response = create(DiscoveryResponseSchema, { typeUrl: CLUSTER_TYPE, versionInfo: version, nonce: `n${version}`, resources });
  return world.decode(toBinary(DiscoveryResponseSchema, response));
}

function sent(world: StateOfTheWorld, init: Partial<DeltaDiscoveryRequest>): DiscoveryRequest {
  return fromBinary(DiscoveryRequestSchema, world.encode(create(DeltaDiscoveryRequestSchema, init as never)));
}

test("clusters that a response leaves out are removed; endpoints are not", () => {
  const world = new StateOfTheWorld();
  const first = clusters(world, "1", "a", "b");
  assert.deepEqual(
    first.resources.map(({ name, version }) => [name, version]),
    [
      ["a", "1"],
      ["b", "1"],
    ],
  );
  assert.deepEqual(clusters(world, "2", "b", "c").removedResources, ["a"]);
  const endpoints = (name: string): DeltaDiscoveryResponse => {
    const value = toBinary(ClusterLoadAssignmentSchema, create(ClusterLoadAssignmentSchema, { clusterName: name }));
    const response = create(DiscoveryResponseSchema, { typeUrl: ENDPOINT_TYPE, resources: [anyOf(ENDPOINT_TYPE, value)] });
    return world.decode(toBinary(DiscoveryResponseSchema, response));
  };
  assert.equal(endpoints("a").resources[0]?.name, "a");
  assert.deepEqual(endpoints("b").removedResources, []);
});

test("requests name all that is wanted; only what was accepted moves the version", () => {
  const world = new StateOfTheWorld();
  assert.deepEqual(sent(world, { typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["b", "a"] }).resourceNames, ["a", "b"]);
  assert.deepEqual(sent(world, { typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["c"], resourceNamesUnsubscribe: ["a"] }).resourceNames, [
    "b",
    "c",
  ]);
  clusters(world, "1", "a");
  clusters(world, "2", "a");
  // The answer to the first response goes out when the second one is here already.
  const ack = sent(world, { typeUrl: CLUSTER_TYPE, responseNonce: "n1" });
  assert.deepEqual([ack.versionInfo, ack.responseNonce], ["1", "n1"]);
  const nack = sent(world, { typeUrl: CLUSTER_TYPE, responseNonce: "n2", errorDetail: create(StatusSchema, { code: 3, message: "no" }) });
  assert.deepEqual([nack.versionInfo, nack.responseNonce, nack.errorDetail?.message], ["1", "n2", "no"]);
});

test("a new stream says the version that is held, no nonce, and asks for the names anew", () => {
  const world = new StateOfTheWorld();
  clusters(world, "1", "a", "b");
  sent(world, { typeUrl: CLUSTER_TYPE, responseNonce: "n1" });
  world.restart();
  const request = sent(world, { typeUrl: CLUSTER_TYPE });
  assert.deepEqual([request.versionInfo, request.responseNonce], ["1", ""]);
  assert.deepEqual(clusters(world, "2", "b").removedResources, ["a"], "what went while nobody listened");
});
