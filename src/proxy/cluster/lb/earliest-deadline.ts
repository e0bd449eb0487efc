// Weighted choice by earliest deadline first, as Envoy does it: each pick moves an item's deadline on by 1/weight. Over a round every
// item is picked in proportion to its weight, and the picks of one item are spread out instead of bunched.
import type { Random } from "#runtime/random";

/** Many rounds of hosts with usual weights. */
const START_WITHIN = 65_536;

interface Entry<T> {
  readonly item: T;
  deadline: number;
  /** Ties go to the entry that was put in first. */
  order: number;
}

function before(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}

/** A binary heap of hosts, or localities, by deadline. `weightOf` is asked at each pick, so a weight may depend on a host's load. */
export class EarliestDeadline<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #weightOf: (item: T) => number;
  #order = 0;

  constructor(items: readonly T[], weightOf: (item: T) => number, random: Random) {
    this.#weightOf = weightOf;
    // Every thread and proxy starts somewhere else in the rounds: else all of them would send their first requests to the heaviest hosts.
    // Most of the picks before that are taken for granted, each item's whole ones, so that a far start costs little.
    const picks = items.length === 0 ? 0 : random.integer(START_WITHIN);
    const weights = items.map((item) => weightOf(item));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let taken = 0;
    for (const [at, item] of items.entries()) {
      const weight = weights[at]!;
      const whole = Math.floor((weight * picks) / total);
      taken += whole;
      this.#push({ item, deadline: (whole + 1) / weight, order: this.#order++ });
    }
    for (; taken < picks; taken++) this.pick();
  }

  pick(): T | undefined {
    const entry = this.#heap[0];
    if (entry === undefined) return undefined;
    entry.deadline += 1 / this.#weightOf(entry.item);
    entry.order = this.#order++;
    this.#sinkRoot();
    return entry.item;
  }

  #push(entry: Entry<T>): void {
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
