import assert from "node:assert/strict";
import test from "node:test";
import type { JsonObject } from "#control-plane/api-server/json";
import { printerColumn } from "./column.ts";
import { ageOf } from "./human-duration.ts";
import { evaluate, parseJsonPath } from "./json-path.ts";
import { kubernetesColumns } from "./kubernetes-columns.ts";

function cells(kind: string, object: JsonObject): readonly unknown[] {
  return kubernetesColumns(kind).map(({ cell }) => cell(object, Date.parse("2026-01-01T00:01:00Z")));
}

const metadata = { name: "web", creationTimestamp: "2026-01-01T00:00:00Z" };

test("prints ages in Kubernetes' steps", () => {
  const steps: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [305, "5m5s"],
    [3 * 3600, "3h"],
    [3 * 3600 + 60, "3h1m"],
    [47 * 3600, "47h"],
    [3 * 86_400 + 3600, "3d1h"],
    [100 * 86_400, "100d"],
    [800 * 86_400, "2y70d"],
    [3000 * 86_400, "8y"],
  ];
  for (const [seconds, text] of steps)
    assert.equal(ageOf("2020-01-01T00:00:00Z", Date.parse("2020-01-01T00:00:00Z") + seconds * 1000), text);
  assert.equal(ageOf("", 0), "<unknown>");
});

test("follows the paths that printer columns use", () => {
  const object = {
    status: {
      conditions: [
        { type: "A", status: "no" },
        { type: "Ready", status: "True" },
      ],
      list: [{ v: 1 }, { v: 2 }],
    },
  };
  assert.deepEqual(evaluate(parseJsonPath('.status.conditions[?(@.type=="Ready")].status'), object), ["True"]);
  assert.deepEqual(evaluate(parseJsonPath(".status.list[*].v"), object), [1, 2]);
  assert.deepEqual(evaluate(parseJsonPath(".status.list[1].v"), object), [2]);
  assert.deepEqual(evaluate(parseJsonPath(".status['list'][5].v"), object), []);
  assert.throws(() => parseJsonPath(".a..b"));
});

test("a printer column shows lists as JSON, and nothing for nothing", () => {
  const column = printerColumn({ name: "Hosts", jsonPath: ".spec.hosts", type: "string" });
  assert.equal(column.cell({ spec: { hosts: ["a", "b"] } }, 0), '["a","b"]');
  assert.equal(column.cell({ spec: {} }, 0), null);
});

test("prints Kubernetes' kinds as its API server does", () => {
  const spec = {
    type: "LoadBalancer",
    clusterIP: "10.0.0.1",
    ports: [
      { port: 80, nodePort: 30_080, protocol: "TCP" },
      { port: 53, protocol: "UDP" },
    ],
    selector: { b: "2", a: "1" },
  };
  assert.deepEqual(cells("Service", { metadata, spec }), [
    "web",
    "LoadBalancer",
    "10.0.0.1",
    "<pending>",
    "80:30080/TCP,53/UDP",
    "60s",
    "a=1,b=2",
  ]);
  assert.deepEqual(cells("ConfigMap", { metadata, data: { a: "1" }, binaryData: { b: "2" } }), ["web", 2, "60s"]);
  const pod = { metadata, spec: { containers: [{}, {}] }, status: { phase: "Pending" } };
  assert.deepEqual(cells("Pod", pod).slice(0, 5), ["web", "0/2", "Pending", "0", "60s"]);
  const slice = {
    metadata,
    addressType: "IPv4",
    ports: [{ port: 80 }],
    endpoints: ["1", "2", "3", "4"].map((n) => ({ addresses: [`10.0.0.${n}`] })),
  };
  assert.deepEqual(cells("EndpointSlice", slice), ["web", "IPv4", "80", "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...", "60s"]);
  assert.deepEqual(cells("Unknown", { metadata }), ["web", "60s"]);
});
