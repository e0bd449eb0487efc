import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "#control-plane/registry/service";
import { listenAddresses } from "./listen-addresses.ts";

const V4 = { ipAddresses: ["10.0.0.9"], dnsCapture: false };
const V6 = { ipAddresses: ["fd00::9"], dnsCapture: false };
const DUAL = { ipAddresses: ["10.0.0.9", "fd00::9"], dnsCapture: false };

function service(over: Partial<Service>): Service {
  return { source: "Service", addresses: [], autoAllocatedAddresses: [], ...over } as Service;
}

test("a Service is at its addresses of the caller's family, the first one's where the caller has both", () => {
  const dual = service({ addresses: ["10.96.0.1", "fd00:96::1"] });
  assert.deepEqual(listenAddresses(dual, V4), [["10.96.0.1"]]);
  assert.deepEqual(listenAddresses(dual, V6), [["fd00:96::1"]]);
  assert.deepEqual(listenAddresses(dual, DUAL), [["10.96.0.1"]]);
  assert.deepEqual(listenAddresses(service({ addresses: ["fd00:96::1"] }), V4), [["fd00:96::1"]], "better than everywhere");
});

test("a service without address is at the wildcard", () => {
  assert.deepEqual(listenAddresses(service({}), V4), [["0.0.0.0"]]);
  const host = service({ source: "ServiceEntry" });
  assert.deepEqual(listenAddresses(host, V6), [["::"]]);
  assert.deepEqual(listenAddresses(host, DUAL), [["0.0.0.0", "::"]]);
});

test("each address of a ServiceEntry has a listener, and a network of one is an address", () => {
  const addresses = ["10.10.0.0/16", "240.0.0.9", "1.2.3.4/32", "fd00::1/128"];
  assert.deepEqual(listenAddresses(service({ source: "ServiceEntry", addresses }), V4), [
    ["10.10.0.0/16"],
    ["240.0.0.9"],
    ["1.2.3.4"],
    ["fd00::1"],
  ]);
});

test("allocated addresses count for callers whose agent answers DNS", () => {
  const host = service({ source: "ServiceEntry", autoAllocatedAddresses: ["240.240.0.1", "2001:2::1"] });
  assert.deepEqual(listenAddresses(host, { ...V4, dnsCapture: true }), [["240.240.0.1"]]);
  assert.deepEqual(listenAddresses(host, { ...V6, dnsCapture: true }), [["2001:2::1"]]);
  assert.deepEqual(listenAddresses(host, V4), [["0.0.0.0"]]);
});
