import { compileLocalReplyMap } from "#proxy/route/local-reply-map";
import { compileEarlyMutation } from "#proxy/route/early-mutation";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { UuidRequestIdConfigSchema } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import { ConfigError } from "#proxy/config-error";
import { routerFilterCompiler } from "#proxy/filters/router/router-compiler";
import { runtimeOf } from "#proxy/runtime/runtime.fake";
import { parseHcm } from "./hcm-config.ts";
import type { HcmConfig } from "./hcm-config.ts";

const registry = createRegistry(RouterSchema, UuidRequestIdConfigSchema);
const ROUTER = { name: "envoy.filters.http.router", typedConfig: { "@type": `type.googleapis.com/${RouterSchema.typeName}` } };

function parse(json: JsonObject, layers: JsonObject = {}): HcmConfig {
  return parseHcm(
    fromJson(HttpConnectionManagerSchema, json, { registry }),
    "filter_chains[0].filters[0].typed_config",
    {
      filters: [routerFilterCompiler([])],
      compileEarlyMutation,
      compileLocalReplyMap,
      compileRouteTable: () => {
        throw new ConfigError("route", [{ path: "virtual_hosts[0].domains", message: "must not be empty" }]);
      },
      compileAccessLog: () => assert.fail("no access log is set"),
      compileAddressRanges: () => (address) => address === "10.0.0.1",
    },
    runtimeOf(layers),
  );
}

function violations(json: JsonObject): string[] {
  try {
    parse(json);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.violations.map(({ path, message }) => `${path.replace("filter_chains[0].filters[0].typed_config.", "")}: ${message}`);
  }
  return [];
}

