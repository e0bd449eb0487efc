import assert from "node:assert/strict";
import { test } from "node:test";
import { HISTOGRAM_SLOTS, HistogramSnapshot } from "#telemetry/stats/buckets";
import type { ShownStat } from "#telemetry/stats/stats-reader";
import type { AdminSource } from "./admin-source.ts";
import { prometheusPage, statsPage } from "./stats-page.ts";

const stats: readonly ShownStat[] = [
  { kind: "counter", name: "a.count", parts: ["a", "count"], value: 1 },
  { kind: "histogram", name: "a.time", parts: ["a", "time"], value: new HistogramSnapshot(new Float64Array(HISTOGRAM_SLOTS)) },
  { kind: "text-readout", name: "a.version_text", parts: ["a", "version_text"], value: 'v<"1"' },
];
const source = { stats: async () => stats } as unknown as AdminSource;

async function ask(query: string): Promise<string> {
  const { status = 200, body } = await statsPage(source, new URLSearchParams(query));
  return `${status} ${body}`;
}

test("texts come first, then numbers, then histograms; each kind can be asked for", async () => {
  assert.equal(await ask(""), '200 a.version_text: "v<"1""\na.count: 1\na.time: No recorded values\n');
  assert.equal(await ask("type=Counters"), "200 a.count: 1\n");
  assert.equal(await ask("type=TextReadouts&format=json"), '200 {"stats":[{"name":"a.version_text","value":"v<\\"1\\""}]}');
  assert.equal(await ask("usedonly&filter=time"), "200 ");
  assert.equal(await ask("hidden=only"), "200 ");
});

test("the page for a browser holds the same text, and nothing of it is markup", async () => {
  assert.match(await ask("format=html"), /<pre>\na\.version_text: &quot;v&lt;&quot;1&quot;&quot;\na\.count: 1\n/);
  assert.match(await ask("format=active-html"), /^400 format active-html is not served/);
});

test("Prometheus sees texts only when it asks for them, and histograms as quantiles when it does", async () => {
  const prometheus = async (query: string): Promise<string> => (await prometheusPage(source, new URLSearchParams(query))).body;
  assert.equal((await prometheus("")).includes("version_text"), false);
  assert.match(await prometheus("text_readouts"), /# TYPE envoy_a_version_text gauge\nenvoy_a_version_text\{text_value="v<\\"1\\""\} 0\n/);
  assert.match(await prometheus("histogram_buckets=summary"), /# TYPE envoy_a_time summary\nenvoy_a_time\{quantile="0"\} nan\n/);
  assert.equal(await prometheus("histogram_buckets=disjoint"), "unsupported prometheus histogram bucket mode");
});
