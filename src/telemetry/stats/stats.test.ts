import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { HISTOGRAM_SLOTS, HistogramSnapshot, recordValue } from "./buckets.ts";
import { prometheusText } from "./prometheus.ts";
import { StatsReader } from "./stats-reader.ts";
import { selectStats, statsJson, statsText } from "./stats-text.ts";
import { ThreadStats } from "./thread-stats.ts";

function sync(reader: StatsReader, ...threads: readonly ThreadStats[]): void {
  for (const [id, thread] of threads.entries()) {
    const update = thread.takeUpdate();
    if (update !== undefined) reader.apply(id, structuredClone(update));
  }
}

const values = (reader: StatsReader): Record<string, unknown> =>
  Object.fromEntries(
    reader.read().flatMap((stat) => (stat.kind === "histogram" || stat.name.startsWith("server.") ? [] : [[stat.name, stat.value]])),
  );

test("counters are summed over threads through shared memory, without a message per count", () => {
  const [a, b] = [new ThreadStats(), new ThreadStats()];
  const one = a.root.counter("cluster", { tag: "envoy.cluster_name", value: "c" }, "upstream_rq_total");
  const two = b.root.scope("cluster", { tag: "envoy.cluster_name", value: "c" }).counter("upstream_rq_total");
  const reader = new StatsReader();
  sync(reader, a, b);
  one.inc();
  one.add(4);
  two.inc();
  assert.deepEqual(values(reader), { "cluster.c.upstream_rq_total": 6 });
  assert.equal(a.takeUpdate(), undefined);
  assert.equal(one.value, 5);
});

test("what gauges count is summed, what they are set to is the same fact on every thread", () => {
  const [a, b] = [new ThreadStats(), new ThreadStats()];
  for (const stats of [a, b]) {
    stats.root.gauge("active").inc();
    stats.root.gauge("membership_total").set(3);
  }
  a.root.gauge("active").inc();
  b.root.gauge("active").dec();
  const reader = new StatsReader();
  sync(reader, a, b);
  assert.deepEqual(values(reader), { active: 2, membership_total: 3 });
});

test("one name is one statistic, until the last scope that made it is released", () => {
  const stats = new ThreadStats();
  const [old, fresh] = [stats.root.scope("cluster"), stats.root.scope("cluster")];
  const counter = old.scope("a").counter("x");
  counter.inc();
  fresh.scope("a").counter("x").inc();
  const reader = new StatsReader();
  sync(reader, stats);
  old.release();
  sync(reader, stats);
  assert.deepEqual(values(reader), { "cluster.a.x": 2 });
  fresh.release();
  counter.inc();
  sync(reader, stats);
  assert.deepEqual(values(reader), {});
});

test("released slots are used again, with a value of zero and not before the reader knows", () => {
  const stats = new ThreadStats();
  const reader = new StatsReader();
  const slotsUsed = (): number => Math.max(...(stats.takeUpdate()?.added ?? []).map(({ slot }) => slot));
  stats.root.scope("a").counter("x").add(7);
  const first = slotsUsed();
  for (let i = 0; i < 50; i++) {
    const scope = stats.root.scope(`s${i}`);
    scope.counter("x").add(9);
    scope.histogram("h").record(1);
    sync(reader, stats);
    scope.release();
    sync(reader, stats);
  }
  const scope = stats.root.scope("last");
  const counter = scope.counter("x");
  assert.equal(counter.value, 0);
  assert.ok(slotsUsed() < first + 10 * HISTOGRAM_SLOTS);
  assert.equal(stats.nameCount, 3);
});

test("a histogram takes slots with its first value, and shows up without one", () => {
  const [a, b] = [new ThreadStats(), new ThreadStats()];
  const before = a.slotCount;
  const histograms = Array.from({ length: 500 }, (_, i) => a.root.histogram("h", String(i)));
  assert.equal(a.slotCount, before);
  const reader = new StatsReader();
  sync(reader, a, b);
  assert.equal(reader.read().filter(({ kind }) => kind === "histogram").length, 500);
  assert.match(statsText(reader.read()), /^h\.7: No recorded values$/m);
  for (const value of [1, 2, 3]) histograms[7]?.record(value);
  b.root.histogram("h", "7").record(4);
  assert.ok(a.slotCount - before <= 2 * HISTOGRAM_SLOTS);
  sync(reader, a, b);
  const recorded = reader.read().find(({ name }) => name === "h.7");
  assert.ok(recorded?.kind === "histogram");
  assert.equal(recorded.value.count, 4);
  assert.equal(recorded.value.sum, 10);
});

