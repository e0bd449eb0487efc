import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { UpstreamCodecSchema } from "#envoy/gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb";
import { HttpFilterSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { ConfigError } from "#proxy/config-error";
import type { HttpFilterCompiler } from "./filter.ts";
import { compileUpstreamFilters } from "./upstream-filter-list.ts";

const registry = createRegistry(UpstreamCodecSchema, EmptySchema);
const KNOWN: HttpFilterCompiler = {
  configTypes: [EmptySchema.typeName],
  compile(name, _config, path) {
    if (name === "broken") throw new ConfigError("filter", [{ path: `${path}.x`, message: "must be set" }]);
    return { name, create: () => ({}) };
  },
};
const filter = (name: string, type: string, more: JsonObject = {}): JsonObject => ({
  name,
  typed_config: { "@type": `type.googleapis.com/${type}` },
  ...more,
});
const known = (name: string): JsonObject => filter(name, EmptySchema.typeName);
const codec = (more: JsonObject = {}): JsonObject => filter("codec", UpstreamCodecSchema.typeName, more);

function compile(...list: JsonObject[]): { readonly names: readonly string[] | undefined; readonly refused: readonly string[] } {
  const refused: string[] = [];
  const wire = list.map((one) => fromJson(HttpFilterSchema, one, { registry }));
  const filters = compileUpstreamFilters(wire, [KNOWN], "f", (path, message) => void refused.push(`${path}: ${message}`));
  return { names: filters?.map(({ name }) => name), refused };
}

test("a list ends with the codec, which is nothing of its own", () => {
  assert.deepEqual(compile(known("a"), known("b"), codec()), { names: ["a", "b"], refused: [] });
  assert.deepEqual(compile(codec()).names, []);
  assert.equal(compile().names, undefined);
});

test("what is no upstream filter, or stands in a wrong place, is refused by its path", () => {
  const CODEC = UpstreamCodecSchema.typeName;
  assert.deepEqual(compile(known("a")).refused, [`f[0]: the last upstream filter must be ${CODEC}`]);
  assert.deepEqual(compile(codec(), codec({ disabled: true })).refused, [
    `f[0]: ${CODEC} must be the last one`,
    "f[1].disabled: the codec cannot be switched off",
  ]);
  const other = { ...filter("lua", CODEC), typed_config: { "@type": `type.googleapis.com/${HttpFilterSchema.typeName}` } };
  const wide = createRegistry(UpstreamCodecSchema, EmptySchema, HttpFilterSchema);
  const refused: string[] = [];
  const list = [other, { ...other, is_optional: true }, { name: "none" }, known("broken"), codec()];
  const wire = list.map((one) => fromJson(HttpFilterSchema, one, { registry: wide }));
  compileUpstreamFilters(wire, [KNOWN], "f", (path, message) => void refused.push(`${path}: ${message}`));
  assert.deepEqual(refused, [
    `f[0].typed_config: ${HttpFilterSchema.typeName} ("lua") is no upstream filter of this proxy`,
    'f[2].typed_config: filter "none" needs a typed_config',
    "f[3].typed_config.x: must be set",
  ]);
});
