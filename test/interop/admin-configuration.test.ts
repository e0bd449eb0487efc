// What the admin endpoint says of one configuration, ours beside Envoy's: every key of Envoy's JSON is in ours with the same type, and the
// other way round, but for what is listed with its reason.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { call, eventually } from "../harness/mesh.ts";
import { writeProxyConfig } from "./proxy-config.ts";
import type { ProxyPorts } from "./proxy-config.ts";
import { KINDS, startStandalone } from "./standalone.ts";
import type { ProxyKind, Standalone } from "./standalone.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-admin-configuration-"));
const proxies = new Map<ProxyKind, { readonly proxy: Standalone; readonly ports: ProxyPorts }>();

before(async () => {
  for (const kind of KINDS) {
    const { bootstrap, ports } = await writeProxyConfig(kind, folder, (admin) => admin);
    proxies.set(kind, { proxy: await startStandalone(kind, bootstrap, ports.admin), ports });
  }
  for (const kind of KINDS) {
    await eventually(`${kind} has checked its hosts`, 30_000, async () =>
      (await ask(kind, "/clusters")).includes("health_flags::/failed_active_hc") ? undefined : true,
    );
  }
});
after(async () => {
  for (const { proxy } of proxies.values()) await proxy.stop();
  rmSync(folder, { recursive: true });
});

async function ask(kind: ProxyKind, path: string): Promise<string> {
  const { status, body } = await call(`http://127.0.0.1:${proxies.get(kind)?.ports.admin}${path}`);
  assert.equal(status, 200, `${kind} ${path}`);
  return body;
}

/** Every key as a path with the type of its value; elements of lists are one. */
function keysOf(value: unknown, prefix = ""): Set<string> {
  const keys = new Set<string>();
  if (typeof value !== "object" || value === null) return keys;
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value) ? value.map((item) => ["[]", item]) : Object.entries(value);
  for (const [key, item] of entries) {
    if (!Array.isArray(value)) keys.add(`${prefix}${key}: ${Array.isArray(item) ? "list" : typeof item}`);
    for (const below of keysOf(item, `${prefix}${key}.`)) keys.add(below);
  }
  return keys;
}

/** Only one of the two has them. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/^hot_restart_initializing/, "there is no hot restart"],
  [
    /(^|\.)node\.(extensions|client_features|dynamic_parameters|listening_addresses)/,
    "what Envoy was built with, and fields that it prints empty",
  ],
  [/(^|\.)user_agent_build_version\.(metadata|version)\./, "each says its own build"],
  [/dynamic_active_secrets\.\[\]\.secret\.|^configs\.\[\]\.secret\./, "Envoy puts a file's content in the place of its name"],
];

const PAGES = [
  "/certs",
  "/clusters?format=json",
  "/listeners?format=json",
  "/server_info",
  "/memory",
  "/runtime",
  "/init_dump",
  "/config_dump?include_eds",
  "/config_dump?resource=static_route_configs",
  "/config_dump?resource=static_clusters",
  "/config_dump?resource=dynamic_active_clusters",
  "/config_dump?resource=dynamic_listeners",
  "/config_dump?resource=dynamic_endpoint_configs&include_eds",
  "/config_dump?resource=static_endpoint_configs&include_eds",
  "/config_dump?resource=static_secrets",
  "/config_dump?resource=dynamic_active_secrets",
  "/config_dump?mask=bootstrap",
  "/config_dump?name_regex=eds&include_eds",
  "/stats?format=json&type=TextReadouts",
];

test("JSON has the same keys with the same types, page by page", async () => {
  for (const path of PAGES) {
    const [ours, theirs] = [keysOf(JSON.parse(await ask("mizzen", path))), keysOf(JSON.parse(await ask("envoy", path)))];
    assert.ok(theirs.size > 0 || path === "/init_dump", path);
    const different = (keys: Set<string>, others: Set<string>): string[] =>
      [...keys].filter((key) => !others.has(key) && !DIFFERENT.some(([pattern]) => pattern.test(key)));
    assert.deepEqual({ ours: different(ours, theirs), theirs: different(theirs, ours) }, { ours: [], theirs: [] }, path);
  }
});

/** Ports are each proxy's own, and so are the temporary file names. */
function comparable(kind: ProxyKind, text: string): string {
  let out = text.replaceAll(`/${kind}/`, "/KIND/");
  for (const [name, port] of Object.entries(proxies.get(kind)?.ports ?? {})) out = out.replaceAll(String(port), name.toUpperCase());
  return out;
}