test("scopes that come and go leave no slots and no names, on the thread nor with the reader", () => {
  const stats = new ThreadStats();
  const reader = new StatsReader();
  const round = (i: number): void => {
    const scope = stats.root.scope("cluster", { tag: "envoy.cluster_name", value: `c${i}` });
    scope.counter("upstream_rq_total").inc();
    scope.gauge("upstream_rq_active").inc();
    scope.scope("retry").histogram("h").record(i);
    if (i % 3 === 0) sync(reader, stats);
    scope.histogram("late").record(1);
    if (i % 3 === 1) sync(reader, stats);
    scope.release();
    if (i % 3 === 2) sync(reader, stats);
  };
  for (let i = 0; i < 50; i++) round(i);
  const { slotCount, nameCount } = stats;
  for (let i = 50; i < 2_000; i++) round(i);
  for (let i = 0; i < 3; i++) sync(reader, stats);
  assert.equal(stats.slotCount, slotCount);
  assert.equal(stats.nameCount, nameCount);
  assert.deepEqual(
    reader.read().map(({ name }) => name),
    ["server.stats_overflow"],
  );
});

test("what is asked of a released scope counts nowhere", () => {
  const stats = new ThreadStats();
  const scope = stats.root.scope("a");
  scope.counter("x").inc();
  scope.release();
  scope.counter("x").inc();
  scope.scope("b").histogram("y").record(1);
  assert.equal(stats.nameCount, 1);
});

test("a handle of a released statistic writes nowhere", () => {
  const stats = new ThreadStats();
  const scope = stats.root.scope("a");
  const stale = scope.counter("x");
  scope.release();
  const next = stats.root.counter("y");
  stale.add(100);
  assert.equal(next.value, 0);
});

test("names beyond the limit are counted and harmless", () => {
  const stats = new ThreadStats({ maxNames: 3 });
  for (let i = 0; i < 5; i++) stats.root.counter(`c${i}`).inc();
  stats.root.histogram("h").record(1);
  assert.equal(stats.nameCount, 3);
  assert.equal(stats.root.counter("server", "stats_overflow").value, 4);
});

test("the counters of a thread that ended stay, its gauges go", () => {
  const [a, b] = [new ThreadStats(), new ThreadStats()];
  a.root.counter("rq").add(5);
  a.root.gauge("cx").inc();
  b.root.counter("rq").add(1);
  b.root.gauge("cx").inc();
  const reader = new StatsReader();
  sync(reader, a, b);
  reader.endThread(0);
  assert.deepEqual(values(reader), { rq: 6, cx: 1 });
});

test("many statistics spread over segments keep their values", () => {
  const stats = new ThreadStats();
  const counters = Array.from({ length: 20_000 }, (_, i) => stats.root.counter("n", String(i)));
  for (const [i, counter] of counters.entries()) counter.add(i);
  const reader = new StatsReader();
  sync(reader, stats);
  for (const stat of reader.read()) if (stat.name.startsWith("n.")) assert.equal(stat.value, Number(stat.name.slice(2)));
});

test("a quantile is within an eighth of the true value", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.125, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 60 }), (recorded) => {
      const slots = new Float64Array(HISTOGRAM_SLOTS);
      for (const value of recorded) recordValue(slots, 0, value);
      const snapshot = new HistogramSnapshot(slots);
      assert.equal(snapshot.count, recorded.length);
      const sorted = [...recorded].sort((x, y) => x - y);
      for (const share of [0.5, 0.9, 1]) {
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
        const estimate = snapshot.quantile(share) as number;
        assert.ok(estimate >= exact / 1.126 && estimate <= exact * 1.126, `${share}: ${estimate} for ${exact}`);
      }
    }),
  );
});

test("values at, below and above a Prometheus bound are counted exactly, whatever comes", () => {
  const slots = new Float64Array(HISTOGRAM_SLOTS);
  for (const value of [0, 0.5, 0.50001, 25, 25.1, 1e300, Number.POSITIVE_INFINITY, -1, Number.NaN]) recordValue(slots, 0, value);
  const snapshot = new HistogramSnapshot(slots);
  assert.equal(snapshot.count, 9);
  assert.deepEqual(snapshot.cumulative().slice(0, 6), [4, 5, 5, 5, 6, 7]);
});

function sample(): StatsReader {
  const stats = new ThreadStats();
  const cluster = stats.root.scope("cluster", { tag: "envoy.cluster_name", value: 'outbound|80||a."b"' });
  cluster.counter("upstream_rq_total").add(3);
  cluster.gauge("upstream_cx_active").set(2);
  const time = cluster.histogram("upstream_rq_time");
  for (const value of [1, 4, 600]) time.record(value);
  cluster.histogram("empty");
  stats.root.counter("istio_requests_total", { tag: "response_code", value: "200" }).inc();
  const reader = new StatsReader();
  sync(reader, stats);
  return reader;
}

