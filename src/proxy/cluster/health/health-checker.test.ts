import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ClusterSchema, Cluster_DiscoveryType } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { HealthCheck, HealthCheckSchema } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import { HealthCheckEventFileSinkSchema } from "#envoy/gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { pack } from "#envoy/any";
import { parseCluster } from "#proxy/cluster/cluster-config";
import type { EndpointConfig, LoadAssignmentConfig } from "#proxy/cluster/load-assignment";
import { FakeConnection } from "#proxy/http/connection.fake";
import type { SocketAddress } from "#proxy/net/connection";
import type { ConnectCallbacks, Connector, ConnectOptions } from "#proxy/net/connector";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { HealthChecker } from "./health-checker.ts";

type Check = Exclude<MessageInitShape<typeof HealthCheckSchema>, HealthCheck>;

const HTTP: Check = {
  timeout: { seconds: 1n },
  interval: { seconds: 5n },
  noTrafficInterval: { seconds: 60n },
  unhealthyThreshold: 2,
  healthyThreshold: 2,
  healthChecker: { case: "httpHealthCheck", value: { path: "/healthz" } },
};
const tcp = (receive: string[], more: Check = {}): Check => ({
  ...HTTP,
  healthChecker: {
    case: "tcpHealthCheck",
    value: {
      send: { payload: { case: "text", value: "70696e67" } },
      receive: receive.map((value) => ({ payload: { case: "text", value } })),
    },
  },
  ...more,
});

const endpoint = (port: number, more: Partial<EndpointConfig> = {}): EndpointConfig => ({
  address: { address: "10.0.0.1", port },
  hostname: "",
  weight: 1,
  locality: "r/z",
  health: "healthy",
  labels: undefined,
  ...more,
});

const assignment = (...endpoints: EndpointConfig[]): LoadAssignmentConfig => ({
  clusterName: "c",
  priorities: [[{ locality: "", weight: 0, endpoints }]],
  overprovisioning: 1.4,
});

class Bench {
  readonly clock = new ManualClock();
  readonly stats = new ThreadStats();
  readonly runtime = new CurrentRuntime();
  readonly asked: { target: SocketAddress; callbacks: ConnectCallbacks; options: ConnectOptions | undefined; cancelled: boolean }[] = [];
  readonly events: string[] = [];
  readonly passed: (string | undefined)[] = [];
  traffic = true;
  readonly checker: HealthChecker;

  constructor(
    check: Check,
    hosts: readonly EndpointConfig[] = [endpoint(80)],
    cluster: Exclude<MessageInitShape<typeof ClusterSchema>, Cluster> = {},
    seed = 1,
  ) {
    const config = parseCluster(
      create(ClusterSchema, {
        name: "c",
        clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: "ads", value: {} } } },
        healthChecks: [check],
        ...cluster,
      }),
    );
    const connector: Connector = {
      connect: (target, _timeoutMs, callbacks, options) => {
        const asked = { target, callbacks, options, cancelled: false };
        this.asked.push(asked);
        return { cancel: () => (asked.cancelled = true) };
      },
    };
    this.checker = new HealthChecker(config, config.healthCheck!, new Map(), {
      clock: this.clock,
      random: seededRandom(seed),
      runtime: this.runtime,
      connector,
      secrets: { get: () => undefined },
      stats: this.stats.root.scope("cluster", "c"),
      hasTraffic: () => this.traffic,
      writeEvent: (file, line) => {
        const event = JSON.parse(line) as { host: { socket_address: { port_value: number } }; cluster_name: string };
        const what = Object.keys(event).find((key) => /event|host$/.test(key) && key !== "host");
        this.events.push(`${file} ${event.cluster_name} ${event.host.socket_address.port_value} ${what}`);
      },
      onChange: (passed) => this.passed.push(passed),
    });
    this.checker.setAssignment(assignment(...hosts));
  }

  connect(at = this.asked.length - 1): FakeConnection {
    const connection = new FakeConnection();
    this.asked[at]!.callbacks.onConnected(connection, undefined);
    return connection;
  }

  refuse(at = this.asked.length - 1): void {
    this.asked[at]!.callbacks.onConnectFailed({ kind: "connect-refused", detail: "no" });
  }

  /** Answers the check that runs on this connection; the next one is `afterMs` away. */
  answer(connection: FakeConnection, status: number, lines = "", body = ""): void {
    connection.feed(`HTTP/1.1 ${status} x\r\n${lines}content-length: ${body.length}\r\n\r\n${body}`);
  }

  get flags(): string {
    return [...this.checker.health.values()]
      .map((health) =>
        Object.entries(health)
          .filter(([, set]) => set)
          .map(([flag]) => flag)
          .join("+"),
      )
      .join(" | ");
  }

  stat(name: string): number {
    return this.stats.root.counter("cluster", "c", "health_check", name).value;
  }

  gauge(name: string): number {
    return this.stats.root.gauge("cluster", "c", "health_check", name).value;
  }
}

