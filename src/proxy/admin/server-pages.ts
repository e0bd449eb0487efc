// Pages about the server as a whole: what it is, whether it is ready, and orders to it.
import type { JsonObject } from "@bufbuild/protobuf";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { AdminSource } from "./admin-source.ts";
import { dumpMessage } from "./dump-registry.ts";
import { envoyLevel } from "./logging-page.ts";
import { OK, json } from "./page.ts";
import type { Answer, PageParameter } from "./page.ts";

export const DRAIN_PARAMETERS: readonly PageParameter[] = [
  { name: "graceful", help: "Accept connections until the drain time (--drain-time-s) is over", choices: [] },
  { name: "skip_exit", help: "Drain the connections, and never stop the listeners", choices: [] },
  { name: "inboundonly", help: "Drain listeners whose traffic_direction is INBOUND, and no others", choices: [] },
];

export function drainListeners(source: AdminSource, query: URLSearchParams): Answer {
  const direction = query.has("inboundonly") ? "inbound" : "all";
  const order = { direction, graceful: query.has("graceful"), skipExit: query.has("skip_exit") } as const;
  return { ...OK, afterwards: () => source.drainListeners(order) };
}

export function failHealthChecks(source: AdminSource, fail: boolean): Answer {
  source.failHealthChecks(fail);
  return OK;
}

export function serverInfo(source: AdminSource): Answer {
  const uptime = `${Math.floor(source.uptimeMs() / 1000)}s`;
  const { node } = source.bootstrap;
  return json({
    version: source.version,
    state: source.state(),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: commandLineOptions(source),
    ...(node === undefined ? {} : { node: dumpMessage(NodeSchema, node) }),
  });
}

/** All of Envoy's, so that readers find what they look for; those that this proxy does not have are as if they were not given. */
function commandLineOptions({ bootstrap: { node }, concurrency, drainTimeMs, loggers, commandLine }: AdminSource): JsonObject {
  return {
    base_id: "0",
    use_dynamic_base_id: false,
    skip_hot_restart_on_no_parent: false,
    skip_hot_restart_parent_stats: false,
    base_id_path: "",
    concurrency,
    config_path: commandLine.configPath,
    config_yaml: commandLine.configYaml,
    allow_unknown_static_fields: false,
    reject_unknown_dynamic_fields: false,
    ignore_unknown_dynamic_fields: false,
    skip_deprecated_logs: false,
    admin_address_path: "",
    local_address_ip_version: "v4",
    log_level: envoyLevel(loggers.level("main")),
    component_log_level: "",
    log_format: "",
    log_format_escaped: false,
    log_stacktrace_single_entry: false,
    log_path: "",
    service_cluster: node?.cluster ?? "",
    service_node: node?.id ?? "",
    service_zone: node?.locality?.zone ?? "",
    drain_strategy: "Gradual",
    mode: "Serve",
    file_flush_interval: "0.100s",
    file_flush_min_size: 65536,
    drain_time: `${drainTimeMs / 1000}s`,
    parent_shutdown_time: "900s",
    disabled_extensions: [],
    enable_fine_grain_logging: false,
    socket_path: "@envoy_domain_socket",
    socket_mode: 0,
    enable_core_dump: false,
    stats_tag: [],
    restart_epoch: 0,
    disable_hot_restart: true,
    enable_mutex_tracing: false,
    cpuset_threads: false,
  };
}
