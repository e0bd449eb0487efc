import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "#envoy/type-urls";
import { DeltaSession, SotwSession, type Nack } from "./discovery-session.ts";
import { ResourceTable } from "./resource-table.ts";

const noNack = ({ message }: Nack): never => assert.fail(message);
const resource = (typeUrl: string, name: string, text: string) => ({ typeUrl, name, value: Buffer.from(text) });

test("a client of the state of the world gets all clusters, and again when one changes", () => {
  const table = new ResourceTable();
  table.set([resource(CLUSTER_TYPE, "a", "1"), resource(CLUSTER_TYPE, "b", "1")]);
  const sent: DiscoveryResponse[] = [];
  const session = new SotwSession(table, (response) => sent.push(response), noNack);
  session.onRequest(create(DiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE }));
  assert.equal(sent[0]?.resources.length, 2);
  session.onRequest(create(DiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, responseNonce: sent[0]?.nonce ?? "", versionInfo: "x" }));
  session.push();
  assert.equal(sent.length, 1, "an acknowledgement and a push without a change say nothing");
  table.set([resource(CLUSTER_TYPE, "a", "2")]);
  session.push();
  assert.equal(sent[1]?.resources.length, 1);
});

test("names that a client adds are sent, and a stale answer counts for nothing", () => {
  const table = new ResourceTable();
  table.set([resource(ENDPOINT_TYPE, "a", "1"), resource(ENDPOINT_TYPE, "b", "1")]);
  const sent: DiscoveryResponse[] = [];
  const nacks: Nack[] = [];
  const session = new SotwSession(
    table,
    (response) => sent.push(response),
    (nack) => nacks.push(nack),
  );
  session.onRequest(create(DiscoveryRequestSchema, { typeUrl: ENDPOINT_TYPE, resourceNames: ["a"] }));
  const stale = sent[0]?.nonce ?? "";
  session.onRequest(create(DiscoveryRequestSchema, { typeUrl: ENDPOINT_TYPE, resourceNames: ["a", "b"], responseNonce: stale }));
  assert.deepEqual(
    sent.map(({ resources }) => resources.length),
    [1, 2],
  );
  session.onRequest(create(DiscoveryRequestSchema, { typeUrl: ENDPOINT_TYPE, resourceNames: [], responseNonce: stale }));
  assert.equal(sent.length, 2);
  const refusal = {
    typeUrl: ENDPOINT_TYPE,
    resourceNames: ["a", "b"],
    responseNonce: sent[1]?.nonce ?? "",
    errorDetail: { message: "no" },
  };
  session.onRequest(create(DiscoveryRequestSchema, refusal));
  assert.deepEqual(nacks, [{ typeUrl: ENDPOINT_TYPE, message: "no" }]);
});

test("a delta client gets what it has not, and is told what is gone", () => {
  const table = new ResourceTable();
  table.set([resource(CLUSTER_TYPE, "a", "1"), resource(CLUSTER_TYPE, "b", "1")]);
  const sent: DeltaDiscoveryResponse[] = [];
  const session = new DeltaSession(table, (response) => sent.push(response), noNack);
  const known = table.ofType(CLUSTER_TYPE).get("a")?.version ?? "";
  session.onRequest(create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, initialResourceVersions: { a: known } }));
  assert.deepEqual(
    sent[0]?.resources.map(({ name }) => name),
    ["b"],
  );
  table.set([resource(CLUSTER_TYPE, "b", "1")]);
  session.push();
  assert.deepEqual(sent[1]?.removedResources, ["a"]);
  assert.deepEqual(sent[1]?.resources, []);
});
