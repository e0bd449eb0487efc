import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { FaultDelaySchema } from "#envoy/gen/envoy/extensions/filters/common/fault/v3/fault_pb";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { CorsSchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { pack } from "#envoy/any";
import { corsFilterCompiler } from "#proxy/filters/cors/cors-filter";
import { faultFilterCompiler } from "#proxy/filters/fault/fault-filter";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { Client, FakeHcm } from "./hcm.fake.ts";
import { HcmRuntime } from "./hcm-runtime.ts";

const abort = pack(
  HTTPFaultSchema,
  create(HTTPFaultSchema, { abort: { errorType: { case: "httpStatus", value: 418 }, percentage: { numerator: 100 } } }),
);
const delay = pack(
  HTTPFaultSchema,
  create(HTTPFaultSchema, {
    delay: create(FaultDelaySchema, {
      faultDelaySecifier: { case: "fixedDelay", value: { seconds: 1n } },
      percentage: { numerator: 100 },
    }),
  }),
);

test("filters count into the scope of their connection manager", () => {
  const hcm = new FakeHcm();
  const config = { ...hcm.runtime.config, filters: [faultFilterCompiler.compile("fault", abort, "")] };
  const faulty = new FakeHcm({ runtimeConfig: config });
  const client = new Client();
  faulty.send(client);
  assert.equal(client.response?.status, 418);
  assert.equal(faulty.stats.get("http.in.fault.aborts_injected"), 1);
  assert.equal(faulty.stats.get("http.in.fault.active_faults"), 0);
  assert.deepEqual(faulty.leaks, []);
});

test("a connection manager that is replaced again and again leaves nothing behind", () => {
  const hcm = new FakeHcm();
  const filters = [
    faultFilterCompiler.compile("fault", delay, ""),
    corsFilterCompiler.compile("cors", pack(CorsSchema, create(CorsSchema)), ""),
  ];
  const stats = new ThreadStats();
  const thread = { ...hcm.runtime.thread, stats: stats.root };
  const make = (i: number): HcmRuntime => new HcmRuntime({ ...hcm.runtime.config, filters, statPrefix: `p${i % 7}` }, thread);
  const { nameCount } = stats;
  let current = make(0);
  const held = [stats.nameCount, stats.slotCount];
  current.stats.rqTotal.inc();
  const next = make(0);
  current.release();
  assert.equal(next.stats.rqTotal.value, 1, "one of the same name goes on counting");
  current = next;
  for (let i = 1; i < 2_000; i++) {
    current.release();
    current = make(i);
    assert.equal(stats.nameCount, held[0]);
    if (i % 10 === 0) stats.takeUpdate();
  }
  assert.ok(stats.slotCount < (held[1] ?? 0) * 40, `${stats.slotCount} slots`);
  current.release();
  assert.equal(stats.nameCount, nameCount);
});
