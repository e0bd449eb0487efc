import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { RawBufferSchema } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import { HttpProtocolOptionsSchema } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { ConfigError } from "#proxy/config-error";
import { FakeConnection } from "#proxy/http/connection.fake";
import type { ConnectCallbacks } from "#proxy/net/connector";
import { FakeStats } from "#proxy/http/stats.fake";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { Host, HttpConnectionPool, LoadBalancerContext } from "./cluster.ts";
import { parseCluster } from "./cluster-config.ts";
import type { ActiveHealth } from "./health/active-health.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { ThreadClusterManager } from "./cluster-manager.ts";
import { parseLoadAssignment } from "./load-assignment.ts";
import type { LoadAssignmentConfig } from "./load-assignment.ts";
import type { PoolProtocol } from "./host-pools.ts";

const registry = createRegistry(UpstreamTlsContextSchema, RawBufferSchema, HttpProtocolOptionsSchema);
const cluster = (json: JsonValue): ClusterConfig => parseCluster(fromJson(ClusterSchema, json, { registry }));
const assignment = (json: JsonValue): LoadAssignmentConfig => parseLoadAssignment(fromJson(ClusterLoadAssignmentSchema, json));

function violations(json: JsonValue): string[] {
  try {
    cluster(json);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.violations.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

interface EndpointOptions {
  readonly weight?: number;
  readonly health?: string;
}
const endpoint = (port: number, { weight, health }: EndpointOptions = {}): JsonValue => ({
  endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: port } } },
  ...(weight === undefined ? {} : { loadBalancingWeight: weight }),
  ...(health === undefined ? {} : { healthStatus: health }),
});
const endpoints = (name: string, ...list: JsonValue[]): LoadAssignmentConfig =>
  assignment({ clusterName: name, endpoints: [{ lbEndpoints: list }] });

