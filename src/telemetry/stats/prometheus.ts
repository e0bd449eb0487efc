// Prometheus text format 0.0.4 with Envoy's names: parts that are not tags, joined by "_" behind "envoy_"; tags are labels.
import { PROMETHEUS_BOUNDS } from "./buckets.ts";
import { plainName } from "./stat-name.ts";
import type { Stat } from "./stats-reader.ts";
import type { NamePart } from "./store.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function prometheusText(stats: readonly Stat[]): string {
  const families = new Map<string, Stat[]>();
  for (const stat of stats) {
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
    out += `# TYPE ${name} ${members[0]?.kind ?? "untyped"}\n`;
    for (const stat of members) out += sample(name, stat);
  }
  return out;
}

function sample(name: string, stat: Stat): string {
  const labels = labelText(stat.parts);
  if (stat.kind !== "histogram") return `${name}${labels === "" ? "" : `{${labels}}`} ${stat.value}\n`;
  const before = labels === "" ? "" : `${labels},`;
  const { value } = stat;
  let out = "";
  for (const [index, count] of value.cumulative().entries()) out += `${name}_bucket{${before}le="${PROMETHEUS_BOUNDS[index]}"} ${count}\n`;
  const around = labels === "" ? "" : `{${labels}}`;
  return `${out}${name}_bucket{${before}le="+Inf"} ${value.count}\n${name}_sum${around} ${value.sum}\n${name}_count${around} ${value.count}\n`;
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
    const value = part.value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    out += `${out === "" ? "" : ","}${part.tag.replace(/[^a-zA-Z0-9_]/g, "_")}="${value}"`;
  }
  return out;
}
