// The statistics of one thread, which is the only one that writes them. A value is one to a few slots of a SharedArrayBuffer: counting
// is one addition, and the main thread reads the same memory. Names go to the main thread in increments (takeUpdate), never per count.
// A histogram takes 2.9 KB: it gets its slots with the first value, because most of those of a large mesh never see one.
import { HISTOGRAM_SLOTS, recordValue } from "./buckets.ts";
import { dottedName } from "./stat-name.ts";
import type { Counter, Gauge, Histogram, NamePart, StatsScope } from "./store.ts";

export type StatKind = "counter" | "gauge" | "histogram";

/** Slots a statistic takes. A gauge has two: what inc and dec made of it, and what was set. */
const SLOTS: Readonly<Record<StatKind, number>> = { counter: 1, gauge: 2, histogram: HISTOGRAM_SLOTS };

/** Where a histogram is that has no value yet. */
export const NO_SLOT = -1;

export interface NewStat {
  /** Its number on its thread, never used for another one. */
  readonly id: number;
  readonly kind: StatKind;
  readonly parts: readonly NamePart[];
  /** Index of its first slot, over all segments; NO_SLOT: nothing recorded. It comes again, with its slot, when there is something. */
  readonly slot: number;
}

/** What changed since the last one; can be posted to another thread. Apply `removed` before `added`. */
export interface StatsUpdate {
  readonly segments: readonly SharedArrayBuffer[];
  /** Ids. */
  readonly removed: readonly number[];
  readonly added: readonly NewStat[];
}

export const SEGMENT_SLOTS = 8192;
const DEFAULT_MAX_NAMES = 200_000;

interface Entry {
  readonly id: number;
  readonly key: string;
  readonly kind: StatKind;
  readonly parts: readonly NamePart[];
  slot: number;
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
  /** Until the first value: who gives it slots. */
  stats: ThreadStats | undefined;
  readonly #id: number;
  constructor(stats: ThreadStats | undefined, id: number) {
    this.slots = NOWHERE;
    this.at = 0;
    this.stats = stats;
    this.#id = id;
  }
  record(value: number): void {
    if (this.stats !== undefined) {
      this.stats.firstValue(this.#id);
      this.stats = undefined;
    }
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
  #released: { id: number; kind: StatKind; slot: number }[] = [];
  #lastId = 0;
  readonly #entries = new Map<string, Entry>();
  /** Histograms without a value, by id. */
  readonly #empty = new Map<number, Entry>();
  /** By id: what the reader has not heard of yet. */
  #added = new Map<number, NewStat>();
  /** Ids below are known to the reader. */
  #announcedBelow = 1;
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
    for (const { kind, slot } of this.#resting) if (slot !== NO_SLOT) this.#free[kind].push(slot);
    this.#resting = this.#released;
    if (this.#newSegments.length + this.#released.length + this.#added.size === 0) return undefined;
    const update: StatsUpdate = {
      segments: this.#newSegments,
      removed: this.#released.map(({ id }) => id),
      added: [...this.#added.values()],
    };
    this.#newSegments = [];
    this.#released = [];
    this.#added = new Map();
    this.#announcedBelow = this.#lastId + 1;
    return update;
  }

  /** Slots this thread took so far, for tests and for those who wonder where memory goes. */
  get slotCount(): number {
    return this.#nextSlot;
  }

  /** Called by histograms only. */
  firstValue(id: number): void {
    const entry = this.#empty.get(id);
    if (entry === undefined) return;
    this.#empty.delete(id);
    const { kind, parts, handle } = entry;
    const slot = this.#allocate(kind);
    entry.slot = slot;
    handle.slots = this.#segments[Math.floor(slot / SEGMENT_SLOTS)] as Float64Array;
    handle.at = slot % SEGMENT_SLOTS;
    this.#added.set(id, { id, kind, parts, slot });
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
        return nowhere(kind);
      }
      entry = this.#make(kind, key, parts);
      const { id, slot } = entry;
      this.#entries.set(key, entry);
      this.#added.set(id, { id, kind, parts, slot });
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
      const { id, handle, kind, slot } = entry;
      handle.slots.fill(0, handle.at, handle.at + SLOTS[kind]);
      handle.slots = NOWHERE;
      handle.at = 0;
      this.#empty.delete(id);
      this.#added.delete(id);
      if (id < this.#announcedBelow) this.#released.push({ id, kind, slot });
      // What the reader never heard of can be used again at once.
      else if (slot !== NO_SLOT) this.#free[kind].push(slot);
    }
  }

  #make(kind: StatKind, key: string, parts: readonly NamePart[]): Entry {
    const id = ++this.#lastId;
    if (kind === "histogram") {
      const entry: Entry = { id, key, kind, parts, slot: NO_SLOT, handle: new SlotHistogram(this, id), owners: 0 };
      this.#empty.set(id, entry);
      return entry;
    }
    const slot = this.#allocate(kind);
    const segment = this.#segments[Math.floor(slot / SEGMENT_SLOTS)] as Float64Array;
    const Handle = kind === "counter" ? SlotCounter : SlotGauge;
    return { id, key, kind, parts, slot, handle: new Handle(segment, slot % SEGMENT_SLOTS), owners: 0 };
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

/** A handle that works and counts for nobody. */
function nowhere(kind: StatKind): Entry["handle"] {
  switch (kind) {
    case "counter":
      return new SlotCounter(NOWHERE, 0);
    case "gauge":
      return new SlotGauge(NOWHERE, 0);
    case "histogram":
      return new SlotHistogram(undefined, 0);
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
  #released = false;

  constructor(stats: ThreadStats, prefix: readonly NamePart[], parent: Scope | undefined) {
    this.#stats = stats;
    this.#prefix = prefix;
    this.#parent = parent;
  }

  counter(...parts: NamePart[]): Counter {
    return this.#acquire("counter", parts) as SlotCounter;
  }

  gauge(...parts: NamePart[]): Gauge {
    return this.#acquire("gauge", parts) as SlotGauge;
  }

  histogram(...parts: NamePart[]): Histogram {
    return this.#acquire("histogram", parts) as SlotHistogram;
  }

  scope(...parts: NamePart[]): StatsScope {
    const child = new Scope(this.#stats, [...this.#prefix, ...parts], this);
    if (this.#released) child.#released = true;
    else this.#children.add(child);
    return child;
  }

  #acquire(kind: StatKind, parts: NamePart[]): Entry["handle"] {
    // A late request of a cluster that is gone must not bring its statistics back: nobody would release them.
    if (this.#released) return nowhere(kind);
    return this.#stats.acquire(kind, [...this.#prefix, ...parts], this.#owned);
  }

  release(): void {
    this.#released = true;
    for (const child of this.#children) child.release();
    this.#stats.giveBack(this.#owned);
    this.#owned.clear();
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
  }
}
