// The statistics of one thread, which is the only one that writes them. A value is one to a few slots of a SharedArrayBuffer: counting
// is one addition, and the main thread reads the same memory. Names go to the main thread in increments (takeUpdate), never per count.
import { HISTOGRAM_SLOTS, recordValue } from "./buckets.ts";
import { dottedName } from "./stat-name.ts";
import type { Counter, Gauge, Histogram, NamePart, StatsScope } from "./store.ts";

export type StatKind = "counter" | "gauge" | "histogram";

/** Slots a statistic takes. A gauge has two: what inc and dec made of it, and what was set. */
const SLOTS: Readonly<Record<StatKind, number>> = { counter: 1, gauge: 2, histogram: HISTOGRAM_SLOTS };

export interface NewStat {
  readonly kind: StatKind;
  readonly parts: readonly NamePart[];
  /** Index of its first slot, over all segments. */
  readonly slot: number;
}

/** What changed since the last one; can be posted to another thread. Apply `removed` before `added`. */
export interface StatsUpdate {
  readonly segments: readonly SharedArrayBuffer[];
  readonly removed: readonly number[];
  readonly added: readonly NewStat[];
}

export const SEGMENT_SLOTS = 8192;
const DEFAULT_MAX_NAMES = 200_000;

interface Entry {
  readonly key: string;
  readonly kind: StatKind;
  readonly slot: number;
  readonly handle: SlotCounter | SlotGauge | SlotHistogram;
  /** Scopes that made it; it goes with the last of them. */
  owners: number;
}

/** Where the handles of released statistics write. Never read. */
const NOWHERE = new Float64Array(HISTOGRAM_SLOTS);

class SlotCounter implements Counter {
  slots: Float64Array;
  at: number;
  constructor(slots: Float64Array, at: number) {
    this.slots = slots;
    this.at = at;
  }
  inc(): void {
    (this.slots[this.at] as number)++;
  }
  add(n: number): void {
    (this.slots[this.at] as number) += n;
  }
  get value(): number {
    return this.slots[this.at] as number;
  }
}

class SlotGauge implements Gauge {
  slots: Float64Array;
  at: number;
  constructor(slots: Float64Array, at: number) {
    this.slots = slots;
    this.at = at;
  }
  inc(): void {
    (this.slots[this.at] as number)++;
  }
  dec(): void {
    (this.slots[this.at] as number)--;
  }
  add(n: number): void {
    (this.slots[this.at] as number) += n;
  }
  set(value: number): void {
    this.slots[this.at] = 0;
    this.slots[this.at + 1] = value;
  }
  get value(): number {
    return (this.slots[this.at] as number) + (this.slots[this.at + 1] as number);
  }
}

class SlotHistogram implements Histogram {
  slots: Float64Array;
  at: number;
  constructor(slots: Float64Array, at: number) {
    this.slots = slots;
    this.at = at;
  }
  record(value: number): void {
    recordValue(this.slots, this.at, value);
  }
}

export interface ThreadStatsOptions {
  /** More names than this are counted in `server.stats_overflow` and write nowhere. */
  readonly maxNames?: number;
}

export class ThreadStats {
  readonly #maxNames: number;
  readonly #segments: Float64Array[] = [];
  #newSegments: SharedArrayBuffer[] = [];
  #nextSlot = 0;
  readonly #free: Record<StatKind, number[]> = { counter: [], gauge: [], histogram: [] };
  /** Released before the last update: the reader knows by now, so these are free with the next. Released since then: `#released`. */
  #resting: { kind: StatKind; slot: number }[] = [];
  #released: { kind: StatKind; slot: number }[] = [];
  readonly #entries = new Map<string, Entry>();
  /** By slot: what the reader has not heard of yet. */
  #added = new Map<number, NewStat>();
  readonly #overflow: Counter;
  readonly root: StatsScope;

  constructor(options: ThreadStatsOptions = {}) {
    this.#maxNames = options.maxNames ?? DEFAULT_MAX_NAMES;
    const root = new Scope(this, [], undefined);
    this.root = root;
    this.#overflow = root.counter("server", "stats_overflow");
  }

  get nameCount(): number {
    return this.#entries.size;
  }

