import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceOf } from "#control-plane/generate/cluster/testing";
import { isEffective, localityPreference, sendsUnhealthyEndpoints } from "./locality-setting.ts";

const FAILOVER = { failover: [{ from: "a", to: "b" }] };
const close = serviceOf({ trafficDistribution: "PreferClose" });

test("the rule counts before the service, the service before the mesh", () => {
  const rule = { loadBalancer: { localityLbSetting: FAILOVER } };
  assert.deepEqual(localityPreference(close, rule, {})?.setting, FAILOVER);
  assert.deepEqual(localityPreference(close, {}, { localityLbSetting: FAILOVER })?.setting.failoverPriority, [
    "topology.istio.io/network",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
  ]);
  assert.deepEqual(localityPreference(serviceOf(), {}, { localityLbSetting: FAILOVER })?.setting, FAILOVER);
  assert.deepEqual(localityPreference(serviceOf(), {}, {})?.setting, { enabled: true });
});

test("either may turn it off", () => {
  const off = { loadBalancer: { localityLbSetting: { enabled: false } } };
  assert.equal(localityPreference(close, off, {}), undefined);
  assert.equal(localityPreference(serviceOf(), {}, { localityLbSetting: { enabled: false } }), undefined);
  assert.ok(localityPreference(close, {}, { localityLbSetting: { enabled: false } }));
});

test("failover needs outlier detection, or the service's own distribution", () => {
  const failover = (service = serviceOf(), policy = {}) => localityPreference(service, policy, {})?.failover;
  assert.equal(failover(), false);
  assert.equal(failover(serviceOf(), { outlierDetection: {} }), true);
  assert.equal(failover(close), true);
});

test("a distribution that nobody knows is none", () => {
  const unknown = serviceOf({ trafficDistribution: "Random" });
  assert.equal(sendsUnhealthyEndpoints(unknown), false);
  assert.equal(sendsUnhealthyEndpoints(close), true);
  assert.equal(localityPreference(serviceOf({ trafficDistribution: "PreferSameNode" }), {}, {})?.setting.failoverPriority?.length, 5);
});

test("a preference has an effect with shares or with failover", () => {
  assert.equal(isEffective({ setting: {}, failover: false }), false);
  assert.equal(isEffective({ setting: {}, failover: true }), true);
  assert.equal(isEffective({ setting: { distribute: [{ from: "a", to: {} }] }, failover: false }), true);
});
