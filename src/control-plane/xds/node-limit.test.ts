import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { hasOversizedNode } from "./node-limit.ts";

const names = Array.from({ length: 50_000 }, (_, index) => `outbound|80||service-${index}.default.svc.cluster.local`);
const node = (bytes: number) => ({ id: "sidecar~1.1.1.1~a.b~c", metadata: { LABELS: { a: "x".repeat(bytes) } } });

test("the node's length decides, wherever it stands and however many names there are", () => {
  const delta = (bytes: number): Uint8Array =>
    toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { node: node(bytes), resourceNamesSubscribe: names }));
  const sotw = (bytes: number): Uint8Array =>
    toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { versionInfo: "1", node: node(bytes), resourceNames: names }));
  assert.equal(hasOversizedNode(delta(100_000), 1), false);
  assert.equal(hasOversizedNode(sotw(100_000), 2), false);
  assert.equal(hasOversizedNode(delta(300_000), 1), true);
  assert.equal(hasOversizedNode(sotw(300_000), 2), true);
});

test("bytes that are no request are left to the decoder", () => {
  for (const bytes of [[], [0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x0a, 0xff], [0x08, 1]]) {
    assert.equal(hasOversizedNode(new Uint8Array(bytes), 1), false);
  }
});
