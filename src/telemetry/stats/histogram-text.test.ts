import assert from "node:assert/strict";
import { test } from "node:test";
import { HISTOGRAM_SLOTS, HistogramSnapshot, recordValue } from "./buckets.ts";
import { histogramText, histogramsJson } from "./histogram-text.ts";

function histogram(...values: number[]): { name: string; value: HistogramSnapshot } {
  const slots = new Float64Array(HISTOGRAM_SLOTS);
  for (const value of values) recordValue(slots, 0, value);
  return { name: "h", value: new HistogramSnapshot(slots) };
}

test("each mode has Envoy's form", () => {
  const some = histogram(1, 1, 4, 700_000);
  assert.match(
    histogramText(some, "cumulative"),
    /^h: B0\.5\(0,0\) B1\(0,2\) B5\(0,3\) B10\(0,3\) .*B600000\(0,3\) B1\.8e\+06\(0,4\) B3\.6e\+06\(0,4\)\n$/,
  );
  assert.match(
    histogramText(some, "disjoint"),
    /^h: B0\.5\(0,0\) B1\(0,2\) B5\(0,1\) B10\(0,0\) .*B600000\(0,0\) B1\.8e\+06\(0,1\) B3\.6e\+06\(0,0\)\n$/,
  );
  assert.match(histogramText(some, "summary"), /^h: P0\(nan,1\) P25\(nan,1.*\) .*P99\.9\(nan,.*\) P100\(nan,.*\)\n$/);
  assert.match(
    histogramText(some, "detailed"),
    /^h:\n {2}totals=1,0\.125:2, 4,0\.5:1, 655360,65536:1\n {2}intervals=\n {2}summary=P0\(nan,1\) .*\n$/,
  );
});

test("nothing recorded is said in words", () => {
  const none = histogram();
  for (const mode of ["cumulative", "disjoint", "summary"] as const) assert.equal(histogramText(none, mode), "h: No recorded values\n");
  assert.equal(histogramText(none, "detailed"), "h:\n  totals=\n  intervals=\n  summary=No recorded values\n");
});

test("JSON has the keys of each mode", () => {
  const some = histogram(1);
  const detailed = histogramsJson([some], "detailed") as Record<string, unknown[]>;
  assert.deepEqual(Object.keys(detailed), ["supported_percentiles", "details"]);
  assert.deepEqual(Object.keys(detailed["details"]?.[0] as object), ["name", "totals", "intervals", "percentiles"]);
  const [first] = histogramsJson([some], "cumulative") as { name: string; buckets: unknown[] }[];
  assert.deepEqual(first?.buckets.slice(0, 2), [
    { upper_bound: 0.5, interval: 0, cumulative: 0 },
    { upper_bound: 1, interval: 0, cumulative: 1 },
  ]);
  assert.deepEqual(Object.keys(histogramsJson([some], "summary") as object), ["supported_quantiles", "computed_quantiles"]);
});
