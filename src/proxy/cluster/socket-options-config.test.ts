import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ClusterSchema, type UpstreamConnectionOptionsSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { readSocketOptions } from "./socket-options-config.ts";

function read(upstreamConnectionOptions: MessageInitShape<typeof UpstreamConnectionOptionsSchema>) {
  const refused: string[] = [];
  const wire = create(ClusterSchema, { upstreamConnectionOptions });
  const { keepalive } = readSocketOptions(wire, (path, message) => void refused.push(`${path}: ${message}`));
  return { keepalive, refused };
}

test("probes are sent as the cluster says, and as Linux does where it says nothing", () => {
  const tcpKeepalive = { keepaliveTime: 30, keepaliveInterval: 5, keepaliveProbes: 4 };
  assert.deepEqual(read({ tcpKeepalive }), { keepalive: { idleMs: 30_000, intervalMs: 5000, probes: 4 }, refused: [] });
  assert.deepEqual(read({ tcpKeepalive: {} }).keepalive, { idleMs: 7_200_000, intervalMs: 75_000, probes: 9 });
  assert.deepEqual(read({}), { keepalive: undefined, refused: [] });
});

test("values that no socket takes are refused", () => {
  const path = "upstream_connection_options";
  assert.deepEqual(read({ tcpKeepalive: { keepaliveTime: 0, keepaliveInterval: 40_000, keepaliveProbes: 128 } }).refused, [
    `${path}.tcp_keepalive.keepalive_time: must be from 1 to 32767`,
    `${path}.tcp_keepalive.keepalive_interval: must be from 1 to 32767`,
    `${path}.tcp_keepalive.keepalive_probes: must be from 1 to 127`,
  ]);
});
