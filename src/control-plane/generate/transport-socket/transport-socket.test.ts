import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { TransportSocketSchema, type TransportSocket } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { downstreamTlsSocket, proxyProtocolSocket, rawBufferSocket, upstreamTlsSocket } from "./transport-socket.ts";

function json(socket: TransportSocket): any {
  return toJson(TransportSocketSchema, socket, { registry: configRegistry });
}

test("TLS contexts are carried under Envoy's name", () => {
  const downstream = json(downstreamTlsSocket(create(DownstreamTlsContextSchema)));
  const upstream = json(upstreamTlsSocket(create(UpstreamTlsContextSchema)));
  assert.equal(downstream.name, "envoy.transport_sockets.tls");
  assert.match(downstream.typedConfig["@type"], /\.DownstreamTlsContext$/);
  assert.match(upstream.typedConfig["@type"], /\.UpstreamTlsContext$/);
});

test("a PROXY protocol header goes in front of what is carried otherwise", () => {
  const socket = json(proxyProtocolSocket({ version: "V2" }, rawBufferSocket()));
  assert.equal(socket.name, "envoy.transport_sockets.upstream_proxy_protocol");
  assert.deepEqual(socket.typedConfig.config, { version: "V2" });
  assert.equal(socket.typedConfig.transportSocket.name, "envoy.transport_sockets.raw_buffer");
  assert.deepEqual(json(proxyProtocolSocket({}, rawBufferSocket())).typedConfig.config, {});
});
