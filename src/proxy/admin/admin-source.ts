// What the admin endpoint reads of its proxy.
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { DrainDirection } from "#proxy/local-info";
import type { ActiveHealth } from "#proxy/cluster/health/active-health";
import type { OutlierSummary } from "#proxy/cluster/outlier/outlier-detector";
import type { SocketAddress } from "#proxy/net/connection";
import type { LayeredRuntime } from "#proxy/runtime/layered-runtime";
import type { ConfigState } from "#proxy/xds-client/config-state";
import type { StaticResources } from "#proxy/xds-client/static-resources";
import type { LogLevel } from "#runtime/log";
import type { ShownStat } from "#telemetry/stats/stats-reader";

export interface HostSummary {
  readonly address: string;
  readonly port: number;
  /** "": it has none. */
  readonly hostname: string;
  readonly weight: number;
  readonly locality: string;
  /** 0 is asked first. */
  readonly priority: number;
  /** As its endpoint says. */
  readonly edsHealth: "healthy" | "degraded" | "unhealthy";
  /** By outlier detection, on any thread. */
  readonly ejected: boolean;
  /** Undefined: it is not checked. */
  readonly activeHealth: ActiveHealth | undefined;
  /** Discovery has taken it away, and its health keeps it. */
  readonly pendingRemoval: boolean;
  /** In per cent; -1: unknown. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
  readonly cxActive: number;
  readonly cxTotal: number;
  readonly cxConnectFail: number;
  readonly rqActive: number;
  readonly rqTotal: number;
  readonly rqSuccess: number;
  readonly rqError: number;
  readonly rqTimeout: number;
  readonly rqPendingActive: number;
}

export interface ClusterSummary {
  readonly name: string;
  /** Undefined: there is no outlier detection. */
  readonly outliers: OutlierSummary | undefined;
  readonly hosts: readonly HostSummary[];
}

export interface DrainOrder {
  readonly direction: DrainDirection;
  /** Connections are accepted until the drain time is over. */
  readonly graceful: boolean;
  /** Listeners are not stopped at all. */
  readonly skipExit: boolean;
}

/** The named loggers of the process. */
export interface AdminLoggers {
  readonly names: readonly string[];
  level(name: string): LogLevel;
  /** `name`: one of `names`. */
  set(name: string, level: LogLevel): void;
}

/** How the process was started, as far as Envoy has a flag for it. */
export interface CommandLine {
  readonly configPath: string;
  readonly configYaml: string;
}

export type ServerState = "LIVE" | "DRAINING" | "PRE_INITIALIZING";

export interface AdminSource {
  readonly bootstrap: Bootstrap;
  readonly staticResources: StaticResources;
  readonly version: string;
  readonly concurrency: number;
  state(): ServerState;
  uptimeMs(): number;
  wallMs(): number;
  readonly loggers: AdminLoggers;
  readonly drainTimeMs: number;
  readonly commandLine: CommandLine;
  resetCounters(): Promise<void>;
  readonly config: Pick<ConfigState, "clusters" | "assignments" | "resolutions" | "routes" | "listeners" | "secrets" | "needs">;
  /** Of the newest response that was accepted; "": it had none. */
  versionInfo(type: string): string;
  /** Where a live listener listens. */
  listenerAddresses(name: string): readonly SocketAddress[];
  clusters(): Promise<readonly ClusterSummary[]>;
  stats(): Promise<readonly ShownStat[]>;
  readonly runtime: Pick<LayeredRuntime, "layers" | "modify">;
  drainListeners(order: DrainOrder): void;
  /** What the health_check filter answers from then on. */
  failHealthChecks(fail: boolean): void;
  quit(): void;
}
