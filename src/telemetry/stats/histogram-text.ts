// A histogram as `/stats` shows it, as text and as JSON, in each of Envoy's display modes. No intervals are kept: where Envoy has a
// number for the last five seconds beside that for all time, there is nan, null or 0.
import { PROMETHEUS_BOUNDS, QUANTILES } from "./buckets.ts";
import type { Bucket, HistogramSnapshot } from "./buckets.ts";

export const BUCKET_MODES = ["cumulative", "disjoint", "detailed", "summary"] as const;
export type BucketMode = (typeof BUCKET_MODES)[number];

export interface NamedHistogram {
  readonly name: string;
  readonly value: HistogramSnapshot;
}

const NOTHING = "No recorded values";

export function histogramText({ name, value }: NamedHistogram, mode: BucketMode): string {
  if (mode === "detailed") {
    const totals = value.count === 0 ? "" : value.buckets().map(bucketText).join(", ");
    return `${name}:\n  totals=${totals}\n  intervals=\n  summary=${value.count === 0 ? NOTHING : summary(value)}\n`;
  }
  if (value.count === 0) return `${name}: ${NOTHING}\n`;
  if (mode === "summary") return `${name}: ${summary(value)}\n`;
  const counts = mode === "cumulative" ? value.cumulative() : value.disjoint();
  return `${name}: ${counts.map((count, index) => `B${boundText(PROMETHEUS_BOUNDS[index] ?? 0)}(0,${count})`).join(" ")}\n`;
}

/** What stands under `histograms` in the last element of the list. */
export function histogramsJson(histograms: readonly NamedHistogram[], mode: BucketMode): unknown {
  switch (mode) {
    case "summary":
      return {
        supported_quantiles: QUANTILES.map(percent),
        computed_quantiles: histograms.map(({ name, value }) => ({ name, values: quantilesJson(value) })),
      };
    case "detailed":
      return {
        supported_percentiles: QUANTILES.map(percent),
        details: histograms.map(({ name, value }) => ({
          name,
          totals: value.buckets().map(({ lowerBound, width, count }) => ({ lower_bound: lowerBound, width, count })),
          intervals: [],
          percentiles: quantilesJson(value),
        })),
      };
    case "cumulative":
    case "disjoint":
      return histograms.map(({ name, value }) => ({
        name,
        buckets: (mode === "cumulative" ? value.cumulative() : value.disjoint()).map((count, index) => ({
          upper_bound: PROMETHEUS_BOUNDS[index],
          interval: 0,
          cumulative: count,
        })),
      }));
  }
}

function summary(value: HistogramSnapshot): string {
  return QUANTILES.map((share) => `P${percent(share)}(nan,${rounded(value.quantile(share))})`).join(" ");
}

function quantilesJson(value: HistogramSnapshot): unknown[] {
  return QUANTILES.map((share) => ({ interval: null, cumulative: rounded(value.quantile(share)) ?? null }));
}

function bucketText({ lowerBound, width, count }: Bucket): string {
  return `${rounded(lowerBound)},${rounded(width)}:${count}`;
}

/** As C's %g has it, which Envoy's library uses: six digits, then an exponent. */
function boundText(bound: number): string {
  if (bound < 1e6) return String(bound);
  const [digits = "", exponent = ""] = bound.toExponential().split("e+");
  return `${digits}e+${exponent.padStart(2, "0")}`;
}

const percent = (share: number): number => Number((share * 100).toFixed(1));

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(6));
}
