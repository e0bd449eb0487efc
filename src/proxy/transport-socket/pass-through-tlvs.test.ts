import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ProxyProtocolPassThroughTLVsSchema } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import { compilePassThrough } from "./pass-through-tlvs.ts";

function passed(json: JsonValue | undefined): boolean[] {
  const wire = json === undefined ? undefined : fromJson(ProxyProtocolPassThroughTLVsSchema, json);
  return [4, 0xea].map(compilePassThrough(wire, "p", assert.fail));
}

test("none pass unasked, all by default of the message, else those that are named", () => {
  assert.deepEqual(passed(undefined), [false, false]);
  assert.deepEqual(passed({}), [true, true]);
  assert.deepEqual(passed({ matchType: "INCLUDE" }), [false, false]);
  assert.deepEqual(passed({ matchType: "INCLUDE", tlvType: [0xea] }), [false, true]);
});

test("a type that no byte holds is refused", () => {
  const problems: string[] = [];
  compilePassThrough(fromJson(ProxyProtocolPassThroughTLVsSchema, { tlvType: [255, 256] }), "p", (path) => void problems.push(path));
  assert.deepEqual(problems, ["p.tlv_type[1]"]);
});
