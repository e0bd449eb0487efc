import assert from "node:assert/strict";
import { test } from "node:test";
import type { Protocol } from "#control-plane/registry/service";
import { resolveConflict, type Resolution } from "./outbound-conflict.ts";

// Incoming, existing, and what Istio does with them (listener.go: HTTPOverTCP, TCPOverHTTP, TCPOverTCP, TCPOverAuto, AutoOverHTTP, AutoOverTCP).
const TABLE: readonly (readonly [Protocol, Protocol, Resolution])[] = [
  ["HTTP", "HTTP", "keep"],
  ["HTTP", "AUTO", "keep"],
  ["HTTP", "TCP", "detect"],
  ["GRPC", "TLS", "detect"],
  ["TCP", "HTTP", "detect"],
  ["TCP", "TCP", "merge"],
  ["TLS", "TCP", "merge"],
  ["TCP", "AUTO", "merge"],
  ["AUTO", "HTTP", "replace"],
  ["AUTO", "TCP", "detect"],
  ["AUTO", "AUTO", "keep"],
  ["UDP", "TCP", "keep"],
  ["MONGO", "HTTP", "keep"],
  ["HTTP", "MYSQL", "keep"],
  ["MONGO", "MONGO", "merge"],
];

for (const [incoming, existing, resolution] of TABLE) {
  test(`${incoming} at a port of ${existing}: ${resolution}`, () => {
    assert.equal(resolveConflict(incoming, existing), resolution);
  });
}
