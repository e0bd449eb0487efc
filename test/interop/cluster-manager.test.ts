// What a bootstrap says of all clusters, under Envoy and under `mizzen proxy`: zones compared with the cluster of the proxies themselves, the
// address that upstream connections come from, and the log of outlier detection.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request as httpRequest } from "node:http";
import type { RequestOptions } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { freePort } from "../harness/free-port.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-cluster-manager-"));
/** On all loopback addresses: each is a host. It says at which it was asked, and by whom. */
const backend = createServer(({ socket, url }, response) =>
  response.writeHead(url === "/fail" ? 503 : 200).end(`${socket.localAddress} ${socket.remoteAddress}`),
);
let port = 0;

before(async () => {
  await new Promise<void>((done) => backend.listen(0, "0.0.0.0", done));
  port = (backend.address() as AddressInfo).port;
});
after(() => {
  backend.close();
  backend.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const address = (host: string, portValue: number): JsonObject => ({ socket_address: { address: host, port_value: portValue } });

type Zones = Readonly<Record<string, number>>;

/** Of zone `a` from 127.0.1.1, of `b` from 127.0.2.1 ... */
function endpoints(zones: Zones): JsonObject[] {
  return Object.entries(zones).map(([zone, count]) => ({
    locality: { zone },
    lb_endpoints: Array.from({ length: count }, (_, at) => ({
      endpoint: { address: address(`127.0.${zone.charCodeAt(0) - 96}.${at + 1}`, port) },
    })),
  }));
}

interface Setting {
  readonly hosts: Zones;
  readonly proxies?: Zones;
  readonly cluster?: JsonObject;
  readonly clusterManager: JsonObject;
}

interface Running {
  readonly port: number;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  readonly stats: (filter: RegExp) => Promise<ReadonlyMap<string, number>>;
}

async function withProxy<T>(kind: ProxyKind, setting: Setting, run: (running: Running) => Promise<T>): Promise<T> {
  const { hosts, proxies = { a: 1 }, cluster, clusterManager } = setting;
  const [admin, listen] = [await freePort(), await freePort()];
  const clusterOf = (name: string, zones: Zones): JsonObject => ({
    name,
    connect_timeout: "1s",
    load_assignment: { cluster_name: name, endpoints: endpoints(zones) },
  });
  const manager = {
    "@type": HCM,
    stat_prefix: "in",
    http_filters: [{ name: "router", typed_config: { "@type": ROUTER } }],
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "hosts" } }] }] },
  };
  const file = join(folder, `${kind}-${admin}.json`);
  const bootstrap = {
    node: { id: "one", cluster: "test", locality: { zone: "a" } },
    admin: { address: address("127.0.0.1", admin) },
    cluster_manager: clusterManager,
    static_resources: {
      clusters: [{ ...clusterOf("hosts", hosts), ...cluster }, clusterOf("proxies", proxies)],
      listeners: [{ address: address("127.0.0.1", listen), filter_chains: [{ filters: [{ name: "hcm", typed_config: manager }] }] }],
    },
  };
  writeFileSync(file, JSON.stringify(bootstrap));
  const proxy = await startStandalone(kind, file, admin);
  try {
    return await run({
      port: listen,
      get: (path) => call(`http://127.0.0.1:${listen}${path}`),
      stats: async (filter) => {
        const { body } = await call(`http://127.0.0.1:${admin}/stats`);
        const lines = body.split("\n").map((line) => line.split(": "));
        return new Map(lines.filter(([name]) => filter.test(name ?? "")).map(([name, value]) => [name ?? "", Number(value)]));
      },
    });
  } finally {
    await proxy.stop();
  }
}

const REQUESTS = 400;
const LOCAL = { local_cluster_name: "proxies" };
const zoneAware = (fields: JsonObject): JsonObject => ({ common_lb_config: { zone_aware_lb_config: fields } });