describe("HTTP health checks", () => {
  it("ask the host by the cluster's name, and the first good answer makes it healthy and the cluster ready", () => {
    const bench = new Bench(HTTP);
    assert.equal(bench.flags, "failed+pending");
    assert.equal(bench.checker.ready, false);
    const connection = bench.connect();
    assert.match(connection.take(), /^GET \/healthz HTTP\/1\.1\r\nhost: c\r\nuser-agent: Envoy\/HC\r\n/i);
    bench.answer(connection, 200);
    assert.equal(bench.flags, "");
    assert.equal(bench.checker.ready, true);
    assert.deepEqual([bench.stat("attempt"), bench.stat("success"), bench.gauge("healthy")], [1, 1, 1]);
  });

  it("use the connection again, unless they must not", () => {
    const bench = new Bench(HTTP);
    const connection = bench.connect();
    bench.answer(connection, 200);
    connection.take();
    bench.clock.advance(5_000);
    assert.match(connection.take(), /^GET /);
    assert.equal(bench.asked.length, 1);
    const fresh = new Bench({ ...HTTP, reuseConnection: false });
    const first = fresh.connect();
    fresh.answer(first, 200);
    assert.equal(first.closed, "now");
    fresh.clock.advance(5_000);
    assert.equal(fresh.asked.length, 2);
  });

  it("fail a host at once for an answer that is not expected, and after the threshold for one that may be tried again", () => {
    const retriable = {
      ...HTTP,
      healthChecker: {
        case: "httpHealthCheck" as const,
        value: { path: "/", expectedStatuses: [{ start: 200n, end: 300n }], retriableStatuses: [{ start: 503n, end: 504n }] },
      },
    };
    const bench = new Bench(retriable);
    const connection = bench.connect();
    const next = (status: number): string => {
      bench.answer(connection, status);
      bench.clock.advance(5_000);
      return bench.flags;
    };
    assert.equal(next(204), "");
    assert.equal(next(503), "");
    assert.equal(next(503), "failed");
    assert.equal(next(200), "failed", "healthy_threshold is 2");
    assert.equal(next(200), "");
    assert.equal(next(500), "failed");
    assert.equal(bench.stat("failure"), 3);
    assert.equal(bench.stat("network_failure"), 0);
  });

  it("count hosts that do not answer in time, or cannot be reached, against the threshold", () => {
    const bench = new Bench(HTTP);
    bench.answer(bench.connect(), 200);
    bench.clock.advance(5_000);
    bench.clock.advance(1_000);
    assert.equal(bench.flags, "");
    bench.clock.advance(5_000);
    bench.refuse();
    assert.equal(bench.flags, "failed");
    bench.clock.advance(5_000);
    bench.clock.advance(1_000);
    assert.equal(bench.flags, "failed+timedOut");
    assert.equal(bench.asked.at(-1)!.cancelled, true);
    assert.deepEqual([bench.stat("failure"), bench.stat("network_failure"), bench.gauge("healthy")], [3, 3, 0]);
  });

  it("obey x-envoy-degraded, and x-envoy-immediate-health-check-fail beside a bad status", () => {
    const bench = new Bench(HTTP);
    const connection = bench.connect();
    bench.answer(connection, 200, "x-envoy-degraded: true\r\n");
    assert.equal(bench.flags, "degraded");
    assert.equal(bench.gauge("degraded"), 1);
    bench.clock.advance(5_000);
    bench.answer(connection, 503, "x-envoy-immediate-health-check-fail: true\r\n");
    assert.equal(bench.flags, "failed+degraded+excluded");
  });

  it("look at the body and at the name of the service", () => {
    const named = {
      path: "/",
      receive: [{ payload: { case: "text" as const, value: Buffer.from("ok").toString("hex") } }],
      serviceNameMatcher: { matchPattern: { case: "prefix" as const, value: "web" } },
    };
    const bench = new Bench({ ...HTTP, healthChecker: { case: "httpHealthCheck", value: named } });
    const connection = bench.connect();
    bench.answer(connection, 200, "x-envoy-upstream-healthchecked-cluster: web-1\r\n", "all is ok here");
    assert.equal(bench.flags, "");
    bench.clock.advance(5_000);
    bench.answer(connection, 200, "x-envoy-upstream-healthchecked-cluster: db\r\n", "ok");
    assert.equal(bench.flags, "failed");
    assert.equal(bench.stat("verify_cluster"), 2);
    const other = new Bench({ ...HTTP, healthChecker: { case: "httpHealthCheck", value: named } });
    other.answer(other.connect(), 200, "", "down");
    assert.equal(other.flags, "failed");
  });

  it("do not look at the name of the service where runtime layers say so", () => {
    const named = { path: "/", serviceNameMatcher: { matchPattern: { case: "prefix" as const, value: "web" } } };
    const bench = new Bench({ ...HTTP, healthChecker: { case: "httpHealthCheck", value: named } });
    bench.runtime.set(runtimeValues({ "health_check.verify_cluster": 0 }));
    bench.answer(bench.connect(), 200, "x-envoy-upstream-healthchecked-cluster: db\r\n");
    assert.equal(bench.flags, "");
    assert.equal(bench.stat("verify_cluster"), 0);
  });

  it("come as often as runtime layers allow", () => {
    for (const [layers, nextMs] of [
      [{}, 5_000],
      [{ "health_check.min_interval": 8_000 }, 8_000],
      [{ "health_check.max_interval": 2_000 }, 2_000],
      [{ "health_check.max_interval": 2_000, "health_check.min_interval": 3_000 }, 3_000],
    ] as const) {
      const bench = new Bench(HTTP);
      bench.runtime.set(runtimeValues(layers));
      bench.answer(bench.connect(), 200);
      bench.clock.advance(nextMs - 1);
      assert.equal(bench.stat("attempt"), 1);
      bench.clock.advance(1);
      assert.equal(bench.stat("attempt"), 2);
    }
  });

  it("look at no more of the body than response_buffer_size", () => {
    const receive = [{ payload: { case: "text" as const, value: Buffer.from("ok").toString("hex") } }];
    const flags = (responseBufferSize: bigint | undefined): string => {
      const size = responseBufferSize === undefined ? {} : { responseBufferSize };
      const bench = new Bench({ ...HTTP, healthChecker: { case: "httpHealthCheck", value: { path: "/", receive, ...size } } });
      bench.answer(bench.connect(), 200, "", `${"x".repeat(2000)}ok`);
      return bench.flags;
    };
    assert.equal(flags(undefined), "failed", "1024 bytes by default");
    assert.equal(flags(2001n), "failed");
    assert.equal(flags(2002n), "");
    assert.equal(flags(0n), "", "no limit");
  });

  it("send what they are told to: method, body, headers, host", () => {
    const value = {
      path: "/check",
      host: "own.test",
      method: 3,
      send: { payload: { case: "binary" as const, value: Buffer.from("hello") } },
      requestHeadersToAdd: [{ header: { key: "x-a", value: "b" } }],
      requestHeadersToRemove: ["user-agent"],
    };
    const bench = new Bench({ ...HTTP, healthChecker: { case: "httpHealthCheck", value } });
    const sent = bench.connect().take();
    assert.match(sent, /^POST \/check HTTP\/1\.1\r\n/);
    assert.match(sent, /host: own\.test\r\n/i);
    assert.match(sent, /x-a: b\r\n/);
    assert.doesNotMatch(sent, /user-agent/i);
    assert.match(sent, /\r\n\r\nhello$/);
  });
});

