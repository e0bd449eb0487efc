// The DNS clusters of one proxy, on its main thread as in Envoy: a name is asked for once and not once a traffic thread, and all threads
// have the same hosts. It follows the configuration: what is wanted is looked up, what is not is forgotten.
import { toBinary } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { DnsResolver } from "#proxy/net/dns-resolver";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import type { StatsScope } from "#telemetry/stats/store";
import type { DnsConfig } from "./dns-config.ts";
import { DnsResolution } from "./dns-resolution.ts";

/** A cluster whose hosts are looked up. */
export interface DnsNeed {
  readonly config: DnsConfig;
  /** Of its statistics. */
  readonly statName: string;
}

export interface DnsClustersOptions {
  readonly resolver: DnsResolver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stats: StatsScope;
  /** `bytes`: a ClusterLoadAssignment whose cluster name is `key`. */
  readonly onResolved: (key: string, bytes: Uint8Array) => void;
}

export class DnsClusters {
  readonly #options: DnsClustersOptions;
  readonly #running = new Map<string, DnsResolution>();

  constructor(options: DnsClustersOptions) {
    this.#options = options;
  }

  /** By DnsConfig.key. */
  want(needs: ReadonlyMap<string, DnsNeed>): void {
    const { resolver, clock, random, log, stats, onResolved } = this.#options;
    const fresh: DnsResolution[] = [];
    for (const [key, { config, statName }] of needs) {
      if (this.#running.has(key)) continue;
      const resolution = new DnsResolution({
        config,
        resolver,
        clock,
        random,
        log,
        stats: stats.scope("cluster", { tag: "envoy.cluster_name", value: statName }),
        onHosts: (assignment) => onResolved(key, toBinary(ClusterLoadAssignmentSchema, assignment)),
      });
      this.#running.set(key, resolution);
      fresh.push(resolution);
    }
    for (const [key, resolution] of this.#running) {
      if (needs.has(key)) continue;
      this.#running.delete(key);
      resolution.close();
    }
    // Last: one may publish at once, which asks for what is wanted again.
    for (const resolution of fresh) resolution.start();
  }

  close(): void {
    this.want(new Map());
  }
}
