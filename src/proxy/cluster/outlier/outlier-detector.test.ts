import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { OutlierDetectionSchema } from "#envoy/gen/envoy/config/cluster/v3/outlier_detection_pb";
import { UpstreamHost } from "#proxy/cluster/upstream-host";
import { FakeStats } from "#proxy/http/stats.fake";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { readOutlierDetection } from "./outlier-config.ts";
import { outlierEventLine } from "./outlier-event.ts";
import type { OutlierEvent } from "./outlier-event.ts";
import { OutlierDetector } from "./outlier-detector.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly hosts: UpstreamHost[];
  readonly detector: OutlierDetector;
  readonly events: OutlierEvent[] = [];
  changes = 0;

  constructor(json: JsonValue, hostCount: number) {
    const refused: string[] = [];
    const config = readOutlierDetection(fromJson(OutlierDetectionSchema, json), (path, message) => refused.push(`${path}: ${message}`));
    assert.deepEqual(refused, []);
    this.hosts = Array.from({ length: hostCount }, (_, at) => host(at + 1));
    const { clock, stats } = this;
    this.detector = new OutlierDetector(config!, {
      clock,
      random: seededRandom(1),
      stats,
      onChange: () => this.changes++,
      onEvent: (event) => this.events.push(event),
    });
    this.detector.setHosts(this.hosts);
  }

  answer(at: number, ...statuses: number[]): void {
    for (const status of statuses) this.hosts[at]!.outlierMonitor!.putStatus(status);
  }

  answers(at: number, good: number, bad: number): void {
    for (let i = 0; i < Math.max(good, bad); i++) {
      if (i < bad) this.answer(at, 500);
      if (i < good) this.answer(at, 200);
    }
  }

  get ejected(): number[] {
    return this.hosts.filter((one) => one.ejected).map((one) => one.address.port);
  }

  stat(name: string): number {
    return this.stats.get(`outlier_detection.${name}`);
  }
}

function host(port: number): UpstreamHost {
  const address = { address: "127.0.0.1", port };
  return new UpstreamHost({ address, hostname: "", weight: 1, locality: "", health: "healthy", labels: undefined }, 0);
}