const EDS: JsonValue = {
  name: "outbound|9080||reviews.default.svc.cluster.local",
  altStatName: "outbound|9080||reviews.default.svc.cluster.local;",
  type: "EDS",
  edsClusterConfig: { edsConfig: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" }, serviceName: "reviews" },
  connectTimeout: "10s",
  lbPolicy: "LEAST_REQUEST",
  commonLbConfig: { healthyPanicThreshold: {} },
  circuitBreakers: {
    thresholds: [{ maxConnections: 4294967295, maxPendingRequests: 4294967295, maxRequests: 4294967295, maxRetries: 4294967295 }],
  },
};

class FakePool implements HttpConnectionPool {
  readonly protocol: PoolProtocol;
  connectionCount = 0;
  drained = false;
  constructor(protocol: PoolProtocol) {
    this.protocol = protocol;
  }
  newStream(): undefined {
    return undefined;
  }
  demand = { pending: 0, active: 0, unused: 0 };
  preconnect(): boolean {
    this.demand.unused++;
    return true;
  }
  drain(): void {
    this.drained = true;
  }
}

class Fixture {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly pools = new Map<Host, FakePool[]>();
  readonly connects: ConnectCallbacks[] = [];
  readonly manager = new ThreadClusterManager({
    runtime: NO_RUNTIME,
    clock: this.clock,
    random: seededRandom(1),
    stats: this.stats,
    connector: {
      connect: (_target, _timeoutMs, callbacks) => {
        this.connects.push(callbacks);
        return { cancel() {} };
      },
    },
    secrets: { get: () => undefined },
    makePool: ({ host, protocol }) => {
      const pool = new FakePool(protocol);
      this.pools.set(host, [...(this.pools.get(host) ?? []), pool]);
      return pool;
    },
  });
}

function ask(over: Partial<LoadBalancerContext> = {}): LoadBalancerContext {
  return {
    randomValue: 0,
    hash: undefined,
    hostSelectionAttempts: 0,
    shouldSelectAnotherHost: () => false,
    originalDestination: undefined,
    ...over,
  };
}

describe("cluster config", () => {
  it("reads what istiod sends for an outbound cluster", () => {
    const config = cluster(EDS);
    assert.equal(config.statName, "outbound|9080||reviews.default.svc.cluster.local");
    assert.deepEqual(config.discovery, { kind: "eds", serviceName: "reviews" });
    assert.deepEqual(config.lb, { policy: "least-request", choiceCount: 2, activeRequestBias: 1, slowStart: undefined });
    assert.equal(config.panicThreshold, 0);
    assert.equal(config.circuitBreakers.maxRetries, 4294967295);
    assert.equal(config.connection.connectTimeoutMs, 10_000);
    assert.equal(config.connection.idleTimeoutMs, 3_600_000);
  });

  it("reads slow start with Envoy's defaults", () => {
    const slowStart = (slowStartConfig: JsonValue): unknown => {
      const { lb } = cluster({ name: "x", roundRobinLbConfig: { slowStartConfig } });
      return lb.policy === "round-robin" ? lb.slowStart : lb.policy;
    };
    assert.deepEqual(
      slowStart({ slowStartWindow: "60s", aggression: { defaultValue: 1.5, runtimeKey: "a" }, minWeightPercent: { value: 20 } }),
      {
        windowMs: 60_000,
        aggression: 1.5,
        aggressionKey: "a",
        minWeightPercent: 20,
      },
    );
    assert.deepEqual(slowStart({ slowStartWindow: "1s" }), { windowMs: 1000, aggression: 1, minWeightPercent: 10 });
    assert.equal(slowStart({}), undefined);
  });

  it("knows Envoy's defaults", () => {
    const config = cluster({ name: "plain" });
    assert.deepEqual(config.lb, { policy: "round-robin", slowStart: undefined });
    assert.equal(config.panicThreshold, 50);
    assert.equal(config.connection.connectTimeoutMs, 5000);
    assert.deepEqual(config.circuitBreakers, { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 });
  });

  it("accepts PassthroughCluster with istiod's http options", () => {
    const config = cluster({
      name: "PassthroughCluster",
      type: "ORIGINAL_DST",
      lbPolicy: "CLUSTER_PROVIDED",
      typedExtensionProtocolOptions: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          commonHttpProtocolOptions: { idleTimeout: "300s", maxRequestsPerConnection: 7 },
          useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
        },
      },
    });
    assert.equal(config.discovery.kind, "original-dst");
    assert.equal(config.connection.idleTimeoutMs, 300_000);
    assert.equal(config.connection.maxRequestsPerConnection, 7);
  });

  it("names everything at once that it cannot honour", () => {
    const found = violations({
      name: "x",
      type: "LOGICAL_DNS",
      lbPolicy: "RING_HASH",
      ringHashLbConfig: { minimumRingSize: 9, maximumRingSize: 8 },
      commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: 99 } },
      outlierDetection: { maxEjectionPercent: 101 },
      connectTimeout: "0s",
      transportSocket: { name: "envoy.transport_sockets.starttls" },
    });
    assert.deepEqual(found, [
      "load_assignment: LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint",
      "common_lb_config.consistent_hashing_lb_config.hash_balance_factor: must be at least 100",
      "ring_hash_lb_config.minimum_ring_size: must not be above maximum_ring_size",
      "outlier_detection.max_ejection_percent: must not be above 100",
      "transport_socket: transport socket envoy.transport_sockets.starttls is not known to this proxy",
      "connect_timeout: must be above 0s",
    ]);
  });

  it("accepts transport socket matches that are all raw", () => {
    const raw = { name: "raw", typedConfig: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" } };
    assert.deepEqual(
      violations({ name: "x", transportSocketMatches: [{ name: "tlsMode-disabled", match: {}, transportSocket: raw }] }),
      [],
    );
  });
});

