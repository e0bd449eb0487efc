import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resolution } from "#control-plane/registry/service";
import { discoveryOf } from "./discovery.ts";
import { callerWith, HTTP_PORT, serviceOf } from "./testing.ts";

const sidecar = callerWith();
const gateway = callerWith({ type: "router" });
const PASSTHROUGH = { loadBalancer: { simple: "PASSTHROUGH" } } as const;

test("every resolution has its kind of cluster", () => {
  const kind = (resolution: Resolution) => discoveryOf(serviceOf({ resolution }), HTTP_PORT, {}, sidecar);
  assert.deepEqual(kind("EDS"), { kind: "eds" });
  assert.deepEqual(kind("DNS"), { kind: "dns", firstAnswer: false });
  assert.deepEqual(kind("DNS_ROUND_ROBIN"), { kind: "dns", firstAnswer: true });
  assert.deepEqual(kind("DYNAMIC_DNS"), { kind: "dynamic-dns" });
  assert.equal(kind("NONE")?.kind, "original-destination");
  assert.equal(kind("ALIAS"), undefined);
});

test("a gateway, and a sidecar that is called as an HTTP proxy, know no original destination of a headless service", () => {
  const headless = serviceOf({ resolution: "NONE" });
  assert.deepEqual(discoveryOf(headless, HTTP_PORT, {}, gateway), { kind: "eds" });
  assert.deepEqual(discoveryOf(headless, HTTP_PORT, {}, callerWith({ knowsOriginalDestination: false })), { kind: "eds" });
});

test("where the port of the endpoints is another it replaces the caller's", () => {
  const headless = serviceOf({ resolution: "NONE" });
  assert.deepEqual(discoveryOf(headless, HTTP_PORT, {}, sidecar), { kind: "original-destination", port: 8080 });
  assert.deepEqual(discoveryOf(headless, { ...HTTP_PORT, targetPort: 80 }, {}, sidecar), { kind: "original-destination", port: undefined });
  assert.deepEqual(discoveryOf(headless, { ...HTTP_PORT, targetPort: "web" }, {}, sidecar), {
    kind: "original-destination",
    port: undefined,
  });
});

test("PASSTHROUGH takes the caller's destination, whatever the service says", () => {
  for (const resolution of ["EDS", "DNS"] as const) {
    const found = discoveryOf(serviceOf({ resolution }), HTTP_PORT, PASSTHROUGH, sidecar);
    assert.deepEqual(found, { kind: "original-destination", port: undefined });
  }
});

test("a name to look up stands only in HTTP requests and in SNI", () => {
  const dynamic = serviceOf({ resolution: "DYNAMIC_DNS" });
  assert.equal(discoveryOf(dynamic, { ...HTTP_PORT, protocol: "TLS" }, {}, sidecar)?.kind, "dynamic-dns");
  for (const protocol of ["TCP", "HTTPS", "AUTO"] as const) {
    assert.equal(discoveryOf(dynamic, { ...HTTP_PORT, protocol }, {}, sidecar), undefined);
  }
});
