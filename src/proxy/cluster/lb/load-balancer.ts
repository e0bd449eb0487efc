// What a load balancing policy is: made from the usable hosts of one priority (or locality), it names one host per call. It keeps its
// own position and is thrown away when the hosts change.
import type { Host } from "#proxy/cluster/cluster";

export interface LoadBalancer {
  /** undefined only when there are no hosts. */
  choose(): Host | undefined;
}

/** True when no weight can make a difference. */
export function sameWeights(hosts: readonly Host[]): boolean {
  const first = hosts[0];
  return first === undefined || hosts.every((host) => host.weight === first.weight);
}
