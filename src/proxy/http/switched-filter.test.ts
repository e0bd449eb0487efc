import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { pack } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import { compileFilterConfigs } from "#proxy/route/filter-config";
import type { FilterConfigs } from "#proxy/route/filter-config";
import { FakeFilterStream } from "./filter-stream.fake.ts";
import { switchedByRoute } from "./switched-filter.ts";

const filter = { name: "f", create: () => ({}) };

function level(config: Parameters<typeof create<typeof FilterConfigSchema>>[1]): FilterConfigs {
  const violations = new Violations();
  const compiled = compileFilterConfigs({ f: pack(FilterConfigSchema, create(FilterConfigSchema, config)) }, [], "r", violations);
  violations.throwIfAny("route");
  return compiled;
}

const OFF = level({ disabled: true });
const ON = level({ config: create(AnySchema) });
const runs = (filterConfig: FilterConfigs | undefined, enabledByDefault: boolean): boolean =>
  switchedByRoute(filter, enabledByDefault).create(new FakeFilterStream(filterConfig === undefined ? null : { filterConfig })) !==
  undefined;

test("a filter runs as its default says where the route says nothing", () => {
  assert.deepEqual([runs(undefined, true), runs(undefined, false)], [true, false]);
});

test("the most specific level switches a filter on and off", () => {
  assert.deepEqual([runs(OFF, true), runs(ON, false)], [false, true]);
  assert.deepEqual([runs(ON.over(OFF), true), runs(OFF.over(ON), true)], [true, false]);
});

test("a config that no filter takes is refused, unless isOptional is set", () => {
  const config = create(AnySchema, { typeUrl: "type.googleapis.com/no.such.Config" });
  assert.throws(() => level({ config }), /no filter of this proxy takes a route config of type no\.such\.Config/);
  const left = level({ config, isOptional: true });
  assert.deepEqual([runs(left, true), runs(left, false)], [true, false]);
});

test("a wrapper that neither switches off nor holds a config is refused", () => {
  assert.throws(() => level({}), /typed_per_filter_config\["f"\]\.config: must be set/);
});
