// Prometheus text format 0.0.4 with Envoy's names: parts that are not tags, joined by "_" behind "envoy_"; tags are labels.
import { PROMETHEUS_BOUNDS, QUANTILES } from "./buckets.ts";
import { plainName } from "./stat-name.ts";
import type { ShownStat } from "./stats-reader.ts";
import type { NamePart } from "./store.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface PrometheusOptions {
  /** Text readouts are shown too, as gauges of value 0 with the text as label. */
  readonly textReadouts: boolean;
  /** Histograms as quantiles. */
  readonly summary: boolean;
}

const DEFAULTS: PrometheusOptions = { textReadouts: false, summary: false };

export function prometheusText(stats: readonly ShownStat[], { textReadouts, summary }: PrometheusOptions = DEFAULTS): string {
  const families = new Map<string, ShownStat[]>();
  for (const stat of stats) {
    if (stat.kind === "text-readout" && !textReadouts) continue;
    const name = metricName(stat.parts);
    // One name has one type: where a counter and a gauge would meet, the later ones get the type's name behind theirs.
    const family = families.get(name);
    const unique = family === undefined || family[0]?.kind === stat.kind ? name : `${name}_${stat.kind}`;
    const into = families.get(unique);
    if (into === undefined) families.set(unique, [stat]);
    else into.push(stat);
  }
  let out = "";
  for (const [name, members] of [...families].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    out += `# TYPE ${name} ${typeOf(members[0], summary)}\n`;
    for (const stat of members) out += sample(name, stat, summary);
  }
  return out;
}

function typeOf(stat: ShownStat | undefined, summary: boolean): string {
  if (stat?.kind === "text-readout") return "gauge";
  return stat?.kind === "histogram" && summary ? "summary" : (stat?.kind ?? "untyped");
}

function sample(name: string, stat: ShownStat, summary: boolean): string {
  const labels = labelText(stat.parts);
  if (stat.kind === "text-readout") return `${name}{${labels === "" ? "" : `${labels},`}text_value="${escaped(stat.value)}"} 0\n`;
  if (stat.kind !== "histogram") return `${name}${labels === "" ? "" : `{${labels}}`} ${stat.value}\n`;
  const before = labels === "" ? "" : `${labels},`;
  const { value } = stat;
  let out = "";
  const around = labels === "" ? "" : `{${labels}}`;
  const totals = `${name}_sum${around} ${value.sum}\n${name}_count${around} ${value.count}\n`;
  if (summary) {
    for (const share of QUANTILES) out += `${name}{${before}quantile="${share}"} ${value.quantile(share) ?? "nan"}\n`;
    return out + totals;
  }
  for (const [index, count] of value.cumulative().entries()) out += `${name}_bucket{${before}le="${PROMETHEUS_BOUNDS[index]}"} ${count}\n`;
  return `${out}${name}_bucket{${before}le="+Inf"} ${value.count}\n${totals}`;
}

function metricName(parts: readonly NamePart[]): string {
  const name = plainName(parts).replace(/[^a-zA-Z0-9_]/g, "_");
  // Istio's metrics carry their own prefix.
  return name.startsWith("istio_") ? name : `envoy_${name}`;
}

function labelText(parts: readonly NamePart[]): string {
  let out = "";
  for (const part of parts) {
    if (typeof part === "string") continue;
    out += `${out === "" ? "" : ","}${part.tag.replace(/[^a-zA-Z0-9_]/g, "_")}="${escaped(part.value)}"`;
  }
  return out;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
