// The hosts of one priority: what share of the traffic they can take, and how they are chosen among. The arithmetic is Envoy's.
import type { Host } from "./cluster.ts";
import type { HostSetOptions, LocalityHosts } from "./host-set.ts";
import type { LoadBalancer, WeightedHost } from "./lb/load-balancer.ts";
import { LocalityWeighted } from "./lb/locality-weighted.ts";
import { ZoneAware, zoneShares, zonesOf } from "./lb/zone-aware.ts";
import type { Zone, ZoneRouting, ZoneShares } from "./lb/zone-aware.ts";

export class PriorityLevel {
  readonly #localities: readonly LocalityHosts[];
  readonly #options: HostSetOptions;
  readonly hostCount: number;
  readonly healthyCount: number;
  /** What it can take, in whole per cent of the cluster's traffic: usable share times overprovisioning. */
  readonly healthyPercent: number;
  readonly degradedPercent: number;
  /** Without overprovisioning: what panic is about. */
  readonly usablePercent: number;
  #zones: { readonly all: readonly Zone[]; readonly shares: ZoneShares | undefined } | undefined;

  constructor(localities: readonly LocalityHosts[], options: HostSetOptions) {
    this.#localities = localities;
    this.#options = options;
    const hosts = localities.flatMap((locality) => locality.hosts);
    const counted = hosts.filter(({ excluded }) => !excluded);
    const healthy = counted.filter(({ health }) => health === "healthy");
    const degraded = counted.filter(({ health }) => health === "degraded");
    this.hostCount = hosts.length;
    this.healthyCount = healthy.length;
    this.usablePercent = counted.length === 0 ? 0 : (100 * (healthy.length + degraded.length)) / counted.length;
    const size = (list: readonly Host[]): number =>
      options.weightedPriorityHealth ? list.reduce((sum, { weight }) => sum + weight, 0) : list.length;
    const factor = Math.round(options.overprovisioning * 100);
    const percent = (list: readonly Host[]): number =>
      counted.length === 0 ? 0 : Math.min(100, Math.floor((factor * size(list)) / size(counted)));
    this.healthyPercent = percent(healthy);
    this.degradedPercent = percent(degraded);
  }

  /** In panic: nobody asks where or how healthy they are. */
  all(): LoadBalancer {
    const { hashing, localityWeighted } = this.#options;
    return this.#make(() => true, hashing && localityWeighted, false);
  }

  /** `zoneAware`: the proxy's own zone comes first, where it is known which. */
  of(health: "healthy" | "degraded", zoneAware: boolean): LoadBalancer {
    return this.#make((host) => host.health === health && !host.excluded, this.#options.localityWeighted, zoneAware);
  }

  #make(keep: (host: Host) => boolean, localityWeighted: boolean, zoneAware: boolean): LoadBalancer {
    const options = this.#options;
    const localities = this.#localities.map((locality) => ({ ...locality, hosts: locality.hosts.filter((host) => keep(host)) }));
    if (localityWeighted && localities.some(({ weight, hosts }) => weight > 0 && hosts.length > 0)) {
      if (options.hashing) return options.makeBalancer(localities.flatMap(shareOfLocality));
      // A locality keeps its weight until it has lost more hosts than overprovisioning covers. Tables of hashes go by weights alone, as in Envoy.
      const able = localities.flatMap(({ weight, hosts }, at) => {
        const counted = this.#localities[at]!.hosts.filter(({ excluded }) => !excluded).length;
        const effective = counted === 0 ? 0 : weight * Math.min(1, (options.overprovisioning * hosts.length) / counted);
        return effective > 0 ? [{ weight: effective, balancer: options.makeBalancer(hosts.map(ownWeight)) }] : [];
      });
      return new LocalityWeighted(able, options.random);
    }
    if (zoneAware && options.zones !== undefined) return this.#zoneAware(options.zones, keep);
    return options.makeBalancer(localities.flatMap(({ hosts }) => hosts.map(ownWeight)));
  }

  #zoneAware(routing: ZoneRouting, keep: (host: Host) => boolean): LoadBalancer {
    const { makeBalancer, panicThreshold, random } = this.#options;
    if (this.#zones === undefined) {
      const all = zonesOf(this.#localities, routing.local.own);
      this.#zones = { all, shares: zoneShares(all, routing) };
    }
    const { all, shares } = this.#zones;
    return new ZoneAware(all, shares, routing, keep, (hosts) => makeBalancer(hosts.map(ownWeight)), panicThreshold, random);
  }
}

function ownWeight(host: Host): WeightedHost {
  return { host, weight: host.weight };
}

function shareOfLocality({ weight, hosts }: LocalityHosts): readonly WeightedHost[] {
  if (weight === 0) return [];
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  return hosts.map((host) => ({ host, weight: (host.weight / total) * weight }));
}
