// `/stats` and `/stats/prometheus`. What Envoy refuses is refused in its words.
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from "#telemetry/stats/prometheus";
import { BUCKET_MODES } from "#telemetry/stats/histogram-text";
import type { BucketMode } from "#telemetry/stats/histogram-text";
import { selectStats, statsJson, statsText } from "#telemetry/stats/stats-text";
import type { StatsQuery } from "#telemetry/stats/stats-text";
import type { ShownStat } from "#telemetry/stats/stats-reader";
import type { AdminSource } from "./admin-source.ts";
import { htmlPage, htmlText } from "./help-page.ts";
import type { Answer, PageParameter } from "./page.ts";

const KINDS: Readonly<Record<string, ShownStat["kind"]>> = {
  Counters: "counter",
  Histograms: "histogram",
  Gauges: "gauge",
  TextReadouts: "text-readout",
};

const FILTERS: readonly PageParameter[] = [
  { name: "usedonly", help: "Only include stats that have been written by system since restart", choices: [] },
  { name: "filter", help: "Regular expression (Google re2) for filtering stats" },
  { name: "invert_filter", help: "Invert the filter regex", choices: [] },
];

export const STATS_PARAMETERS: readonly PageParameter[] = [
  ...FILTERS,
  { name: "format", help: "Format to use", choices: ["html", "text", "json", "prometheus"] },
  { name: "type", help: "Stat types to include.", choices: ["All", ...Object.keys(KINDS)] },
  { name: "histogram_buckets", help: "Histogram bucket display mode", choices: ["summary", "cumulative", "disjoint", "detailed"] },
];

export const PROMETHEUS_PARAMETERS: readonly PageParameter[] = [
  ...FILTERS,
  { name: "text_readouts", help: "Render text_readouts as new gauges with value 0 (increases Prometheus data size)", choices: [] },
  { name: "histogram_buckets", help: "Histogram bucket display mode", choices: ["cumulative", "summary"] },
];

const FORMATS = ["html", "json", "prometheus", "text"];

export async function statsPage(source: AdminSource, query: URLSearchParams): Promise<Answer> {
  const format = query.get("format") ?? "text";
  // Envoy's has a script that draws the newest values again and again; a page that does not would pretend.
  if (format === "active-html") return bad("format active-html is not served; use html, json, prometheus or text\n");
  if (!FORMATS.includes(format)) return bad("usage: /stats?format=(html|active-html|json|prometheus|text)\n\n");
  if (format === "prometheus") return prometheusPage(source, query);
  const type = query.get("type") ?? "All";
  if (type !== "All" && KINDS[type] === undefined) return bad("invalid &type= param");
  const mode = bucketMode(query);
  if (mode === undefined) return bad(MODES);
  const hidden = hiddenProblem(query);
  if (hidden !== undefined) return hidden;
  const stats = await selected(source, query, KINDS[type]);
  if (format === "json") return { type: "application/json", body: statsJson(stats, mode) };
  const text = statsText(stats, mode);
  return format === "html" ? htmlPage("Envoy Admin", `<pre>\n${htmlText(text)}</pre>\n`) : { body: text };
}

export async function prometheusPage(source: AdminSource, query: URLSearchParams): Promise<Answer> {
  const mode = query.get("histogram_buckets") === null ? "cumulative" : bucketMode(query);
  if (mode === undefined) {
    return query.get("histogram_buckets") === "prometheusnative"
      ? bad("unsupported prometheusnative histogram type when not using protobuf exposition format")
      : bad(MODES);
  }
  if (mode !== "cumulative" && mode !== "summary") return bad("unsupported prometheus histogram bucket mode");
  const stats = await selected(source, query, undefined);
  const options = { textReadouts: query.has("text_readouts"), summary: mode === "summary" };
  return { type: PROMETHEUS_CONTENT_TYPE, body: prometheusText(stats, options) };
}

const MODES = "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n";

/** Envoy's answer to `none` is that to `summary`. Undefined: there is no such mode. */
function bucketMode(query: URLSearchParams): BucketMode | undefined {
  const asked = query.get("histogram_buckets") ?? "summary";
  return asked === "none" ? "summary" : BUCKET_MODES.find((mode) => mode === asked);
}

/** None of our statistics is hidden. */
function hiddenProblem(query: URLSearchParams): Answer | undefined {
  const hidden = query.get("hidden");
  if (hidden === null || hidden === "include" || hidden === "exclude") return undefined;
  return hidden === "only" ? { body: "" } : bad("usage: /stats?hidden=(include|only|exclude)\n\n");
}

async function selected(source: AdminSource, query: URLSearchParams, kind: ShownStat["kind"] | undefined): Promise<readonly ShownStat[]> {
  const wanted: StatsQuery = {
    filter: query.get("filter") ?? "",
    usedOnly: query.has("usedonly"),
    invert: query.has("invert_filter"),
    kind,
  };
  return selectStats(await source.stats(), wanted);
}

function bad(body: string): Answer {
  return { status: 400, body };
}