const ZONES: readonly (readonly [what: string, setting: Setting])[] = [
  ["the own zone has its share", { hosts: { a: 3, b: 3 }, proxies: { a: 1, b: 1 }, clusterManager: LOCAL }],
  ["it has less", { hosts: { a: 2, b: 4, c: 2 }, proxies: { a: 2, b: 2, c: 1 }, clusterManager: LOCAL }],
  ["it has none", { hosts: { b: 4, c: 4 }, proxies: { a: 2, b: 1, c: 1 }, clusterManager: LOCAL }],
  ["there are too few hosts", { hosts: { a: 2, b: 3 }, proxies: { a: 1, b: 1 }, clusterManager: LOCAL }],
  [
    "they are enough",
    { hosts: { a: 2, b: 1 }, proxies: { a: 1, b: 1 }, cluster: zoneAware({ min_cluster_size: 3 }), clusterManager: LOCAL },
  ],
  [
    "half of the requests",
    { hosts: { a: 3, b: 3 }, proxies: { a: 1, b: 1 }, cluster: zoneAware({ routing_enabled: { value: 50 } }), clusterManager: LOCAL },
  ],
  ["random choice", { hosts: { a: 2, b: 4 }, proxies: { a: 1, b: 1 }, cluster: { lb_policy: "RANDOM" }, clusterManager: LOCAL }],
  ["nobody told of the proxies", { hosts: { a: 3, b: 3 }, proxies: { a: 1, b: 1 }, clusterManager: {} }],
];

async function byZone(kind: ProxyKind, setting: Setting): Promise<{ counts: Record<string, number>; counted: string[] }> {
  return withProxy(kind, setting, async ({ get, stats }) => {
    const counts: Record<string, number> = {};
    for (let at = 0; at < REQUESTS; at++) {
      const zone = (await get("/")).body.split(".")[2] ?? "";
      counts[zone] = (counts[zone] ?? 0) + 1;
    }
    await eventually("all requests are counted", 30_000, async () =>
      (await stats(/^cluster\.hosts\.upstream_rq_completed$/)).get("cluster.hosts.upstream_rq_completed") === REQUESTS ? true : undefined,
    );
    const found = await stats(/^cluster\.hosts\.lb_(zone|local|recalculate)/);
    return { counts, counted: [...found].filter(([, value]) => value > 0).map(([name]) => name) };
  });
}

for (const [what, setting] of ZONES) {
  test(`requests stay in their zone as Envoy's do: ${what}`, async () => {
    const [envoy, ours] = [await byZone("envoy", setting), await byZone("mizzen", setting)];
    assert.deepEqual(ours.counted.toSorted(), envoy.counted.toSorted());
    // Two samples of one distribution: chance one in ten thousand, with at most two degrees of freedom.
    let chiSquared = 0;
    for (const zone of new Set([...Object.keys(envoy.counts), ...Object.keys(ours.counts)])) {
      const [a, b] = [envoy.counts[zone] ?? 0, ours.counts[zone] ?? 0];
      chiSquared += (a - b) ** 2 / (a + b);
    }
    assert.ok(chiSquared < 18.5, `${JSON.stringify(envoy.counts)} ${JSON.stringify(ours.counts)}`);
  });
}

test("upstream_bind_config holds for clusters without one of their own", async () => {
  const seen = async (kind: ProxyKind, cluster: JsonObject): Promise<string> =>
    withProxy(
      kind,
      { hosts: { a: 1 }, cluster, clusterManager: { upstream_bind_config: { source_address: { address: "127.0.9.9", port_value: 0 } } } },
      async ({ get }) => (await get("/")).body,
    );
  const own = { upstream_bind_config: { source_address: { address: "127.0.9.8", port_value: 0 } } };
  for (const cluster of [{}, own]) assert.equal(await seen("mizzen", cluster), await seen("envoy", cluster));
});

/** What a client is told, who the backend saw, and why the log says that it failed. */
async function connected(kind: ProxyKind, cluster: JsonObject): Promise<string> {
  return withProxy(kind, { hosts: { a: 1 }, cluster, clusterManager: {} }, async ({ get }) => {
    const { status, body } = await get("/");
    return `${status} ${body}`;
  });
}

test("connections begin as upstream_bind_config says, and say why they cannot", async () => {
  const source = (host: string): JsonObject => ({ source_address: { address: host, port_value: 0 } });
  /** TCP_MAXSEG of Linux, and a number that nothing has. */
  const option = (name: number): JsonObject => ({ socket_options: [{ level: 6, name, int_value: 600, state: "STATE_PREBIND" }] });
  const binds: readonly JsonObject[] = [
    { ...source("127.0.9.7"), ...option(2) },
    { ...source("::1"), extra_source_addresses: [{ address: { address: "127.0.9.6", port_value: 0 } }] },
    { ...source("::1"), additional_source_addresses: [{ address: "127.0.9.5", port_value: 0 }] },
    option(9999),
    source("192.0.2.77"),
    { ...source("192.0.2.77"), freebind: true },
    source("::1"),
  ];
  for (const bind of binds) {
    const cluster = { upstream_bind_config: bind };
    assert.equal(await connected("mizzen", cluster), await connected("envoy", cluster), JSON.stringify(bind));
  }
});

