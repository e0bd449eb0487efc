import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { MeshConfigSpec, ProxyConfig } from "#api/mesh-config";
import { parseNode } from "#control-plane/mesh/parse-node";
import { messageToJson, unpack } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import type { FilterInputs } from "#control-plane/generate/filter-inputs";
import {
  gatewayConnectionManager,
  httpProxyConnectionManager,
  inboundConnectionManager,
  outboundConnectionManager,
} from "./connection-manager.ts";
import { outboundHttpFilter } from "./outbound-http-filter.ts";
import { routeNameOf } from "./route-name.ts";

const ISTIO_EXTENSIONS = ["istio.stats", "istio.alpn", "envoy.filters.http.peer_metadata"];

interface Given {
  readonly config?: MeshConfigSpec;
  readonly proxyConfig?: ProxyConfig;
  readonly type?: "sidecar" | "router";
  readonly metadata?: JsonObject;
}

function inputsOf({ config = {}, proxyConfig = {}, type = "sidecar", metadata = {} }: Given): FilterInputs {
  return { config, proxyConfig, node: parseNode({ id: `${type}~10.0.0.1~web-1.default~default.svc.cluster.local`, metadata }) };
}

const MAKERS = {
  inbound: inboundConnectionManager,
  outbound: outboundConnectionManager,
  proxy: httpProxyConnectionManager,
  gateway: gatewayConnectionManager,
};

function managerOf(kind: keyof typeof MAKERS, given: Given = {}, protocol: "HTTP" | "GRPC-WEB" = "HTTP"): JsonObject {
  const manager = MAKERS[kind]({ statPrefix: "x;", routes: "80", protocol }, inputsOf(given));
  return messageToJson(configRegistry, HttpConnectionManagerSchema, manager);
}

function filterNames(manager: JsonObject): readonly unknown[] {
  return (manager["httpFilters"] as JsonObject[]).map(({ name }) => name);
}

test("a proxy that announces no extension of Istio's gets filters of plain Envoy only", () => {
  const plain = ["envoy.filters.http.grpc_stats", "envoy.filters.http.fault", "envoy.filters.http.cors", "envoy.filters.http.router"];
  const config: MeshConfigSpec = { defaultProviders: { metrics: ["prometheus"] } };
  for (const kind of ["inbound", "outbound", "proxy", "gateway"] as const) {
    assert.deepEqual(filterNames(managerOf(kind, { config })), plain, kind);
  }
});

test("Istio's filters stand where istiod puts them, each on its side", () => {
  const given: Given = { config: { defaultProviders: { metrics: ["prometheus"] } }, metadata: { EXTENSIONS: ISTIO_EXTENSIONS } };
  assert.deepEqual(filterNames(managerOf("outbound", given, "GRPC-WEB")), [
    "istio.metadata_exchange",
    "envoy.filters.http.grpc_web",
    "envoy.filters.http.grpc_stats",
    "istio.alpn",
    "envoy.filters.http.fault",
    "envoy.filters.http.cors",
    "istio.stats",
    "envoy.filters.http.router",
  ]);
  assert.equal(filterNames(managerOf("inbound", given)).includes("istio.alpn"), false);
  assert.equal(filterNames(managerOf("inbound", { ...given, config: {} })).includes("istio.stats"), false, "no provider of metrics");
});

test("metadata headers can be kept within the mesh", () => {
  const given: Given = {
    metadata: { EXTENSIONS: ISTIO_EXTENSIONS },
    proxyConfig: { proxyHeaders: { metadataExchangeHeaders: { mode: "IN_MESH" } } },
  };
  const skips = (kind: keyof typeof MAKERS): boolean => JSON.stringify(managerOf(kind, given)).includes("skip_external_clusters");
  assert.deepEqual([skips("outbound"), skips("inbound")], [true, false]);
});

