import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_STATIC_RESOURCES } from "#proxy/xds-client/static-resources";
import type { AdminSource, HostSummary } from "./admin-source.ts";
import { clustersJson, clustersText } from "./cluster-status.ts";
import { makeHostStats } from "#proxy/cluster/host-stats";

const source = { config: { clusters: new Map() }, staticResources: NO_STATIC_RESOURCES } as unknown as AdminSource;
const counters = makeHostStats();

function host(over: Partial<HostSummary>): HostSummary {
  return {
    address: "10.0.0.1",
    port: 80,
    hostname: "",
    weight: 1,
    locality: "",
    priority: 0,
    edsHealth: "healthy",
    ejected: false,
    activeHealth: undefined,
    pendingRemoval: false,
    successRate: -1,
    localOriginSuccessRate: -1,
    ...counters,
    ...over,
  };
}

test("a host has the flags of everything that keeps it from being used, and its priority", () => {
  const hosts = [
    host({}),
    host({ port: 81, ejected: true, priority: 1, successRate: 50 }),
    host({ port: 82, ejected: true, edsHealth: "unhealthy" }),
  ];
  const unknown = { average: -1, threshold: -1 };
  const outliers = { external: { average: 75, threshold: 40 }, localOrigin: unknown };
  const text = clustersText(source, [{ name: "c", outliers, hosts }]);
  const lines = text.split("\n").filter((line) => /::(health_flags|priority|success_rate)::/.test(line));
  assert.deepEqual(lines, [
    "c::10.0.0.1:80::health_flags::healthy",
    "c::10.0.0.1:80::priority::0",
    "c::10.0.0.1:80::success_rate::-1",
    "c::10.0.0.1:81::health_flags::/failed_outlier_check",
    "c::10.0.0.1:81::priority::1",
    "c::10.0.0.1:81::success_rate::50",
    "c::10.0.0.1:82::health_flags::/failed_outlier_check/failed_eds_health",
    "c::10.0.0.1:82::priority::0",
    "c::10.0.0.1:82::success_rate::-1",
  ]);
  assert.match(text, /^c::outlier::success_rate_average::75\nc::outlier::success_rate_ejection_threshold::40$/m);
  assert.match(text, /^c::outlier::local_origin_success_rate_average::-1$/m);
  const json = JSON.stringify(clustersJson(source, [{ name: "c", outliers, hosts: [hosts[1]!] }]));
  assert.match(
    json,
    /"health_status":{"failed_outlier_check":true,"eds_health_status":"HEALTHY"},"success_rate":{"value":50},"priority":1/,
  );
});