describe("load assignment", () => {
  it("reads health, weights, localities and priorities", () => {
    const config = assignment({
      clusterName: "c",
      endpoints: [
        {
          locality: { region: "r", zone: "z" },
          loadBalancingWeight: 3,
          lbEndpoints: [endpoint(1, { health: "DRAINING" }), endpoint(2, { weight: 9 })],
        },
        { priority: 1, lbEndpoints: [endpoint(3, { health: "DEGRADED" })] },
      ],
    });
    assert.deepEqual(
      config.priorities.map((level) =>
        level.map((group) => group.endpoints.map((one) => `${one.address.port} ${one.health} ${one.weight} ${one.locality}`)),
      ),
      [[["1 unhealthy 1 r/z", "2 healthy 9 r/z"]], [["3 degraded 1 "]]],
    );
  });

  it("refuses names, relative pipes, bad ports and gaps in priorities with their paths", () => {
    const wire = create(
      ClusterLoadAssignmentSchema,
      fromJson(ClusterLoadAssignmentSchema, {
        clusterName: "c",
        endpoints: [
          {
            priority: 1,
            lbEndpoints: [
              { endpoint: { address: { socketAddress: { address: "reviews", portValue: 1 } } } },
              { endpoint: { address: { pipe: { path: "x.sock" } } } },
              { endpoint: { address: { socketAddress: { address: "::1", portValue: 70000 } } } },
            ],
          },
        ],
      }),
    );
    assert.throws(
      () => parseLoadAssignment(wire),
      (error: ConfigError) => {
        assert.deepEqual(
          error.violations.map(({ path }) => path),
          [
            "endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address",
            "endpoints[0].lb_endpoints[1].endpoint.address.pipe.path",
            "endpoints[0].lb_endpoints[2].endpoint.address.socket_address.port_value",
            "endpoints",
          ],
        );
        return true;
      },
    );
  });
});

