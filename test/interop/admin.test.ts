// The admin endpoint of our proxy beside Envoy's, with the same bootstrap: statuses, types, texts, and the keys of JSON.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../harness/free-port.ts";
import { call } from "../harness/mesh.ts";
import type { Answer } from "../harness/mesh.ts";
import { startStandalone } from "./standalone.ts";
import type { ProxyKind, Standalone } from "./standalone.ts";

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const folder = mkdtempSync(join(tmpdir(), "mizzen-admin-"));
const proxies = new Map<ProxyKind, { readonly proxy: Standalone; readonly admin: number; readonly http: number }>();

async function start(kind: ProxyKind): Promise<void> {
  const [admin, http] = [await freePort(), await freePort()];
  const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const manager = {
    "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "http",
    route_config: {
      name: "local",
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "admin" } }] }],
    },
    http_filters: [{ name: "envoy.filters.http.router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } }],
  };
  const bootstrap = join(folder, `${kind}.json`);
  const loadAssignment = { cluster_name: "admin", endpoints: [{ lb_endpoints: [{ endpoint: { address: address(admin) } }] }] };
  writeFileSync(
    bootstrap,
    JSON.stringify({
      node: { id: "alone", cluster: "test" },
      admin: { address: address(admin) },
      layered_runtime: { layers: [{ name: "switches", static_layer: { "envoy.reloadable_features.x": false } }] },
      static_resources: {
        listeners: [
          {
            name: "main",
            address: address(http),
            filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] }],
          },
        ],
        clusters: [{ name: "admin", type: "STATIC", connect_timeout: "1s", load_assignment: loadAssignment }],
      },
    }),
  );
  proxies.set(kind, { proxy: await startStandalone(kind, bootstrap, admin), admin, http });
}

before(async () => {
  await start("envoy");
  await start("mizzen");
});
after(async () => {
  for (const { proxy } of proxies.values()) await proxy.stop();
  rmSync(folder, { recursive: true });
});

async function both(method: string, path: string): Promise<readonly [mizzen: Answer, envoy: Answer]> {
  const ask = (kind: ProxyKind): Promise<Answer> => call(`http://127.0.0.1:${proxies.get(kind)?.admin}${path}`, { method });
  return [await ask("mizzen"), await ask("envoy")];
}

/** Every key of a JSON value as a path; elements of lists are one. */
function keysOf(value: unknown, prefix = ""): Set<string> {
  const keys = new Set<string>();
  if (typeof value !== "object" || value === null) return keys;
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value) ? value.map((item) => ["[]", item]) : Object.entries(value);
  for (const [key, item] of entries) {
    keys.add(`${prefix}${key}`);
    for (const below of keysOf(item, `${prefix}${key}.`)) keys.add(below);
  }
  return keys;
}

test("pages that always say the same say what Envoy's say", async () => {
  for (const [method, path] of [
    ["GET", "/ready"],
    ["GET", "/certs"],
    ["GET", "/init_dump"],
    ["GET", "/contention"],
    ["GET", "/hot_restart_version"],
    ["GET", "/runtime"],
    ["GET", "/quitquitquit"],
    ["GET", "/drain_listeners"],
    ["GET", "/logging"],
    ["GET", "/runtime_modify?a=b"],
    ["POST", "/runtime_modify"],
    ["POST", "/runtime_modify?a=b"],
    ["POST", "/healthcheck/fail"],
    ["GET", "/ready"],
    ["POST", "/healthcheck/ok"],
    ["POST", "/reset_counters"],
    ["GET", "/stats?format=nope"],
    ["GET", "/stats?type=nope"],
    ["GET", "/stats?histogram_buckets=nope"],
    ["GET", "/stats?type=Gauges&filter=server.live"],
    ["GET", "/stats?type=Histograms&filter=server.live"],
    ["GET", "/config_dump?resource=nope"],
    ["GET", "/config_dump?mask=nope"],
    ["GET", "/config_dump?resource=static_clusters&mask=cluster.name"],
  ] as const) {
    const [mizzen, envoy] = await both(method, path);
    assert.equal(mizzen.status, envoy.status, `${method} ${path}`);
    // Envoy's order of keys changes from run to run.
    const said = ({ body, headers }: Answer): unknown =>
      String(headers["content-type"]).includes("json") && body.startsWith("{") ? JSON.parse(body) : body.trim();
    assert.deepEqual(said(mizzen), said(envoy), `${method} ${path}`);
  }
});

test("JSON has Envoy's keys", async () => {
  for (const path of ["/memory", "/listeners?format=json"]) {
    const [mizzen, envoy] = await both("GET", path);
    assert.equal(mizzen.headers["content-type"], envoy.headers["content-type"], path);
    assert.deepEqual(keysOf(JSON.parse(mizzen.body)), keysOf(JSON.parse(envoy.body)), path);
  }
  // Ours holds what Envoy's holds of these, and no key that Envoy does not know.
  for (const path of ["/clusters?format=json", "/config_dump?resource=static_clusters", "/config_dump?resource=static_listeners"]) {
    const [mizzen, envoy] = await both("GET", path);
    const known = keysOf(JSON.parse(envoy.body));
    const ours = [...keysOf(JSON.parse(mizzen.body))];
    assert.ok(ours.length > 3, path);
    assert.deepEqual(
      ours.filter((key) => !known.has(key)),
      [],
      path,
    );
  }
});

test("a level of the log is changed, shown, and refused where it is none", async () => {
  for (const path of ["/logging?level=debug", "/logging?main=warning", "/logging"]) {
    const [mizzen, envoy] = await both("POST", path);
    const line = (answer: Answer): string | undefined => answer.body.split("\n").find((text) => text.startsWith("  main:"));
    assert.deepEqual([mizzen.status, line(mizzen)], [envoy.status, line(envoy)], path);
    assert.match(mizzen.body, /^active loggers:\n/);
  }
  for (const path of ["/logging?level=nope", "/logging?nope=debug"]) {
    const [mizzen, envoy] = await both("POST", path);
    const words = (answer: Answer): string => answer.body.slice(0, answer.body.indexOf("active loggers:"));
    assert.deepEqual([mizzen.status, words(mizzen)], [envoy.status, words(envoy)], path);
  }
});

test("counters begin at 0 again, and count on", async () => {
  const name = "http.http.downstream_rq_total";
  for (const [kind, { http }] of proxies) {
    const value = async (): Promise<string> => {
      const { body } = await call(`http://127.0.0.1:${proxies.get(kind)?.admin}/stats?filter=^${name}$`);
      return body.trim();
    };
    await call(`http://127.0.0.1:${http}/ready`, { headers: { host: "localhost" } });
    assert.equal(await value(), `${name}: 1`, kind);
    await call(`http://127.0.0.1:${proxies.get(kind)?.admin}/reset_counters`, { method: "POST" });
    assert.equal(await value(), `${name}: 0`, kind);
    await call(`http://127.0.0.1:${http}/ready`, { headers: { host: "localhost" } });
    assert.equal(await value(), `${name}: 1`, kind);
  }
});
