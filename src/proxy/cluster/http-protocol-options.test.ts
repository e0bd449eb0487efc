import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { RawBufferSchema } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { HttpProtocolOptionsSchema } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { ConfigError } from "#proxy/config-error";
import { parseCluster } from "./cluster-config.ts";
import type { ClusterConfig } from "./cluster-config.ts";

const registry = createRegistry(UpstreamTlsContextSchema, RawBufferSchema, HttpProtocolOptionsSchema);
const cluster = (json: JsonValue): ClusterConfig => parseCluster(fromJson(ClusterSchema, json, { registry }));

function violations(json: JsonValue): string[] {
  try {
    cluster(json);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.violations.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("HTTP protocol options", () => {
  const KEY = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const typed = (options: JsonObject): JsonObject => ({
    name: "x",
    typedExtensionProtocolOptions: { [KEY]: { "@type": `type.googleapis.com/${KEY}`, ...options } },
  });
  const tls = {
    name: "tls",
    typedConfig: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext" },
  };
  const path = `typed_extension_protocol_options["${KEY}"]`;

  it("choose the version that connections speak", () => {
    const protocol = (options: JsonObject): string => cluster(typed(options)).connection.protocol;
    assert.equal(protocol({ explicitHttpConfig: { httpProtocolOptions: {} } }), "http1");
    assert.equal(protocol({ explicitHttpConfig: { http2ProtocolOptions: {} } }), "http2");
    assert.equal(protocol({ useDownstreamProtocolConfig: {} }), "downstream");
    assert.equal(cluster({ ...typed({ autoConfig: {} }), transportSocket: tls }).connection.protocol, "auto");
    assert.equal(cluster({ name: "x" }).connection.protocol, "http1");
  });

  it("bring the limits of HTTP/2 with them", () => {
    const { http2 } = cluster(typed({ explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 7 } } })).connection;
    assert.equal(http2.maxConcurrentStreams, 7);
    assert.deepEqual(violations(typed({ explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 0 } } })), [
      `${path}.explicit_http_config.http2_protocol_options.max_concurrent_streams: must be from 1 to 2147483647`,
    ]);
  });

  it("win over the fields that clusters had before there were any", () => {
    const old = { name: "x", http2ProtocolOptions: { maxConcurrentStreams: 7 }, commonHttpProtocolOptions: { idleTimeout: "3s" } };
    const { connection } = cluster(old);
    assert.deepEqual([connection.protocol, connection.http2.maxConcurrentStreams, connection.idleTimeoutMs], ["http2", 7, 3000]);
    assert.equal(cluster({ ...old, protocolSelection: "USE_DOWNSTREAM_PROTOCOL" }).connection.protocol, "downstream");
    assert.equal(cluster({ ...old, ...typed({ explicitHttpConfig: { httpProtocolOptions: {} } }) }).connection.protocol, "http1");
    assert.deepEqual(violations({ ...old, httpProtocolOptions: {} }), [
      "http2_protocol_options: is set beside http_protocol_options, which only protocol_selection allows",
    ]);
  });

  it("hold upstream_http_protocol_options, which win over those of the cluster", () => {
    const explicit = { explicitHttpConfig: { httpProtocolOptions: {} } };
    const named = (json: JsonObject): unknown[] => {
      const { autoServerName, autoSanValidation, serverNameHeader } = cluster(json).connection;
      return [autoServerName, autoSanValidation, serverNameHeader];
    };
    const upstreamHttpProtocolOptions = { autoSni: true, autoSanValidation: true, overrideAutoSniHeader: "X-Name" };
    assert.deepEqual(named({ name: "x", upstreamHttpProtocolOptions }), [true, true, "x-name"]);
    assert.deepEqual(named(typed({ ...explicit, upstreamHttpProtocolOptions })), [true, true, "x-name"]);
    assert.deepEqual(named({ ...typed(explicit), upstreamHttpProtocolOptions }), [false, false, undefined]);
  });

  it("let ALPN choose only where every connection has TLS", () => {
    const raw = { name: "raw", typedConfig: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" } };
    const expected = [`${path}.auto_config: needs TLS to every host, for ALPN to choose the protocol`];
    assert.deepEqual(violations(typed({ autoConfig: {} })), expected);
    const mixed = { transportSocket: tls, transportSocketMatches: [{ name: "raw", match: {}, transportSocket: raw }] };
    assert.deepEqual(violations({ ...typed({ autoConfig: {} }), ...mixed }), expected);
  });

  it("name what is not served", () => {
    const filter = {
      name: "lua",
      typedConfig: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" },
    };
    assert.deepEqual(
      violations(
        typed({
          explicitHttpConfig: { http3ProtocolOptions: {} },
          httpFilters: [filter],
        }),
      ),
      [
        `${path}.explicit_http_config.http3_protocol_options: not served`,
        `${path}.http_filters[0]: the last upstream filter must be envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec`,
        `${path}.http_filters[0].typed_config: envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer ("lua") is no upstream filter of this proxy`,
      ],
    );
    assert.deepEqual(violations(typed({})), [`${path}: upstream_protocol_options must be set`]);
  });
});