describe("outlier detection by errors in a row", () => {
  it("ejects at the configured number of 5xx, and one success starts the count anew", () => {
    const bench = new Bench({ consecutive5xx: 3, maxEjectionPercent: 100 }, 2);
    bench.answer(0, 500, 503, 200, 500, 500);
    assert.deepEqual(bench.ejected, []);
    bench.answer(0, 502);
    assert.deepEqual(bench.ejected, [1]);
    assert.equal(bench.hosts[0]!.health, "unhealthy");
    assert.equal(bench.changes, 1);
    assert.equal(bench.stat("ejections_active"), 1);
    assert.equal(bench.stat("ejections_enforced_total"), 1);
    assert.equal(bench.stat("ejections_enforced_consecutive_5xx"), 1);
    assert.equal(bench.stat("ejections_detected_consecutive_5xx"), 1);
  });

  it("tells of ejections and returns, also of those that are not enforced", () => {
    const bench = new Bench({ consecutive5xx: 1, maxEjectionPercent: 100, baseEjectionTime: "20s", interval: "10s" }, 1);
    bench.answer(0, 500);
    bench.clock.advance(20_000);
    bench.clock.advance(5_000);
    bench.answer(0, 500);
    const at = { address: "127.0.0.1", port: 1 };
    assert.deepEqual(bench.events, [
      { action: "eject", type: "consecutive_5xx", enforced: true, host: at, ejections: 1, sinceLastActionMs: undefined },
      { action: "uneject", host: at, ejections: 1, sinceLastActionMs: 20_000 },
      { action: "eject", type: "consecutive_5xx", enforced: true, host: at, ejections: 2, sinceLastActionMs: 5_000 },
    ]);
    const lax = new Bench({ consecutive5xx: 1, enforcingConsecutive5xx: 0, maxEjectionPercent: 100 }, 1);
    lax.answer(0, 500);
    assert.deepEqual(
      lax.events.map(({ enforced, ejections }) => [enforced, ejections]),
      [[false, 0]],
    );
    const [first, back] = bench.events.map((event) => JSON.parse(outlierEventLine(event, "c", 1_000)) as Record<string, unknown>);
    assert.deepEqual(first, {
      type: "CONSECUTIVE_5XX",
      timestamp: "1970-01-01T00:00:01Z",
      cluster_name: "c",
      upstream_url: "127.0.0.1:1",
      action: "EJECT",
      num_ejections: 1,
      enforced: true,
      eject_consecutive_event: {},
    });
    assert.deepEqual([back?.["action"], back?.["secs_since_last_action"]], ["UNEJECT", "20"]);
  });

  it("counts gateway errors apart, and finds without ejecting where that is not enforced", () => {
    const bench = new Bench({ consecutive5xx: 0, consecutiveGatewayFailure: 2, maxEjectionPercent: 100 }, 2);
    bench.answer(0, 502, 500, 504, 503);
    assert.deepEqual(bench.ejected, []);
    assert.equal(bench.stat("ejections_detected_consecutive_gateway_failure"), 1);
    assert.equal(bench.stat("ejections_enforced_total"), 0);
    const json = { consecutive5xx: 0, consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailure: 100, maxEjectionPercent: 100 };
    const enforced = new Bench(json, 2);
    enforced.answer(0, 500, 500, 500, 503, 503);
    assert.deepEqual(enforced.ejected, [1]);
    assert.equal(enforced.stat("ejections_detected_consecutive_5xx"), 0, "0 means never");
  });

  it("takes failures of this proxy for statuses unless origins are split", () => {
    const joined = new Bench({ consecutive5xx: 3, maxEjectionPercent: 100 }, 1);
    const monitor = joined.hosts[0]!.outlierMonitor!;
    for (const result of ["connect-failed", "connect-success", "timeout", "connect-failed"] as const) monitor.putResult(result);
    assert.deepEqual(joined.ejected, [1]);
    const json = { consecutive5xx: 3, consecutiveLocalOriginFailure: 2, splitExternalLocalOriginErrors: true, maxEjectionPercent: 100 };
    const split = new Bench(json, 1);
    const other = split.hosts[0]!.outlierMonitor!;
    split.answer(0, 500, 500);
    for (const result of ["connect-failed", "connect-success", "timeout"] as const) other.putResult(result);
    assert.deepEqual(split.ejected, []);
    other.putResult("connect-failed");
    assert.deepEqual(split.ejected, [1]);
    assert.equal(split.stat("ejections_enforced_consecutive_local_origin_failure"), 1);
  });

  it("ejects no more than the allowed percentage, and counts what it let be", () => {
    const bench = new Bench({ consecutive5xx: 1, maxEjectionPercent: 50 }, 3);
    for (const at of [0, 1, 2]) bench.answer(at, 500);
    assert.deepEqual(bench.ejected, [1]);
    assert.equal(bench.stat("ejections_overflow"), 2);
    const defaults = new Bench({ consecutive5xx: 1 }, 3);
    defaults.answer(0, 500);
    assert.deepEqual(defaults.ejected, [], "10 per cent of three hosts is none");
    const one = new Bench({ consecutive5xx: 1, alwaysEjectOneHost: true }, 3);
    for (const at of [0, 1]) one.answer(at, 500);
    assert.deepEqual(one.ejected, [1]);
  });

  it("takes a host back at the interval after its time, longer each time, and shorter again when it behaves", () => {
    const bench = new Bench({ consecutive5xx: 2, interval: "1s", baseEjectionTime: "2s", maxEjectionPercent: 100 }, 2);
    bench.answer(0, 500, 500);
    bench.clock.advance(1999);
    assert.deepEqual(bench.ejected, [1]);
    bench.clock.advance(1);
    assert.deepEqual(bench.ejected, []);
    assert.equal(bench.stat("ejections_active"), 0);
    assert.equal(bench.changes, 2);
    bench.answer(0, 500, 500);
    bench.clock.advance(3999);
    assert.deepEqual(bench.ejected, [1]);
    bench.clock.advance(1);
    assert.deepEqual(bench.ejected, []);
    bench.clock.advance(2000);
    bench.answer(0, 500, 500);
    bench.clock.advance(2000);
    assert.deepEqual(bench.ejected, []);
  });

  it("keeps a host away for longer by chance within maxEjectionTimeJitter", () => {
    const json = { consecutive5xx: 1, interval: "0.1s", baseEjectionTime: "2s", maxEjectionPercent: 100 };
    const waited = (maxEjectionTimeJitter: string): number => {
      const bench = new Bench({ ...json, maxEjectionTimeJitter }, 1);
      bench.answer(0, 500);
      let ms = 0;
      for (; bench.ejected.length > 0 && ms < 20_000; ms += 100) bench.clock.advance(100);
      return ms;
    };
    assert.equal(waited("0s"), 2000);
    const ms = waited("10s");
    assert.ok(ms > 2000 && ms <= 12_100, `${ms}`);
  });

  it("takes a host back that passes a health check, unless successfulActiveHealthCheckUnejectHost is false", () => {
    for (const [successfulActiveHealthCheckUnejectHost, ejected] of [
      [undefined, []],
      [true, []],
      [false, [1]],
    ] as const) {
      const switched = successfulActiveHealthCheckUnejectHost === undefined ? {} : { successfulActiveHealthCheckUnejectHost };
      const bench = new Bench({ consecutive5xx: 1, maxEjectionPercent: 100, ...switched }, 2);
      bench.answer(0, 500);
      assert.deepEqual(bench.ejected, [1]);
      bench.detector.onHealthCheckPassed(bench.hosts[0]!);
      assert.deepEqual(bench.ejected, ejected);
    }
  });

  it("keeps what it knows of hosts that stay, and gives ejections of hosts that go back", () => {
    const bench = new Bench({ consecutive5xx: 2, maxEjectionPercent: 100 }, 3);
    bench.answer(0, 500, 500);
    bench.answer(1, 500, 500);
    const [gone, stays] = bench.hosts;
    bench.detector.setHosts([stays!, host(9)]);
    assert.equal(bench.stat("ejections_active"), 1);
    assert.equal(stays!.ejected, true);
    assert.equal(gone!.outlierMonitor, undefined);
    bench.detector.close();
    assert.equal(bench.stat("ejections_active"), 0);
    assert.equal(bench.clock.pending, 0);
  });
});