test("hosts beyond max_connection_pools have no connections, and a request for them no host", async () => {
  const seen = async (kind: ProxyKind): Promise<unknown> => {
    const limits = { thresholds: [{ max_connection_pools: 2, track_remaining: true }] };
    const cluster = { lb_policy: "ROUND_ROBIN", circuit_breakers: limits };
    return withProxy(kind, { hosts: { a: 3 }, cluster, clusterManager: {} }, async ({ get, stats }) => {
      const answers: string[] = [];
      for (let at = 0; at < 6; at++) {
        const { status, body } = await get("/");
        answers.push(status === 200 ? "200" : `${status} ${body}`);
      }
      const names =
        /^cluster\.hosts\.(circuit_breakers\.default\.(cx_pool_open|remaining_cx_pools)|upstream_cx_pool_overflow|upstream_rq_503|upstream_cx_none_healthy)$/;
      return { answers: answers.toSorted(), counted: Object.fromEntries(await stats(names)) };
    });
  };
  const envoy = await seen("envoy");
  assert.deepEqual(await seen("mizzen"), envoy);
});

/** Of each connection the clients that it tells of in PROXY headers, and how many requests it had. */
async function proxiedConnections(kind: ProxyKind): Promise<readonly string[]> {
  const connections: { client: string; requests: number }[] = [];
  const server = createTcpServer((socket) => {
    const own = { client: "", requests: 0 };
    connections.push(own);
    socket.setEncoding("latin1").on("error", () => {});
    socket.on("data", (text: string) => {
      own.client ||= /^PROXY TCP4 (\S+)/.exec(text)?.[1] ?? "";
      // The PROXY header may come alone.
      if (!text.endsWith("\r\n\r\n")) return;
      own.requests++;
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const target = { lb_endpoints: [{ endpoint: { address: address("127.0.0.1", (server.address() as AddressInfo).port) } }] };
  const cluster = {
    load_assignment: { cluster_name: "hosts", endpoints: [target] },
    transport_socket: {
      name: "proxied",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        config: { version: "V1" },
        transport_socket: {
          name: "raw",
          typed_config: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" },
        },
      },
    },
  };
  try {
    await withProxy(kind, { hosts: { a: 1 }, cluster, clusterManager: {} }, async ({ port: to }) => {
      for (const localAddress of ["127.0.5.1", "127.0.5.2", "127.0.5.1"]) {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let at = 0; at < 3; at++) await asked({ port: to, localAddress, agent });
        agent.destroy();
      }
    });
    return connections.map(({ client, requests }) => `${client} ${requests}`);
  } finally {
    server.close();
  }
}

function asked(options: RequestOptions): Promise<void> {
  return new Promise((done, fail) => {
    const request = httpRequest({ host: "127.0.0.1", ...options }, (response) => response.resume().on("end", done));
    request.on("error", fail).end();
  });
}

test("connections that tell the host of a client by the PROXY protocol are that client's, for all of its requests", async () => {
  const envoy = await proxiedConnections("envoy");
  assert.deepEqual(envoy, ["127.0.5.1 3", "127.0.5.2 3", "127.0.5.1 3"]);
  assert.deepEqual(await proxiedConnections("mizzen"), envoy);
});

test("the log of outlier detection says the same", async () => {
  const log = async (kind: ProxyKind): Promise<unknown> => {
    const path = join(folder, `${kind}-outliers.json`);
    const setting: Setting = {
      hosts: { a: 1 },
      cluster: { outlier_detection: { consecutive_5xx: 2, interval: "0.5s", base_ejection_time: "1s", max_ejection_percent: 100 } },
      clusterManager: { outlier_detection: { event_log_path: path } },
    };
    return withProxy(kind, setting, async ({ get }) => {
      for (let at = 0; at < 2; at++) await get("/fail");
      const lines = await eventually("the host is ejected and taken back", 20_000, () => {
        const written = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
        return Promise.resolve(written.length >= 2 ? written : undefined);
      });
      return lines.map((line) => {
        const { timestamp, secs_since_last_action: since, ...rest } = JSON.parse(line) as Record<string, unknown>;
        return { ...rest, stamped: typeof timestamp, since: typeof since };
      });
    });
  };
  const envoy = await log("envoy");
  assert.deepEqual(await log("mizzen"), envoy);
});