describe("when checks are due", () => {
  it("rarely without traffic, by the edge intervals near a threshold", () => {
    const check = {
      ...HTTP,
      noTrafficHealthyInterval: { seconds: 90n },
      unhealthyInterval: { seconds: 10n },
      unhealthyEdgeInterval: { seconds: 2n },
      healthyEdgeInterval: { seconds: 3n },
    };
    const bench = new Bench(check);
    bench.traffic = false;
    const connection = bench.connect();
    const due = (): number => {
      connection.take();
      for (let second = 1; second < 200; second++) {
        bench.clock.advance(1_000);
        if (connection.take() !== "") return second;
      }
      return -1;
    };
    bench.answer(connection, 200);
    assert.equal(due(), 90);
    bench.answer(connection, 500);
    assert.equal(due(), 60, "without traffic there is one interval for what is not healthy");
    bench.traffic = true;
    bench.answer(connection, 500);
    assert.equal(due(), 10);
    bench.answer(connection, 200);
    assert.equal(due(), 3);
    bench.answer(connection, 200);
    assert.equal(due(), 5);
  });

  it("by interval_jitter later, by chance", () => {
    const seen = new Set<number>();
    for (let seed = 1; seed <= 3; seed++) {
      const bench = new Bench({ ...HTTP, reuseConnection: false, intervalJitter: { seconds: 4n } }, undefined, undefined, seed);
      bench.answer(bench.connect(), 200);
      let waited = 0;
      for (; bench.asked.length === 1 && waited < 20_000; waited += 100) bench.clock.advance(100);
      assert.ok(waited >= 5_000 && waited <= 9_000, `${waited}`);
      seen.add(waited);
    }
    assert.ok(seen.size > 1);
  });

  it("by chance within the jitter", () => {
    const seen = new Set<number>();
    for (let round = 0; round < 3; round++) {
      const bench = new Bench({ ...HTTP, initialJitter: { seconds: 4n }, intervalJitterPercent: 50 });
      assert.equal(bench.asked.length, 0);
      for (let waited = 0; bench.asked.length === 0 && waited < 4_000; waited += 100) bench.clock.advance(100);
      assert.equal(bench.asked.length, 1);
      const connection = bench.connect();
      bench.answer(connection, 200);
      connection.take();
      let waited = 0;
      while (connection.take() === "" && waited < 10_000) {
        bench.clock.advance(100);
        waited += 100;
      }
      assert.ok(waited >= 5_000 && waited <= 7_600, `${waited}`);
      seen.add(waited);
    }
  });
});