test("paths are normalized as far as MeshConfig says", () => {
  const of = (normalization: NonNullable<NonNullable<MeshConfigSpec["pathNormalization"]>["normalization"]>): readonly unknown[] => {
    const manager = managerOf("inbound", { config: { pathNormalization: { normalization } } });
    return [manager["normalizePath"], manager["mergeSlashes"], manager["pathWithEscapedSlashesAction"]];
  };
  assert.deepEqual(of("NONE"), [false, undefined, "KEEP_UNCHANGED"]);
  assert.deepEqual(of("BASE"), [true, undefined, "KEEP_UNCHANGED"]);
  assert.deepEqual(of("DEFAULT"), [true, undefined, "KEEP_UNCHANGED"]);
  assert.deepEqual(of("MERGE_SLASHES"), [true, true, "KEEP_UNCHANGED"]);
  assert.deepEqual(of("DECODE_AND_MERGE_SLASHES"), [true, true, "UNESCAPE_AND_FORWARD"]);
});

test("the server header is istio-envoy but for a sidecar's own callers, and can be named or left alone", () => {
  const server = (kind: keyof typeof MAKERS, proxyHeaders: ProxyConfig["proxyHeaders"]): readonly unknown[] => {
    const manager = managerOf(kind, { proxyConfig: { proxyHeaders } });
    return [manager["serverName"], manager["serverHeaderTransformation"]];
  };
  assert.deepEqual(server("inbound", undefined), ["istio-envoy", undefined]);
  assert.deepEqual(server("gateway", undefined), ["istio-envoy", undefined]);
  assert.deepEqual(server("outbound", undefined), [undefined, undefined]);
  assert.deepEqual(server("outbound", { server: { value: "mine" } }), ["mine", undefined]);
  assert.deepEqual(server("inbound", { server: { disabled: true } }), [undefined, "PASS_THROUGH"]);
});

test("other headers of ProxyConfig", () => {
  const manager = managerOf("inbound", {
    proxyConfig: {
      proxyHeaders: {
        requestId: { disabled: true },
        envoyDebugHeaders: { disabled: true },
        xForwardedPort: { enabled: true },
        preserveHttp1HeaderCase: true,
        forwardedClientCert: "SANITIZE",
        setCurrentClientCertDetails: { uri: false, cert: true },
      },
    },
  });
  assert.equal(manager["generateRequestId"], false);
  assert.equal(manager["appendXForwardedPort"], true);
  assert.equal(manager["forwardClientCertDetails"], undefined, "SANITIZE is Envoy's default");
  assert.deepEqual(manager["setCurrentClientCertDetails"], { subject: true, dns: true, cert: true });
  assert.match(JSON.stringify(manager["httpProtocolOptions"]), /preserve_case/);
  assert.match(JSON.stringify(manager["httpFilters"]), /"suppressEnvoyHeaders":true/);
});

test("a gateway trusts as much as gatewayTopology says", () => {
  const trusting = managerOf("gateway", {
    type: "router",
    proxyConfig: { gatewayTopology: { numTrustedProxies: 2, forwardClientCertDetails: "APPEND_FORWARD" } },
  });
  assert.deepEqual(
    [trusting["xffNumTrustedHops"], trusting["forwardClientCertDetails"], trusting["useRemoteAddress"]],
    [2, "APPEND_FORWARD", true],
  );
  const careful = managerOf("gateway", { type: "router" });
  assert.deepEqual([careful["xffNumTrustedHops"], careful["forwardClientCertDetails"]], [undefined, "SANITIZE_SET"]);
});

test("the profile EDGE counts for gateways only, and what is written counts over it", () => {
  const proxyConfig: ProxyConfig = { connectionSettings: { profile: "EDGE", httpIdleTimeout: 1000 } };
  const edge = managerOf("gateway", { type: "router", proxyConfig });
  assert.deepEqual(edge["commonHttpProtocolOptions"], { idleTimeout: "1s", headersWithUnderscoresAction: "REJECT_REQUEST" });
  assert.deepEqual([edge["streamIdleTimeout"], edge["requestHeadersTimeout"], edge["mergeSlashes"]], ["300s", "60s", true]);
  assert.deepEqual(edge["http2ProtocolOptions"], {
    maxConcurrentStreams: 100,
    initialStreamWindowSize: 65_536,
    initialConnectionWindowSize: 1_048_576,
  });
  const sidecar = managerOf("inbound", { proxyConfig });
  assert.deepEqual(sidecar["commonHttpProtocolOptions"], { idleTimeout: "1s" });
  assert.equal(sidecar["http2ProtocolOptions"], undefined);
});

