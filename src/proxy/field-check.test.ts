import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { configRegistry } from "#envoy/config-registry";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { ConnectionLimitSchema } from "#envoy/gen/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { checkFields, Violations } from "./field-check.ts";

function problems(schema: DescMessage, json: JsonValue): string[] {
  return problemsOf(schema, toBinary(schema, fromJson(schema, json, { registry: configRegistry })));
}

function problemsOf(schema: DescMessage, bytes: Uint8Array): string[] {
  const violations = new Violations();
  checkFields(schema, fromBinary(schema, bytes), "", violations);
  const list: string[] = [];
  violations.tell((path, message) => list.push(`${path}: ${message}`));
  return list;
}

test("a field that nobody acts on is named by its path, in lists, oneofs and maps", () => {
  assert.deepEqual(
    problems(RouteConfigurationSchema, {
      vhds: {},
      virtualHosts: [
        { name: "ok" },
        { routes: [{ match: { prefix: "/" }, route: { clusterSpecifierPlugin: "x" } }, { filterAction: {} }] },
      ],
    }),
    [
      "vhds: not served by this proxy",
      "virtual_hosts[1].routes[0].route.cluster_specifier_plugin: not served by this proxy",
      "virtual_hosts[1].routes[1].filter_action: not served by this proxy",
    ],
  );
});

test("a share or flag at runtime needs one for when no layer says anything, as in Envoy", () => {
  const route = (runtimeFraction: JsonValue): JsonValue => ({
    virtualHosts: [{ routes: [{ match: { prefix: "/", runtimeFraction }, redirect: {} }] }],
  });
  assert.deepEqual(problems(RouteConfigurationSchema, route({ runtimeKey: "k" })), [
    "virtual_hosts[0].routes[0].match.runtime_fraction.default_value: must be set",
  ]);
  assert.deepEqual(problems(RouteConfigurationSchema, route({ defaultValue: {} })), []);
  const limit = (runtimeEnabled: JsonValue): JsonValue => ({
    filterChains: [{ filters: [{ typedConfig: { "@type": `type.googleapis.com/${ConnectionLimitSchema.typeName}`, runtimeEnabled } }] }],
  });
  assert.deepEqual(problems(ListenerSchema, limit({ runtimeKey: "k" })), [
    "filter_chains[0].filters[0].typed_config.runtime_enabled.default_value: must be set",
  ]);
  assert.deepEqual(problems(ListenerSchema, limit({ defaultValue: false })), []);
});

test("extensions are looked into, whatever they are packed in", () => {
  const fault = { "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault", filterMetadata: {} };
  const routes = {
    virtualHosts: [
      { typedPerFilterConfig: { f: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", config: fault }, g: fault } },
    ],
  };
  const at = "virtual_hosts[0].typed_per_filter_config";
  const found = [`${at}["f"].config.filter_metadata: not served by this proxy`, `${at}["g"].filter_metadata: not served by this proxy`];
  assert.deepEqual(problems(RouteConfigurationSchema, routes), found);
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    routeConfig: routes,
  };
  assert.deepEqual(
    problems(ListenerSchema, { filterChains: [{ filters: [{ name: "hcm", typedConfig: manager }] }] }),
    found.map((problem) => `filter_chains[0].filters[0].typed_config.route_config.${problem}`),
  );
});

test("an extension that is not there is left to whoever compiles it", () => {
  const lua = {
    name: "x",
    typedConfig: { "@type": "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig" },
  };
  assert.deepEqual(problems(ListenerSchema, { accessLog: [lua] }), []);
});

test("a field that this build's copy of the API does not know is refused: a newer control plane means something by it", () => {
  const writer = new BinaryWriter();
  writer.raw(toBinary(ClusterSchema, create(ClusterSchema, { name: "c" })));
  writer.tag(1999, WireType.Varint).uint32(1);
  assert.deepEqual(problemsOf(ClusterSchema, writer.finish()), [": field 1999 of Cluster is not known to this proxy"]);
});

test("a harmless field is not looked into, unless the table says what may stand in it", () => {
  const tracing = (more: JsonValue): JsonValue => ({
    filterChains: [
      {
        filters: [
          {
            typedConfig: {
              "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              tracing: more,
            },
          },
        ],
      },
    ],
  });
  assert.deepEqual(problems(ListenerSchema, tracing({ customTags: [{ tag: "a", literal: { value: "b" } }] })), []);
  assert.deepEqual(problems(ListenerSchema, tracing({ provider: { name: "zipkin" } })), [
    "filter_chains[0].filters[0].typed_config.tracing.provider: not served by this proxy",
  ]);
});
