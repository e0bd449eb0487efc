// MAGLEV: a table in which every host has its share of places, taken in turns by each host's own permutation ("Maglev: A Fast and Reliable
// Software Network Load Balancer", 3.4). Filled as Envoy fills it (maglev_lb.cc), so that both choose the same host.
import type { Random } from "#runtime/random";
import { xxHash64 } from "#runtime/xx-hash64";
import type { Host } from "#proxy/cluster/cluster";
import { hashKey, randomHash, type LoadBalancer, type WeightedHost } from "./load-balancer.ts";

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

export class Maglev implements LoadBalancer {
  readonly #table: Int32Array;
  readonly #hosts: readonly Host[];
  readonly #random: Random;

  /** `size` is a prime. */
  constructor(weighted: readonly WeightedHost[], random: Random, size: number, useHostname = false) {
    this.#random = random;
    this.#hosts = weighted.map(({ host }) => host);
    this.#table = new Int32Array(weighted.length === 0 ? 0 : size).fill(-1);
    if (weighted.length > 0) this.#fill(weighted, size, useHostname);
  }

  #fill(weighted: readonly WeightedHost[], size: number, useHostname: boolean): void {
    const most = Math.max(...weighted.map(({ weight }) => weight));
    const modulus = BigInt(size);
    const entries = weighted.map(({ host, weight }) => {
      const key = hashKey(host, useHostname);
      return { offset: Number(xxHash64(key) % modulus), skip: Number(xxHash64(key, 1n) % (modulus - 1n)) + 1, weight, target: 0, next: 0 };
    });
    let filled = 0;
    for (let turn = 1; filled < size; turn++) {
      for (const [index, entry] of entries.entries()) {
        if (filled >= size) break;
        // A host of half the weight takes a place every second turn.
        if (turn * entry.weight < entry.target) continue;
        entry.target += most;
        let place = (entry.offset + entry.skip * entry.next) % size;
        while (this.#table[place] !== -1) place = (entry.offset + entry.skip * ++entry.next) % size;
        this.#table[place] = index;
        entry.next++;
        filled++;
      }
    }
  }

  choose(hash: bigint | undefined, attempt: number): Host | undefined {
    if (this.#table.length === 0) return undefined;
    let wanted = hash ?? randomHash(this.#random);
    // Another try has another hash, as in Envoy.
    if (attempt > 0) wanted ^= ALL_BITS - BigInt(attempt) + 1n;
    return this.#hosts[this.#table[Number(wanted % BigInt(this.#table.length))]!];
  }
}
