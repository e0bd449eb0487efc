import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionOptions } from "./connection-options.ts";

test("keep-alive probes are set field by field: the rule's before the mesh's", () => {
  const { tcpKeepalive } = connectionOptions({ probes: 1, time: 10_000, interval: 5000 }, { probes: 9, interval: 2500 }) ?? {};
  assert.deepEqual([tcpKeepalive?.keepaliveProbes, tcpKeepalive?.keepaliveTime, tcpKeepalive?.keepaliveInterval], [9, 10, 2]);
});

test("an empty block asks for the system's own values, no block for none", () => {
  const { tcpKeepalive } = connectionOptions(undefined, {}) ?? {};
  assert.ok(tcpKeepalive !== undefined && tcpKeepalive.keepaliveProbes === undefined && tcpKeepalive.keepaliveTime === undefined);
  assert.equal(connectionOptions(undefined, undefined), undefined);
});
