import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import { OnDemandSchema } from "#envoy/gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { onDemandFilterCompiler } from "./on-demand-filter.ts";

test("the filter is accepted and costs a stream nothing; clusters on demand are refused", () => {
  const compile = (json: object) => onDemandFilterCompiler.compile("o", pack(OnDemandSchema, fromJson(OnDemandSchema, json as never)), "c");
  assert.equal(compile({}).create(new FakeFilterStream()), undefined);
  assert.throws(() => compile({ odcds: { source: { ads: {} } } }), /c\.odcds: clusters on demand are not served/);
});
