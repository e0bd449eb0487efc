// RANDOM: any host with the same chance. Envoy's random balancer does not look at weights; neither does this one.
import type { Random } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";
import type { LoadBalancer } from "./load-balancer.ts";

export class RandomChoice implements LoadBalancer {
  readonly foreseeable = true;
  readonly #hosts: readonly Host[];
  readonly #random: Random;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#random = random;
  }

  choose(): Host | undefined {
    return this.#hosts.length === 0 ? undefined : this.#hosts[this.#random.integer(this.#hosts.length)];
  }
}
