import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { TlsInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb";
import { EchoSchema } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import { compileListener } from "./listener-config.ts";
import type { ListenerConfig } from "./listener-config.ts";
import { echoCompiler } from "./network-filters/echo.ts";

const registry = createRegistry(EchoSchema, TlsInspectorSchema);
const typed = (type: string): JsonObject => ({
  name: "f",
  typedConfig: { "@type": `type.googleapis.com/envoy.extensions.filters.${type}` },
});
const chain = (name: string, destinationPort: number): JsonObject => ({
  name,
  filterChainMatch: { destinationPort },
  filters: [typed("network.echo.v3.Echo")],
});
const INSPECTOR = typed("listener.tls_inspector.v3.TlsInspector");

function compile(more: JsonObject, before?: ListenerConfig): ListenerConfig {
  const address = { socketAddress: { address: "127.0.0.1", portValue: 80 } };
  const wire = fromJson(ListenerSchema, { name: "l", address, ...more }, { registry });
  return compileListener(wire, [echoCompiler], undefined, before);
}

/** Which chains of the second stood in the first. */
function taken(first: JsonObject, second: JsonObject): boolean[] {
  const before = compile(first);
  const after = compile(second, before);
  const old = new Set([...before.chains, before.defaultChain]);
  return [...after.chains, after.defaultChain].flatMap((one) => (one === undefined ? [] : [old.has(one)]));
}

test("connections know their direction and their buffer limit from the listener", () => {
  const read = (more: JsonObject): unknown[] => {
    const { direction, bufferLimitBytes } = compile({ filterChains: [chain("a", 1)], ...more });
    return [direction, bufferLimitBytes];
  };
  assert.deepEqual(read({ trafficDirection: "INBOUND", perConnectionBufferLimitBytes: 1000 }), ["INBOUND", 1000]);
  assert.deepEqual(read({ trafficDirection: "OUTBOUND" })[0], "OUTBOUND");
  assert.deepEqual(read({}), ["UNSPECIFIED", undefined]);
  assert.throws(() => read({ perConnectionBufferLimitBytes: 0 }), /per_connection_buffer_limit_bytes/);
});

test("where only chains change, those that stay the same are taken over, wherever they stand", () => {
  const [a, b, other] = [chain("a", 1), chain("b", 2), chain("b", 3)];
  assert.deepEqual(taken({ filterChains: [a, b] }, { filterChains: [other, a] }), [false, true]);
  assert.deepEqual(taken({ filterChains: [a], defaultFilterChain: b }, { filterChains: [a], defaultFilterChain: other }), [true, false]);
  assert.deepEqual(taken({ filterChains: [a] }, { filterChains: [a], defaultFilterChain: b }), [true, false]);
});

test("where anything else changes, every chain is new, and so its connections drain", () => {
  const filterChains = [chain("a", 1)];
  for (const change of [
    { listenerFilters: [INSPECTOR] },
    { listenerFiltersTimeout: "1s" },
    { perConnectionBufferLimitBytes: 1000 },
    { trafficDirection: "INBOUND" },
  ])
    assert.deepEqual(taken({ filterChains }, { filterChains, ...change }), [false], JSON.stringify(change));
  assert.deepEqual(taken({ filterChains, listenerFilters: [INSPECTOR] }, { filterChains, listenerFilters: [INSPECTOR] }), [true]);
});