describe("TCP health checks", () => {
  it("are content with a connection where nothing is waited for", () => {
    const bench = new Bench(tcp([]));
    const connection = bench.connect();
    assert.equal(connection.closed, "now");
    assert.equal(bench.flags, "");
  });

  it("send, and look for all parts in order, over as many reads as it takes", () => {
    const bench = new Bench(tcp(["61", "62"]));
    const connection = bench.connect();
    assert.equal(connection.take(), "ping");
    connection.feed("xb a");
    assert.equal(bench.flags, "failed+pending");
    connection.feed("..b");
    assert.equal(bench.flags, "");
    bench.clock.advance(5_000);
    assert.equal(connection.take(), "ping");
  });

  it("begin with the PROXY protocol where proxy_protocol_config says so", () => {
    const sent = (version: 0 | 1): string => {
      const check = tcp(["61"]);
      assert.equal(check.healthChecker?.case, "tcpHealthCheck");
      const healthChecker = { case: "tcpHealthCheck" as const, value: { ...check.healthChecker!.value, proxyProtocolConfig: { version } } };
      return new Bench({ ...check, healthChecker } as Check).connect().take();
    };
    assert.match(sent(0), /^PROXY (TCP4|UNKNOWN).*\r\nping$/);
    // Version 2 says that the proxy itself asks (LOCAL).
    assert.ok(sent(1).startsWith("\r\n\r\n\0\r\nQUIT\n\x20"));
  });

  it("fail a host that closes, also between two checks", () => {
    const bench = new Bench(tcp(["61"]));
    const connection = bench.connect();
    connection.feed("a");
    connection.feedEnd();
    assert.equal(bench.stat("network_failure"), 1);
    assert.equal(bench.flags, "", "the threshold is 2");
    bench.clock.advance(5_000);
    bench.refuse();
    assert.equal(bench.flags, "failed");
  });
});

