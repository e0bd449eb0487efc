// The hosts of a cluster in the order in which traffic may use them: priorities, then healthy before degraded, then localities.
// Built anew whenever endpoints change; choosing costs no allocation. The arithmetic of priority loads is Envoy's.
import type { Random } from "#runtime/random";
import type { Host } from "./cluster.ts";
import type { LoadBalancer, WeightedHost } from "./lb/load-balancer.ts";

export interface LocalityHosts {
  readonly weight: number;
  readonly hosts: readonly Host[];
}

export interface HostSetOptions {
  readonly overprovisioning: number;
  /** Below this percentage of usable hosts a priority is in panic: all its hosts are used. 0: never. */
  readonly panicThreshold: number;
  readonly localityWeighted: boolean;
  /** Balancers that hash: one request always has the same priority, and localities are a matter of weights in one table. */
  readonly hashing: boolean;
  readonly makeBalancer: (hosts: readonly WeightedHost[]) => LoadBalancer;
  readonly random: Random;
}

/** One thing that traffic can be sent to: the healthy hosts of priority 0, the degraded ones of priority 1 ... */
interface Target {
  readonly load: number;
  readonly balancer: LoadBalancer;
}

/** Splits among localities by weight, then leaves the choice to the locality's own balancer. */
class LocalityWeighted implements LoadBalancer {
  readonly #balancers: readonly LoadBalancer[];
  readonly #upTo: readonly number[];
  readonly #total: number;
  readonly #random: Random;

  constructor(localities: readonly LocalityHosts[], options: HostSetOptions) {
    const used = localities.filter(({ hosts, weight }) => hosts.length > 0 && weight > 0);
    let total = 0;
    this.#upTo = used.map(({ weight }) => (total += weight));
    this.#total = total;
    this.#balancers = used.map(({ hosts }) => options.makeBalancer(hosts.map(ownWeight)));
    this.#random = options.random;
  }

  get foreseeable(): boolean {
    return this.#balancers.every(({ foreseeable }) => foreseeable === true);
  }

  choose(hash: bigint | undefined, attempt: number): Host | undefined {
    const at = this.#random.next() * this.#total;
    for (let i = 0; i < this.#upTo.length; i++) if (at < this.#upTo[i]!) return this.#balancers[i]!.choose(hash, attempt);
    return this.#balancers[0]?.choose(hash, attempt);
  }
}

export class HostSet {
  readonly #targets: readonly Target[];
  readonly #random: Random;
  readonly #hashing: boolean;
  readonly #priorities: readonly (readonly LocalityHosts[])[];
  readonly #options: HostSetOptions;
  /** By the priorities that are left out. */
  readonly #narrowed = new Map<string, HostSet>();
  /** There is a host to use outside of panic. */
  readonly available: boolean;
  /** True while any priority sends to hosts that are not healthy because too few are. */
  readonly inPanic: boolean;
  readonly #healthyHosts: number;
  /** Chosen already, for whoever asks next. */
  readonly #ahead: Host[] = [];

  constructor(priorities: readonly (readonly LocalityHosts[])[], options: HostSetOptions) {
    this.#random = options.random;
    this.#hashing = options.hashing;
    this.#priorities = priorities;
    this.#options = options;
    const levels = priorities.map((localities) => new Level(localities, options));
    const total = levels.reduce((sum, level) => sum + level.healthyPercent + level.degradedPercent, 0);
    this.available = total > 0;
    this.#healthyHosts = levels.reduce((sum, { healthyCount }) => sum + healthyCount, 0);

    const targets: Target[] = [];
    const panic = levels.map((level) => level.hostCount > 0 && level.usablePercent < options.panicThreshold && total < 100);
    this.inPanic = panic.some(Boolean);
    if (total === 0 || levels.every((level, at) => panic[at] === true || level.hostCount === 0)) {
      // Every level is in panic: traffic goes by number of hosts. Nothing usable and no panic: to nobody.
      for (const [at, level] of levels.entries()) {
        if (panic[at] === true) targets.push({ load: level.hostCount, balancer: level.all(options) });
      }
    } else {
      // Each level takes what it can, healthy hosts of all levels before degraded ones; if all together cannot take 100, shares grow.
      let left = 100;
      const scale = total < 100 ? 100 / total : 1;
      for (const [at, level] of levels.entries()) {
        const load = Math.min(left, level.healthyPercent * scale);
        left -= load;
        if (load > 0) targets.push({ load, balancer: panic[at] === true ? level.all(options) : level.of("healthy", options) });
      }
      for (const [at, level] of levels.entries()) {
        const load = Math.min(left, level.degradedPercent * scale);
        left -= load;
        if (load > 0) targets.push({ load, balancer: panic[at] === true ? level.all(options) : level.of("degraded", options) });
      }
    }
    this.#targets = targets;
  }

