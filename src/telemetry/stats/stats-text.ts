// `/stats` of Envoy's admin endpoint: `name: value` lines, or JSON.
import { compileRegex } from "#matcher/regex";
import { histogramText, histogramsJson } from "./histogram-text.ts";
import type { BucketMode } from "./histogram-text.ts";
import type { ShownStat } from "./stats-reader.ts";

export interface StatsQuery {
  /** RE2, found anywhere in the name. */
  readonly filter?: string;
  /** Leave out what never counted anything. */
  readonly usedOnly?: boolean;
  /** The filter names what is left out. */
  readonly invert?: boolean;
  readonly kind?: ShownStat["kind"] | undefined;
}

/** @throws Error when the filter is not a regex */
export function selectStats(
  stats: readonly ShownStat[],
  { filter, usedOnly = false, invert = false, kind }: StatsQuery,
): readonly ShownStat[] {
  const regex = filter === undefined || filter === "" ? undefined : compileRegex(`.*(?:${filter}).*`);
  return stats.filter(
    (stat) =>
      (kind === undefined || stat.kind === kind) &&
      (!usedOnly || isUsed(stat)) &&
      (regex === undefined || regex.matches(stat.name) !== invert),
  );
}

function isUsed(stat: ShownStat): boolean {
  switch (stat.kind) {
    case "histogram":
      return stat.value.count > 0;
    case "text-readout":
      return stat.value !== "";
    case "counter":
    case "gauge":
      return stat.value !== 0;
  }
}

/** Texts first, then numbers, then histograms, as Envoy does. */
export function statsText(stats: readonly ShownStat[], mode: BucketMode = "summary"): string {
  let [texts, numbers, histograms] = ["", "", ""];
  for (const stat of stats) {
    if (stat.kind === "text-readout") texts += `${stat.name}: "${stat.value}"\n`;
    else if (stat.kind === "histogram") histograms += histogramText(stat, mode);
    else numbers += `${stat.name}: ${stat.value}\n`;
  }
  return texts + numbers + histograms;
}

export function statsJson(stats: readonly ShownStat[], mode: BucketMode = "summary"): string {
  const plain = (texts: boolean): unknown[] =>
    stats.flatMap((stat) =>
      stat.kind === "histogram" || (stat.kind === "text-readout") !== texts ? [] : [{ name: stat.name, value: stat.value }],
    );
  const list = [...plain(true), ...plain(false)];
  const histograms = stats.flatMap((stat) => (stat.kind === "histogram" ? [stat] : []));
  if (histograms.length > 0) list.push({ histograms: histogramsJson(histograms, mode) });
  return JSON.stringify({ stats: list });
}
