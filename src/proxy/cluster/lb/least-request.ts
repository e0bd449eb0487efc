// LEAST_REQUEST. Equal weights: of `choiceCount` random hosts the one with the fewest active requests (power of two choices).
// Unequal weights: earliest deadline first with weight / (active + 1)^bias, as Envoy.
import type { Random } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";
import { EarliestDeadline } from "./earliest-deadline.ts";
import { sameWeights } from "./load-balancer.ts";
import type { LoadBalancer } from "./load-balancer.ts";
import type { SlowStart } from "./slow-start.ts";

export interface LeastRequestOptions {
  readonly choiceCount: number;
  readonly activeRequestBias: number;
  /** Of all hosts the one with the fewest requests, in the place of a choice among some. */
  readonly fullScan?: boolean;
}

export class LeastRequest implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #random: Random;
  readonly #choiceCount: number;
  readonly #fullScan: boolean;
  readonly #weighted: EarliestDeadline<Host> | undefined;

  constructor(hosts: readonly Host[], random: Random, options: LeastRequestOptions, slowStart?: SlowStart) {
    this.#hosts = hosts;
    this.#random = random;
    this.#choiceCount = options.choiceCount;
    this.#fullScan = options.fullScan ?? false;
    const bias = options.activeRequestBias;
    const loaded =
      bias === 0
        ? (host: Host): number => host.weight
        : bias === 1
          ? (host: Host): number => host.weight / (host.activeRequests + 1)
          : (host: Host): number => host.weight / (host.activeRequests + 1) ** bias;
    const warming = slowStart?.concerns(hosts) === true ? slowStart : undefined;
    const weightOf = warming === undefined ? loaded : (host: Host): number => loaded(host) * warming.share(host);
    this.#weighted = warming === undefined && sameWeights(hosts) ? undefined : new EarliestDeadline(hosts, weightOf, random);
  }

  /** As in Envoy: with unequal weights there is an order, else the load decides. */
  get foreseeable(): boolean {
    return this.#weighted !== undefined;
  }

  choose(): Host | undefined {
    if (this.#weighted !== undefined) return this.#weighted.pick();
    const hosts = this.#hosts;
    if (hosts.length <= 1) return hosts[0];
    if (this.#fullScan) return this.#idlest();
    let best = hosts[this.#random.integer(hosts.length)]!;
    for (let i = 1; i < this.#choiceCount; i++) {
      const other = hosts[this.#random.integer(hosts.length)]!;
      if (other.activeRequests < best.activeRequests) best = other;
    }
    return best;
  }

  /** Of several with as few requests any, by reservoir. */
  #idlest(): Host {
    let best = this.#hosts[0]!;
    let equals = 1;
    for (let i = 1; i < this.#hosts.length; i++) {
      const other = this.#hosts[i]!;
      if (other.activeRequests > best.activeRequests) continue;
      if (other.activeRequests < best.activeRequests) {
        best = other;
        equals = 1;
      } else if (this.#random.integer(++equals) === 0) best = other;
    }
    return best;
  }
}