describe("outlier detection by rates", () => {
  const rates = { consecutive5xx: 0, interval: "10s", maxEjectionPercent: 100 };

  it("ejects the host whose success rate is far below the others'", () => {
    const bench = new Bench({ ...rates, successRateRequestVolume: 10 }, 5);
    for (const at of [1, 2, 3, 4]) bench.answers(at, 20, 0);
    bench.answers(0, 10, 10);
    bench.clock.advance(10_000);
    // 50, 100, 100, 100, 100: mean 90, deviation 20, threshold 90 - 1.9 * 20 = 52.
    assert.deepEqual(bench.ejected, [1]);
    assert.equal(bench.hosts[0]!.outlierMonitor!.successRate, 50);
    assert.equal(bench.stat("ejections_enforced_success_rate"), 1);
    bench.clock.advance(10_000);
    assert.equal(bench.hosts[1]!.outlierMonitor!.successRate, -1, "an interval without requests says nothing");
  });

  it("judges nobody by too few requests or too few hosts", () => {
    const few = new Bench({ ...rates, successRateRequestVolume: 100 }, 5);
    for (const at of [1, 2, 3, 4]) few.answers(at, 200, 0);
    few.answers(0, 0, 99);
    few.clock.advance(10_000);
    assert.deepEqual(few.ejected, []);
    const small = new Bench({ ...rates, successRateRequestVolume: 1 }, 4);
    for (const at of [1, 2, 3]) small.answers(at, 20, 0);
    small.answers(0, 0, 20);
    small.clock.advance(10_000);
    assert.deepEqual(small.ejected, []);
  });

  it("ejects by failure percentage where that is enforced", () => {
    const json = { ...rates, enforcingSuccessRate: 0, enforcingFailurePercentage: 100, failurePercentageMinimumHosts: 2 };
    const bench = new Bench({ ...json, failurePercentageThreshold: 40, failurePercentageRequestVolume: 10 }, 3);
    bench.answers(0, 6, 4);
    bench.answers(1, 10, 6);
    bench.clock.advance(10_000);
    assert.deepEqual(bench.ejected, [1]);
    assert.equal(bench.stat("ejections_detected_failure_percentage"), 1);
    assert.equal(bench.stat("ejections_enforced_failure_percentage"), 1);
  });
});