test("sections, names and versions of the dump are the same, in the same order", async () => {
  const outline = async (kind: ProxyKind): Promise<unknown> => {
    const dump = JSON.parse(await ask(kind, "/config_dump?include_eds")) as { configs: Record<string, unknown>[] };
    return dump.configs.map((section) =>
      Object.entries(section)
        .filter(([key]) => key !== "bootstrap" && key !== "last_updated")
        .map(([key, value]) => [key, Array.isArray(value) ? value.map((item) => namesIn(item)).sort() : value])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
  };
  assert.deepEqual(await outline("mizzen"), await outline("envoy"));
});

function namesIn(item: unknown): string {
  const text = JSON.stringify(item);
  const name = /"(?:name|cluster_name)":"([^"]*)"/.exec(text)?.[1];
  return `${name} ${/"version_info":"([^"]*)"/.exec(text)?.[1] ?? ""}`;
}

test("hosts are dumped with the same defaults and health", async () => {
  const hosts = async (kind: ProxyKind): Promise<unknown> => {
    const text = comparable(kind, await ask(kind, "/config_dump?include_eds"));
    const dump = JSON.parse(text.replace(/"port_value": ([A-Z]+)/g, '"port_value": "$1"')) as { configs: Record<string, unknown>[] };
    const section = dump.configs.find((one) => String(one["@type"]).endsWith(".EndpointsConfigDump")) ?? {};
    const list = (key: string): string[] => (section[key] as object[]).map((one) => JSON.stringify(sorted(one))).sort();
    return [list("static_endpoint_configs"), list("dynamic_endpoint_configs")];
  };
  assert.deepEqual(await hosts("mizzen"), await hosts("envoy"));
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, sorted(item)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

test("texts have the same lines", async () => {
  for (const path of ["/listeners", "/stats?type=TextReadouts", "/clusters?filter=fixed"]) {
    const lines = async (kind: ProxyKind): Promise<string[]> =>
      comparable(kind, await ask(kind, path))
        .split("\n")
        // What was counted differs with who was asked when.
        .map((line) => line.replace(/::(cx|rq)_(\w+)::\d+$/, "::$1_$2"))
        .sort();
    assert.deepEqual(await lines("mizzen"), await lines("envoy"), path);
  }
});

test("what is refused is refused in the same words", async () => {
  for (const [method, path] of [
    ["GET", "/stats?format=prometheus&histogram_buckets=detailed"],
    ["GET", "/stats?format=prometheus&histogram_buckets=prometheusnative"],
    ["GET", "/stats?hidden=nope"],
    ["GET", "/stats?hidden=only&filter=server"],
    ["GET", "/config_dump?resource=bootstrap"],
    ["POST", "/heapprofiler?enable=y"],
    ["POST", "/logging?http=debug&main=debug"],
    ["POST", "/logging?paths=http"],
    ["POST", "/logging?group=http:info"],
    ["POST", "/reopen_logs"],
    ["PUT", "/reset_counters"],
    ["PUT", "/stats"],
  ] as const) {
    const said = await Promise.all(
      KINDS.map(async (kind) => {
        const { status, body } = await call(`http://127.0.0.1:${proxies.get(kind)?.ports.admin}${path}`, { method });
        return [status, body.split("\n")[0]];
      }),
    );
    assert.deepEqual(said[1], said[0], `${method} ${path}`);
  }
});

test("the home page has a link or a form for every command, and the help names each", async () => {
  const help = await ask("mizzen", "/help");
  const home = await ask("mizzen", "/");
  for (const [, path = "", post] of (await ask("envoy", "/help")).matchAll(/^ {2}(\/\S*?)( \(POST\))?: /gm)) {
    if (MISSING.has(path)) continue;
    assert.match(help, new RegExp(`^  ${path}${post === undefined ? "" : " \\(POST\\)"}: `, "m"), path);
    if (path !== "/") assert.ok(home.includes(`"${path.slice(1)}"`), path);
  }
});

/** Envoy's memory allocator, and its symbol table. */
const MISSING = new Set(["/memory/tcmalloc", "/stats/recentlookups/clear", "/stats/recentlookups/disable", "/stats/recentlookups/enable"]);