test("text lists values, then histograms with quantiles", () => {
  const text = statsText(sample().read());
  assert.match(text, /^cluster\.outbound\|80\|\|a\."b"\.upstream_cx_active: 2\n/);
  assert.match(text, /upstream_rq_total: 3\n/);
  assert.match(text, /upstream_rq_time: P0\(nan,1\) P25\(nan,1\.\d+\) P50\(.* P99\.9\(nan,6\d\d.*\) P100\(nan,640\)\n$/);
  assert.match(text, /empty: No recorded values\n/);
});

test("filter and usedonly choose", () => {
  const names = (query: { filter?: string; usedOnly?: boolean }): string[] =>
    selectStats(sample().read(), query).map(({ name }) => name.slice(name.lastIndexOf(".") + 1));
  assert.deepEqual(names({ filter: "upstream_rq" }), ["upstream_rq_time", "upstream_rq_total"]);
  assert.deepEqual(names({ filter: "^server" }), ["stats_overflow"]);
  assert.equal(names({ usedOnly: true }).includes("empty"), false);
  assert.throws(() => names({ filter: "(" }), /not valid RE2/);
});

test("JSON has Envoy's form", () => {
  const json = JSON.parse(statsJson(sample().read())) as { stats: Record<string, unknown>[] };
  assert.deepEqual(json.stats[0], { name: 'cluster.outbound|80||a."b".upstream_cx_active', value: 2 });
  assert.deepEqual(Object.keys(json.stats.at(-1) ?? {}), ["histograms"]);
});

test("a tag within a part stands in the dotted name and is a label for Prometheus", () => {
  const stats = new ThreadStats();
  const cluster = stats.root.scope("cluster", { tag: "envoy.cluster_name", value: "c" });
  cluster.counter({ tag: "envoy.response_code_class", value: "2", dotted: "upstream_rq_2xx", plain: "upstream_rq_xx" }).add(2);
  cluster.counter({ tag: "envoy.response_code_class", value: "5", dotted: "upstream_rq_5xx", plain: "upstream_rq_xx" }).add(5);
  cluster.counter({ tag: "envoy.response_code", value: "200", dotted: "upstream_rq_200", plain: "upstream_rq" }).inc();
  const reader = new StatsReader();
  sync(reader, stats);
  const { "cluster.c.upstream_rq_2xx": classCount, "cluster.c.upstream_rq_200": codeCount } = values(reader);
  assert.deepEqual([classCount, codeCount], [2, 1]);
  const text = prometheusText(reader.read());
  assert.ok(
    text.includes(
      '# TYPE envoy_cluster_upstream_rq_xx counter\nenvoy_cluster_upstream_rq_xx{envoy_cluster_name="c",envoy_response_code_class="2"} 2\n' +
        'envoy_cluster_upstream_rq_xx{envoy_cluster_name="c",envoy_response_code_class="5"} 5\n',
    ),
  );
  assert.ok(text.includes('envoy_cluster_upstream_rq{envoy_cluster_name="c",envoy_response_code="200"} 1\n'));
});

test("Prometheus text has one TYPE line a name, labels from tags, and Envoy's buckets", () => {
  const text = prometheusText(sample().read());
  const label = 'envoy_cluster_name="outbound|80||a.\\"b\\""';
  assert.ok(text.includes(`# TYPE envoy_cluster_upstream_rq_total counter\nenvoy_cluster_upstream_rq_total{${label}} 3\n`));
  assert.ok(text.includes(`# TYPE envoy_cluster_upstream_cx_active gauge\nenvoy_cluster_upstream_cx_active{${label}} 2\n`));
  assert.ok(
    text.includes(`envoy_cluster_upstream_rq_time_bucket{${label},le="1"} 1\nenvoy_cluster_upstream_rq_time_bucket{${label},le="5"} 2\n`),
  );
  assert.ok(
    text.includes(`envoy_cluster_upstream_rq_time_bucket{${label},le="+Inf"} 3\nenvoy_cluster_upstream_rq_time_sum{${label}} 605\n`),
  );
  assert.ok(text.includes('# TYPE istio_requests_total counter\nistio_requests_total{response_code="200"} 1\n'));
  const types = text.split("\n").filter((line) => line.startsWith("# TYPE"));
  assert.equal(new Set(types).size, types.length);
});
