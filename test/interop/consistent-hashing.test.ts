// Consistent hashing through a real Envoy and through our proxy: which host gets the requests of one hash, also while they stay open, must be
// the same. Hosts are told apart by a key in their metadata, since their ports differ from run to run.
import assert from "node:assert/strict";
import { Agent, createServer, request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";

const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const HOSTS = 4;
const HASHES = 6;
/** Of each hash, all of them open at once. */
const HELD = 3;

const ring = (fields: JsonObject): JsonObject => ({ lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "64", ...fields } });
const bound = (percent: number): JsonObject => ({ commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: percent } } });

const SCENARIOS: readonly (readonly [what: string, cluster: JsonObject])[] = [
  ["a ring", ring({})],
  ["a ring of MURMUR_HASH_2", ring({ hashFunction: "MURMUR_HASH_2" })],
  ["a ring with bounded loads", { ...ring({}), ...bound(100) }],
  ["a ring with looser bounds", { ...ring({}), ...bound(150) }],
  ["Maglev with bounded loads", { lbPolicy: "MAGLEV", ...bound(120) }],
];

async function measure(kind: "envoy" | "mizzen", cluster: JsonObject): Promise<readonly number[]> {
  const asked: number[] = [];
  const backends = await Promise.all(
    Array.from({ length: HOSTS }, async (_, at) => {
      const server = createServer(() => void asked.push(at));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const lbEndpoints = backends.map((server, at) => ({
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: (server.address() as AddressInfo).port } } },
    metadata: { filterMetadata: { "envoy.lb": { hash_key: `host-${at}` } } },
  }));
  const hashPolicy = [{ header: { headerName: "x-hash" } }];
  const proxy = await startLoneProxy(kind, {
    backendPort: 1,
    cluster,
    routes: [{ match: { prefix: "/" }, route: { cluster: CLUSTER, timeout: "0s", hashPolicy } }],
    endpoints: [{ lbEndpoints }],
  });
  try {
    for (let at = 0; at < HASHES * HELD; at++) {
      const held = request({ port: proxy.port, host: "127.0.0.1", headers: { "x-hash": `hash-${at % HASHES}` }, agent: false });
      held.on("error", () => {});
      held.end();
      await eventually("a host has the request", 30_000, () => Promise.resolve(asked.length > at ? true : undefined));
    }
    return asked;
  } finally {
    await proxy.stop();
    for (const server of backends) {
      server.closeAllConnections();
      server.close();
    }
  }
}

for (const [what, cluster] of SCENARIOS) {
  test(`chooses hosts by hash as Envoy does: ${what}`, async () => {
    const envoy = await measure("envoy", cluster);
    assert.deepEqual(await measure("mizzen", cluster), envoy);
  });
}

const KEYS = 1000;

interface HashedHost {
  readonly weight?: number;
  readonly hostname?: string;
  readonly hashKey?: string;
  readonly healthStatus?: string;
  readonly priority?: number;
  readonly zone?: string;
}

interface Choice {
  readonly cluster: JsonObject;
  readonly hosts: readonly HashedHost[];
  /** Found by the name `localhost`. */
  readonly dns?: boolean;
  /** Of localities, by zone. */
  readonly weights?: Readonly<Record<string, number>>;
}

const key = (at: number): HashedHost => ({ hashKey: `host-${at}` });
const four = [key(0), key(1), key(2), key(3)];
const weighted = four.map((host, at) => ({ ...host, weight: at * 2 + 1 }));
const named = [0, 1, 2].map((at) => ({ hostname: `name-${at}.test` }));
const hostnames: JsonObject = { commonLbConfig: { consistentHashingLbConfig: { useHostnameForHashing: true } } };
const localities: JsonObject = { commonLbConfig: { localityWeightedLbConfig: {} } };
const spread = [
  { ...key(0), zone: "a", weight: 2 },
  { ...key(1), zone: "a" },
  { ...key(2), zone: "b" },
];
const spilling = [
  { ...key(0), priority: 0 },
  { ...key(1), priority: 0, healthStatus: "UNHEALTHY" },
  { ...key(2), priority: 0, healthStatus: "UNHEALTHY" },
  { ...key(3), priority: 1 },
  { ...key(4), priority: 1 },
];

