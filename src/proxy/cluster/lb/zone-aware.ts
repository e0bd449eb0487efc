// Zone-aware routing: requests stay in the proxy's own zone as far as the cluster has its share of hosts there. What that share is, the
// cluster of the proxies like this one tells (cluster_manager.local_cluster_name): a zone with a fifth of the proxies and a tenth of the
// hosts keeps half of its requests, the rest goes where more hosts are than proxies. The arithmetic is Envoy's, hundredths of per cent included.
import type { Counter, StatsScope } from "#telemetry/stats/store";
import type { Random } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";
import type { LoadBalancer } from "./load-balancer.ts";

export interface ZoneAwareConfig {
  /** Of the requests, in per cent. */
  readonly routingEnabledPercent: number;
  /** Below so many healthy hosts zones are not looked at. */
  readonly minClusterSize: number;
  /** In panic nobody is asked rather than anybody. */
  readonly failTrafficOnPanic: boolean;
}

export interface Zone {
  /** See LocalityConfig. */
  readonly locality: string;
  readonly hosts: readonly Host[];
}

export class ZoneStats {
  readonly recalculated: Counter;
  readonly localClusterNotOk: Counter;
  readonly clusterTooSmall: Counter;
  readonly allDirectly: Counter;
  readonly sampled: Counter;
  readonly crossZone: Counter;
  readonly noCapacityLeft: Counter;

  constructor(scope: StatsScope) {
    this.recalculated = scope.counter("lb_recalculate_zone_structures");
    this.localClusterNotOk = scope.counter("lb_local_cluster_not_ok");
    this.clusterTooSmall = scope.counter("lb_zone_cluster_too_small");
    this.allDirectly = scope.counter("lb_zone_routing_all_directly");
    this.sampled = scope.counter("lb_zone_routing_sampled");
    this.crossZone = scope.counter("lb_zone_routing_cross_zone");
    this.noCapacityLeft = scope.counter("lb_zone_no_capacity_left");
  }
}

/** What a cluster's zones are compared with. */
export interface LocalZones {
  /** Where this proxy is; "": it does not say. */
  readonly own: string;
  /** Of the proxies like this one. */
  readonly zones: readonly Zone[];
}

export interface ZoneRouting {
  readonly config: ZoneAwareConfig;
  readonly local: LocalZones;
  readonly stats: ZoneStats;
}

/** Where requests go: all to the first zone, or so much of them, and the rest by what zones have left, added up. */
export type ZoneShares = "direct" | { readonly local: number; readonly residual: readonly number[] };

const ALL = 10_000;
const isHealthy = ({ health }: Host): boolean => health === "healthy";
const isCounted = ({ excluded }: Host): boolean => !excluded;

/** Of one locality each, this proxy's own first, the others in the order of their names. */
export function zonesOf(localities: readonly Zone[], own: string): Zone[] {
  const byName = new Map<string, Host[]>();
  for (const { locality, hosts } of localities) {
    if (hosts.length > 0) byName.set(locality, [...(byName.get(locality) ?? []), ...hosts]);
  }
  const zones = [...byName].map(([locality, hosts]) => ({ locality, hosts }));
  const rank = ({ locality }: Zone): number => (own !== "" && locality === own ? 0 : 1);
  return zones.toSorted((a, b) => rank(a) - rank(b) || (a.locality < b.locality ? -1 : 1));
}