it("refuses what Envoy refuses, with Envoy's defaults for the rest", () => {
  const refused: string[] = [];
  const json = { interval: "0s", maxEjectionPercent: 101, baseEjectionTime: "10s", maxEjectionTime: "5s" };
  readOutlierDetection(fromJson(OutlierDetectionSchema, json), (path) => refused.push(path));
  assert.deepEqual(refused, [
    "outlier_detection.max_ejection_time",
    "outlier_detection.interval",
    "outlier_detection.max_ejection_percent",
  ]);
  const defaults = readOutlierDetection(create(OutlierDetectionSchema), () => {})!;
  assert.equal(defaults.consecutive5xx, 5);
  assert.equal(defaults.maxEjectionPercent, 10);
  assert.equal(defaults.maxEjectionTimeMs, 300_000);
  assert.equal(defaults.enforcing.consecutive_gateway_failure, 0);
  assert.equal(
    readOutlierDetection(undefined, () => {}),
    undefined,
  );
});

describe("outlier detection by this proxy's own errors", () => {
  it("finds without ejecting where that is not enforced", () => {
    const json = { consecutiveLocalOriginFailure: 2, splitExternalLocalOriginErrors: true, enforcingConsecutiveLocalOriginFailure: 0 };
    const bench = new Bench({ ...json, maxEjectionPercent: 100 }, 1);
    for (const result of ["connect-failed", "connect-failed"] as const) bench.hosts[0]!.outlierMonitor!.putResult(result);
    assert.deepEqual(bench.ejected, []);
    assert.equal(bench.stat("ejections_detected_consecutive_local_origin_failure"), 1);
  });

  it("ejects by the share of its own errors as enforcingFailurePercentageLocalOrigin says", () => {
    for (const [enforcingFailurePercentageLocalOrigin, ejected] of [
      [100, [1]],
      [0, []],
    ] as const) {
      const bench = new Bench(
        {
          interval: "1s",
          splitExternalLocalOriginErrors: true,
          consecutiveLocalOriginFailure: 1000,
          enforcingLocalOriginSuccessRate: 0,
          enforcingFailurePercentageLocalOrigin,
          failurePercentageMinimumHosts: 2,
          failurePercentageRequestVolume: 10,
          failurePercentageThreshold: 40,
          maxEjectionPercent: 100,
        },
        2,
      );
      for (let i = 0; i < 10; i++) {
        bench.hosts[0]!.outlierMonitor!.putResult(i < 6 ? "connect-success" : "connect-failed");
        bench.hosts[1]!.outlierMonitor!.putResult("connect-success");
      }
      bench.clock.advance(1000);
      assert.deepEqual(bench.ejected, ejected);
      assert.equal(bench.stat("ejections_detected_local_origin_failure_percentage"), 1);
    }
  });

  for (const [enforcing, ejected] of [
    [100, [6]],
    [0, []],
  ] as const) {
    it(`judges their rate apart, and ejects by it in ${enforcing} of 100 cases`, () => {
      const bench = new Bench(
        {
          interval: "1s",
          splitExternalLocalOriginErrors: true,
          consecutiveLocalOriginFailure: 1000,
          successRateRequestVolume: 10,
          successRateStdevFactor: 1500,
          enforcingLocalOriginSuccessRate: enforcing,
          maxEjectionPercent: 100,
        },
        6,
      );
      for (const [at, { outlierMonitor }] of bench.hosts.entries())
        for (let i = 0; i < 20; i++) outlierMonitor!.putResult(at === 5 && i % 2 === 0 ? "connect-failed" : "connect-success");
      bench.clock.advance(1_000);
      assert.deepEqual(bench.ejected, ejected);
      assert.equal(bench.stat("ejections_detected_local_origin_success_rate"), 1);
    });
  }
});
