import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { DiscoveryRequestSchema, type DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { HealthStatus } from "#control-plane/registry/service";
import type { WorkloadDescription } from "#control-plane/registry/workload-registrations";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";
import { SessionError } from "./discovery-session.ts";
import { HealthSession } from "./health-session.ts";

const NODE_ID = "sidecar~127.66.0.5~reviews-v2-1.default~default.svc.cluster.local";

function report(error?: string, metadata?: JsonObject) {
  return create(DiscoveryRequestSchema, {
    typeUrl: HEALTH_INFORMATION_TYPE,
    ...(error === undefined ? {} : { errorDetail: { code: 13, message: error } }),
    ...(metadata === undefined ? {} : { node: { id: NODE_ID, metadata, locality: { region: "eu", zone: "a", subZone: "" } } }),
  });
}

function start(full = false) {
  const connected: WorkloadDescription[] = [];
  const reports: HealthStatus[] = [];
  const answers: DiscoveryResponse[] = [];
  const live: ((version: string) => void)[] = [];
  let ended = 0;
  const session = new HealthSession({
    connect: (workload) => {
      connected.push(workload);
      return full ? undefined : { report: (health) => reports.push(health), end: () => ended++ };
    },
    whenLive: () => new Promise((resolve) => live.push(resolve)),
    send: (response) => answers.push(response),
  });
  return { session, connected, reports, answers, live, ended: () => ended };
}

const METADATA = {
  AUTO_REGISTER_GROUP: "reviews-v2",
  LABELS: { app: "reviews" },
  MIZZEN_INGRESS: [{ port: { number: 9080, protocol: "HTTP", name: "http" }, bind: "127.66.0.5", defaultEndpoint: "127.0.0.1:41233" }],
};

test("the first report registers the workload, later ones change its health", async () => {
  const { session, connected, reports, answers, live, ended } = start();
  session.receive(report(undefined, METADATA));
  session.receive(report("GET /health answered 500"));
  session.receive(report("draining: SIGTERM"));
  assert.deepEqual(reports, ["HEALTHY", "UNHEALTHY", "DRAINING"]);
  assert.deepEqual(connected, [
    {
      group: "reviews-v2",
      namespace: "default",
      workload: "reviews-v2-1",
      address: "127.66.0.5",
      labels: { app: "reviews" },
      serviceAccount: "",
      ports: { http: 9080 },
      listening: [9080],
      locality: "eu/a",
      network: "",
    },
  ]);
  assert.equal(answers.length, 0, "no answer before the change is live");
  for (const [index, resolve] of live.entries()) resolve(`v${index}`);
  await new Promise(setImmediate);
  assert.deepEqual(
    answers.map(({ versionInfo, resources }) => [versionInfo, resources.length]),
    [
      ["v0", 0],
      ["v1", 0],
      ["v2", 0],
    ],
  );
  session.close();
  session.close();
  assert.equal(ended(), 1);
});

test("a stream without a node, without a group or beyond the limit is refused", () => {
  assert.throws(() => start().session.receive(report()), SessionError);
  assert.throws(() => start().session.receive(report(undefined, {})), /AUTO_REGISTER_GROUP/u);
  assert.throws(() => start(true).session.receive(report(undefined, METADATA)), /too many workloads/u);
});

test("an agent that reports without reading answers is stopped", () => {
  const { session } = start();
  session.receive(report(undefined, METADATA));
  assert.throws(() => {
    for (let index = 0; index < 100; index++) session.receive(report(index % 2 === 0 ? "down" : undefined));
  }, /health reports wait/u);
});
