// The hosts of a cluster in the order in which traffic may use them: priorities, then healthy before degraded, then localities.
// Built anew whenever endpoints change; choosing costs no allocation. The arithmetic of priority loads is Envoy's, in whole per cent.
import type { Random } from "#runtime/random";
import type { Host } from "./cluster.ts";
import type { LoadBalancer, WeightedHost } from "./lb/load-balancer.ts";
import type { ZoneRouting } from "./lb/zone-aware.ts";
import { PriorityLevel } from "./priority-level.ts";

export interface LocalityHosts {
  readonly locality: string;
  readonly weight: number;
  readonly hosts: readonly Host[];
}

export interface HostSetOptions {
  readonly overprovisioning: number;
  /** What a priority can take goes by the weights of its hosts instead of their number. */
  readonly weightedPriorityHealth: boolean;
  /** Below this percentage of usable hosts a priority is in panic: all its hosts are used. 0: never. */
  readonly panicThreshold: number;
  /** In panic nobody is asked rather than anybody. */
  readonly failTrafficOnPanic: boolean;
  /** A choice was made in panic. */
  readonly onPanic: () => void;
  readonly localityWeighted: boolean;
  /** Undefined: no zone is preferred. */
  readonly zones: ZoneRouting | undefined;
  /** Balancers that hash: one request always has the same priority, and localities are a matter of weights in one table. */
  readonly hashing: boolean;
  readonly makeBalancer: (hosts: readonly WeightedHost[]) => LoadBalancer;
  readonly random: Random;
}

/** One thing that traffic can be sent to: the healthy hosts of priority 0, the degraded ones of priority 1 ... */
interface Target {
  /** In per cent. */
  readonly load: number;
  readonly panic: boolean;
  readonly balancer: LoadBalancer;
}

export class HostSet {
  readonly #targets: readonly Target[];
  readonly #priorities: readonly (readonly LocalityHosts[])[];
  readonly #options: HostSetOptions;
  /** By the priorities that are left out. */
  readonly #narrowed = new Map<string, HostSet>();
  readonly #healthyHosts: number;
  /** Chosen already, for whoever asks next. */
  readonly #ahead: Host[] = [];
  /** There is a host to use outside of panic. */
  readonly available: boolean;
  /** True while any priority sends to hosts that are not healthy because too few are. */
  readonly inPanic: boolean;

  constructor(priorities: readonly (readonly LocalityHosts[])[], options: HostSetOptions) {
    this.#priorities = priorities;
    this.#options = options;
    const levels = priorities.map((localities) => new PriorityLevel(localities, options));
    const total = Math.min(
      100,
      levels.reduce((sum, level) => sum + level.healthyPercent + level.degradedPercent, 0),
    );
    this.available = total > 0;
    this.#healthyHosts = levels.reduce((sum, { healthyCount }) => sum + healthyCount, 0);
    const panic = levels.map((level) => level.hostCount > 0 && level.usablePercent < options.panicThreshold && total < 100);
    this.inPanic = panic.some(Boolean);
    // Every level is in panic: traffic goes by number of hosts. Nothing usable and no panic: to nobody.
    const everyLevel = total === 0 || levels.every((level, at) => panic[at] === true || level.hostCount === 0);
    this.#targets = everyLevel ? inPanic(levels, panic) : byHealth(levels, panic, total);
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
    const target = this.#targets.length === 1 ? this.#targets[0] : this.#target(hash);
    if (target === undefined) return undefined;
    if (target.panic) {
      this.#options.onPanic();
      if (this.#options.failTrafficOnPanic) return undefined;
    }
    return target.balancer.choose(hash, attempt);
  }

  #target(hash: bigint | undefined): Target | undefined {
    const { hashing, random } = this.#options;
    let at = hashing && hash !== undefined ? Number(hash % 100n) : random.next() * 100;
    for (const target of this.#targets) {
      at -= target.load;
      if (at < 0) return target;
    }
    return this.#targets.at(-1);
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

/** What integers leave of 100 goes to the first that has anything. */
function spread(shares: readonly number[], left: number): number[] {
  const first = shares.findIndex((share) => share > 0);
  return shares.map((share, at) => (at === first ? share + left : share));
}

function inPanic(levels: readonly PriorityLevel[], panic: readonly boolean[]): Target[] {
  const used = levels.filter((_, at) => panic[at] === true);
  const total = used.reduce((sum, { hostCount }) => sum + hostCount, 0);
  const shares = used.map(({ hostCount }) => Math.floor((100 * hostCount) / total));
  const loads = shares.map((share, at) => (at === 0 ? share + 100 - shares.reduce((sum, one) => sum + one, 0) : share));
  return used.map((level, at) => ({ load: loads[at]!, panic: true, balancer: level.all() }));
}

/** Each level takes what it can, healthy hosts of all levels before degraded ones; if all together cannot take 100, shares grow. */
function byHealth(levels: readonly PriorityLevel[], panic: readonly boolean[], total: number): Target[] {
  let left = 100;
  const take = (percent: number): number => {
    const load = Math.min(left, Math.floor((percent * 100) / total));
    left -= load;
    return load;
  };
  let healthy = levels.map(({ healthyPercent }) => take(healthyPercent));
  let degraded = levels.map(({ degradedPercent }) => take(degradedPercent));
  if (levels.some(({ healthyPercent }) => healthyPercent > 0)) healthy = spread(healthy, left);
  else degraded = spread(degraded, left);
  const targets: Target[] = [];
  for (const [loads, health] of [
    [healthy, "healthy"],
    [degraded, "degraded"],
  ] as const) {
    for (const [at, level] of levels.entries()) {
      const load = loads[at]!;
      if (load === 0) continue;
      targets.push({ load, panic: panic[at] === true, balancer: panic[at] === true ? level.all() : level.of(health, at === 0) });
    }
  }
  return targets;
}
