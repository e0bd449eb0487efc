// ROUND_ROBIN: one after the other; with unequal weights in proportion to them.
import type { Random } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";
import { EarliestDeadline } from "./earliest-deadline.ts";
import { sameWeights } from "./load-balancer.ts";
import type { LoadBalancer } from "./load-balancer.ts";
import type { SlowStart } from "./slow-start.ts";

export class RoundRobin implements LoadBalancer {
  readonly foreseeable = true;
  readonly #hosts: readonly Host[];
  readonly #weighted: EarliestDeadline<Host> | undefined;
  #next: number;

  constructor(hosts: readonly Host[], random: Random, slowStart?: SlowStart) {
    this.#hosts = hosts;
    const warming = slowStart?.concerns(hosts) === true ? slowStart : undefined;
    const weightOf =
      warming === undefined ? (host: Host): number => host.weight : (host: Host): number => host.weight * warming.share(host);
    this.#weighted = warming === undefined && sameWeights(hosts) ? undefined : new EarliestDeadline(hosts, weightOf, random);
    this.#next = hosts.length === 0 ? 0 : random.integer(hosts.length);
  }

  choose(): Host | undefined {
    if (this.#weighted !== undefined) return this.#weighted.pick();
    const hosts = this.#hosts;
    if (hosts.length === 0) return undefined;
    const host = hosts[this.#next];
    this.#next = this.#next + 1 === hosts.length ? 0 : this.#next + 1;
    return host;
  }
}
