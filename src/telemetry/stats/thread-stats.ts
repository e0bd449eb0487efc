// The statistics of one thread, which is the only one that writes them. A value is one to a few slots of a SharedArrayBuffer: counting
// is one addition, and the main thread reads the same memory. Names go to the main thread in increments (takeUpdate), never per count.
// A histogram takes 2.9 KB: it gets its slots with the first value, because most of those of a large mesh never see one.
import { HISTOGRAM_SLOTS, recordValue } from "./buckets.ts";
import { dottedName, sharedLeaf } from "./stat-name.ts";
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
  /** Its name: that of its scope, which is one array for all of the scope's statistics, also when it was cloned to another thread... */
  readonly prefix: readonly NamePart[];
  /** ... and what follows, one array for all statistics of any scope that end so. A mesh has thousands that differ in the scope alone. */
  readonly leaf: readonly NamePart[];
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

export const SEGMENT_SLOTS = 4096;
const DEFAULT_MAX_NAMES = 200_000;

/** What is known of a statistic beside its value. One object with its handle: there are thousands. */
abstract class Entry {
  /** Where it counts now: an index of `slots`. */
  slots: Float64Array;
  at: number;
  abstract readonly kind: StatKind;
  readonly id: number;
  readonly key: string;
  readonly prefix: readonly NamePart[];
  readonly leaf: readonly NamePart[];
  slot: number;
  /** Scopes that made it; it goes with the last of them. */
  owners = 0;

  constructor({ id, key, prefix, leaf }: EntryName, slots: Float64Array, slot: number) {
    this.slots = slots;
    this.at = slot === NO_SLOT ? 0 : slot % SEGMENT_SLOTS;
    this.id = id;
    this.key = key;
    this.prefix = prefix;
    this.leaf = leaf;
    this.slot = slot;
  }
}

interface EntryName {
  readonly id: number;
  readonly key: string;
  readonly prefix: readonly NamePart[];
  readonly leaf: readonly NamePart[];
}

/** Where the handles of released statistics write. Never read. */
const NOWHERE = new Float64Array(HISTOGRAM_SLOTS);
const NAMELESS: EntryName = { id: 0, key: "", prefix: [], leaf: [] };

class SlotCounter extends Entry implements Counter {
  get kind(): "counter" {
    return "counter";
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

class SlotGauge extends Entry implements Gauge {
  get kind(): "gauge" {
    return "gauge";
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

class SlotHistogram extends Entry implements Histogram {
  /** Until the first value: who gives it slots. */
  stats: ThreadStats | undefined;
  constructor(name: EntryName, stats: ThreadStats | undefined) {
    super(name, NOWHERE, NO_SLOT);
    this.stats = stats;
  }
  get kind(): "histogram" {
    return "histogram";
  }
  record(value: number): void {
    if (this.stats !== undefined) {
      this.stats.firstValue(this.id);
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
    const slot = this.#allocate(entry.kind);
    entry.slot = slot;
    entry.slots = this.#segments[Math.floor(slot / SEGMENT_SLOTS)] as Float64Array;
    entry.at = slot % SEGMENT_SLOTS;
    this.#announce(entry);
  }

  /** Called by scopes only. */
  acquire(kind: StatKind, prefix: readonly NamePart[], leaf: readonly NamePart[], owned: Entry[]): Entry {
    const key = `${kind}:${dottedName(prefix, leaf)}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#maxNames) {
        this.#overflow.inc();
        return nowhere(kind);
      }
      entry = this.#make(kind, { id: ++this.#lastId, key, prefix, leaf: sharedLeaf(leaf) });
      this.#entries.set(key, entry);
      this.#announce(entry);
    }
    if (!owned.includes(entry)) {
      entry.owners++;
      owned.push(entry);
    }
    return entry;
  }

  /** Called by scopes only. */
  giveBack(owned: readonly Entry[]): void {
    for (const entry of owned) {
      if (--entry.owners > 0) continue;
      this.#entries.delete(entry.key);
      const { id, kind, slot, slots, at } = entry;
      slots.fill(0, at, at + SLOTS[kind]);
      entry.slots = NOWHERE;
      entry.at = 0;
      this.#empty.delete(id);
      this.#added.delete(id);
      if (id < this.#announcedBelow) this.#released.push({ id, kind, slot });
      // What the reader never heard of can be used again at once.
      else if (slot !== NO_SLOT) this.#free[kind].push(slot);
    }
  }

  #announce({ id, kind, prefix, leaf, slot }: Entry): void {
    this.#added.set(id, { id, kind, prefix, leaf, slot });
  }

  #make(kind: StatKind, name: EntryName): Entry {
    if (kind === "histogram") {
      const histogram = new SlotHistogram(name, this);
      this.#empty.set(name.id, histogram);
      return histogram;
    }
    const slot = this.#allocate(kind);
    const segment = this.#segments[Math.floor(slot / SEGMENT_SLOTS)] as Float64Array;
    return kind === "counter" ? new SlotCounter(name, segment, slot) : new SlotGauge(name, segment, slot);
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
function nowhere(kind: StatKind): Entry {
  switch (kind) {
    case "counter":
      return new SlotCounter(NAMELESS, NOWHERE, 0);
    case "gauge":
      return new SlotGauge(NAMELESS, NOWHERE, 0);
    case "histogram":
      return new SlotHistogram(NAMELESS, undefined);
    default:
      return kind satisfies never;
  }
}

const NO_ENTRIES: Entry[] = [];

class Scope implements StatsScope {
  readonly #stats: ThreadStats;
  readonly #prefix: readonly NamePart[];
  readonly #parent: Scope | undefined;
  /** Made with the first one: half of all scopes have none. */
  #children: Set<Scope> | undefined;
  #owned: Entry[] = NO_ENTRIES;
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
    const child = new Scope(this.#stats, this.#prefix.concat(parts), this);
    if (this.#released) child.#released = true;
    else (this.#children ??= new Set()).add(child);
    return child;
  }

  #acquire(kind: StatKind, parts: readonly NamePart[]): Entry {
    // A late request of a cluster that is gone must not bring its statistics back: nobody would release them.
    if (this.#released) return nowhere(kind);
    if (this.#owned === NO_ENTRIES) this.#owned = [];
    return this.#stats.acquire(kind, this.#prefix, parts, this.#owned);
  }

  release(): void {
    this.#released = true;
    for (const child of this.#children ?? []) child.release();
    this.#stats.giveBack(this.#owned);
    this.#owned = NO_ENTRIES;
    if (this.#parent !== undefined) this.#parent.#children?.delete(this);
  }
}
