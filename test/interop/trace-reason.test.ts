// Which requests would be traced, by a real Envoy and by our proxy: what x-request-id tells those behind, and what is counted.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../harness/free-port.ts";
import { call } from "../harness/mesh.ts";
import { startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-trace-reason-"));
const backend = createServer((request, response) => response.end(request.headers["x-request-id"] ?? "no id"));

before(async () => {
  backend.listen(0, "127.0.0.1");
  await once(backend, "listening");
});
after(() => {
  backend.close();
  backend.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const never = { random_sampling: { value: 0 } };
const uuid = (options: object): object => ({
  request_id_extension: {
    typed_config: { "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", ...options },
  },
});

/** One connection manager each. */
const MANAGERS: Readonly<Record<string, object>> = {
  always: { tracing: {} },
  by_share: { tracing: { random_sampling: { value: 87.44 } } },
  below_its_share: { tracing: { random_sampling: { value: 87.43 } } },
  never: { tracing: never },
  none_overall: { tracing: { overall_sampling: { value: 0 } } },
  no_clients: { tracing: { ...never, client_sampling: { value: 0.9 } } },
  at_the_edge: { tracing: never, use_remote_address: true },
  keeps_ids_at_the_edge: { tracing: {}, use_remote_address: true, preserve_external_request_id: true },
  without_ids: { tracing: {}, generate_request_id: false },
  silent_ids: { tracing: {}, ...uuid({ pack_trace_reason: false }) },
  not_by_id: { tracing: never, ...uuid({ use_request_id_for_trace_sampling: false }) },
  no_tracing: { use_remote_address: true, preserve_external_request_id: true },
};

const id = (digit: string): string => `01234567-89ab-${digit}def-8123-456789abcdef`;
const REQUESTS: readonly Readonly<Record<string, string>>[] = [
  ...["4", "9", "a", "b"].map((digit) => ({ "x-request-id": id(digit) })),
  { "x-request-id": id("4"), "x-client-trace-id": "a" },
  { "x-request-id": id("4"), "x-envoy-force-trace": "true" },
  { "x-request-id": "short" },
  { "x-request-id": "0123456789" },
  { "x-request-id": "0123456z-89ab-4def-8123-456789abcdef" },
  { "x-client-trace-id": "a" },
  {},
];

function tracesOf(kind: ProxyKind): Promise<Record<string, unknown>> {
  return withManagers(kind, async (ports, admin) => {
    const seen: Record<string, unknown> = {};
    for (const [name, port] of ports) {
      const ids: string[] = [];
      for (const headers of REQUESTS) {
        const { body } = await call(`http://127.0.0.1:${port}/`, { headers });
        // Of an id that the proxy made, only the digit is the same for both; by chance alone it is not sampled where the share says so.
        ids.push(body.startsWith("0123") || body.length < 36 ? body : `made: ${name.includes("share") ? "?" : body[14]}`);
      }
      seen[name] = ids;
    }
    // Those that go by shares also got ids that each proxy made.
    const { body } = await call(`http://127.0.0.1:${admin}/stats?filter=[.]tracing[.]`);
    seen["counts"] = body.split("\n").filter((line) => !line.includes("share"));
    return seen;
  });
}

async function withManagers<Seen>(
  kind: ProxyKind,
  look: (ports: ReadonlyMap<string, number>, admin: number) => Promise<Seen>,
): Promise<Seen> {
  const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const admin = await freePort();
  const ports = new Map<string, number>();
  for (const name of Object.keys(MANAGERS)) ports.set(name, await freePort());
  const listeners = [...ports].map(([name, port]) => ({
    name,
    address: address(port),
    filter_chains: [{ filters: [{ name: "hcm", typed_config: manager(name) }] }],
  }));
  const endpoint = { endpoint: { address: address((backend.address() as AddressInfo).port) } };
  const app = { name: "app", load_assignment: { cluster_name: "app", endpoints: [{ lb_endpoints: [endpoint] }] } };
  const file = join(folder, `${kind}.json`);
  writeFileSync(file, JSON.stringify({ admin: { address: address(admin) }, static_resources: { listeners, clusters: [app] } }));
  const proxy = await startStandalone(kind, file, admin);
  try {
    return await look(ports, admin);
  } finally {
    await proxy.stop();
  }
}

function manager(name: string): object {
  const type = (of: string): object => ({ "@type": `type.googleapis.com/envoy.extensions.filters.${of}` });
  return {
    ...type("network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: name,
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }] }] },
    http_filters: [{ name: "router", typed_config: type("http.router.v3.Router") }],
    ...MANAGERS[name],
  };
}

test("requests are traced for the same reasons as Envoy's", async () => {
  const [envoys, ours] = [await tracesOf("envoy"), await tracesOf("mizzen")];
  assert.deepEqual(ours, envoys);
  assert.ok(JSON.stringify(envoys["counts"]).includes("client_enabled: 2"), JSON.stringify(envoys["counts"]));
});