describe("the hosts that are checked", () => {
  it("are asked where their endpoint says, else at the health check's port, and not at all where it says so", () => {
    const health = { address: undefined, port: undefined, hostname: "", disabled: false };
    const bench = new Bench({ ...HTTP, altPort: 9000 }, [
      endpoint(80),
      endpoint(81, { healthCheck: { ...health, port: 8081, hostname: "h.test" } }),
      endpoint(82, { healthCheck: { ...health, address: { address: "10.9.9.9", port: 1 } } }),
      endpoint(83, { healthCheck: { ...health, disabled: true } }),
    ]);
    assert.deepEqual(
      bench.asked.map(({ target }) => `${target.address}:${target.port}`),
      ["10.0.0.1:9000", "10.0.0.1:8081", "10.9.9.9:1"],
    );
    assert.match(bench.connect(1).take(), /host: h\.test\r\n/i);
    assert.equal(bench.checker.health.has("10.0.0.1|83"), false);
  });

  it("stay while they are healthy although discovery took them away, and go when they fail", () => {
    const bench = new Bench(HTTP, [endpoint(80), endpoint(81)]);
    const first = bench.connect(0);
    bench.answer(first, 200);
    bench.answer(bench.connect(1), 500);
    bench.checker.setAssignment(assignment());
    assert.deepEqual([...bench.checker.health.keys()], ["10.0.0.1|80"]);
    bench.clock.advance(5_000);
    bench.answer(first, 500);
    assert.deepEqual([...bench.checker.health.keys()], []);
    assert.equal(bench.gauge("healthy"), 0);
    assert.equal(bench.clock.pending, 0);
  });

  it("go with their endpoint where ignore_health_on_host_removal says so", () => {
    const bench = new Bench(HTTP, [endpoint(80)], { ignoreHealthOnHostRemoval: true });
    bench.answer(bench.connect(), 200);
    bench.checker.setAssignment(assignment());
    assert.equal(bench.checker.health.size, 0);
  });

  it("are told of by name when they pass and outlier detection may have ejected them", () => {
    const bench = new Bench(HTTP, [endpoint(80)], { outlierDetection: {} });
    const connection = bench.connect();
    bench.answer(connection, 200);
    bench.clock.advance(5_000);
    bench.answer(connection, 200);
    assert.deepEqual(bench.passed, [undefined, "10.0.0.1|80", "10.0.0.1|80"]);
  });

  it("fail at once when traffic brings the news, whatever the threshold", () => {
    const bench = new Bench(HTTP);
    const connection = bench.connect();
    bench.answer(connection, 200);
    bench.checker.setUnhealthy("10.0.0.1|80");
    assert.equal(bench.flags, "failed+excluded");
    assert.equal(bench.stat("passive_failure"), 1);
    for (let i = 0; i < 2; i++) {
      bench.clock.advance(5_000);
      bench.answer(connection, 200);
    }
    assert.equal(bench.flags, "", "it comes back as any other");
  });

  it("write what happens to them into files", () => {
    const check = { ...HTTP, eventLogPath: "/tmp/hc", alwaysLogHealthCheckFailures: true, alwaysLogHealthCheckSuccess: true };
    const bench = new Bench(check);
    const connection = bench.connect();
    for (const status of [200, 200, 500, 500]) {
      bench.answer(connection, status);
      bench.clock.advance(5_000);
    }
    assert.deepEqual(bench.events, [
      "/tmp/hc c 80 add_healthy_event",
      "/tmp/hc c 80 successful_health_check_event",
      "/tmp/hc c 80 eject_unhealthy_event",
      "/tmp/hc c 80 health_check_failure_event",
      "/tmp/hc c 80 health_check_failure_event",
    ]);
  });
});

