// Consistent hashing through a real Envoy and through our proxy: which host gets the requests of one hash, also while they stay open, must be
// the same. Hosts are told apart by a key in their metadata, since their ports differ from run to run.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
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
      await eventually("a host has the request", 5_000, () => Promise.resolve(asked.length > at ? true : undefined));
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
