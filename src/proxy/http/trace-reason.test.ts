import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { TracingSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { HttpConnectionManager_TracingSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { UuidRequestIdConfigSchema } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { runtimeValue } from "#proxy/runtime/runtime-value";
import { compileTraceSampling } from "#proxy/route/trace-sampling";
import { seededRandom } from "#runtime/random";
import { PairRequestHeaderMap } from "./pair-header-map.ts";
import { compileTraceDecision, decideTrace, forgetTraceReason } from "./trace-reason.ts";

/** What runtime layers say: nothing unless a test lets them. */
const layers = new CurrentRuntime();

/** Its first eight digits are 19088743 in decimal: place 8,743 of 10,000. */
const id = (reason: string): string => `01234567-89ab-${reason}def-8123-456789abcdef`;
const NEVER = { random_sampling: { value: 0 } };

function decide(
  tracing: JsonObject,
  headers: Record<string, string>,
  requestId: JsonObject = {},
  ofRoute?: JsonObject,
): [string, string | undefined] {
  const decision = compileTraceDecision(
    fromJson(HttpConnectionManager_TracingSchema, tracing),
    fromJson(UuidRequestIdConfigSchema, requestId),
  );
  assert.ok(decision !== undefined);
  const sampling = compileTraceSampling(ofRoute === undefined ? undefined : fromJson(TracingSchema, ofRoute));
  const map = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http" }, Object.entries(headers));
  const reason = decideTrace(map, decision, sampling, seededRandom(1), layers);
  return [reason, map.get("x-request-id")];
}

test("random_sampling takes the same requests everywhere, by their id, and tells those behind", () => {
  assert.deepEqual(decide({}, { "x-request-id": id("4") }), ["sampled", id("9")]);
  assert.deepEqual(decide({ random_sampling: { value: 87.44 } }, { "x-request-id": id("4") }), ["sampled", id("9")]);
  assert.deepEqual(decide({ random_sampling: { value: 87.43 } }, { "x-request-id": id("4") }), ["none", id("4")]);
});

test("what was decided in front of this proxy stays", () => {
  assert.deepEqual(decide(NEVER, { "x-request-id": id("9") }), ["sampled", id("9")]);
  assert.deepEqual(decide({}, { "x-request-id": id("a") }), ["service", id("a")]);
  assert.deepEqual(decide(NEVER, { "x-request-id": id("b") }), ["client", id("b")]);
});

test("clients ask with x-client-trace-id, as far as client_sampling goes, and services with x-envoy-force-trace", () => {
  const asks = { "x-request-id": id("4"), "x-client-trace-id": "a" };
  assert.deepEqual(decide(NEVER, asks), ["client", id("b")]);
  assert.deepEqual(decide({ ...NEVER, client_sampling: { value: 0.9 } }, asks), ["none", id("4")]);
  assert.deepEqual(decide(NEVER, { "x-request-id": id("4"), "x-envoy-force-trace": "true" }), ["service", id("a")]);
});

test("overall_sampling ends all of it", () => {
  for (const reason of ["9", "a", "b"])
    assert.deepEqual(decide({ overall_sampling: { value: 0 } }, { "x-request-id": id(reason) }), ["none", id("4")]);
});

test("without pack_trace_reason ids neither say anything nor are told, without use_request_id_for_trace_sampling it says nothing", () => {
  assert.deepEqual(decide({}, { "x-request-id": id("4") }, { packTraceReason: false }), ["sampled", id("4")]);
  assert.deepEqual(decide(NEVER, { "x-request-id": id("a") }, { packTraceReason: false }), ["none", id("a")]);
  assert.deepEqual(decide(NEVER, { "x-request-id": id("4") }, { useRequestIdForTraceSampling: false }), ["sampled", id("4")]);
});

test("an id that is none is left alone, and one of another form is not told", () => {
  for (const other of ["short", "0123456z-89ab-4def-8123-456789abcdef"])
    assert.deepEqual(decide({}, { "x-request-id": other }), ["none", other]);
  assert.deepEqual(decide({}, {}), ["none", undefined]);
  assert.deepEqual(decide({}, { "x-request-id": "0123456789" }), ["sampled", "0123456789"]);
});

test("there is nothing to decide where tracing is not configured", () => {
  assert.equal(compileTraceDecision(undefined, create(UuidRequestIdConfigSchema)), undefined);
});

test("what a stranger's id says can be forgotten", () => {
  const headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http" }, [["x-request-id", id("a")]]);
  forgetTraceReason(headers);
  assert.equal(headers.get("x-request-id"), id("4"));
});

test("runtime layers may sample other shares than the configuration", (t) => {
  t.after(() => layers.set(new Map()));
  layers.set(new Map([["tracing.random_sampling", runtimeValue({ numerator: 8744, denominator: "TEN_THOUSAND" }, "")]]));
  assert.deepEqual(decide(NEVER, { "x-request-id": id("4") }), ["sampled", id("9")]);
  layers.set(new Map([["tracing.global_enabled", runtimeValue(87, "")]]));
  assert.deepEqual(decide({}, { "x-request-id": id("4") }), ["none", id("4")]);
  layers.set(new Map([["tracing.client_enabled", runtimeValue(0, "")]]));
  assert.deepEqual(decide(NEVER, { "x-request-id": id("4"), "x-client-trace-id": "a" }), ["none", id("4")]);
});

test("the tracing of a route takes the place of the connection manager's, and what it leaves out is all", () => {
  const asked = { "x-request-id": id("4"), "x-client-trace-id": "a" };
  const plain = { "x-request-id": id("4") };
  const of = (headers: Record<string, string>, sampling: JsonObject): string => decide(NEVER, headers, {}, sampling)[0];
  assert.equal(of(plain, {}), "sampled");
  assert.equal(of(plain, { random_sampling: { numerator: 43 } }), "none");
  assert.equal(of(plain, { random_sampling: { numerator: 44 } }), "sampled");
  assert.equal(of(plain, { random_sampling: { numerator: 8744, denominator: "MILLION" } }), "sampled");
  assert.equal(of(asked, { client_sampling: { numerator: 0 } }), "sampled");
  assert.equal(of(asked, { client_sampling: { numerator: 100 }, random_sampling: { numerator: 0 } }), "client");
  assert.equal(of(asked, { overall_sampling: { numerator: 8743, denominator: "TEN_THOUSAND" } }), "none");
});
