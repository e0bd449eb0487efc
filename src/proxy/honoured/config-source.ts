// Fields of a ConfigSource that this proxy acts on, wherever one stands.
const CORE = "envoy.config.core.v3";

export const CONFIG_SOURCE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  [`${CORE}.ConfigSource`]: [
    "ads",
    "api_config_source",
    "path",
    "path_config_source",
    "initial_fetch_timeout",
    // Only V3 is there.
    "resource_api_version",
  ],
  [`${CORE}.PathConfigSource`]: ["path", "watched_directory"],
  [`${CORE}.ApiConfigSource`]: [
    "api_type",
    "grpc_services",
    "transport_api_version",
    // How often the node is said, which a server must not depend on.
    "set_node_on_first_message_only",
  ],
  [`${CORE}.GrpcService`]: ["envoy_grpc"],
  [`${CORE}.GrpcService.EnvoyGrpc`]: ["cluster_name"],
};
