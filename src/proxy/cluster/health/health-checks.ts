// The active health checks of one proxy, on its main thread: a host is asked once and not once a traffic thread, and all threads know the
// same of it. They follow the configuration, like dns/dns-clusters.ts.
import { decodeMessage } from "#envoy/decode";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { ClusterConfig } from "#proxy/cluster/cluster-config";
import { parseLoadAssignment } from "#proxy/cluster/load-assignment";
import type { Connector } from "#proxy/net/connector";
import type { Runtime } from "#proxy/runtime/runtime";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { StatsScope } from "#telemetry/stats/store";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { HostsHealth } from "./active-health.ts";
import { HealthChecker } from "./health-checker.ts";

/** A cluster whose hosts are checked. */
export interface HealthCheckNeed {
  readonly config: ClusterConfig;
  /** A ClusterLoadAssignment; undefined: it is in the config, or not there yet. */
  readonly assignment: Uint8Array | undefined;
}

export interface HealthChecksOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly connector: Connector;
  readonly runtime: Runtime;
  readonly secrets: Secrets;
  readonly stats: StatsScope;
  /** Whether the cluster with these statistics ever had a connection for traffic. */
  readonly hasTraffic: (statName: string) => boolean;
  readonly writeEvent: (file: string, line: string) => void;
  /** undefined: the cluster is gone, or checked no more. */
  readonly onHealth: (cluster: string, health: HostsHealth | undefined, passed?: string) => void;
}

interface Running {
  /** The newest; the checker may go on with an older one that asks for the same. */
  config: ClusterConfig | undefined;
  readonly checker: HealthChecker;
  readonly scope: StatsScope;
  assignment: Uint8Array | undefined;
}

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Every host of the cluster was asked once. */
  ready(cluster: string): boolean {
    return this.#running.get(cluster)?.checker.ready ?? false;
  }

  /** `host`: its key. */
  setUnhealthy(cluster: string, host: string): void {
    this.#running.get(cluster)?.checker.setUnhealthy(host);
  }

  /** For a traffic thread that starts late. */
  *all(): IterableIterator<readonly [cluster: string, health: HostsHealth]> {
    for (const [name, { checker }] of this.#running) yield [name, checker.health];
  }

  /** By cluster name. */
  want(needs: ReadonlyMap<string, HealthCheckNeed>): void {
    for (const [name, need] of needs) this.#wantOne(name, need);
    for (const [name, running] of this.#running) {
      if (needs.has(name)) continue;
      this.#running.delete(name);
      this.#end(running);
      this.#options.onHealth(name, undefined);
    }
  }

  close(): void {
    for (const running of this.#running.values()) this.#end(running);
    this.#running.clear();
  }

  #end({ checker, scope }: Running): void {
    checker.close();
    scope.release();
  }

  #wantOne(name: string, { config, assignment }: HealthCheckNeed): void {
    let running = this.#running.get(name);
    if (running === undefined || !sameChecks(running.checker.config, config)) {
      const known = running?.checker.health ?? new Map();
      if (running !== undefined) this.#end(running);
      running = this.#start(name, config, known);
    }
    const before = running.config;
    running.config = config;
    if (config.discovery.kind === "static") {
      if (before !== config) running.checker.setAssignment(config.discovery.assignment);
    } else if (assignment !== undefined && assignment !== running.assignment) {
      running.assignment = assignment;
      running.checker.setAssignment(parseLoadAssignment(decodeMessage(ClusterLoadAssignmentSchema, assignment)));
    }
  }

  #start(name: string, config: ClusterConfig, known: HostsHealth): Running {
    const { clock, random, runtime, connector, secrets, stats, hasTraffic, writeEvent, onHealth } = this.#options;
    const scope = stats.scope("cluster", { tag: "envoy.cluster_name", value: config.statName });
    const checker: HealthChecker = new HealthChecker(config, config.healthCheck!, known, {
      clock,
      random,
      runtime,
      connector,
      secrets,
      stats: scope,
      hasTraffic: () => hasTraffic(config.statName),
      writeEvent,
      onChange: (passed) => onHealth(name, checker.health, passed),
    });
    const running: Running = { config: undefined, checker, scope, assignment: undefined };
    this.#running.set(name, running);
    return running;
  }
}

/** The checks go on as they are. */
function sameChecks(a: ClusterConfig, b: ClusterConfig): boolean {
  return a.healthCheckKey === b.healthCheckKey && a.transportKey === b.transportKey && a.statName === b.statName;
}
