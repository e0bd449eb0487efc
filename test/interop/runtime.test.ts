// Runtime layers of our proxy beside a real Envoy's, from the same bootstrap: what the pages say, and what requests meet before and after
// somebody says otherwise.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../harness/free-port.ts";
import { call, eventually } from "../harness/mesh.ts";
import type { Answer } from "../harness/mesh.ts";
import { KINDS, startStandalone } from "./standalone.ts";
import type { ProxyKind, Standalone } from "./standalone.ts";

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const folder = mkdtempSync(join(tmpdir(), "mizzen-runtime-"));
const running = new Map<ProxyKind, { readonly proxy: Standalone; readonly admin: number; readonly http: number }>();

function write(path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** Moves the link as people do it: a new one takes its name. */
function link(version: string): void {
  symlinkSync(version, join(folder, "new"));
  renameSync(join(folder, "new"), join(folder, "current"));
}

const resource = (layer: object): string =>
  JSON.stringify({
    version_info: "1",
    resources: [{ "@type": "type.googleapis.com/envoy.service.runtime.v3.Runtime", name: "file", layer }],
  });

const LAYERS = [
  {
    name: "base",
    static_layer: {
      number: { whole: 3, half: 2.5, negative: -4, million: 1234567, large: 12345678901, huge: 1e20, third: 1 / 3, small: 0.00001 },
      text: { plain: "hello", number: "42", empty: "", padded: " 7 " },
      flag: { yes: true, no: false },
      share: { numerator: 5, denominator: "TEN_THOUSAND" },
      "dotted.key": 4,
      everywhere: 1,
      read: { as: { text: "100", struct: { numerator: 100 }, textual_struct: "{numerator: 100}", flag: true } },
    },
  },
  { name: "disk", disk_layer: { symlink_root: join(folder, "current"), subdirectory: "envoy" } },
  { name: "own", disk_layer: { symlink_root: join(folder, "current"), subdirectory: "override", append_service_cluster: true } },
  { name: "missing", disk_layer: { symlink_root: join(folder, "current"), subdirectory: "missing" } },
  { name: "file", rtds_layer: { name: "file", rtds_config: { path_config_source: { path: join(folder, "file.json") } } } },
  { name: "admin", admin_layer: {} },
];

function bootstrap(admin: number, http: number): object {
  const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const never = (runtime_key: string): object => ({ default_value: { numerator: 0 }, runtime_key });
  const direct = (path: string, runtime_key: string): object => ({
    match: { path, runtime_fraction: never(runtime_key) },
    direct_response: { status: 201 },
  });
  const weighted = (name: string, weight: number): object => ({
    name,
    weight,
    response_headers_to_add: [{ header: { key: "x-cluster", value: name } }],
  });
  const cluster = (name: string): object => ({
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(admin) } }] }] },
  });
  const keyed = ["text", "struct", "textual_struct", "flag"].map((kind) => direct(`/as/${kind}`, `read.as.${kind}`));
  const routes = [
    direct("/share", "my.share"),
    ...keyed,
    {
      match: { prefix: "/" },
      route: {
        host_rewrite_literal: "localhost",
        regex_rewrite: { pattern: { regex: ".*" }, substitution: "/ready" },
        weighted_clusters: { clusters: [weighted("a", 1), weighted("b", 0)], runtime_key_prefix: "my.weights" },
      },
    },
  ];
  const manager = {
    "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "http",
    route_config: { name: "local", virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    http_filters: [
      {
        name: "envoy.filters.http.fault",
        typed_config: {
          "@type": `${EXTENSIONS}.filters.http.fault.v3.HTTPFault`,
          abort: { http_status: 500, percentage: { numerator: 0 } },
        },
      },
      { name: "envoy.filters.http.router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } },
    ],
  };
  return {
    node: { id: "alone", cluster: "svc" },
    admin: { address: address(admin) },
    layered_runtime: { layers: LAYERS },
    static_resources: {
      listeners: [
        {
          name: "main",
          address: address(http),
          filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] }],
        },
      ],
      clusters: [cluster("a"), cluster("b")],
    },
  };
}