const CHOICES: readonly (readonly [what: string, choice: Choice])[] = [
  ["a ring", { cluster: { lbPolicy: "RING_HASH" }, hosts: four }],
  ["a ring by weights", { cluster: { lbPolicy: "RING_HASH" }, hosts: weighted }],
  ["a small ring by weights", { cluster: ring({ maximumRingSize: "100" }), hosts: weighted }],
  ["a ring of names", { cluster: { lbPolicy: "RING_HASH", ...hostnames }, hosts: named, dns: true }],
  ["a ring by weights of localities", { cluster: { lbPolicy: "RING_HASH", ...localities }, hosts: spread, weights: { a: 1, b: 3 } }],
  ["rings of priorities that spill over", { cluster: { lbPolicy: "RING_HASH" }, hosts: spilling }],
  ["Maglev", { cluster: { lbPolicy: "MAGLEV" }, hosts: four }],
  ["Maglev by weights", { cluster: { lbPolicy: "MAGLEV" }, hosts: weighted }],
  ["Maglev of a small table", { cluster: { lbPolicy: "MAGLEV", maglevLbConfig: { tableSize: "101" } }, hosts: weighted }],
  ["Maglev by weights of localities", { cluster: { lbPolicy: "MAGLEV", ...localities }, hosts: spread, weights: { a: 1, b: 3 } }],
  ["Maglev of priorities that spill over", { cluster: { lbPolicy: "MAGLEV" }, hosts: spilling }],
];

/** Which host each of 1,000 keys goes to. */
async function choices(kind: "envoy" | "mizzen", { cluster, hosts, dns = false, weights }: Choice): Promise<string> {
  const servers = await Promise.all(
    hosts.map(async (_, at) => {
      const server = createServer((__, response) => response.end(String(at)));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const groups = new Map<string, { priority: number; zone: string; lbEndpoints: JsonObject[] }>();
  for (const [at, { weight, hostname, hashKey, healthStatus, priority = 0, zone = "" }] of hosts.entries()) {
    const name = `${priority} ${zone}`;
    const group = groups.get(name) ?? { priority, zone, lbEndpoints: [] };
    groups.set(name, group);
    const { port: portValue } = servers[at]!.address() as AddressInfo;
    group.lbEndpoints.push({
      endpoint: {
        address: { socketAddress: { address: dns ? "localhost" : "127.0.0.1", portValue } },
        ...(hostname === undefined ? {} : { hostname }),
      },
      ...(weight === undefined ? {} : { loadBalancingWeight: weight }),
      ...(healthStatus === undefined ? {} : { healthStatus }),
      ...(hashKey === undefined ? {} : { metadata: { filterMetadata: { "envoy.lb": { hash_key: hashKey } } } }),
    });
  }
  const hashPolicy = [{ header: { headerName: "x-hash" } }];
  const endpoints = [...groups.values()].map(({ priority, zone, lbEndpoints }) => ({
    priority,
    locality: { zone },
    lbEndpoints,
    ...(weights?.[zone] === undefined ? {} : { loadBalancingWeight: weights[zone] }),
  }));
  const found: JsonObject = dns
    ? { type: "STRICT_DNS", dnsLookupFamily: "V4_ONLY", edsClusterConfig: null, loadAssignment: { clusterName: CLUSTER, endpoints } }
    : {};
  const proxy = await startLoneProxy(kind, {
    backendPort: 1,
    cluster: { ...cluster, ...found },
    routes: [{ match: { prefix: "/" }, route: { cluster: CLUSTER, timeout: "0s", hashPolicy } }],
    endpoints,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (at: number): Promise<string> => {
    const asked = request({ port: proxy.port, host: "127.0.0.1", headers: { "x-hash": `key-${at}` }, agent });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of response) body += String(chunk);
    return body;
  };
  try {
    let chosen = "";
    for (let at = 0; at < KEYS; at++) chosen += await ask(at);
    return chosen;
  } finally {
    agent.destroy();
    await proxy.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

for (const [what, choice] of CHOICES) {
  test(`chooses the hosts of 1,000 keys as Envoy does: ${what}`, async () => {
    const envoy = await choices("envoy", choice);
    assert.equal(envoy.length, KEYS);
    assert.equal(await choices("mizzen", choice), envoy);
  });
}
