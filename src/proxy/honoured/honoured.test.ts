import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry } from "@bufbuild/protobuf";
import type { DescFile } from "@bufbuild/protobuf";
import { file_envoy_config_cluster_v3_cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { file_envoy_config_endpoint_v3_endpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { file_envoy_config_listener_v3_listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { HONOURED_CLUSTER_FIELDS, HONOURED_ENDPOINT_FIELDS } from "./cluster.ts";
import { HONOURED_HCM_FIELDS } from "./http-connection-manager.ts";
import { HONOURED_LISTENER_FIELDS, HONOURED_TCP_PROXY_FIELDS } from "./listener.ts";

function withImports(file: DescFile, into: Set<DescFile>): void {
  if (into.has(file)) return;
  into.add(file);
  for (const imported of file.dependencies) withImports(imported, into);
}

const files = new Set<DescFile>();
for (const file of [
  file_envoy_config_cluster_v3_cluster,
  file_envoy_config_endpoint_v3_endpoint,
  file_envoy_config_listener_v3_listener,
  file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy,
]) {
  withImports(file, files);
}
const registry = createRegistry(...files);

test("every name in the tables is a message or a field of Envoy's API", () => {
  const tables = [
    HONOURED_CLUSTER_FIELDS,
    HONOURED_ENDPOINT_FIELDS,
    HONOURED_HCM_FIELDS,
    HONOURED_LISTENER_FIELDS,
    HONOURED_TCP_PROXY_FIELDS,
  ];
  for (const [type, fields] of tables.flatMap((table) => [...table])) {
    const message = registry.getMessage(type);
    assert.ok(message !== undefined, type);
    const names = new Set(message.fields.map(({ name }) => name));
    for (const field of fields) assert.ok(names.has(field), `${type}.${field}`);
  }
});
