import assert from "node:assert/strict";
import { test } from "node:test";
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import { asksForOriginalDestination, effectivePolicy, endpointTlsMode, needsMissingCertificate, policyOfRule } from "./traffic-policy.ts";

function rule(spec: Omit<DestinationRuleSpec, "host">): ResolvedDestinationRule {
  return { objects: [], host: "web", spec: { host: "web", ...spec } };
}

test("a subset's blocks replace those of the host one by one", () => {
  const merged = rule({
    trafficPolicy: { loadBalancer: { simple: "RANDOM" }, outlierDetection: { interval: 1000 } },
    subsets: [{ name: "v1", trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } } }],
  });
  assert.deepEqual(policyOfRule(merged, "v1", 80), {
    loadBalancer: { simple: "ROUND_ROBIN" },
    outlierDetection: { interval: 1000 },
  });
  assert.deepEqual(policyOfRule(merged, "", 80).loadBalancer, { simple: "RANDOM" });
  assert.deepEqual(policyOfRule(merged, "unknown", 80).loadBalancer, { simple: "RANDOM" });
});

test("settings of a port replace all that they could hold, also with nothing", () => {
  const host = rule({
    trafficPolicy: {
      loadBalancer: { simple: "RANDOM" },
      tls: { mode: "SIMPLE" },
      proxyProtocol: { version: "V1" },
      portLevelSettings: [{ port: { number: 443 }, connectionPool: { tcp: { maxConnections: 1 } } }],
    },
  });
  assert.deepEqual(policyOfRule(host, "", 443), { connectionPool: { tcp: { maxConnections: 1 } } });
  assert.equal(policyOfRule(host, "", 80).tls?.mode, "SIMPLE");
});

test("settings of a subset's port leave the host's PROXY protocol and retry budget, which ports do not have", () => {
  const subset = rule({
    trafficPolicy: { tls: { mode: "SIMPLE" }, proxyProtocol: { version: "V2" }, retryBudget: { minRetryConcurrency: 5 } },
    subsets: [{ name: "v1", trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: "RANDOM" } }] } }],
  });
  assert.deepEqual(policyOfRule(subset, "v1", 80), {
    proxyProtocol: { version: "V2" },
    retryBudget: { minRetryConcurrency: 5 },
    loadBalancer: { simple: "RANDOM" },
  });
});

test("the mesh's default policy fills only blocks that nobody wrote", () => {
  const mesh = { defaultTrafficPolicy: { connectionPool: { tcp: { maxConnections: 9 } }, outlierDetection: { interval: 5 } } };
  const written = rule({ trafficPolicy: { connectionPool: { http: { maxRetries: 1 } } } });
  assert.deepEqual(effectivePolicy(written, "", 80, mesh), {
    connectionPool: { http: { maxRetries: 1 } },
    outlierDetection: { interval: 5 },
  });
  assert.deepEqual(effectivePolicy(undefined, "", 80, mesh), mesh.defaultTrafficPolicy);
  assert.deepEqual(effectivePolicy(undefined, "", 80, {}), {});
});

test("endpoints are filtered by the subset's own TLS, not by what it inherits", () => {
  const mixed = rule({
    trafficPolicy: {
      tls: { mode: "SIMPLE" },
      portLevelSettings: [{ port: { number: 443 }, tls: { mode: "ISTIO_MUTUAL" } }, { port: { number: 81 } }],
    },
    subsets: [{ name: "v1" }, { name: "v2", trafficPolicy: { tls: {} } }],
  });
  assert.equal(endpointTlsMode(mixed, "", 80), "SIMPLE");
  assert.equal(endpointTlsMode(mixed, "", 443), "ISTIO_MUTUAL");
  assert.equal(endpointTlsMode(mixed, "", 81), "SIMPLE");
  assert.equal(endpointTlsMode(mixed, "v1", 80), undefined);
  assert.equal(endpointTlsMode(mixed, "v2", 80), "DISABLE");
  assert.equal(endpointTlsMode(undefined, "", 80), undefined);
});

test("PASSTHROUGH is looked for at the top of the host's or the subset's policy", () => {
  const passing = rule({
    trafficPolicy: { loadBalancer: { simple: "PASSTHROUGH" } },
    subsets: [{ name: "v1", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } }],
  });
  assert.equal(asksForOriginalDestination(passing, ""), true);
  assert.equal(asksForOriginalDestination(passing, "v1"), false);
});

test("only ISTIO_MUTUAL needs a certificate of the mesh", () => {
  assert.equal(needsMissingCertificate({ tls: { mode: "ISTIO_MUTUAL" } }, false), true);
  assert.equal(needsMissingCertificate({ tls: { mode: "ISTIO_MUTUAL" } }, true), false);
  assert.equal(needsMissingCertificate({ tls: { mode: "SIMPLE" } }, false), false);
  assert.equal(needsMissingCertificate({}, false), false);
});
