// What everything that runs on a traffic thread for one proxy is given. One object, made by the thread's composition.
import type { ClusterManager } from "#proxy/cluster/cluster";
import type { LocalInfo } from "#proxy/local-info";
import type { RouteTable } from "#proxy/route/route";
import type { Runtime } from "#proxy/runtime/runtime";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { StatsScope } from "#telemetry/stats/store";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";

export interface RouteTables {
  /** The live table of that name: asked per request, so that an update needs no listener change. */
  get(name: string): RouteTable | undefined;
}

/** Where access log lines go: a file path, `/dev/stdout` or `/dev/stderr`. Lines are batched; a full buffer drops and counts. */
export interface AccessLogSinks {
  open(path: string): { write(line: string): void };
}

export interface ThreadContext {
  readonly nodeId: string;
  readonly local: LocalInfo;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Root scope of this proxy's statistics on this thread. */
  readonly stats: StatsScope;
  readonly clusters: ClusterManager;
  readonly routes: RouteTables;
  readonly secrets: Secrets;
  readonly accessLogs: AccessLogSinks;
  readonly runtime: Runtime;
  /** True in tests of buffer ownership. */
  readonly poison: boolean;
}
