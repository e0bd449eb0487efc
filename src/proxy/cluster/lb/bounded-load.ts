// Consistent hashing with bounded loads (hash_balance_factor): a host that has more than its share of the running requests is passed over.
// The hosts that are asked instead come in an order that the hash decides, as in Envoy, so that both proxies choose the same one.
import type { Random } from "#runtime/random";
import { MersenneTwister } from "#runtime/mersenne-twister";
import type { Host } from "#proxy/cluster/cluster";
import { randomHash } from "./load-balancer.ts";
import type { LoadBalancer, WeightedHost } from "./load-balancer.ts";

const SEED_MASK = 0xffff_ffffn;
const NUMBERS = 0x1_0000_0000;

export class BoundedLoad implements LoadBalancer {
  readonly #hashing: LoadBalancer;
  readonly #hosts: readonly WeightedHost[];
  readonly #shares: ReadonlyMap<Host, number>;
  readonly #factorPercent: number;
  readonly #random: Random;

  /** `factorPercent`: what a host may have, in per cent of the average by weight. */
  constructor(hashing: LoadBalancer, hosts: readonly WeightedHost[], factorPercent: number, random: Random) {
    this.#hashing = hashing;
    this.#hosts = hosts;
    const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
    this.#shares = new Map(hosts.map(({ host, weight }) => [host, weight / total]));
    this.#factorPercent = factorPercent;
    this.#random = random;
  }

  choose(given: bigint | undefined, attempt: number): Host | undefined {
    const hash = given ?? randomHash(this.#random);
    const first = this.#hashing.choose(hash, attempt);
    if (first === undefined) return undefined;
    const slots = this.#slots();
    let least = this.#load(first, slots);
    if (least <= 1) return first;
    let leastLoaded = first;
    const order = this.#hosts.map(({ host }) => host);
    const random = new MersenneTwister(Number(hash & SEED_MASK));
    for (let at = 0; at < order.length; at++) {
      const other = at + below(random, order.length - at);
      const host = order[other]!;
      order[other] = order[at]!;
      order[at] = host;
      if (host === first) continue;
      const load = this.#load(host, slots);
      if (load <= 1) return host;
      if (load < least) {
        least = load;
        leastLoaded = host;
      }
    }
    return leastLoaded;
  }

  /** How many requests all hosts of this priority together may have, the one that is being placed included. Envoy counts the whole cluster's. */
  #slots(): number {
    let active = 0;
    for (const { host } of this.#hosts) active += host.stats.rqActive;
    return Math.trunc(((active + 1) * this.#factorPercent + 99) / 100);
  }

  /** Above 1: more than its share. */
  #load(host: Host, slots: number): number {
    return host.stats.rqActive / Math.max(1, Math.ceil(slots * this.#shares.get(host)!));
  }
}

/** Evenly from 0 to `limit` - 1. */
function below(random: MersenneTwister, limit: number): number {
  const width = Math.floor(NUMBERS / limit);
  for (;;) {
    const number = Math.floor(random.next() / width);
    if (number < limit) return number;
  }
}
