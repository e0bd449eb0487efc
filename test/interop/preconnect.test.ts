// Connections that are opened ahead, and those that end with the health of their host, through a real Envoy and through our proxy: how many
// each host sees, and what is counted, must be the same.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, request } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";

interface Scenario {
  readonly cluster: JsonObject;
  readonly tcp?: boolean;
  readonly hosts?: number;
  /** All open at once. */
  readonly requests: number;
}

const ratio = (fields: JsonObject): JsonObject => ({ lbPolicy: "ROUND_ROBIN", preconnectPolicy: fields });

const SCENARIOS: readonly (readonly [what: string, scenario: Scenario])[] = [
  ["none", { cluster: ratio({}), requests: 2 }],
  ["1.5 a host, one request", { cluster: ratio({ perUpstreamPreconnectRatio: 1.5 }), requests: 1 }],
  ["1.5 a host, four requests", { cluster: ratio({ perUpstreamPreconnectRatio: 1.5 }), requests: 4 }],
  ["3 a host, two requests", { cluster: ratio({ perUpstreamPreconnectRatio: 3 }), requests: 2 }],
  ["2 a host, three TCP connections", { cluster: ratio({ perUpstreamPreconnectRatio: 2 }), tcp: true, requests: 3 }],
  ["2 ahead, four hosts, one request", { cluster: ratio({ predictivePreconnectRatio: 2 }), hosts: 4, requests: 1 }],
  ["2 ahead, four hosts, three requests", { cluster: ratio({ predictivePreconnectRatio: 2 }), hosts: 4, requests: 3 }],
  ["2 ahead, four hosts, two TCP connections", { cluster: ratio({ predictivePreconnectRatio: 2 }), tcp: true, hosts: 4, requests: 2 }],
  [
    "2 ahead where load decides",
    { cluster: { ...ratio({ predictivePreconnectRatio: 2 }), lbPolicy: "LEAST_REQUEST" }, hosts: 2, requests: 1 },
  ],
];

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const upstream = (proxy: LoneProxy, name: string): Promise<number> =>
  proxy.stats(new RegExp(`^cluster\\.outbound.*\\.${name}$`)).then((found) => found.values().next().value ?? 0);

/** How many connections each host has, the busiest first. */
async function measure(kind: "envoy" | "mizzen", { cluster, tcp, hosts = 1, requests }: Scenario): Promise<readonly number[]> {
  const accepted = Array.from({ length: hosts }, () => 0);
  const sockets = new Set<Socket>();
  let asked = 0;
  const servers = accepted.map((_, at) =>
    createServer((socket) => {
      accepted[at] = (accepted[at] ?? 0) + 1;
      sockets.add(socket.on("error", () => {}));
      socket.on("data", () => void asked++);
    }),
  );
  const ports = await Promise.all(servers.map((server) => listening(server)));
  const lbEndpoints = ports.map((portValue) => ({ endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } } }));
  const proxy = await startLoneProxy(kind, {
    backendPort: 1,
    cluster,
    ...(tcp === true ? { tcpProxy: {} } : {}),
    endpoints: [{ lbEndpoints }],
  });
  try {
    for (let at = 0; at < requests; at++) {
      if (tcp === true) {
        const socket = connect({ host: "127.0.0.1", port: proxy.port }, () => socket.write("x"));
        sockets.add(socket.on("error", () => {}));
      } else {
        const held = request({ port: proxy.port, host: "127.0.0.1", agent: false });
        held.on("error", () => {});
        held.end();
      }
      await eventually("a host has the request", 30_000, () => Promise.resolve(asked > at ? true : undefined));
    }
    // A connection is counted when it is begun, and the host sees it when it stands.
    let calm = 0;
    await eventually("all connections stand", 30_000, async () => {
      const total = await upstream(proxy, "upstream_cx_total");
      calm = total === accepted.reduce((sum, one) => sum + one, 0) ? calm + 1 : 0;
      return calm > 5 ? true : undefined;
    });
    return accepted.toSorted((a, b) => b - a);
  } finally {
    await proxy.stop();
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  }
}

for (const [what, scenario] of SCENARIOS) {
  test(`opens as many connections ahead as Envoy does: ${what}`, async () => {
    const envoy = await measure("envoy", scenario);
    assert.deepEqual(await measure("mizzen", scenario), envoy);
  });
}

/** What becomes of an open TCP connection when its host fails its health check. */
async function ofUnhealthy(kind: "envoy" | "mizzen", closeConnectionsOnHostHealthFailure: boolean): Promise<unknown> {
  let healthy = true;
  const health = createHttpServer((_, response) => response.writeHead(healthy ? 200 : 503).end());
  const sockets = new Set<Socket>();
  const backend = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.write("hello");
  });
  const [portValue, healthPort] = [await listening(backend), await listening(health)];
  const address = { socketAddress: { address: "127.0.0.1", portValue } };
  const proxy = await startLoneProxy(kind, {
    backendPort: 1,
    tcpProxy: {},
    endpoints: [{ lbEndpoints: [{ endpoint: { address, healthCheckConfig: { portValue: healthPort } } }] }],
    cluster: {
      closeConnectionsOnHostHealthFailure,
      healthChecks: [
        {
          timeout: "1s",
          interval: "0.1s",
          noTrafficInterval: "0.1s",
          unhealthyThreshold: 1,
          healthyThreshold: 1,
          httpHealthCheck: { path: "/" },
        },
      ],
    },
  });
  const client = connect({ host: "127.0.0.1", port: proxy.port });
  let closed = false;
  let heard = "";
  client.on("error", () => {});
  client.on("data", (chunk) => (heard += String(chunk)));
  client.on("close", () => (closed = true));
  try {
    await eventually("it is connected", 30_000, () => Promise.resolve(heard !== "" ? true : undefined));
    healthy = false;
    await eventually("the host is unhealthy", 30_000, async () => ((await upstream(proxy, "membership_healthy")) === 0 ? true : undefined));
    if (closeConnectionsOnHostHealthFailure) await eventually("it is closed", 30_000, () => Promise.resolve(closed ? true : undefined));
    const log = closeConnectionsOnHostHealthFailure
      ? await eventually("it is logged", 30_000, () => Promise.resolve(proxy.log().length > 0 ? proxy.log() : undefined))
      : proxy.log();
    const counts = ["upstream_cx_destroy_local", "upstream_cx_destroy_remote", "upstream_cx_active", "upstream_rq_active"];
    return { closed, log, counts: await Promise.all(counts.map((name) => upstream(proxy, name))) };
  } finally {
    await proxy.stop();
    client.destroy();
    for (const socket of sockets) socket.destroy();
    backend.close();
    health.close();
    health.closeAllConnections();
  }
}

for (const closes of [true, false]) {
  test(`TCP connections ${closes ? "end with" : "outlive"} the health of their host as Envoy's do`, async () => {
    const envoy = await ofUnhealthy("envoy", closes);
    assert.deepEqual(await ofUnhealthy("mizzen", closes), envoy);
  });
}
