import assert from "node:assert/strict";
import { test } from "node:test";
import type { MutualTlsMode } from "#control-plane/mesh/mesh";
import { inboundChainMatches } from "./inbound-chain-match.ts";
import type { ListenerProtocol } from "./listener-protocol.ts";

const MESH_HTTP = "istio-http/1.0,istio-http/1.1,istio-h2";
const MESH = `istio,istio-peer-exchange,${MESH_HTTP}`;

/** `tls[alpn] HTTP!`: the mark says that TLS ends there. */
function shown(protocol: ListenerProtocol, mode: MutualTlsMode): readonly string[] {
  return inboundChainMatches(protocol, mode).map(
    ({ transportProtocol, applicationProtocols, carries, endsTls }) =>
      `${transportProtocol}[${applicationProtocols.join(",")}] ${carries}${endsTls ? "!" : ""}`,
  );
}

test("STRICT takes nothing in the clear", () => {
  assert.deepEqual(shown("HTTP", "STRICT"), ["tls[] HTTP!"]);
  assert.deepEqual(shown("TCP", "STRICT"), ["tls[] TCP!"]);
  assert.deepEqual(shown("AUTO", "STRICT"), [`tls[${MESH_HTTP}] HTTP!`, "tls[] TCP!"]);
});

test("PERMISSIVE takes both; foreign TLS passes but at a port of HTTP", () => {
  assert.deepEqual(shown("HTTP", "PERMISSIVE"), [`tls[${MESH}] HTTP!`, "raw_buffer[] HTTP"]);
  assert.deepEqual(shown("TCP", "PERMISSIVE"), [`tls[${MESH}] TCP!`, "tls[] TCP", "raw_buffer[] TCP"]);
  assert.deepEqual(shown("AUTO", "PERMISSIVE"), [
    `tls[${MESH_HTTP}] HTTP!`,
    "raw_buffer[http/1.1,h2c] HTTP",
    "tls[istio-peer-exchange,istio] TCP!",
    "raw_buffer[] TCP",
    "tls[] TCP",
  ]);
});

test("DISABLE ends no TLS", () => {
  assert.deepEqual(shown("HTTP", "DISABLE"), ["raw_buffer[] HTTP"]);
  assert.deepEqual(shown("TCP", "DISABLE"), ["raw_buffer[] TCP"]);
  assert.deepEqual(shown("AUTO", "DISABLE"), ["raw_buffer[http/1.1,h2c] HTTP", "raw_buffer[] TCP"]);
});