  /** Whom the next choice but those that were asked for already will be; at most as many as there are healthy hosts. */
  peek(): Host | undefined {
    if (this.#ahead.length >= this.#healthyHosts || this.#targets.some(({ balancer }) => balancer.foreseeable !== true)) return undefined;
    const host = this.#draw(undefined, 0);
    if (host !== undefined) this.#ahead.push(host);
    return host;
  }

  choose(hash: bigint | undefined, attempt: number): Host | undefined {
    return this.#ahead.length > 0 ? this.#ahead.shift() : this.#draw(hash, attempt);
  }

  #draw(hash: bigint | undefined, attempt: number): Host | undefined {
    const targets = this.#targets;
    if (targets.length <= 1) return targets[0]?.balancer.choose(hash, attempt);
    let total = 0;
    for (const target of targets) total += target.load;
    const share = this.#hashing && hash !== undefined ? Number(hash % 100n) / 100 : this.#random.next();
    let at = share * total;
    for (const target of targets) {
      at -= target.load;
      if (at < 0) return target.balancer.choose(hash, attempt);
    }
    return targets[targets.length - 1]!.balancer.choose(hash, attempt);
  }

  priorityOf(host: Host): number | undefined {
    const at = this.#priorities.findIndex((localities) => localities.some(({ hosts }) => hosts.includes(host)));
    return at === -1 ? undefined : at;
  }

  /** As if these priorities had no hosts. The others are in no panic that they are not in already: fewer take more by intent. */
  without(excluded: ReadonlySet<number>): HostSet {
    const key = [...excluded].sort((a, b) => a - b).join();
    let narrowed = this.#narrowed.get(key);
    if (narrowed === undefined) {
      const left = this.#priorities.map((localities, at) => (excluded.has(at) ? [] : localities));
      narrowed = new HostSet(left, { ...this.#options, panicThreshold: this.inPanic ? this.#options.panicThreshold : 0 });
      this.#narrowed.set(key, narrowed);
    }
    return narrowed;
  }
}

/** One priority level. */
class Level {
  readonly #localities: readonly LocalityHosts[];
  readonly hostCount: number;
  readonly healthyCount: number;
  /** What it can take, in per cent of the cluster's traffic: usable share times overprovisioning. */
  readonly healthyPercent: number;
  readonly degradedPercent: number;
  /** Without overprovisioning: what panic is about. */
  readonly usablePercent: number;

  constructor(localities: readonly LocalityHosts[], options: HostSetOptions) {
    this.#localities = localities;
    let all = 0;
    let count = 0;
    let healthy = 0;
    let degraded = 0;
    for (const { hosts } of localities) {
      for (const host of hosts) {
        all++;
        if (host.excluded) continue;
        count++;
        if (host.health === "healthy") healthy++;
        else if (host.health === "degraded") degraded++;
      }
    }
    this.hostCount = all;
    this.healthyCount = healthy;
    this.usablePercent = count === 0 ? 0 : (100 * (healthy + degraded)) / count;
    this.healthyPercent = count === 0 ? 0 : Math.min(100, (100 * healthy * options.overprovisioning) / count);
    this.degradedPercent = count === 0 ? 0 : Math.min(100 - this.healthyPercent, (100 * degraded * options.overprovisioning) / count);
  }

  all(options: HostSetOptions): LoadBalancer {
    return this.#make(() => true, options);
  }

  of(health: "healthy" | "degraded", options: HostSetOptions): LoadBalancer {
    return this.#make((host) => host.health === health, options);
  }

  #make(keep: (host: Host) => boolean, options: HostSetOptions): LoadBalancer {
    const localities = this.#localities.map(({ weight, hosts }) => ({ weight, hosts: hosts.filter((host) => keep(host)) }));
    if (options.localityWeighted && localities.some(({ weight, hosts }) => weight > 0 && hosts.length > 0)) {
      if (options.hashing) return options.makeBalancer(localities.flatMap(shareOfLocality));
      // A locality keeps its weight until it has lost more hosts than overprovisioning covers. Tables of hashes go by weights alone, as in Envoy.
      const able = localities.map(({ weight, hosts }, at) => {
        const all = this.#localities[at]!.hosts.length;
        return { hosts, weight: all === 0 ? 0 : weight * Math.min(1, (options.overprovisioning * hosts.length) / all) };
      });
      return new LocalityWeighted(able, options);
    }
    return options.makeBalancer(localities.flatMap(({ hosts }) => hosts.map(ownWeight)));
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