test("node metadata allows HTTP/1.0 and sets the idle timeout", () => {
  const manager = managerOf("proxy", { metadata: { HTTP10: "1", IDLE_TIMEOUT: "30s" } });
  assert.deepEqual(manager["httpProtocolOptions"], { acceptHttp10: true, allowAbsoluteUrl: true });
  assert.deepEqual(manager["commonHttpProtocolOptions"], { idleTimeout: "30s" });
});

test("tracing has Istio's tags and MeshConfig's, by name, and a sampling of 1 percent", () => {
  assert.equal(managerOf("inbound")["tracing"], undefined);
  const given: Given = {
    config: { enableTracing: true },
    metadata: { LABELS: { "service.istio.io/canonical-name": "web" }, CLUSTER_ID: "Kubernetes" },
    proxyConfig: { tracing: { customTags: { a: { literal: { value: "1" } }, z: { header: { name: "x-z" } } } } },
  };
  const tracing = managerOf("inbound", given)["tracing"] as JsonObject;
  assert.deepEqual(tracing["randomSampling"], { value: 1 });
  const tags = (tracing["customTags"] as JsonObject[]).map((tag) => [
    tag["tag"],
    JSON.stringify(tag["literal"] ?? tag["requestHeader"] ?? ""),
  ]);
  assert.deepEqual(tags, [
    ["a", '{"value":"1"}'],
    ["istio.authorization.dry_run.allow_policy.name", '""'],
    ["istio.authorization.dry_run.allow_policy.result", '""'],
    ["istio.authorization.dry_run.deny_policy.name", '""'],
    ["istio.authorization.dry_run.deny_policy.result", '""'],
    ["istio.canonical_revision", '{"value":"latest"}'],
    ["istio.canonical_service", '{"value":"web"}'],
    ["istio.cluster_id", '{"value":"Kubernetes"}'],
    ["istio.mesh_id", '{"value":"unknown"}'],
    ["istio.namespace", '{"value":"default"}'],
    ["z", '{"name":"x-z"}'],
  ]);
  const bare: Given = { ...given, proxyConfig: { tracing: { enableIstioTags: false, sampling: 250, maxPathTagLength: 8 } } };
  assert.deepEqual(managerOf("inbound", bare)["tracing"], {
    clientSampling: { value: 100 },
    randomSampling: { value: 1 },
    overallSampling: { value: 100 },
    maxPathTagLength: 8,
  });
});

test("what outbound managers share is encoded once, and each comes out as if it had been made alone", () => {
  const inputs = inputsOf({ config: { enableTracing: true, accessLogFile: "/dev/stdout" }, metadata: { HTTP10: "1" } });
  for (const routes of ["80", "web.default.svc.cluster.local:80"]) {
    for (const protocol of ["HTTP", "GRPC-WEB"] as const) {
      const chain = { statPrefix: `outbound_${routes};`, routes, protocol };
      const { configType } = outboundHttpFilter(chain, inputs);
      assert.ok(configType.case === "typedConfig");
      const merged = unpack(configType.value, HttpConnectionManagerSchema);
      assert.ok(merged);
      const shown = [merged, outboundConnectionManager(chain, inputs)].map((manager) =>
        messageToJson(configRegistry, HttpConnectionManagerSchema, manager),
      );
      assert.deepEqual(shown[0], shown[1]);
      assert.equal(routeNameOf(configType.value), routes);
    }
  }
});

test("an access log names the extensions that its operators need", () => {
  const logOf = (config: MeshConfigSpec) => JSON.stringify(managerOf("inbound", { config: { accessLogFile: "/dev/stdout", ...config } }));
  const json = logOf({ accessLogEncoding: "JSON", accessLogFormat: '{"path": "%REQ_WITHOUT_QUERY(:PATH)%"}' });
  assert.match(json, /"jsonFormat":\{"path":"[^"]+"\},"formatters":\[\{"name":"envoy.formatter.req_without_query"/u);
  assert.match(json, /"jsonFormatOptions":\{\}/u);
  assert.match(logOf({ accessLogFormat: "%REQ_WITHOUT_QUERY(:PATH)%" }), /req_without_query/u);
  assert.doesNotMatch(logOf({}), /formatters/u);
});