/** undefined: zones are not looked at. */
export function zoneShares(zones: readonly Zone[], { config, local, stats }: ZoneRouting): ZoneShares | undefined {
  stats.recalculated.inc();
  if (zones.length < 2 || local.zones.length < 2) return undefined;
  if (local.own === "" || local.zones[0]!.locality !== local.own) {
    stats.localClusterNotOk.inc();
    return undefined;
  }
  const healthy = zones.map(({ hosts }) => hosts.filter(isHealthy).length);
  const all = healthy.reduce((sum, count) => sum + count, 0);
  if (all < config.minClusterSize) {
    stats.clusterTooSmall.inc();
    return undefined;
  }
  const proxies = new Map(local.zones.map(({ locality, hosts }) => [locality, hosts.filter(isHealthy).length]));
  const allProxies = [...proxies.values()].reduce((sum, count) => sum + count, 0);
  const shareOfHosts = healthy.map((count) => (all === 0 ? 0 : Math.floor((ALL * count) / all)));
  const shareOfProxies = zones.map(({ locality }, at) =>
    allProxies === 0 || healthy[at] === 0 ? 0 : Math.floor((ALL * (proxies.get(locality) ?? 0)) / allProxies),
  );
  const hasOwn = zones[0]!.locality === local.own;
  const [ownHosts, ownProxies] = [shareOfHosts[0]!, shareOfProxies[0]!];
  if (hasOwn && ownHosts > 0 && ownHosts >= ownProxies) return "direct";
  let left = 0;
  const residual = zones.map((_, at) => {
    if (at > 0 || !hasOwn) left += Math.max(0, shareOfHosts[at]! - shareOfProxies[at]!);
    return left;
  });
  return { local: hasOwn && ownProxies > 0 ? Math.floor((ownHosts * ALL) / ownProxies) : 0, residual };
}

export class ZoneAware implements LoadBalancer {
  readonly #routing: ZoneRouting;
  readonly #shares: ZoneShares | undefined;
  readonly #localInPanic: boolean;
  /** One a zone. */
  readonly #balancers: readonly LoadBalancer[];
  /** Over all zones. */
  readonly #any: LoadBalancer;
  readonly #random: Random;

  /** `usable`: of the hosts of a zone those that are to be chosen from. `panicThreshold`: of the cluster that is balanced. */
  constructor(
    zones: readonly Zone[],
    shares: ZoneShares | undefined,
    routing: ZoneRouting,
    usable: (host: Host) => boolean,
    makeBalancer: (hosts: readonly Host[]) => LoadBalancer,
    panicThreshold: number,
    random: Random,
  ) {
    this.#routing = routing;
    this.#random = random;
    this.#shares = shares;
    this.#any = makeBalancer(zones.flatMap(({ hosts }) => hosts.filter((host) => usable(host))));
    this.#balancers = shares === undefined ? [] : zones.map(({ hosts }) => makeBalancer(hosts.filter((host) => usable(host))));
    const proxies = routing.local.zones.flatMap(({ hosts }) => hosts.filter(isCounted));
    const good = proxies.filter(({ health }) => health !== "unhealthy").length;
    this.#localInPanic = (proxies.length === 0 ? 0 : (100 * good) / proxies.length) < panicThreshold;
  }

  get foreseeable(): boolean {
    return this.#any.foreseeable === true && this.#balancers.every(({ foreseeable }) => foreseeable === true);
  }

  choose(hash: bigint | undefined, attempt: number): Host | undefined {
    const { config, stats } = this.#routing;
    if (this.#shares === undefined || this.#random.integer(100) >= config.routingEnabledPercent) return this.#any.choose(hash, attempt);
    if (this.#localInPanic) {
      stats.localClusterNotOk.inc();
      return config.failTrafficOnPanic ? undefined : this.#any.choose(hash, attempt);
    }
    return this.#balancers[this.#zone(this.#shares)]!.choose(hash, attempt);
  }

  #zone(shares: ZoneShares): number {
    const { stats } = this.#routing;
    if (shares === "direct") {
      stats.allDirectly.inc();
      return 0;
    }
    if (this.#random.integer(ALL) < shares.local) {
      stats.sampled.inc();
      return 0;
    }
    stats.crossZone.inc();
    const { residual } = shares;
    const total = residual.at(-1)!;
    // Possible by rounding alone.
    if (total === 0) {
      stats.noCapacityLeft.inc();
      return this.#random.integer(residual.length);
    }
    const point = this.#random.integer(total);
    return residual.findIndex((upTo) => point < upTo);
  }
}
