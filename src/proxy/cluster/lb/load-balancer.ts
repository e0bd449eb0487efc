// What a load balancing policy is: made from the usable hosts of one priority (or locality), it names one host per call. It keeps its
// own position and is thrown away when the hosts change.
import type { Random } from "#runtime/random";
import { addressText } from "#proxy/net/socket-address";
import type { Host } from "#proxy/cluster/cluster";

export interface LoadBalancer {
  /**
   * undefined only when there are no hosts. `hash`: what the route's hash policy made of the request; `attempt`: how often another host
   * has been asked for already. Only balancers that hash look at them.
   */
  choose(hash: bigint | undefined, attempt: number): Host | undefined;
  /** The next choice may be made before it is asked for: neither the request nor what happens until then has a say in it. */
  readonly foreseeable?: boolean;
}

/** A host with its share among all hosts of its priority, the weight of its locality included. */
export interface WeightedHost {
  readonly host: Host;
  readonly weight: number;
}

/** True when no weight can make a difference. */
export function sameWeights(hosts: readonly Host[]): boolean {
  const first = hosts[0];
  return first === undefined || hosts.every((host) => host.weight === first.weight);
}

/** What a host's places among hashes are made from: what its metadata says, else its name where that is wanted, else its address. */
export function hashKey(host: Host, useHostname: boolean): string {
  const own = host.metadata["envoy.lb"]?.["hash_key"];
  if (typeof own === "string" && own !== "") return own;
  return useHostname ? host.hostname : addressText(host.address);
}

/** For a request that no hash policy says anything about: any host. */
export function randomHash(random: Random): bigint {
  return (BigInt(Math.floor(random.next() * 0x1_0000_0000)) << 32n) | BigInt(Math.floor(random.next() * 0x1_0000_0000));
}
