// The retry priority previous_priorities: after every so many tries, those that follow leave out the priorities of all hosts that were
// tried. When nothing usable is left, it starts anew. As Envoy's.
import type { Host } from "./cluster.ts";
import type { HostSet } from "./host-set.ts";

export class PreviousPriorities {
  readonly #updateFrequency: number;
  #attempted: Host[] = [];
  readonly #excluded = new Set<number>();

  constructor(updateFrequency: number) {
    this.#updateFrequency = updateFrequency;
  }

  onHostAttempted(host: Host): void {
    this.#attempted.push(host);
  }

  /** What the next try chooses from. */
  narrow(all: HostSet): HostSet {
    const tries = this.#attempted.length;
    if (tries >= this.#updateFrequency && tries % this.#updateFrequency === 0) {
      for (const host of this.#attempted) {
        // A host may have left since.
        const priority = all.priorityOf(host);
        if (priority !== undefined) this.#excluded.add(priority);
      }
      if (!all.without(this.#excluded).available) {
        this.#excluded.clear();
        this.#attempted = [];
      }
    }
    return this.#excluded.size === 0 ? all : all.without(this.#excluded);
  }
}