  /** What is new for the reader of this thread; call it regularly, and whenever statistics are asked for. undefined: nothing. */
  takeUpdate(): StatsUpdate | undefined {
    for (const { kind, slot } of this.#resting) this.#free[kind].push(slot);
    this.#resting = this.#released;
    if (this.#newSegments.length + this.#released.length + this.#added.size === 0) return undefined;
    const update: StatsUpdate = {
      segments: this.#newSegments,
      removed: this.#released.map(({ slot }) => slot),
      added: [...this.#added.values()],
    };
    this.#newSegments = [];
    this.#released = [];
    this.#added = new Map();
    return update;
  }

  /** Called by scopes only. */
  acquire(kind: StatKind, parts: readonly NamePart[], owned: Map<string, Entry>): Entry["handle"] {
    const key = `${kind}:${dottedName(parts)}`;
    const known = owned.get(key);
    if (known !== undefined) return known.handle;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#maxNames) {
        this.#overflow.inc();
        return makeHandle(kind, NOWHERE, 0);
      }
      const slot = this.#allocate(kind);
      const segment = this.#segments[Math.floor(slot / SEGMENT_SLOTS)] as Float64Array;
      entry = { key, kind, slot, handle: makeHandle(kind, segment, slot % SEGMENT_SLOTS), owners: 0 };
      this.#entries.set(key, entry);
      this.#added.set(slot, { kind, parts, slot });
    }
    entry.owners++;
    owned.set(key, entry);
    return entry.handle;
  }

  /** Called by scopes only. */
  giveBack(owned: ReadonlyMap<string, Entry>): void {
    for (const entry of owned.values()) {
      if (--entry.owners > 0) continue;
      this.#entries.delete(entry.key);
      const { handle, kind, slot } = entry;
      handle.slots.fill(0, handle.at, handle.at + SLOTS[kind]);
      handle.slots = NOWHERE;
      handle.at = 0;
      // What the reader never heard of can be used again at once.
      if (this.#added.delete(slot)) this.#free[kind].push(slot);
      else this.#released.push({ kind, slot });
    }
  }

  #allocate(kind: StatKind): number {
    const reused = this.#free[kind].pop();
    if (reused !== undefined) return reused;
    const size = SLOTS[kind];
    const left = SEGMENT_SLOTS - (this.#nextSlot % SEGMENT_SLOTS);
    if (left < size) this.#nextSlot += left;
    if (this.#nextSlot >= this.#segments.length * SEGMENT_SLOTS) {
      const memory = new SharedArrayBuffer(SEGMENT_SLOTS * Float64Array.BYTES_PER_ELEMENT);
      this.#segments.push(new Float64Array(memory));
      this.#newSegments.push(memory);
    }
    const slot = this.#nextSlot;
    this.#nextSlot += size;
    return slot;
  }
}

function makeHandle(kind: StatKind, slots: Float64Array, at: number): Entry["handle"] {
  switch (kind) {
    case "counter":
      return new SlotCounter(slots, at);
    case "gauge":
      return new SlotGauge(slots, at);
    case "histogram":
      return new SlotHistogram(slots, at);
    default:
      return kind satisfies never;
  }
}

class Scope implements StatsScope {
  readonly #stats: ThreadStats;
  readonly #prefix: readonly NamePart[];
  readonly #parent: Scope | undefined;
  readonly #children = new Set<Scope>();
  readonly #owned = new Map<string, Entry>();

  constructor(stats: ThreadStats, prefix: readonly NamePart[], parent: Scope | undefined) {
    this.#stats = stats;
    this.#prefix = prefix;
    this.#parent = parent;
  }

  counter(...parts: NamePart[]): Counter {
    return this.#stats.acquire("counter", [...this.#prefix, ...parts], this.#owned) as SlotCounter;
  }

  gauge(...parts: NamePart[]): Gauge {
    return this.#stats.acquire("gauge", [...this.#prefix, ...parts], this.#owned) as SlotGauge;
  }

  histogram(...parts: NamePart[]): Histogram {
    return this.#stats.acquire("histogram", [...this.#prefix, ...parts], this.#owned) as SlotHistogram;
  }

  scope(...parts: NamePart[]): StatsScope {
    const child = new Scope(this.#stats, [...this.#prefix, ...parts], this);
    this.#children.add(child);
    return child;
  }

  release(): void {
    for (const child of this.#children) child.release();
    this.#stats.giveBack(this.#owned);
    this.#owned.clear();
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
  }
}
