// `/reset_counters`: counters live in memory that threads only add to, so what they had at a reset is taken off whenever they are shown.
import type { Stat } from "./stats-reader.ts";

export class CounterReset {
  #before: ReadonlyMap<string, number> = new Map();

  reset(stats: readonly Stat[]): void {
    this.#before = new Map(stats.flatMap(({ kind, name, value }) => (kind === "counter" && value > 0 ? [[name, value] as const] : [])));
  }

  shown(stats: readonly Stat[]): readonly Stat[] {
    if (this.#before.size === 0) return stats;
    return stats.map((stat) => {
      if (stat.kind !== "counter") return stat;
      const before = this.#before.get(stat.name) ?? 0;
      // Its cluster went and came again: it began at 0 by itself.
      return before === 0 || before > stat.value ? stat : { ...stat, value: stat.value - before };
    });
  }
}
