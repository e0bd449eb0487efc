// RING_HASH: hosts stand on a ring of hashes in proportion to their weights; a request goes to the first at or after its own hash.
// The ring is built as Envoy builds it (ring_hash_lb.cc), host keys and rounding included, so that both choose the same host.
import type { Random } from "#runtime/random";
import { murmurHash2 } from "#runtime/murmur-hash2";
import { xxHash64 } from "#runtime/xx-hash64";
import type { Host } from "#proxy/cluster/cluster";
import { hashKey, randomHash, type LoadBalancer, type WeightedHost } from "./load-balancer.ts";

export interface RingHashOptions {
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
  readonly useHostname?: boolean;
  /** MURMUR_HASH_2 for the places on the ring; requests are hashed as ever. */
  readonly murmur?: boolean;
}

export class RingHash implements LoadBalancer {
  readonly #hashes: BigUint64Array;
  readonly #hosts: readonly Host[];
  readonly #random: Random;

  constructor(hosts: readonly WeightedHost[], random: Random, options: RingHashOptions) {
    this.#random = random;
    const { minimumRingSize, maximumRingSize, useHostname = false, murmur = false } = options;
    const hashOf = murmur ? murmurHash2 : xxHash64;
    const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
    const shares = hosts.map(({ weight }) => weight / total);
    const least = Math.min(...shares);
    const scale = hosts.length === 0 ? 0 : Math.min(Math.ceil(least * minimumRingSize) / least, maximumRingSize);
    const entries: { hash: bigint; host: Host }[] = [];
    let current = 0;
    let target = 0;
    for (const [index, { host }] of hosts.entries()) {
      const key = hashKey(host, useHostname);
      target += scale * shares[index]!;
      for (let copy = 0; current < target; copy++, current++) entries.push({ hash: hashOf(`${key}_${copy}`), host });
    }
    entries.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
    this.#hashes = BigUint64Array.from(entries.map(({ hash }) => hash));
    this.#hosts = entries.map(({ host }) => host);
  }

  choose(hash: bigint | undefined, attempt: number): Host | undefined {
    const size = this.#hosts.length;
    if (size === 0) return undefined;
    const wanted = hash ?? randomHash(this.#random);
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#hashes[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    // Another try moves on along the ring, as if the hosts before were not on it.
    return this.#hosts[(low + attempt) % size];
  }
}
