// Splits among localities by weight, then leaves the choice to the locality's own balancer. Localities take turns by earliest deadline, as
// in Envoy.
import type { Random } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";
import { EarliestDeadline } from "./earliest-deadline.ts";
import type { LoadBalancer } from "./load-balancer.ts";

export interface WeightedLocality {
  /** Above 0. */
  readonly weight: number;
  readonly balancer: LoadBalancer;
}

export class LocalityWeighted implements LoadBalancer {
  readonly #localities: readonly WeightedLocality[];
  readonly #turns: EarliestDeadline<WeightedLocality>;

  constructor(localities: readonly WeightedLocality[], random: Random) {
    this.#localities = localities;
    this.#turns = new EarliestDeadline(localities, ({ weight }) => weight, random);
  }

  get foreseeable(): boolean {
    return this.#localities.every(({ balancer }) => balancer.foreseeable === true);
  }

  choose(hash: bigint | undefined, attempt: number): Host | undefined {
    return this.#turns.pick()?.balancer.choose(hash, attempt);
  }
}