it("checks connect as tls_options and transport_socket_match_criteria say, not as traffic does", () => {
  const socket = (sni: string) => ({
    name: "tls",
    configType: { case: "typedConfig" as const, value: pack(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, { sni })) },
  });
  const cluster = {
    transportSocket: socket("traffic"),
    transportSocketMatches: [{ name: "checks", match: { kind: "check" }, transportSocket: socket("checks") }],
  };
  const tlsOf = (more: Check): unknown[] => {
    const { tls } = new Bench({ ...HTTP, ...more }, undefined, cluster).asked[0]!.options!;
    return [tls?.serverName, tls?.applicationProtocols];
  };
  assert.deepEqual(tlsOf({}), ["traffic", []]);
  assert.deepEqual(tlsOf({ tlsOptions: { alpnProtocols: ["health"] } }), ["traffic", ["health"]]);
  assert.deepEqual(tlsOf({ transportSocketMatchCriteria: { kind: "check" } }), ["checks", []]);
});

it("event_logger writes into the files of its HealthCheckEventFileSink", () => {
  const sink = (eventLogPath: string) => ({
    name: "file",
    typedConfig: pack(HealthCheckEventFileSinkSchema, create(HealthCheckEventFileSinkSchema, { eventLogPath })),
  });
  const bench = new Bench({ ...HTTP, eventLogger: [sink("/tmp/a"), sink("/tmp/b")] });
  bench.answer(bench.connect(), 200);
  assert.deepEqual(bench.events, ["/tmp/a c 80 add_healthy_event", "/tmp/b c 80 add_healthy_event"]);
  assert.throws(
    () => new Bench({ ...HTTP, eventLogger: [sink("")] }),
    /event_logger\[0\]\.typed_config\.event_log_path: must not be empty/,
  );
});

it("a health check that cannot be is refused field by field", () => {
  const refused = (check: Check): string => {
    try {
      parseCluster(create(ClusterSchema, { name: "c", healthChecks: [check] }));
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };
  assert.match(refused({}), /health_checks\[0\]: needs one of/);
  assert.match(refused({ healthChecker: HTTP.healthChecker! }), /timeout: must be set.*interval: must be set.*unhealthy_threshold/s);
  const http = (value: object): string => refused({ ...HTTP, healthChecker: { case: "httpHealthCheck", value } });
  assert.match(http({}), /http_health_check\.path: must not be empty/);
  assert.match(http({ path: "/", expectedStatuses: [{ start: 300n, end: 200n }] }), /start \(300\) must be below end/);
  assert.match(http({ path: "/", send: { payload: { case: "text", value: "zz" } } }), /not hexadecimal.*has no body/s);
  assert.match(http({ path: "/", codecClientType: 2 }), /codec_client_type: HTTP3 is not served/);
  assert.match(refused(tcp(["6"])), /receive\[0\]\.text/);
});
