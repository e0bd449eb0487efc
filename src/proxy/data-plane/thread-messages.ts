// What the main thread and a traffic thread say to each other. Plain data: it is cloned on its way.
import type { ClusterSummary } from "#proxy/admin/admin-source";
import type { DrainDirection } from "#proxy/local-info";
import type { LoggerName } from "./loggers.ts";
import type { HostsHealth } from "#proxy/cluster/health/active-health";
import type { ClusterManagerConfig } from "./cluster-manager-config.ts";
import type { RuntimeValues } from "#proxy/runtime/runtime";
import type { ProxyUpdate } from "#proxy/xds-client/proxy-update";
import type { StatsUpdate } from "#telemetry/stats/thread-stats";
import type { LogFields, LogLevel } from "#runtime/log";

/** Given to a traffic thread when it starts. */
export interface ThreadStart {
  readonly poison: boolean;
}

/** A proxy's key within one data-plane process: its node id. */
export type ProxyKey = string;

export interface AddProxyCommand {
  readonly type: "add-proxy";
  readonly proxy: ProxyKey;
  readonly nodeCluster: string;
  /** See local-info.ts. */
  readonly localInfo: SharedArrayBuffer;
  /** After a listener changed or went: what is left of its connections then is closed. */
  readonly clusterManager: ClusterManagerConfig;
  readonly drainTimeMs: number;
  readonly maxConnectionsPerListener: number;
}

export interface UpdateCommand {
  readonly type: "update";
  readonly proxy: ProxyKey;
  readonly sequence: number;
  readonly update: ProxyUpdate;
  /** Descriptors for listeners that are new on this thread or whose addresses changed; the thread closes them. */
  readonly sockets: ReadonlyMap<string, readonly number[]>;
}

/** Stops accepting; connections go on. */
export interface StopListenersCommand {
  readonly type: "stop-listeners";
  readonly proxy: ProxyKey;
  readonly direction: DrainDirection;
}

export interface RemoveProxyCommand {
  readonly type: "remove-proxy";
  readonly proxy: ProxyKey;
  readonly drainMs: number;
}

/** Asks for what the main thread cannot read from shared memory. */
export interface ReportCommand {
  readonly type: "report";
  readonly proxy: ProxyKey;
  readonly sequence: number;
}

/** What active health checks found out of a cluster's hosts. */
export interface HealthCommand {
  readonly type: "hosts-health";
  readonly proxy: ProxyKey;
  readonly cluster: string;
  /** undefined: the cluster is not checked any more. */
  readonly health: HostsHealth | undefined;
  /** The key of a host that has just passed a check. */
  readonly passed: string | undefined;
}

/** What all runtime layers say from now on. */
export interface RuntimeCommand {
  readonly type: "runtime";
  readonly proxy: ProxyKey;
  readonly values: RuntimeValues;
}

/** Access log bytes that the main thread has written. */
export interface WrittenCommand {
  readonly type: "log-written";
  readonly proxy: ProxyKey;
  readonly bytes: number;
}

export type ThreadCommand =
  | AddProxyCommand
  | UpdateCommand
  | HealthCommand
  | RuntimeCommand
  | StopListenersCommand
  | RemoveProxyCommand
  | ReportCommand
  | WrittenCommand;

export type ThreadEvent =
  | { readonly type: "online" }
  | { readonly type: "applied"; readonly proxy: ProxyKey; readonly sequence: number; readonly errors: readonly string[] }
  | { readonly type: "report"; readonly proxy: ProxyKey; readonly sequence: number; readonly clusters: readonly ClusterSummary[] }
  | { readonly type: "stats"; readonly proxy: ProxyKey; readonly update: StatsUpdate }
  | { readonly type: "host-unhealthy"; readonly proxy: ProxyKey; readonly cluster: string; readonly host: string }
  | { readonly type: "removed"; readonly proxy: ProxyKey }
  | { readonly type: "access-log"; readonly proxy: ProxyKey; readonly path: string; readonly text: string; readonly bytes: number }
  | {
      readonly type: "log";
      readonly logger: LoggerName;
      readonly level: Exclude<LogLevel, "off">;
      readonly message: string;
      readonly fields: LogFields | undefined;
    };
