import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { FakeStats } from "#proxy/http/stats.fake";
import { silentLog } from "#runtime/log";
import type { Log } from "#runtime/log";
import { LayeredRuntime } from "./layered-runtime.ts";
import type { RuntimeLayerConfig } from "./layered-runtime-config.ts";
import type { RuntimeValues } from "./runtime.ts";
import { flattenStruct } from "./struct-layer.ts";

const ADMIN: RuntimeLayerConfig = { kind: "admin", name: "admin" };

function fixed(name: string, values: Parameters<typeof flattenStruct>[0]): RuntimeLayerConfig {
  return { kind: "static", name, values: flattenStruct(values, () => assert.fail("a bad key")) };
}

class Bench {
  readonly stats = new FakeStats();
  readonly told: RuntimeValues[] = [];
  readonly runtime: LayeredRuntime;
  onTold = (): void => {};

  constructor(layers: readonly RuntimeLayerConfig[], log: Log = silentLog) {
    this.runtime = new LayeredRuntime({
      layers,
      serviceCluster: "svc",
      stats: this.stats,
      log,
      onChange: (values) => {
        this.told.push(values);
        this.onTold();
      },
    });
  }

  texts(): Record<string, string> {
    return Object.fromEntries([...this.runtime.values].map(([key, { text }]) => [key, text]));
  }

  stat(name: string): number {
    return this.stats.get(`runtime.${name}`);
  }
}

test("later layers have the last word, key by key", () => {
  const bench = new Bench([fixed("a", { x: 1, y: 2 }), fixed("b", { y: 3 })]);
  assert.deepEqual(bench.texts(), { x: "1", y: "3" });
  assert.deepEqual(
    bench.runtime.layers.map(({ name, values }) => [name, values.size]),
    [
      ["a", 2],
      ["b", 1],
    ],
  );
  assert.deepEqual([bench.stat("num_layers"), bench.stat("num_keys"), bench.stat("load_success"), bench.told.length], [2, 2, 1, 0]);
});

test("the admin layer takes values, tells of them, and an empty one takes a key back", () => {
  const bench = new Bench([fixed("a", { x: 1 }), ADMIN]);
  bench.runtime.modify(
    new Map([
      ["x", "7"],
      ["y", "true"],
    ]),
  );
  assert.deepEqual(bench.texts(), { x: "7", y: "true" });
  assert.equal(bench.told.at(-1)?.get("x")?.integer, 7);
  assert.deepEqual([bench.stat("admin_overrides_active"), bench.stat("num_keys")], [1, 2]);
  bench.runtime.modify(
    new Map([
      ["x", ""],
      ["y", ""],
      ["never", ""],
    ]),
  );
  assert.deepEqual(bench.texts(), { x: "1" });
  assert.deepEqual([bench.stat("admin_overrides_active"), bench.told.length], [0, 2]);
});

test("a bad value changes nothing at all", () => {
  const bench = new Bench([ADMIN]);
  const changes = new Map([
    ["x", "7"],
    ["y", "{"],
  ]);
  assert.throws(() => bench.runtime.modify(changes));
  assert.deepEqual([bench.texts(), bench.told.length], [{}, 0]);
});

test("without an admin layer nothing can be modified, as in Envoy also where there are no layers", () => {
  for (const layers of [[], [fixed("a", {})]])
    assert.throws(() => new Bench(layers).runtime.modify(new Map([["x", "1"]])), /^Error: No admin layer specified$/);
});

test("what a resource says for its layer comes and goes", () => {
  const bench = new Bench([{ kind: "rtds", name: "r", resource: "rtds", source: { kind: "ads" }, initialFetchTimeoutMs: 0 }]);
  bench.runtime.setResource("r", new Map([["x", { text: "5", integer: 5 }]]));
  assert.deepEqual(bench.texts(), { x: "5" });
  bench.runtime.setResource("r", undefined);
  assert.deepEqual([bench.texts(), bench.told.length, bench.stat("num_layers")], [{}, 2, 1]);
});

function tree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-runtime-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function disk(folder: string, subdirectory: string, appendServiceCluster = false): RuntimeLayerConfig {
  return { kind: "disk", name: subdirectory, symlinkRoot: join(folder, "current"), subdirectory, appendServiceCluster };
}

test("a directory is a layer: files are keys, without comments, empty lines and white space at the end", (t) => {
  const folder = tree(t, {
    "v1/envoy/foo/bar": "5\n",
    "v1/envoy/foo/many": "# c\n\n7 \nx",
    "v1/envoy/comment": "# c\n",
    "v1/envoy/empty": "",
    "v1/envoy/share": "{numerator: 3, denominator: MILLION}\n",
    "v1/override/svc/foo/bar": "6",
  });
  symlinkSync("v1", join(folder, "current"));
  const bench = new Bench([disk(folder, "envoy"), disk(folder, "override", true), disk(folder, "missing")]);
  t.after(() => bench.runtime.close());
  assert.deepEqual(bench.texts(), {
    comment: "",
    empty: "",
    "foo.bar": "6",
    "foo.many": "7 \nx",
    share: "{numerator: 3, denominator: MILLION}",
  });
  assert.equal(bench.runtime.values.get("share")?.share, 0.000003);
  assert.deepEqual([bench.stat("num_layers"), bench.stat("load_success"), bench.stat("override_dir_exists")], [2, 1, 1]);
});

test("a directory with a file that cannot be read is left out, and counted", (t) => {
  const folder = tree(t, { "current/envoy/bad": "[1", "current/envoy/good": "1" });
  const bench = new Bench([disk(folder, "envoy"), fixed("a", { x: 1 })]);
  t.after(() => bench.runtime.close());
  assert.deepEqual(bench.texts(), { x: "1" });
  assert.deepEqual([bench.stat("load_error"), bench.stat("load_success"), bench.stat("override_dir_not_exists")], [1, 0, 1]);
});

test("moving the symbolic link loads what it leads to", { timeout: 10_000 }, async (t) => {
  const folder = tree(t, { "v1/envoy/x": "1", "v2/envoy/x": "2" });
  symlinkSync("v1", join(folder, "current"));
  const bench = new Bench([disk(folder, "envoy")]);
  t.after(() => bench.runtime.close());
  assert.deepEqual(bench.texts(), { x: "1" });
  const told = new Promise<void>((done) => (bench.onTold = done));
  symlinkSync("v2", join(folder, "new"));
  renameSync(join(folder, "new"), join(folder, "current"));
  // The watch does not keep the process alive.
  const hold = setInterval(() => {}, 1000);
  await told;
  clearInterval(hold);
  assert.equal(bench.told[0]?.get("x")?.integer, 2);
});

test("a key of Envoy's own that nothing here reads is named once", () => {
  const named: unknown[] = [];
  const log: Log = { ...silentLog, warn: (_, fields) => void named.push(fields?.["key"]) };
  const bench = new Bench([fixed("a", { "envoy.reloadable_features.x": true, "my.key": 1 }), ADMIN], log);
  bench.runtime.modify(new Map([["re2.max_program_size.error_level", "100"]]));
  assert.deepEqual(named, ["envoy.reloadable_features.x", "re2.max_program_size.error_level"]);
});
