// The load balancer that a configuration asks for, over these hosts.
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { Hashing, LbConfig } from "#proxy/cluster/lb-config";
import { BoundedLoad } from "./bounded-load.ts";
import { LeastRequest } from "./least-request.ts";
import type { LoadBalancer, WeightedHost } from "./load-balancer.ts";
import { Maglev } from "./maglev.ts";
import { RandomChoice } from "./random-choice.ts";
import { RingHash } from "./ring-hash.ts";
import { RoundRobin } from "./round-robin.ts";
import { SlowStart } from "./slow-start.ts";
import type { SlowStartConfig } from "./slow-start.ts";

export function makeLoadBalancer(lb: LbConfig, weighted: readonly WeightedHost[], random: Random, clock: Clock): LoadBalancer {
  const hosts = weighted.map(({ host }) => host);
  switch (lb.policy) {
    case "round-robin":
      return new RoundRobin(hosts, random, slowStartOf(lb, clock));
    case "random":
      return new RandomChoice(hosts, random);
    case "least-request":
      return new LeastRequest(hosts, random, lb, slowStartOf(lb, clock));
    case "ring-hash":
      return bounded(new RingHash(weighted, random, lb), lb, weighted, random);
    case "maglev":
      return bounded(new Maglev(weighted, random, lb.tableSize, lb.useHostname), lb, weighted, random);
  }
}

function bounded(hashing: LoadBalancer, { balanceFactorPercent }: Hashing, hosts: readonly WeightedHost[], random: Random): LoadBalancer {
  return balanceFactorPercent === undefined ? hashing : new BoundedLoad(hashing, hosts, balanceFactorPercent, random);
}

function slowStartOf({ slowStart }: { readonly slowStart: SlowStartConfig | undefined }, clock: Clock): SlowStart | undefined {
  return slowStart === undefined ? undefined : new SlowStart(slowStart, clock);
}
