// What the admin endpoint reads of its proxy.
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { ActiveHealth } from "#proxy/cluster/health/active-health";
import type { SocketAddress } from "#proxy/net/connection";
import type { ConfigState } from "#proxy/xds-client/config-state";
import type { StaticResources } from "#proxy/xds-client/static-resources";
import type { LogLevel } from "#runtime/log";
import type { Stat } from "#telemetry/stats/stats-reader";

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
}

export interface ClusterSummary {
  readonly name: string;
  readonly hosts: readonly HostSummary[];
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
  /** What the process's log obeys. */
  readonly logging: { level: LogLevel };
  resetCounters(): Promise<void>;
  readonly config: Pick<ConfigState, "clusters" | "assignments" | "routes" | "listeners" | "secrets">;
  /** Where a live listener listens. */
  listenerAddresses(name: string): readonly SocketAddress[];
  clusters(): Promise<readonly ClusterSummary[]>;
  stats(): Promise<readonly Stat[]>;
  drainListeners(): void;
  /** What the health_check filter answers from then on. */
  failHealthChecks(fail: boolean): void;
  quit(): void;
}