before(async () => {
  write("v1/envoy/foo/bar", "5\n");
  write("v1/envoy/foo/many", "# c\n\n7 \nx");
  write("v1/envoy/comment", "# c\n");
  write("v1/envoy/share", "{numerator: 3, denominator: MILLION}\n");
  write("v1/envoy/everywhere", "2");
  write("v1/override/svc/everywhere", "3");
  write("v1/override/other/everywhere", "4");
  write("v2/envoy/foo/bar", "50");
  link("v1");
  write("file.json", resource({ from: { file: 1 } }));
  for (const kind of KINDS) {
    const [admin, http] = [await freePort(), await freePort()];
    write(`${kind}.json`, JSON.stringify(bootstrap(admin, http)));
    running.set(kind, { proxy: await startStandalone(kind, join(folder, `${kind}.json`), admin), admin, http });
  }
});
after(async () => {
  for (const { proxy } of running.values()) await proxy.stop();
  rmSync(folder, { recursive: true });
});

const portsOf = (kind: ProxyKind): { readonly admin: number; readonly http: number } => running.get(kind)!;

async function both<T>(ask: (kind: ProxyKind) => Promise<T>): Promise<readonly [mizzen: T, envoy: T]> {
  return [await ask("mizzen"), await ask("envoy")];
}

async function modify(query: string, body?: string): Promise<readonly [Answer, Answer]> {
  return both((kind) =>
    call(`http://127.0.0.1:${portsOf(kind).admin}/runtime_modify${query}`, {
      method: "POST",
      ...(body === undefined ? {} : { body, headers: { "content-type": "application/x-www-form-urlencoded" } }),
    }),
  );
}

interface RuntimePage {
  readonly layers: readonly string[];
  readonly entries: Readonly<Record<string, unknown>>;
}

/** Protobuf marks its debug texts with words that no two runs have in common. */
async function page(kind: ProxyKind): Promise<RuntimePage> {
  const { body } = await call(`http://127.0.0.1:${portsOf(kind).admin}/runtime`);
  return JSON.parse(body.replaceAll(/goo\.gle\/debug\w+ *(\\n)?/g, "")) as RuntimePage;
}

async function samePages(): Promise<RuntimePage> {
  const [mizzen, envoy] = await both(page);
  assert.deepEqual(mizzen, envoy);
  return mizzen;
}

/** Both show it. */
async function until(shown: (page: RuntimePage) => boolean): Promise<void> {
  await eventually("both have read it", 10_000, async () => ((await both(page)).every(shown) ? true : undefined));
}

/** `status x-cluster`, the same from both. */
async function outcome(path: string): Promise<string> {
  const [mizzen, envoy] = await both(async (kind) => {
    const { status, headers } = await call(`http://127.0.0.1:${portsOf(kind).http}${path}`);
    return [status, headers["x-cluster"] ?? "-", headers["x-envoy-overloaded"] ?? "-"].join(" ");
  });
  assert.equal(mizzen, envoy, path);
  return mizzen;
}

test("layers, keys and values are shown as Envoy shows them", async () => {
  const { layers, entries } = await samePages();
  assert.deepEqual(layers, ["base", "disk", "own", "file", "admin"]);
  assert.ok(Object.keys(entries).length > 20);
  assert.deepEqual(entries["everywhere"], { layer_values: ["1", "2", "3", "", ""], final_value: "3" });
});

test("statistics count keys, layers and overrides", async () => {
  const shown = async (kind: ProxyKind): Promise<readonly string[]> => {
    const { body } = await call(`http://127.0.0.1:${portsOf(kind).admin}/stats?filter=^runtime\\.`);
    // How often it was loaded is a matter of how layers are watched; how files are followed is compared elsewhere.
    return body.split("\n").filter((line) => /active|deprecated|num_|load_error|version_text/.test(line));
  };
  const [mizzen, envoy] = await both(shown);
  assert.deepEqual(mizzen, envoy);
  assert.ok(mizzen.includes("runtime.num_layers: 5"));
  const names = (kind: ProxyKind): Promise<readonly string[]> =>
    call(`http://127.0.0.1:${portsOf(kind).admin}/stats?filter=^runtime\\.`).then(({ body }) =>
      body.split("\n").map((line) => line.slice(0, line.indexOf(":"))),
    );
  const [ours, theirs] = await both(names);
  assert.deepEqual(ours, theirs);
});