describe("cluster manager", () => {
  it("takes the path of a unix socket for an address, if it does not depend on a folder", () => {
    const { manager } = new Fixture();
    const at = (path: string): ClusterConfig =>
      cluster({
        name: "c",
        type: "STATIC",
        loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path } } } }] }] },
      });
    manager.upsertCluster(at("/run/app.sock"));
    assert.deepEqual(manager.get("c")!.hosts[0]!.address, { address: "/run/app.sock", port: 0 });
    assert.throws(() => at("app.sock"), /endpoint\.address\.pipe\.path: "app\.sock" must be an absolute path/);
  });

  it("takes the hosts of a DNS cluster by what was looked up; a logical one keeps its pool when its address changes", () => {
    const { manager, pools } = new Fixture();
    const dns = (type: string): ClusterConfig =>
      cluster({
        name: "c",
        type,
        loadAssignment: {
          endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: "a.test", portValue: 80 } } } }] }],
        },
      });
    const resolve = ({ discovery }: ClusterConfig, port: number): void => {
      assert.ok(discovery.kind === "dns");
      manager.setLoadAssignment(endpoints(discovery.dns.key, endpoint(port)));
    };
    for (const type of ["STRICT_DNS", "LOGICAL_DNS"]) {
      const looked = dns(type);
      manager.upsertCluster(looked);
      const running = manager.get("c")!;
      resolve(looked, 1);
      const host = running.hosts[0]!;
      const pool = running.pool(host, undefined, "a", "HTTP/1.1");
      resolve(looked, 2);
      assert.equal(running.hosts.length, 1);
      assert.equal(running.hosts[0]!.address.port, 2);
      assert.equal(running.hosts[0] === host, type === "LOGICAL_DNS");
      assert.equal(pools.get(host)![0]!.drained, type === "STRICT_DNS");
      assert.equal(running.pool(running.hosts[0]!, undefined, "a", "HTTP/1.1") === pool, type === "LOGICAL_DNS");
    }
  });

  it("keeps a host's pool and counters while its address stays, and drains the removed one's", () => {
    const { manager, pools, stats } = new Fixture();
    manager.upsertCluster(cluster(EDS));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2)));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const [first, second] = running.hosts;
    const pool = running.pool(first!, undefined, "a", "HTTP/1.1");
    running.pool(second!, undefined, "a", "HTTP/1.1");
    first!.stats.rqTotal = 5;

    manager.setLoadAssignment(endpoints("reviews", endpoint(1, { weight: 4 }), endpoint(3)));
    assert.equal(running.hosts[0], first);
    assert.equal(running.pool(first!, undefined, "a", "HTTP/1.1"), pool);
    assert.equal(first!.weight, 4);
    assert.equal(pools.get(first!)![0]!.drained, false);
    assert.equal(pools.get(second!)![0]!.drained, true);
    const name = "cluster.outbound|9080||reviews.default.svc.cluster.local";
    assert.equal(stats.get(`${name}.membership_total`), 2);
    assert.equal(stats.get(`${name}.membership_change`), 2);
  });

  it("takes endpoints that come before their cluster, and keeps them when the cluster changes", () => {
    const { manager, pools } = new Fixture();
    manager.setLoadAssignment(endpoints("reviews", endpoint(1)));
    manager.upsertCluster(cluster(EDS));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const host = running.hosts[0]!;
    running.pool(host, undefined, "a", "HTTP/1.1");
    manager.upsertCluster(cluster({ ...(EDS as object), lbPolicy: "RANDOM" }));
    assert.equal(manager.get(running.name), running);
    assert.equal(running.hosts[0], host);
    assert.equal(pools.get(host)![0]!.drained, false, "a change of policy touches no connection");
    manager.upsertCluster(cluster({ ...(EDS as object), connectTimeout: "1s" }));
    assert.equal(pools.get(host)![0]!.drained, true, "what connections are made from has changed");
    running.pool(host, undefined, "a", "HTTP/1.1");
    assert.equal(pools.get(host)!.length, 2);
  });

  it("keeps apart what clients of HTTP/1 and HTTP/2 use where the client's version decides, and drains both", () => {
    const { manager, pools } = new Fixture();
    manager.setLoadAssignment(endpoints("reviews", endpoint(1)));
    manager.upsertCluster(cluster({ ...(EDS as object), protocolSelection: "USE_DOWNSTREAM_PROTOCOL" }));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const host = running.hosts[0]!;
    const old = running.pool(host, undefined, "a", "HTTP/1.0");
    assert.equal(running.pool(host, undefined, "a", "HTTP/1.1"), old);
    assert.equal(running.pool(host, undefined, "a", undefined), old);
    const http2 = running.pool(host, undefined, "a", "HTTP/2");
    assert.notEqual(http2, old);
    assert.equal(running.pool(host, undefined, "a", "HTTP/2"), http2);
    assert.deepEqual(
      pools.get(host)!.map(({ protocol }) => protocol),
      ["http1", "http2"],
    );
    manager.setLoadAssignment(endpoints("reviews", endpoint(2)));
    assert.ok(pools.get(host)!.every(({ drained }) => drained));
  });

  it("gives a removed cluster's statistics back when its last connection is gone", () => {
    const { manager, pools, stats, clock } = new Fixture();
    manager.setLoadAssignment(endpoints("reviews", endpoint(1)));
    manager.upsertCluster(cluster(EDS));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const host = running.hosts[0]!;
    running.pool(host, undefined, "a", "HTTP/1.1");
    const pool = pools.get(host)![0]!;
    pool.connectionCount = 1;
    manager.removeCluster(running.name);
    assert.equal(manager.get(running.name), undefined);
    assert.equal(running.chooseHost(ask()), undefined);
    assert.equal(pool.drained, true);
    clock.advance(3000);
    assert.deepEqual(stats.released, []);
    pool.connectionCount = 0;
    clock.advance(1000);
    assert.deepEqual(stats.released, ["cluster.outbound|9080||reviews.default.svc.cluster.local"]);
    assert.equal(clock.pending, 0);
  });

  it("uses no unhealthy host, spills over to the next priority, and panics only where it may", () => {
    const { manager } = new Fixture();
    const level = (priority: number, ...list: JsonValue[]): JsonValue => ({ priority, lbEndpoints: list });
    const down = { health: "UNHEALTHY" };
    const used = (panic: number, ...levels: JsonValue[]): string => {
      manager.upsertCluster(
        cluster({
          ...(EDS as object),
          name: "p",
          altStatName: "",
          lbPolicy: "ROUND_ROBIN",
          commonLbConfig: { healthyPanicThreshold: { value: panic } },
        }),
      );
      manager.setLoadAssignment(assignment({ clusterName: "reviews", endpoints: levels }));
      const running = manager.get("p")!;
      const ports = new Set<number | undefined>();
      for (let i = 0; i < 300; i++) ports.add(running.chooseHost(ask())?.address.port);
      return [...ports].sort((a = 0, b = 0) => a - b).join(",");
    };
    assert.equal(used(0, level(0, endpoint(1), endpoint(2, down))), "1");
    assert.equal(used(0, level(0, endpoint(1, down), endpoint(2, down)), level(1, endpoint(3))), "3");
    assert.equal(used(0, level(0, endpoint(1), endpoint(2, down)), level(1, endpoint(3))), "1,3", "half healthy takes 70 per cent");
    assert.equal(
      used(0, level(0, endpoint(1, { health: "DEGRADED" }), endpoint(2, down)), level(1, endpoint(3))),
      "3",
      "degraded hosts come last",
    );
    assert.equal(used(0, level(0, endpoint(1, down))), "");
    assert.equal(used(50, level(0, endpoint(1, down), endpoint(2, down))), "1,2", "panic uses all");
    assert.equal(used(50, level(0, endpoint(1), endpoint(2, down), endpoint(3, down))), "1,2,3");
  });

  it("sends nothing to an ejected host until it is taken back, and starts anew when it is to be watched otherwise", () => {
    const { manager, stats, clock } = new Fixture();
    const watched = (consecutive5xx: number): ClusterConfig =>
      cluster({
        ...(EDS as object),
        outlierDetection: { consecutive5xx, maxEjectionPercent: 100, baseEjectionTime: "10s", interval: "5s" },
      });
    manager.upsertCluster(watched(2));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2)));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const used = (): string => {
      const ports = new Set<number>();
      for (let i = 0; i < 50; i++) ports.add(running.chooseHost(ask())!.address.port);
      return [...ports].sort((a, b) => a - b).join(",");
    };
    const [first] = running.hosts;
    const fail = (): void => {
      for (let i = 0; i < 2; i++) first!.outlierMonitor!.putStatus(503);
    };
    fail();
    assert.equal(used(), "2");
    assert.equal(stats.get(`cluster.${running.name}.membership_healthy`), 1);
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2), endpoint(3)));
    assert.equal(used(), "2,3", "new endpoints pardon nobody");
    clock.advance(10_000);
    assert.equal(used(), "1,2,3");
    fail();
    manager.upsertCluster(watched(3));
    assert.equal(used(), "1,2,3");
    assert.equal(stats.get(`cluster.${running.name}.outlier_detection.ejections_active`), 0);
    manager.removeCluster(running.name);
    assert.equal(clock.pending, 0);
  });

  it("sends nothing to hosts that fail active health checks, little to degraded ones, and keeps healthy ones that discovery forgets", () => {
    const { manager, stats } = new Fixture();
    const name = "outbound|9080||reviews.default.svc.cluster.local";
    const check = { timeout: "1s", interval: "1s", unhealthyThreshold: 1, healthyThreshold: 1, tcpHealthCheck: {} };
    manager.upsertCluster(cluster({ ...(EDS as object), healthChecks: [check] }));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2), endpoint(3)));
    const running = manager.get(name)!;
    const used = (): string => {
      const ports = new Set<number | undefined>();
      for (let i = 0; i < 50; i++) ports.add(running.chooseHost(ask())?.address.port);
      return [...ports].sort((a, b) => Number(a) - Number(b)).join(",");
    };
    const fit: ActiveHealth = { failed: false, pending: false, degraded: false, timedOut: false, excluded: false };
    const tell = (...states: Partial<ActiveHealth>[]): void =>
      manager.setHealth(name, new Map(states.map((state, at) => [`127.0.0.1|${at + 1}`, { ...fit, ...state }])), undefined);
    assert.equal(used(), "", "nobody was asked yet");
    tell({}, { failed: true }, { degraded: true });
    assert.equal(used(), "1,3");
    assert.deepEqual(
      ["membership_healthy", "membership_degraded", "membership_total"].map((stat) => stats.get(`cluster.${name}.${stat}`)),
      [1, 1, 3],
    );
    tell({}, {}, {});
    const pool = running.pool(running.hosts[0]!, undefined, "a", "HTTP/1.1");
    tell({ failed: true }, {}, {});
    assert.notEqual(running.pool(running.hosts[0]!, undefined, "a", "HTTP/1.1"), pool, "a host that fails keeps none of its connections");
    manager.setLoadAssignment(endpoints("reviews", endpoint(3)));
    assert.equal(used(), "2,3", "the failed host is gone, the healthy one stays");
    assert.deepEqual(
      running.hosts.map(({ address, pendingRemoval }) => [address.port, pendingRemoval]),
      [
        [3, false],
        [2, true],
      ],
    );
    tell({}, { failed: true }, {});
    assert.equal(used(), "3");
    assert.equal(running.hosts.length, 1);
  });

  it("leaves hosts without a result out of panic where new hosts are to be ignored", () => {
    const { manager, stats } = new Fixture();
    const name = "outbound|9080||reviews.default.svc.cluster.local";
    const check = { timeout: "1s", interval: "1s", unhealthyThreshold: 1, healthyThreshold: 1, tcpHealthCheck: {} };
    const commonLbConfig = { healthyPanicThreshold: { value: 50 }, ignoreNewHostsUntilFirstHc: true };
    manager.upsertCluster(cluster({ ...(EDS as object), healthChecks: [check], commonLbConfig }));
    const fit: ActiveHealth = { failed: false, pending: false, degraded: false, timedOut: false, excluded: false };
    manager.setHealth(name, new Map([["127.0.0.1|1", fit]]), undefined);
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2), endpoint(3), endpoint(4)));
    const running = manager.get(name)!;
    for (let i = 0; i < 50; i++) assert.equal(running.chooseHost(ask())?.address.port, 1);
    assert.equal(stats.get(`cluster.${name}.membership_excluded`), 3);
    assert.equal(stats.get(`cluster.${name}.lb_healthy_panic`), 0);
  });

  it("ends the connections of TCP proxies with the health of their host where that is wanted", () => {
    const check = { timeout: "1s", interval: "1s", unhealthyThreshold: 1, healthyThreshold: 1, tcpHealthCheck: {} };
    const ofFailed = (closeConnectionsOnHostHealthFailure: boolean): string | undefined => {
      const { manager, connects } = new Fixture();
      const name = "outbound|9080||reviews.default.svc.cluster.local";
      manager.upsertCluster(cluster({ ...(EDS as object), healthChecks: [check], closeConnectionsOnHostHealthFailure }));
      const fit: ActiveHealth = { failed: false, pending: false, degraded: false, timedOut: false, excluded: false };
      manager.setHealth(name, new Map([["127.0.0.1|1", fit]]), undefined);
      manager.setLoadAssignment(endpoints("reviews", endpoint(1)));
      const running = manager.get(name)!;
      const nothing = { onPoolReady() {}, onPoolFailure() {} };
      running.tcpPool(running.hosts[0]!, undefined).newConnection(nothing);
      const connection = new FakeConnection();
      connects[0]!.onConnected(connection, undefined);
      manager.setHealth(name, new Map([["127.0.0.1|1", { ...fit, failed: true }]]), undefined);
      return connection.closed;
    };
    assert.equal(ofFailed(true), "now");
    assert.equal(ofFailed(false), undefined);
  });

  it("lets nobody use the connections of an ejected host again", () => {
    const { manager } = new Fixture();
    manager.upsertCluster(cluster({ ...(EDS as object), outlierDetection: { consecutive5xx: 1, maxEjectionPercent: 100 } }));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2)));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const pool = (at: number): HttpConnectionPool => running.pool(running.hosts[at]!, undefined, "a", "HTTP/1.1")!;
    const [first, second] = [pool(0), pool(1)];
    running.hosts[0]!.outlierMonitor!.putStatus(500);
    assert.notEqual(pool(0), first);
    assert.equal((first as FakePool).drained, true);
    assert.equal(pool(1), second);
  });

  it("lets nobody use connections again when hosts come or go where that is wanted", () => {
    const { manager } = new Fixture();
    manager.upsertCluster(cluster({ ...(EDS as object), commonLbConfig: { closeConnectionsOnHostSetChange: true } }));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1)));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const pool = (): HttpConnectionPool => running.pool(running.hosts[0]!, undefined, "a", "HTTP/1.1")!;
    const first = pool();
    manager.setLoadAssignment(endpoints("reviews", endpoint(1, { weight: 2 })));
    assert.equal(pool(), first, "the hosts are the same");
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2)));
    assert.notEqual(pool(), first);
  });

  it("connects to the hosts of the next requests ahead of them, and those get them", () => {
    for (const lbPolicy of ["ROUND_ROBIN", "RANDOM", "RING_HASH", "LEAST_REQUEST"]) {
      const { manager, pools } = new Fixture();
      const preconnectPolicy = { predictivePreconnectRatio: 2 };
      manager.upsertCluster(cluster({ ...(EDS as object), lbPolicy, preconnectPolicy }));
      manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2), endpoint(3), endpoint(4)));
      const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
      running.pool(running.chooseHost(ask())!, undefined, "a", "HTTP/1.1");
      const ahead = [...pools].flatMap(([host, [pool]]) => Array.from({ length: pool!.demand.unused }, () => host));
      if (lbPolicy === "RING_HASH" || lbPolicy === "LEAST_REQUEST") {
        assert.equal(ahead.length, 0, "nobody knows where the next one goes");
        continue;
      }
      assert.equal(ahead.length, 2);
      assert.deepEqual(new Set([running.chooseHost(ask()), running.chooseHost(ask())]), new Set(ahead));
    }
  });

  it("takes an ejected host back that passes an active health check", () => {
    const { manager } = new Fixture();
    const name = "outbound|9080||reviews.default.svc.cluster.local";
    const check = { timeout: "1s", interval: "1s", unhealthyThreshold: 1, healthyThreshold: 1, tcpHealthCheck: {} };
    manager.upsertCluster(
      cluster({ ...(EDS as object), healthChecks: [check], outlierDetection: { consecutive5xx: 1, maxEjectionPercent: 100 } }),
    );
    const fit: ActiveHealth = { failed: false, pending: false, degraded: false, timedOut: false, excluded: false };
    manager.setHealth(name, new Map([["127.0.0.1|1", fit]]), undefined);
    manager.setLoadAssignment(endpoints("reviews", endpoint(1)));
    const running = manager.get(name)!;
    running.hosts[0]!.outlierMonitor!.putStatus(500);
    assert.equal(running.chooseHost(ask()), undefined);
    manager.setHealth(name, new Map([["127.0.0.1|1", fit]]), undefined);
    assert.equal(running.chooseHost(ask()), undefined);
    manager.setHealth(name, new Map([["127.0.0.1|1", fit]]), "127.0.0.1|1");
    assert.equal(running.chooseHost(ask())?.address.port, 1);
  });

  it("takes the host that a session names, as long as it is there and not unhealthy", () => {
    const { manager } = new Fixture();
    manager.upsertCluster(cluster(EDS));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2, { health: "UNHEALTHY" })));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const chosen = (port: number, strict: boolean): number | undefined =>
      running.chooseHost(ask({ overrideHost: { address: `127.0.0.1:${port}`, strict } }))?.address.port;
    assert.deepEqual([chosen(1, true), chosen(2, true), chosen(3, true)], [1, undefined, undefined]);
    assert.deepEqual([chosen(2, false), chosen(3, false)], [1, 1]);
  });

  it("gives it to a host in the states of override_host_status alone", () => {
    const fixture = new Fixture();
    const hosts = ["UNKNOWN", "HEALTHY", "UNHEALTHY", "DRAINING", "TIMEOUT", "DEGRADED"] as const;
    const chosen = (statuses: string[] | undefined): string[] => {
      const commonLbConfig = statuses === undefined ? {} : { overrideHostStatus: { statuses } };
      fixture.manager.upsertCluster(cluster({ ...(EDS as object), commonLbConfig }));
      fixture.manager.setLoadAssignment(endpoints("reviews", ...hosts.map((health, at) => endpoint(at + 1, { health }))));
      const running = fixture.manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
      return hosts.filter(
        (_, at) => running.chooseHost(ask({ overrideHost: { address: `127.0.0.1:${at + 1}`, strict: true } })) !== undefined,
      );
    };
    assert.deepEqual(chosen(undefined), ["UNKNOWN", "HEALTHY", "DEGRADED"]);
    assert.deepEqual(chosen(["DRAINING", "TIMEOUT"]), ["DRAINING", "TIMEOUT"]);
    assert.deepEqual(chosen(["UNHEALTHY", "HEALTHY"]), ["HEALTHY", "UNHEALTHY"]);
    assert.deepEqual(chosen([]), []);
  });

  it("avoids hosts that were tried, as often as it may ask again", () => {
    const { manager } = new Fixture();
    manager.upsertCluster(cluster({ ...(EDS as object), lbPolicy: "ROUND_ROBIN" }));
    manager.setLoadAssignment(endpoints("reviews", endpoint(1), endpoint(2)));
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    const [first, second] = running.hosts;
    for (let i = 0; i < 20; i++)
      assert.equal(running.chooseHost(ask({ shouldSelectAnotherHost: (host) => host === first, hostSelectionAttempts: 5 })), second);
    assert.ok(
      running.chooseHost(ask({ shouldSelectAnotherHost: () => true, hostSelectionAttempts: 5 })) !== undefined,
      "the last answer counts",
    );
  });

  it("splits by locality weight where that is configured", () => {
    const { manager } = new Fixture();
    manager.upsertCluster(cluster({ ...(EDS as object), commonLbConfig: { localityWeightedLbConfig: {} } }));
    manager.setLoadAssignment(
      assignment({
        clusterName: "reviews",
        endpoints: [
          { locality: { region: "a" }, loadBalancingWeight: 80, lbEndpoints: [endpoint(1)] },
          { locality: { region: "b" }, loadBalancingWeight: 20, lbEndpoints: [endpoint(2), endpoint(3)] },
        ],
      }),
    );
    const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
    let a = 0;
    for (let i = 0; i < 5000; i++) if (running.chooseHost(ask())!.address.port === 1) a++;
    assert.ok(Math.abs(a - 4000) < 150, String(a));
  });

  it("sends less to a locality that has lost more of its hosts than overprovisioning covers", () => {
    const { manager } = new Fixture();
    manager.upsertCluster(cluster({ ...(EDS as object), commonLbConfig: { healthyPanicThreshold: {}, localityWeightedLbConfig: {} } }));
    const down = { health: "UNHEALTHY" };
    const share = (...a: JsonValue[]): number => {
      manager.setLoadAssignment(
        assignment({
          clusterName: "reviews",
          endpoints: [
            { locality: { region: "a" }, loadBalancingWeight: 1, lbEndpoints: a },
            { locality: { region: "b" }, loadBalancingWeight: 1, lbEndpoints: [endpoint(20), endpoint(21)] },
          ],
        }),
      );
      const running = manager.get("outbound|9080||reviews.default.svc.cluster.local")!;
      let count = 0;
      for (let i = 0; i < 5000; i++) if (running.chooseHost(ask())!.address.port < 20) count++;
      return count / 5000;
    };
    const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 0.03, `${actual}, not ${expected}`);
    near(share(endpoint(1), endpoint(2), endpoint(3), endpoint(4, down)), 0.5);
    // 1.4 * 1/4 of its weight is left: 0.35 of 1.35.
    near(share(endpoint(1), endpoint(2, down), endpoint(3, down), endpoint(4, down)), 0.26);
  });

  it("has a host for an original destination only when traffic was captured", () => {
    const { manager, stats } = new Fixture();
    manager.upsertCluster(cluster({ name: "PassthroughCluster", type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED" }));
    const running = manager.get("PassthroughCluster")!;
    assert.equal(running.chooseHost(ask()), undefined);
    assert.equal(stats.get("cluster.PassthroughCluster.upstream_cx_none_healthy"), 1);
    const target = { address: "10.1.2.3", port: 80 };
    const host = running.chooseHost(ask({ originalDestination: target }));
    assert.deepEqual(host?.address, target);
    assert.equal(running.chooseHost(ask({ originalDestination: { ...target } })), host);
  });
});
