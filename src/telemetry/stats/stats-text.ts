// `/stats` of Envoy's admin endpoint: `name: value` lines, or JSON.
import { compileRegex } from "#matcher/regex";
import { QUANTILES } from "./buckets.ts";
import type { Stat } from "./stats-reader.ts";

export interface StatsQuery {
  /** RE2, found anywhere in the name. */
  readonly filter?: string;
  /** Leave out what never counted anything. */
  readonly usedOnly?: boolean;
  /** The filter names what is left out. */
  readonly invert?: boolean;
  readonly kind?: Stat["kind"] | undefined;
}

/** @throws Error when the filter is not a regex */
export function selectStats(stats: readonly Stat[], { filter, usedOnly = false, invert = false, kind }: StatsQuery): readonly Stat[] {
  const regex = filter === undefined || filter === "" ? undefined : compileRegex(`.*(?:${filter}).*`);
  return stats.filter(
    (stat) =>
      (kind === undefined || stat.kind === kind) &&
      (!usedOnly || isUsed(stat)) &&
      (regex === undefined || regex.matches(stat.name) !== invert),
  );
}

function isUsed(stat: Stat): boolean {
  return stat.kind === "histogram" ? stat.value.count > 0 : stat.value !== 0;
}

/** Plain values first, then histograms, as Envoy does. No intervals are kept, so the first number of a quantile is nan. */
export function statsText(stats: readonly Stat[]): string {
  let out = "";
  for (const stat of stats) if (stat.kind !== "histogram") out += `${stat.name}: ${stat.value}\n`;
  for (const stat of stats) {
    if (stat.kind !== "histogram") continue;
    if (stat.value.count === 0) {
      out += `${stat.name}: No recorded values\n`;
      continue;
    }
    const quantiles = QUANTILES.map((share) => `P${percent(share)}(nan,${rounded(stat.value.quantile(share))})`);
    out += `${stat.name}: ${quantiles.join(" ")}\n`;
  }
  return out;
}

export function statsJson(stats: readonly Stat[]): string {
  const list: unknown[] = stats.flatMap((stat) => (stat.kind === "histogram" ? [] : [{ name: stat.name, value: stat.value }]));
  const histograms = stats.flatMap((stat) => (stat.kind === "histogram" ? [stat] : []));
  if (histograms.length > 0) {
    list.push({
      histograms: {
        supported_quantiles: QUANTILES.map(percent),
        computed_quantiles: histograms.map(({ name, value }) => ({
          name,
          values: QUANTILES.map((share) => ({ interval: null, cumulative: rounded(value.quantile(share)) ?? null })),
        })),
      },
    });
  }
  return JSON.stringify({ stats: list });
}

const percent = (share: number): number => Number((share * 100).toFixed(1));

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(6));
}
