// Encoded parts, shared by all proxies that need them and kept from one snapshot to the next. An entry is good as long as everything
// that it was made of is the same one: snapshots keep the identity of what did not change. Who makes an entry must name all that it
// reads, in the key (texts) or among the inputs (objects); tests compare with what is made without a cache.
export class ResourceCache {
  readonly #entries = new Map<string, Entry>();
  #round = 0;

  /** Begins a push: what no proxy has asked for in the push before goes. */
  nextRound(): void {
    for (const [key, entry] of this.#entries) if (entry.usedIn < this.#round) this.#entries.delete(key);
    this.#round++;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `make` may hand back what it made the last time, when that is still right: then nobody behind sees a change. */
  get<T>(key: string, inputs: readonly unknown[], make: (before: T | undefined) => T): T {
    const known = this.#entries.get(key);
    if (known !== undefined && sameInputs(known.inputs, inputs)) {
      known.usedIn = this.#round;
      return known.value as T;
    }
    const value = make(known?.value as T | undefined);
    this.#entries.set(key, { inputs, value, usedIn: this.#round });
    return value;
  }
}

interface Entry {
  readonly inputs: readonly unknown[];
  readonly value: unknown;
  usedIn: number;
}

function sameInputs(before: readonly unknown[], now: readonly unknown[]): boolean {
  return before.length === now.length && before.every((input, index) => input === now[index]);
}
