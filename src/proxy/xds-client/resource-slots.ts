// The resources of one type, by name: the live one, and the accepted one that waits until what it needs is there.

export interface AcceptedResource<Facts> {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  /** What the check on the main thread found out. */
  readonly facts: Facts;
  readonly acceptedWallMs: number;
}

export class ResourceSlot<Facts> {
  readonly name: string;
  live: AcceptedResource<Facts> | undefined;
  waiting: AcceptedResource<Facts> | undefined;
  /** Called when nothing waits any more: it is live, was replaced, or is gone. */
  #settled: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** The newest that was accepted. */
  get newest(): AcceptedResource<Facts> | undefined {
    return this.waiting ?? this.live;
  }

  get waitsForTheFirstTime(): boolean {
    return this.waiting !== undefined && this.live === undefined;
  }

  accept(resource: AcceptedResource<Facts>): void {
    this.settle();
    this.waiting = resource;
  }

  onSettled(callback: () => void): void {
    this.#settled.push(callback);
  }

  settle(): void {
    const callbacks = this.#settled;
    this.#settled = [];
    for (const callback of callbacks) callback();
  }
}

export class ResourceSlots<Facts> {
  readonly #slots = new Map<string, ResourceSlot<Facts>>();

  get(name: string): ResourceSlot<Facts> | undefined {
    return this.#slots.get(name);
  }

  make(name: string): ResourceSlot<Facts> {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = new ResourceSlot(name);
      this.#slots.set(name, slot);
    }
    return slot;
  }

  delete(name: string): ResourceSlot<Facts> | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined) return undefined;
    this.#slots.delete(name);
    slot.settle();
    return slot;
  }

  [Symbol.iterator](): IterableIterator<ResourceSlot<Facts>> {
    return this.#slots.values();
  }

  get live(): AcceptedResource<Facts>[] {
    return [...this.#slots.values()].flatMap(({ live }) => live ?? []);
  }

  get anyWaiting(): boolean {
    for (const slot of this.#slots.values()) if (slot.waiting !== undefined) return true;
    return false;
  }

  /** A resource that waits beside its predecessor counts in both. */
  count(): { readonly live: number; readonly warming: number } {
    let live = 0;
    let warming = 0;
    for (const slot of this.#slots.values()) {
      if (slot.live !== undefined) live++;
      if (slot.waiting !== undefined) warming++;
    }
    return { live, warming };
  }
}
