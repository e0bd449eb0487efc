import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const CONFIG_SOURCE_FIELDS: FieldTable = {
  "envoy.config.core.v3.AggregatedConfigSource": [],
  "envoy.config.core.v3.ApiConfigSource": [
    honoured("src/proxy/data-plane/bootstrap.test.ts", "api_type", "grpc_services"),
    harmless("only V3 is there", "transport_api_version"),
    harmless("how often the node is said, which a server must not depend on", "set_node_on_first_message_only"),
  ],
  "envoy.config.core.v3.ConfigSource": [
    honoured("src/proxy/data-plane/bootstrap.test.ts", "path", "ads"),
    honoured("test/interop/bootstraps.test.ts", "path_config_source"),
    honoured("src/proxy/data-plane/data-plane.test.ts", "initial_fetch_timeout"),
    harmless("only V3 is there", "resource_api_version"),
    honoured("src/proxy/resource-source.test.ts", "api_config_source"),
  ],
  "envoy.config.core.v3.GrpcService": [honoured("src/proxy/data-plane/bootstrap.test.ts", "envoy_grpc")],
  "envoy.config.core.v3.GrpcService.EnvoyGrpc": [honoured("src/proxy/data-plane/bootstrap.test.ts", "cluster_name")],
  "envoy.config.core.v3.PathConfigSource": [
    honoured("src/proxy/xds-client/file-subscription.test.ts", "watched_directory"),
    honoured("test/interop/bootstraps.test.ts", "path"),
  ],
  "envoy.config.core.v3.WatchedDirectory": [honoured("src/proxy/xds-client/file-subscription.test.ts", "path")],
};
