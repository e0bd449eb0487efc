import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { LayeredRuntimeSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { readLayeredRuntime } from "./layered-runtime-config.ts";
import type { RuntimeLayerConfig } from "./layered-runtime-config.ts";

function read(layers: readonly JsonValue[]): {
  readonly layers: readonly RuntimeLayerConfig[];
  readonly refused: readonly string[];
  readonly sources: readonly string[];
} {
  const refused: string[] = [];
  const sources: string[] = [];
  const wire = fromJson(LayeredRuntimeSchema, { layers: [...layers] });
  return {
    layers: readLayeredRuntime(
      wire,
      (path, message) => refused.push(`${path}: ${message}`),
      (source, path) => void sources.push(`${path} ${source.kind}`),
    ),
    refused,
    sources,
  };
}

test("each kind of layer of a layered_runtime is read", () => {
  const { layers, refused, sources } = read([
    { name: "a", static_layer: { health_check: { min_interval: 5 }, flag: true, share: { numerator: 3 } } },
    { name: "b", disk_layer: { symlink_root: "/srv/current", subdirectory: "envoy", append_service_cluster: true } },
    { name: "c", admin_layer: {} },
    { name: "d", rtds_layer: { name: "res", rtds_config: { ads: {} } } },
    { name: "e", rtds_layer: { name: "res2", rtds_config: { path_config_source: { path: "/f" }, initial_fetch_timeout: "3s" } } },
  ]);
  assert.deepEqual(refused, []);
  const [first, second, third, fourth, fifth] = layers;
  assert.ok(first?.kind === "static");
  assert.deepEqual([...first.values.keys()], ["flag", "health_check.min_interval", "share"]);
  assert.equal(first.values.get("health_check.min_interval")?.integer, 5);
  assert.deepEqual(second, { kind: "disk", name: "b", symlinkRoot: "/srv/current", subdirectory: "envoy", appendServiceCluster: true });
  assert.deepEqual(third, { kind: "admin", name: "c" });
  assert.deepEqual(fourth, { kind: "rtds", name: "d", resource: "res", source: { kind: "ads" }, initialFetchTimeoutMs: 15_000 });
  assert.ok(fifth?.kind === "rtds" && fifth.source.kind === "path");
  assert.deepEqual([fifth.resource, fifth.source.path, fifth.initialFetchTimeoutMs], ["res2", "/f", 3_000]);
  // Who knows the bootstrap is asked about each source: rtds_config must name somebody who is there.
  assert.deepEqual(sources, [
    "layered_runtime.layers[3].rtds_layer.rtds_config ads",
    "layered_runtime.layers[4].rtds_layer.rtds_config path",
  ]);
});

test("a key that is written with dots and nested counts once", () => {
  const { layers } = read([{ name: "a", static_layer: { "a.b": 1, a: { b: 2 } } }]);
  assert.ok(layers[0]?.kind === "static");
  assert.equal(layers[0].values.get("a.b")?.integer, 2);
  assert.equal(layers[0].values.size, 1);
});

test("what Envoy refuses is refused with its path", () => {
  const refused = (layers: readonly JsonValue[]): readonly string[] =>
    read(layers).refused.map((text) => text.slice(0, text.indexOf(": ")));
  const path = "layered_runtime.layers[0]";
  assert.deepEqual(refused([{ static_layer: {} }]), [`${path}.name`]);
  assert.deepEqual(refused([{ name: "a" }]), [path]);
  assert.deepEqual(refused([{ name: "a", disk_layer: {} }]), [`${path}.disk_layer.symlink_root`]);
  assert.deepEqual(refused([{ name: "a", static_layer: { x: null, y: { z: [1] } } }]), [
    `${path}.static_layer["x"]`,
    `${path}.static_layer["y.z"]`,
  ]);
  assert.deepEqual(
    refused([
      { name: "a", admin_layer: {} },
      { name: "a", admin_layer: {} },
    ]),
    ["layered_runtime.layers[1].name", "layered_runtime.layers[1].admin_layer"],
  );
});
