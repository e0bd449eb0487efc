// The statistics of all threads as one, read from their shared memory on the main thread. Counters and histograms are summed. A gauge
// is the sum of what threads counted up and down plus the largest value that one of them set: all threads set the same facts.
import { HISTOGRAM_SLOTS, HistogramSnapshot } from "./buckets.ts";
import { dottedName, sharedLeaf } from "./stat-name.ts";
import type { NamePart } from "./store.ts";
import { NO_SLOT, SEGMENT_SLOTS } from "./thread-stats.ts";
import type { NewStat, StatKind, StatsUpdate } from "./thread-stats.ts";

export type Stat =
  | { readonly kind: "counter" | "gauge"; readonly name: string; readonly parts: readonly NamePart[]; readonly value: number }
  | { readonly kind: "histogram"; readonly name: string; readonly parts: readonly NamePart[]; readonly value: HistogramSnapshot };

/** A text that the main thread knows, as the version of a configuration. */
export interface TextReadout {
  readonly kind: "text-readout";
  readonly name: string;
  readonly parts: readonly NamePart[];
  readonly value: string;
}

/** What pages show. */
export type ShownStat = Stat | TextReadout;

interface ThreadView {
  readonly segments: Float64Array[];
  /** By id. */
  readonly stats: Map<number, Announced>;
}

/** What is kept of a statistic: there are thousands of a mesh, so their names are put together when somebody asks. */
type Announced = Omit<NewStat, "id">;

/** Constants, where a message between threads has a string for each. */
const KINDS = { counter: "counter", gauge: "gauge", histogram: "histogram" } as const;

interface Sum {
  readonly kind: StatKind;
  readonly parts: readonly NamePart[];
  value: number;
  level: number;
  /** Undefined: a histogram in which nothing was recorded. */
  slots: Float64Array | undefined;
}

const NOTHING_RECORDED = new HistogramSnapshot(new Float64Array(HISTOGRAM_SLOTS));

export class StatsReader {
  readonly #threads = new Map<number, ThreadView>();
  /** What threads had counted when they ended: a counter must not go back when a thread is replaced. */
  readonly #ended = new Map<string, Sum>();

  /** `thread` is whatever number its owner gives it. */
  apply(thread: number, update: StatsUpdate): void {
    let view = this.#threads.get(thread);
    if (view === undefined) {
      view = { segments: [], stats: new Map() };
      this.#threads.set(thread, view);
    }
    for (const memory of update.segments) view.segments.push(new Float64Array(memory));
    for (const id of update.removed) {
      const stat = view.stats.get(id);
      view.stats.delete(id);
      // Its cluster or listener is gone: so is what earlier threads counted for it.
      if (stat !== undefined) this.#ended.delete(keyOf(stat));
    }
    for (const { id, kind, prefix, leaf, slot } of update.added) {
      view.stats.set(id, { kind: KINDS[kind], prefix, leaf: sharedLeaf(leaf), slot });
    }
  }

  /** The thread is gone; its counters and histograms stay in the sums, its gauges do not. */
  endThread(thread: number): void {
    const view = this.#threads.get(thread);
    if (view === undefined) return;
    this.#threads.delete(thread);
    for (const stat of view.stats.values()) if (stat.kind !== "gauge") addTo(this.#ended, stat, view);
  }

  /** A counter of this name is above 0, as far as threads have announced it. */
  counted(name: string): boolean {
    if ((this.#ended.get(`counter:${name}`)?.value ?? 0) > 0) return true;
    for (const view of this.#threads.values()) {
      for (const stat of view.stats.values()) {
        if (stat.kind !== "counter" || stat.slot === NO_SLOT || !name.endsWith(dottedName(stat.leaf))) continue;
        if (dottedName(stat.prefix, stat.leaf) !== name) continue;
        const segment = view.segments[Math.floor(stat.slot / SEGMENT_SLOTS)];
        if (segment !== undefined && segment[stat.slot % SEGMENT_SLOTS]! > 0) return true;
      }
    }
    return false;
  }

  /** Sorted by name. */
  read(): readonly Stat[] {
    const sums = new Map<string, Sum>();
    for (const view of this.#threads.values()) for (const stat of view.stats.values()) addTo(sums, stat, view);
    for (const [key, ended] of this.#ended) {
      const sum = sums.get(key);
      if (sum === undefined) continue;
      sum.value += ended.value;
      if (ended.slots !== undefined) sum.slots = addSlots(sum.slots, ended.slots, 0);
    }
    const stats = [...sums.values()].map((sum) => toStat(sum));
    return stats.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}

function keyOf({ kind, prefix, leaf }: Announced): string {
  return `${kind}:${dottedName(prefix, leaf)}`;
}

function addTo(sums: Map<string, Sum>, stat: Announced, view: ThreadView): void {
  const key = keyOf(stat);
  let sum = sums.get(key);
  if (sum === undefined) {
    sum = { kind: stat.kind, parts: stat.prefix.concat(stat.leaf), value: 0, level: 0, slots: undefined };
    sums.set(key, sum);
  }
  if (stat.slot === NO_SLOT) return;
  const segment = view.segments[Math.floor(stat.slot / SEGMENT_SLOTS)];
  if (segment === undefined) return;
  const at = stat.slot % SEGMENT_SLOTS;
  if (stat.kind === "histogram") {
    sum.slots = addSlots(sum.slots, segment, at);
    return;
  }
  sum.value += segment[at] as number;
  if (stat.kind === "gauge") sum.level = Math.max(sum.level, segment[at + 1] as number);
}

function addSlots(into: Float64Array | undefined, from: Float64Array, at: number): Float64Array {
  if (into === undefined) return from.slice(at, at + HISTOGRAM_SLOTS);
  for (let i = 0; i < HISTOGRAM_SLOTS; i++) (into[i] as number) += from[at + i] as number;
  return into;
}

function toStat({ kind, parts, value, level, slots }: Sum): Stat {
  const name = dottedName(parts);
  if (kind === "histogram") return { kind, name, parts, value: slots === undefined ? NOTHING_RECORDED : new HistogramSnapshot(slots) };
  return { kind, name, parts, value: value + level };
}
