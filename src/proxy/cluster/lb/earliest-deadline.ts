// Weighted choice by earliest deadline first, as Envoy does it: each pick moves the host's deadline on by 1/weight. Over a round every
// host is picked in proportion to its weight, and the picks of one host are spread out instead of bunched.
import type { Random } from "#runtime/random";
import type { Host } from "#proxy/cluster/cluster";

/** Many rounds of hosts with usual weights. */
const START_WITHIN = 65_536;

interface Entry {
  readonly host: Host;
  deadline: number;
  /** Ties go to the entry that was put in first. */
  order: number;
}

function before(a: Entry, b: Entry): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}

/** A binary heap of hosts by deadline. `weightOf` is asked at each pick, so a weight may depend on the host's load. */
export class EarliestDeadline {
  readonly #heap: Entry[] = [];
  readonly #weightOf: (host: Host) => number;
  #order = 0;

  constructor(hosts: readonly Host[], weightOf: (host: Host) => number, random: Random) {
    this.#weightOf = weightOf;
    // Every thread and proxy starts somewhere else in the rounds: else all of them would send their first requests to the heaviest hosts.
    // Most of the picks before that are taken for granted, each host's whole ones, so that a far start costs little.
    const picks = hosts.length === 0 ? 0 : random.integer(START_WITHIN);
    const weights = hosts.map((host) => weightOf(host));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let taken = 0;
    for (const [at, host] of hosts.entries()) {
      const weight = weights[at]!;
      const whole = Math.floor((weight * picks) / total);
      taken += whole;
      this.#push({ host, deadline: (whole + 1) / weight, order: this.#order++ });
    }
    for (; taken < picks; taken++) this.pick();
  }

  pick(): Host | undefined {
    const entry = this.#heap[0];
    if (entry === undefined) return undefined;
    entry.deadline += 1 / this.#weightOf(entry.host);
    entry.order = this.#order++;
    this.#sinkRoot();
    return entry.host;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent]!;
      if (!before(entry, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = entry;
  }

  #sinkRoot(): void {
    const heap = this.#heap;
    const entry = heap[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}