test("values are modified with the same answers, and shown as they were written", async () => {
  for (const [query, body] of [
    ["?a=1&b=two&c=2.50&d=TRUE&e=%7Bnumerator:%205%7D&f=0x10&g=%22quoted%22&h=~&i=%5B1%5D"],
    ["?everywhere=9"],
    [""],
    ["", "form=1&form2=x"],
    ["?twice=1&twice=2"],
    ["?onlykey"],
    ["?a=&never="],
  ] as const) {
    const [mizzen, envoy] = await modify(query, body);
    assert.deepEqual([mizzen.status, mizzen.body.trim()], [envoy.status, envoy.body.trim()], query);
    await samePages();
  }
  const [mizzen, envoy] = await modify("?bad=%7B");
  assert.deepEqual([mizzen.status, envoy.status], [503, 503]);
  const [again, theirs] = await modify("?everywhere=");
  assert.deepEqual([again.status, theirs.status], [200, 200]);
  assert.deepEqual((await samePages()).entries["everywhere"], { layer_values: ["1", "2", "3", "", ""], final_value: "3" });
});

test("a route's share goes from none to all while connections stay", async () => {
  assert.equal(await outcome("/share"), "200 a -");
  await modify("?my.share=100");
  assert.equal(await outcome("/share"), "201 - -");
  await modify("?my.share=");
  assert.equal(await outcome("/share"), "200 a -");
});

test("a share counts as both read it: numbers, texts of numbers and FractionalPercents do", async () => {
  const read: Record<string, string> = {};
  for (const kind of ["text", "struct", "textual_struct", "flag"]) read[kind] = (await outcome(`/as/${kind}`)).slice(0, 3);
  assert.deepEqual(read, { text: "201", struct: "201", textual_struct: "200", flag: "200" });
});

test("weights, faults and maintenance follow what is said", async () => {
  await modify("?my.weights.a=0&my.weights.b=1");
  assert.equal(await outcome("/"), "200 b -");
  await modify("?upstream.maintenance_mode.b=100");
  assert.equal(await outcome("/"), "503 b true");
  await modify("?upstream.maintenance_mode.b=&my.weights.a=&my.weights.b=");
  await modify("?fault.http.abort.abort_percent=100&fault.http.abort.http_status=418");
  assert.equal((await outcome("/")).slice(0, 3), "418");
  await modify("?fault.http.abort.abort_percent=");
  assert.equal(await outcome("/"), "200 a -");
});

test("a moved link brings the values of another directory", async () => {
  link("v2");
  await until(({ entries }) => JSON.stringify(entries["foo.bar"] ?? "").includes("50"));
  const { layers, entries } = await samePages();
  assert.deepEqual(layers, ["base", "disk", "file", "admin"]);
  assert.equal(entries["comment"], undefined);
});

test("a layer from a file follows the file that is moved into place, and keeps its last good values", async () => {
  const move = (layer: object): void => {
    write("next.json", resource(layer));
    renameSync(join(folder, "next.json"), join(folder, "file.json"));
  };
  assert.deepEqual((await samePages()).entries["from.file"], { layer_values: ["", "", "1", ""], final_value: "1" });
  const shown = (value: string): Promise<void> => until(({ entries }) => JSON.stringify(entries["from.file"] ?? "").includes(value));
  move({ from: { file: 2 }, my: { share: 100 } });
  await shown('"2"');
  await samePages();
  assert.equal(await outcome("/share"), "201 - -");
  move({ from: { file: [3] } });
  await eventually("both have refused it", 10_000, async () => {
    const stats = await both((kind) => call(`http://127.0.0.1:${portsOf(kind).admin}/stats?filter=^runtime.update_(rejected|failure)`));
    return stats.every(({ body }) => /: [1-9]/.test(body)) ? true : undefined;
  });
  assert.equal(await outcome("/share"), "201 - -");
  move({ from: { file: 4 } });
  await shown('"4"');
  assert.equal(await outcome("/share"), "200 a -");
});
