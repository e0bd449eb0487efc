import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { create } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily, ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { bindListenSocket } from "#proxy/net/listen-socket";
import { FakeAdsServer, resource } from "#proxy/xds-client/ads-server.fake";
import type { FakeResource } from "#proxy/xds-client/ads-server.fake";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { startDataPlane } from "./data-plane.ts";
import type { DataPlane, DataPlaneOptions } from "./data-plane.ts";

const NODE_ID = "sidecar~127.0.0.1~web-1.default~default.svc.cluster.local";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function freePort(): number {
  const bound = bindListenSocket({ address: "127.0.0.1", port: 0 });
  assert.ok(bound.ok);
  bound.socket.close();
  return bound.socket.address.port;
}

async function upstream(name: string): Promise<number> {
  const server: Server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on("end", () => response.end(`${name} ${incoming.url}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

function get(port: number, path: string, agent?: Agent, method = "GET", host = "web"): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, agent: agent ?? false, headers: { host } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

const admin = (port: number, path: string, method = "GET"): Promise<Reply> => get(port, path, undefined, method, "localhost");

function bootstrap(adminPort: number, controlPlanePort: number): unknown {
  const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  return {
    node: { id: NODE_ID, cluster: "web.default", metadata: { NAME: "web-1" } },
    admin: { address: address(adminPort) },
    dynamic_resources: {
      lds_config: { ads: {}, resource_api_version: "V3" },
      cds_config: { ads: {}, resource_api_version: "V3" },
      ads_config: { api_type: "DELTA_GRPC", transport_api_version: "V3", grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }] },
    },
    static_resources: {
      clusters: [
        {
          name: "xds-grpc",
          type: "STATIC",
          load_assignment: {
            cluster_name: "xds-grpc",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(controlPlanePort) } }] }],
          },
        },
      ],
    },
  };
}

const cluster = (name: string): FakeResource =>
  resource(name, "1", ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: "ads", value: {} } } },
    connectTimeout: { seconds: 1n },
  });

const endpoints = (name: string, ...ports: number[]): FakeResource =>
  resource(name, ports.join(), ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: ports.map((port) => ({
          hostIdentifier: {
            case: "endpoint" as const,
            value: {
              address: {
                address: {
                  case: "socketAddress" as const,
                  value: { address: "127.0.0.1", portSpecifier: { case: "portValue" as const, value: port } },
                },
              },
            },
          },
        })),
      },
    ],
  });

const routes = (name: string, to: string, version = "1"): FakeResource =>
  resource(name, version, RouteConfigurationSchema, {
    name,
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          {
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: to } } },
          },
        ],
      },
    ],
  });

const listener = (name: string, port: number, routeName: string, version = "1", statPrefix = "in"): FakeResource =>
  resource(name, version, ListenerSchema, {
    name,
    address: { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } } } },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            configType: {
              case: "typedConfig",
              value: anyPack(
                HttpConnectionManagerSchema,
                create(HttpConnectionManagerSchema, {
                  statPrefix,
                  routeSpecifier: {
                    case: "rds",
                    value: {
                      routeConfigName: routeName,
                      configSource: { configSourceSpecifier: { case: "ads", value: {} }, initialFetchTimeout: {} },
                    },
                  },
                  httpFilters: [
                    {
                      name: "envoy.filters.http.router",
                      configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) },
                    },
                  ],
                }),
              ),
            },
          },
        ],
      },
    ],
  });

interface Running {
  readonly plane: DataPlane;
  readonly server: FakeAdsServer;
  readonly adminPort: number;
  readonly lines: string[];
}

async function run(options: Partial<DataPlaneOptions> = {}, concurrency = 1, server = new FakeAdsServer()): Promise<Running> {
  if (server.port === 0) {
    await server.start();
    cleanups.push(() => server.stop());
  }
  const lines: string[] = [];
  const take = (text: string, done: () => void): void => {
    lines.push(text);
    done();
  };
  const plane = startDataPlane({
    clock: realClock,
    random: seededRandom(1),
    log: silentLog,
    threads: concurrency,
    version: "test",
    poison: true,
    output: { stdout: take, stderr: take },
    ...options,
  });
  cleanups.push(() => plane.close());
  const adminPort = freePort();
  await plane.addProxy({ bootstrap: bootstrap(adminPort, server.port), concurrency, logPrefix: "web | " });
  return { plane, server, adminPort, lines };
}

/** Brings a proxy to serving: one cluster, one listener. Answers the types in the order in which the proxy asks. */
async function serve(server: FakeAdsServer, port: number, ...hosts: number[]): Promise<void> {
  await server.subscription(CLUSTER_TYPE);
  server.send(CLUSTER_TYPE, [cluster("web")]);
  const eds = await server.subscription(ENDPOINT_TYPE);
  assert.deepEqual(eds.resourceNamesSubscribe, ["web"]);
  assert.ok(!server.requests.some(({ typeUrl }) => typeUrl === LISTENER_TYPE), "listeners are asked for once clusters are warm");
  server.send(ENDPOINT_TYPE, [endpoints("web", ...hosts)]);
  await server.subscription(LISTENER_TYPE);
  server.send(LISTENER_TYPE, [listener("in", port, "r")]);
  const rds = await server.subscription(ROUTE_TYPE);
  assert.deepEqual(rds.resourceNamesSubscribe, ["r"]);
  const nonce = server.send(ROUTE_TYPE, [routes("r", "web")]);
  assert.equal((await server.answer(nonce)).errorDetail, undefined);
}

test("a proxy is configured over ADS, serves, reports and ends", async () => {
  const { plane, server, adminPort } = await run();
  const port = freePort();
  const app = await upstream("app");
  assert.equal((await admin(adminPort, "/ready")).status, 503);
  await serve(server, port, app);
  assert.deepEqual(await get(port, "/hello"), { status: 200, body: "app /hello" });
  assert.deepEqual(await admin(adminPort, "/ready"), { status: 200, body: "LIVE\n" });

  const stats = (await admin(adminPort, "/stats")).body;
  for (const line of [
    "cluster_manager.cds.update_success: 1",
    "listener_manager.listener_added: 1",
    "listener_manager.total_listeners_active: 1",
    "control_plane.connected_state: 1",
    "http.in.rds.r.update_success: 1",
    "cluster.web.update_success: 1",
    "http.in.downstream_rq_2xx: 1",
    "cluster.web.upstream_rq_2xx: 1",
    `listener.127.0.0.1_${port}.downstream_cx_total: 1`,
  ]) {
    assert.ok(stats.split("\n").includes(line), `${line}\n${stats}`);
  }
  assert.match((await admin(adminPort, "/stats/prometheus")).body, /envoy_cluster_upstream_rq_total\{envoy_cluster_name="web"\} 1/);
  assert.match((await admin(adminPort, "/clusters")).body, new RegExp(`web::127\\.0\\.0\\.1:${app}::rq_total::1`));
  assert.equal((await admin(adminPort, "/listeners")).body, `in::127.0.0.1:${port}\n`);
  const dump = JSON.parse((await admin(adminPort, "/config_dump?include_eds")).body) as { configs: Record<string, unknown>[] };
  assert.deepEqual(
    dump.configs.map((section) => String(section["@type"]).split(".").at(-1)),
    ["Bootstrap", "Clusters", "Endpoints", "Listeners", "ScopedRoutes", "Routes", "Secrets"].map((what) => `${what}ConfigDump`),
  );
  assert.match(JSON.stringify(dump), /"stat_prefix":"in"/);
  assert.equal((await admin(adminPort, "/quitquitquit")).status, 405);
  assert.equal((await get(adminPort, "/ready", undefined, "GET", "evil.example")).status, 403);
  assert.equal(plane.inFlight(NODE_ID), 0);
  assert.equal((await admin(adminPort, "/quitquitquit", "POST")).body, "OK\n");
  while (plane.proxies.length > 0) await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(get(port, "/"), /ECONNREFUSED/);
});

test("what cannot be honoured is refused by name, and what stands beside it goes live", async () => {
  const { server } = await run();
  const port = freePort();
  await serve(server, port, await upstream("app"));
  const nonce = server.send(CLUSTER_TYPE, [resource("bad", "1", ClusterSchema, { name: "bad", healthChecks: [{}] }), cluster("good")]);
  const answer = await server.answer(nonce);
  assert.match(answer.errorDetail?.message ?? "", /cluster "bad": health_checks/);
  assert.deepEqual((await server.subscription(ENDPOINT_TYPE)).resourceNamesSubscribe, ["good"]);

  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port: takenPort } = taken.address() as AddressInfo;
  const refused = await server.answer(server.send(LISTENER_TYPE, [listener("taken", takenPort, "r"), listener("free", freePort(), "r")]));
  assert.match(refused.errorDetail?.message ?? "", new RegExp(`listener "taken": cannot bind 127.0.0.1:${takenPort}`));
  taken.close();
});

test("an update keeps the socket and the connections of what did not change, and new hosts take over", async () => {
  const { server, adminPort } = await run();
  const port = freePort();
  await serve(server, port, await upstream("old"));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  assert.equal((await get(port, "/", agent)).body, "old /");
  await server.answer(server.send(ENDPOINT_TYPE, [endpoints("web", await upstream("new"))]));
  assert.equal((await get(port, "/", agent)).body, "new /");
  // The same listener again, and then a changed one: the connection that is open drains, the port never closes.
  await server.answer(server.send(LISTENER_TYPE, [listener("in", port, "r")]));
  assert.equal((await get(port, "/", agent)).body, "new /");
  await server.answer(server.send(LISTENER_TYPE, [listener("in", port, "r", "2", "other")]));
  assert.equal((await get(port, "/")).body, "new /");
  const stats = (await admin(adminPort, "/stats")).body;
  assert.match(stats, /^listener_manager.listener_modified: 1$/m);
  assert.match(stats, /^http.other.downstream_rq_total: 1$/m);
  await server.answer(server.send(LISTENER_TYPE, [], ["in"]));
  await assert.rejects(get(port, "/"), /ECONNREFUSED/);
});

test("routes wait for clusters that are still warming, so that no request finds nothing", async () => {
  const { server } = await run();
  const port = freePort();
  await serve(server, port, await upstream("v1"));
  server.send(CLUSTER_TYPE, [cluster("v2")]);
  const held = server.send(ROUTE_TYPE, [routes("r", "v2", "2")]);
  await server.subscription(ENDPOINT_TYPE);
  assert.equal((await get(port, "/")).body, "v1 /");
  assert.ok(!server.requests.some(({ responseNonce }) => responseNonce === held));
  server.send(ENDPOINT_TYPE, [endpoints("v2", await upstream("v2"))]);
  await server.answer(held);
  assert.equal((await get(port, "/")).body, "v2 /");
});

test("the names of a DNS cluster are looked up once for all threads", async () => {
  const { server, adminPort } = await run({}, 2);
  const port = freePort();
  const app = await upstream("app");
  await server.subscription(CLUSTER_TYPE);
  server.send(CLUSTER_TYPE, [
    resource("web", "1", ClusterSchema, {
      name: "web",
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
      dnsLookupFamily: Cluster_DnsLookupFamily.V4_ONLY,
      // Not again while the test runs, however slow the machine is.
      dnsRefreshRate: { seconds: 60n },
      loadAssignment: {
        clusterName: "web",
        endpoints: [
          {
            lbEndpoints: [
              {
                hostIdentifier: {
                  case: "endpoint",
                  value: {
                    address: {
                      address: { case: "socketAddress", value: { address: "localhost", portSpecifier: { case: "portValue", value: app } } },
                    },
                  },
                },
              },
            ],
          },
        ],
      },
    }),
  ]);
  await server.subscription(LISTENER_TYPE);
  server.send(LISTENER_TYPE, [listener("in", port, "r")]);
  await server.subscription(ROUTE_TYPE);
  await server.answer(server.send(ROUTE_TYPE, [routes("r", "web")]));
  assert.deepEqual(await get(port, "/hello"), { status: 200, body: "app /hello" });
  assert.match((await admin(adminPort, "/clusters")).body, new RegExp(`^web::127\\.0\\.0\\.1:${app}::hostname::localhost$`, "m"));
  const stats = (await admin(adminPort, "/stats")).body.split("\n");
  for (const line of ["cluster.web.update_attempt: 1", "cluster.web.update_success: 1", "cluster.web.update_failure: 0"])
    assert.ok(stats.includes(line), `${line}\n${stats.join("\n")}`);
});

test("what threads count is summed, what they all know is told once", async () => {
  const { server, adminPort } = await run({}, 2);
  const port = freePort();
  await serve(server, port, await upstream("one"), await upstream("two"));
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  cleanups.push(() => agents.forEach((agent) => agent.destroy()));
  await Promise.all(agents.map((agent) => get(port, "/", agent)));
  const stats = (await admin(adminPort, "/stats")).body.split("\n");
  for (const line of [
    "cluster.web.membership_total: 2",
    "cluster.web.membership_healthy: 2",
    "cluster.web.circuit_breakers.default.rq_open: 0",
    "http.in.downstream_cx_active: 4",
    "http.in.downstream_rq_total: 4",
    "server.live: 1",
    "server.concurrency: 2",
  ]) {
    assert.ok(stats.includes(line), `${line}\n${stats.join("\n")}`);
  }
  await server.answer(server.send(ENDPOINT_TYPE, [endpoints("web", await upstream("one"))]));
  assert.ok((await admin(adminPort, "/stats")).body.includes("cluster.web.membership_total: 1\n"));
});

test("a thread that dies is replaced, serves the same configuration, and counters go on", async () => {
  const { plane, server, adminPort } = await run({}, 2);
  const port = freePort();
  await serve(server, port, await upstream("app"));
  await get(port, "/");
  await plane.threads[0]?.terminate();
  for (let i = 0; i < 20; i++) assert.equal((await get(port, "/")).body, "app /");
  while (plane.threads.some((thread) => !thread.online)) await new Promise((resolve) => setTimeout(resolve, 10));
  await plane.threads[1]?.terminate();
  for (let i = 0; i < 5; i++) assert.equal((await get(port, "/")).body, "app /");
  const stats = (await admin(adminPort, "/stats?filter=downstream_rq_total")).body;
  assert.match(stats, /^http.in.downstream_rq_total: 26$/m);
});

test("connections that come while no thread is there wait for the next one, and are all served", async () => {
  const { plane, server, adminPort } = await run({}, 1);
  const port = freePort();
  await serve(server, port, await upstream("app"));
  await get(port, "/");
  await plane.threads[0]?.terminate();
  assert.equal(plane.threads[0]?.online, false);
  // The kernel takes them: the listening socket is the main thread's too.
  const bodies = await Promise.all(Array.from({ length: 100 }, async () => (await get(port, "/")).body));
  assert.deepEqual(new Set(bodies), new Set(["app /"]));
  assert.equal(plane.threads[0]?.online, true);
  const stats = (await admin(adminPort, "/stats")).body;
  for (const line of [
    "http.in.downstream_rq_total: 101",
    "listener_manager.total_listeners_active: 1",
    "cluster.web.membership_healthy: 1",
  ])
    assert.ok(stats.split("\n").includes(line), `${line}\n${stats}`);
});

test("the death of one thread costs the connections of no other", async () => {
  const { plane, server, adminPort } = await run({}, 2);
  const port = freePort();
  await serve(server, port, await upstream("app"));
  const activeBefore = /^http\.in\.downstream_cx_active: (\d+)$/m;
  const endedByDeathOf = async (victim: number): Promise<number> => {
    const agents = Array.from({ length: 20 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    cleanups.push(() => agents.forEach((agent) => agent.destroy()));
    await Promise.all(agents.map((agent) => get(port, "/", agent)));
    assert.equal(activeBefore.exec((await admin(adminPort, "/stats")).body)?.[1], "20");
    let closed = 0;
    for (const agent of agents)
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.on("close", () => closed++);
    await plane.threads[victim]?.terminate();
    while (plane.threads.some((thread) => !thread.online)) await new Promise((resolve) => setTimeout(resolve, 10));
    // Every client is served, on its old connection where that was the other thread's.
    for (const agent of agents) assert.equal((await get(port, "/", agent)).body, "app /");
    const byDeath = closed;
    for (const agent of agents) agent.destroy();
    while (activeBefore.exec((await admin(adminPort, "/stats")).body)?.[1] !== "0") await new Promise((resolve) => setTimeout(resolve, 10));
    return byDeath;
  };
  // Whichever thread wakes first takes what waits: on a busy machine that is the youngest, and all.
  const ended: number[] = [];
  const isShown = (): boolean => ended.some((count) => count > 0) && ended.some((count) => count < 20);
  for (let round = 0; round < 10 && !isShown(); round++) ended.push(await endedByDeathOf(round % 2));
  assert.ok(isShown(), `${ended.join(", ")} of 20 connections ended`);
});

test("a restarted data plane serves the saved configuration without a control plane, and a returning one changes nothing", async () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), "mizzen-data-plane-"));
  cleanups.push(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const first = await run({ stateDirectory });
  const port = freePort();
  await serve(first.server, port, await upstream("app"));
  await first.plane.close();
  first.server.stop();

  const second = await run({ stateDirectory }, 1, first.server);
  while ((await admin(second.adminPort, "/ready")).status !== 200) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal((await get(port, "/")).body, "app /");
  const before = (await admin(second.adminPort, "/stats?filter=manager")).body;
  await first.server.start();
  const cds = await first.server.subscription(CLUSTER_TYPE);
  assert.equal(cds.node?.id, NODE_ID);
  assert.deepEqual(cds.initialResourceVersions, { web: "1" });
  const eds = await first.server.subscription(ENDPOINT_TYPE);
  assert.deepEqual(Object.keys(eds.initialResourceVersions), ["web"]);
  const lds = await first.server.subscription(LISTENER_TYPE);
  assert.deepEqual(lds.initialResourceVersions, { in: "1" });
  // A control plane that counts its versions anew sends the same things once more.
  await first.server.answer(first.server.send(CLUSTER_TYPE, [{ ...cluster("web"), version: "9" }]));
  await first.server.answer(first.server.send(LISTENER_TYPE, [{ ...listener("in", port, "r"), version: "9" }]));
  const after = (await admin(second.adminPort, "/stats?filter=manager")).body;
  const changes = (text: string): string[] => text.split("\n").filter((line) => /_(modified|added|removed):/.test(line));
  assert.deepEqual(changes(after), changes(before));
});

test("a proxy that drains finishes what runs, and ends at once when the process must", async () => {
  const { plane, server } = await run();
  const port = freePort();
  let arrive: (answer: () => void) => void = () => {};
  const arrived = new Promise<() => void>((resolve) => (arrive = resolve));
  const slow = createServer((_incoming, response) => arrive(() => response.end("late")));
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    slow.closeAllConnections();
    slow.close();
  });
  await serve(server, port, (slow.address() as AddressInfo).port);
  const running = get(port, "/");
  const answer = await arrived;
  assert.equal(plane.inFlight(NODE_ID), 1);
  const removed = plane.removeProxy(NODE_ID, 60_000);
  answer();
  assert.equal((await running).body, "late");
  await removed;
  assert.deepEqual(plane.proxies, []);
  await assert.rejects(get(port, "/"), /ECONNREFUSED/);

  const second = await run();
  const app = freePort();
  const hanging = createServer(() => {});
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    hanging.closeAllConnections();
    hanging.close();
  });
  await serve(second.server, app, (hanging.address() as AddressInfo).port);
  const cut = get(app, "/").catch(() => "cut");
  while (second.plane.inFlight(NODE_ID) === 0) await new Promise((resolve) => setImmediate(resolve));
  const slowly = second.plane.removeProxy(NODE_ID, 60_000);
  await second.plane.close();
  await slowly;
  assert.equal(await cut, "cut");
});
