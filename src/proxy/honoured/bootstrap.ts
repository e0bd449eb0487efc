import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const BOOTSTRAP_FIELDS: FieldTable = {
  "envoy.config.bootstrap.v3.Admin": [
    harmless("no profiler writes there", "profile_path"),
    honoured("src/proxy/admin/admin-server.test.ts", "address"),
  ],
  "envoy.config.bootstrap.v3.Bootstrap": [
    honoured("test/interop/cluster-manager.test.ts", "cluster_manager"),
    honoured("src/proxy/admin/cluster-status.test.ts", "static_resources"),
    honoured("src/proxy/data-plane/bootstrap.test.ts", "dynamic_resources"),
    honoured("src/proxy/data-plane/bootstrap-file.test.ts", "stats_config", "node"),
    harmless("nothing is flushed: there are no sinks", "stats_flush_interval", "stats_flush_on_admin"),
    harmless("a traffic thread that dies is replaced; none is watched for hanging", "watchdog", "watchdogs"),
    honoured("src/proxy/runtime/layered-runtime-config.test.ts", "layered_runtime"),
    harmless("there is no dispatcher to count", "enable_dispatcher_stats"),
    honoured("src/proxy/data-plane/data-plane.test.ts", "admin"),
  ],
  "envoy.config.bootstrap.v3.Bootstrap.DynamicResources": [
    honoured("src/proxy/data-plane/bootstrap.test.ts", "lds_config", "cds_config", "ads_config"),
  ],
  "envoy.config.bootstrap.v3.Bootstrap.StaticResources": [
    honoured("src/proxy/admin/endpoints-dump.test.ts", "listeners", "secrets"),
    honoured("src/proxy/admin/cluster-status.test.ts", "clusters"),
  ],
  "envoy.config.bootstrap.v3.ClusterManager": [
    honoured("test/interop/cluster-manager.test.ts", "local_cluster_name", "outlier_detection", "upstream_bind_config"),
  ],
  "envoy.config.bootstrap.v3.ClusterManager.OutlierDetection": [honoured("test/interop/cluster-manager.test.ts", "event_log_path")],
  "envoy.config.bootstrap.v3.LayeredRuntime": [honoured("src/proxy/runtime/layered-runtime-config.test.ts", "layers")],
  "envoy.config.bootstrap.v3.RuntimeLayer": [
    honoured("src/proxy/runtime/layered-runtime-config.test.ts", "name", "static_layer", "admin_layer", "disk_layer", "rtds_layer"),
  ],
  "envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer": [],
  "envoy.config.bootstrap.v3.RuntimeLayer.DiskLayer": [
    honoured("src/proxy/runtime/layered-runtime-config.test.ts", "symlink_root", "subdirectory", "append_service_cluster"),
  ],
  "envoy.config.bootstrap.v3.RuntimeLayer.RtdsLayer": [honoured("src/proxy/runtime/layered-runtime-config.test.ts", "name", "rtds_config")],
  "envoy.config.metrics.v3.StatsConfig": [honoured("src/proxy/data-plane/bootstrap-file.test.ts", "stats_matcher")],
  "envoy.config.metrics.v3.StatsMatcher": [
    honoured("src/proxy/data-plane/bootstrap-file.test.ts", "reject_all", "exclusion_list", "inclusion_list"),
  ],
};