/** As istiod sends it for a sidecar's outbound listener, without the filters that are Istio's own. */
const OUTBOUND: JsonObject = {
  httpFilters: [ROUTER],
  normalizePath: true,
  pathWithEscapedSlashesAction: "KEEP_UNCHANGED",
  proxy100Continue: true,
  rds: { configSource: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" }, routeConfigName: "80" },
  requestIdExtension: {
    typedConfig: { "@type": `type.googleapis.com/${UuidRequestIdConfigSchema.typeName}`, useRequestIdForTraceSampling: true },
  },
  statPrefix: "outbound_0.0.0.0_80;",
  streamIdleTimeout: "0s",
  tracing: { clientSampling: { value: 100 } },
  upgradeConfigs: [{ upgradeType: "websocket" }],
  useRemoteAddress: false,
};

describe("connection manager config", () => {
  it("takes pipes for internal addresses with unixSockets, beside those of cidrRanges", () => {
    const internal = (internalAddressConfig: JsonObject): boolean[] =>
      ["/tmp/s", "@s", "10.0.0.1", "11.0.0.1"].map(
        (address) => parse({ ...OUTBOUND, internalAddressConfig }).mutation.isInternalAddress?.(address) === true,
      );
    const cidrRanges = [{ addressPrefix: "10.0.0.0", prefixLen: 8 }];
    assert.deepEqual(internal({ unixSockets: true }), [true, true, false, false]);
    assert.deepEqual(internal({ unixSockets: true, cidrRanges }), [true, true, true, false]);
    assert.deepEqual(internal({ cidrRanges }), [false, false, true, false]);
  });

  it("reads what istiod sends", () => {
    const config = parse(OUTBOUND);
    assert.equal(config.statPrefix, "outbound_0.0.0.0_80");
    assert.deepEqual(config.routes, { kind: "rds", name: "80" });
    assert.equal(config.streamIdleTimeoutMs, 0);
    assert.equal(config.proxy100Continue, true);
    assert.equal(config.path.normalize, true);
    assert.deepEqual([...config.upgrades], [["websocket", true]]);
  });

  it("asks runtime layers how paths are normalized where it does not say itself", () => {
    const silent: JsonObject = { ...OUTBOUND, pathWithEscapedSlashesAction: "IMPLEMENTATION_SPECIFIC_DEFAULT" };
    delete silent["normalizePath"];
    const normalizes = (json: JsonObject): boolean => parse(json, { "http_connection_manager.normalize_path": 100 }).path.normalize;
    assert.deepEqual(
      [parse(silent).path.normalize, normalizes(silent), normalizes({ ...silent, normalizePath: false })],
      [false, true, false],
    );
    const key = "http_connection_manager.path_with_escaped_slashes_action";
    const slashes = (json: JsonObject, layers: JsonObject): string => parse(json, layers).path.escapedSlashes;
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((action) => slashes(silent, { [key]: action })),
      ["keep", "keep", "reject", "redirect", "unescape", "keep"],
    );
    const rejects = { ...OUTBOUND, pathWithEscapedSlashesAction: "REJECT_REQUEST" };
    assert.deepEqual([slashes(rejects, { [key]: 4 }), slashes(rejects, { [`${key}_enabled`]: 0 })], ["reject", "keep"]);
  });

  it("limits the headers of a request by max_request_headers_kb", () => {
    assert.equal(parse({ ...OUTBOUND, maxRequestHeadersKb: 96 }).maxRequestHeadersBytes, 98_304);
    for (const kb of [0, 8193]) {
      assert.deepEqual(violations({ ...OUTBOUND, maxRequestHeadersKb: kb }), ["max_request_headers_kb: must be from 1 to 8192"]);
    }
  });

  it("answers bad requests of HTTP/1 without closing where override_stream_error_on_invalid_http_message or the general field says so", () => {
    const keeps = (json: JsonObject): boolean => parse({ ...OUTBOUND, ...json }).http1StreamErrorOnInvalidHttpMessage;
    const override = (value: boolean): JsonObject => ({ httpProtocolOptions: { overrideStreamErrorOnInvalidHttpMessage: value } });
    assert.deepEqual([keeps({}), keeps(override(true)), keeps({ streamErrorOnInvalidHttpMessage: true })], [false, true, true]);
    assert.equal(keeps({ streamErrorOnInvalidHttpMessage: true, ...override(false) }), false);
  });

  it("knows Envoy's defaults", () => {
    const config = parse({ statPrefix: "x", rds: { configSource: { ads: {} }, routeConfigName: "r" }, httpFilters: [ROUTER] });
    assert.equal(config.streamIdleTimeoutMs, 300_000);
    assert.equal(config.connectionIdleTimeoutMs, 3_600_000);
    assert.equal(config.delayedCloseTimeoutMs, 1000);
    assert.equal(config.drainTimeoutMs, 5000);
    assert.equal(config.serverName, "envoy");
    assert.equal(config.allowAbsoluteUrl, true);
    assert.equal(config.maxRequestHeadersBytes, 61_440);
    assert.equal(config.mutation.generateRequestId, true);
  });

  it("names all at once what it cannot honour, with the path from the listener", () => {
    const found = violations({
      ...OUTBOUND,
      codecType: "HTTP3",
      http2ProtocolOptions: { maxConcurrentStreams: 0 },
      localReplyConfig: { bodyFormat: {} },
      httpFilters: [{ name: "x", typedConfig: { "@type": `type.googleapis.com/${UuidRequestIdConfigSchema.typeName}` } }, ROUTER],
    });
    assert.deepEqual(found, [
      "codec_type: HTTP3 is not served, only AUTO, HTTP1 and HTTP2",
      'http_filters[0].typed_config: http filter envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig ("x") is not known to this proxy',
      "http2_protocol_options.max_concurrent_streams: must be from 1 to 2147483647",
      "local_reply_config.body_format: needs a format",
    ]);
  });

  it("wants the router last and nothing behind it", () => {
    assert.deepEqual(violations({ ...OUTBOUND, httpFilters: [] }), ["http_filters: must hold at least the router filter"]);
    const [first] = violations({ ...OUTBOUND, httpFilters: [ROUTER, ROUTER] });
    assert.equal(first, 'http_filters[0]: terminal filter "envoy.filters.http.router" must be the last one');
  });

  it("passes an optional filter over that it does not know", () => {
    const optional = { name: "x", isOptional: true, typedConfig: { "@type": `type.googleapis.com/${UuidRequestIdConfigSchema.typeName}` } };
    assert.deepEqual(violations({ ...OUTBOUND, httpFilters: [optional, ROUTER] }), []);
  });

  it("puts an inline route table's violations below route_config", () => {
    const { rds: _, ...rest } = OUTBOUND;
    assert.deepEqual(violations({ ...rest, routeConfig: {} }), ["route_config.virtual_hosts[0].domains: must not be empty"]);
  });

  it("refuses values of the router that have no effect here", () => {
    const router = { ...ROUTER, typedConfig: { ...ROUTER.typedConfig, dynamicStats: false } };
    assert.deepEqual(violations({ ...OUTBOUND, httpFilters: [router] }), [
      "http_filters[0].typed_config.dynamic_stats: false is not served",
    ]);
  });
});
