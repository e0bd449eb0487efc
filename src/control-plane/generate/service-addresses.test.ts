import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "#control-plane/registry/service";
import { serviceAddresses } from "./service-addresses.ts";

function service(addresses: readonly string[], autoAllocatedAddresses: readonly string[] = []): Service {
  return { addresses, autoAllocatedAddresses } as unknown as Service;
}
const four = { ipAddresses: ["10.244.0.5"], dnsCapture: false };
const six = { ipAddresses: ["fd00::5"], dnsCapture: false };
const both = { ipAddresses: ["10.244.0.5", "fd00::5"], dnsCapture: false };

test("a proxy of one family knows addresses of that family", () => {
  const dual = service(["10.96.7.7", "fd00:10::7"]);
  assert.deepEqual(serviceAddresses(dual, four), ["10.96.7.7"]);
  assert.deepEqual(serviceAddresses(dual, six), ["fd00:10::7"]);
});

test("a proxy of both families knows those of the service's first", () => {
  assert.deepEqual(serviceAddresses(service(["fd00:10::7", "10.96.7.7"]), both), ["fd00:10::7"]);
  assert.deepEqual(serviceAddresses(service(["10.96.7.7", "10.96.7.8", "fd00:10::7"]), both), ["10.96.7.7", "10.96.7.8"]);
});

test("a service of the other family keeps its first address", () => {
  assert.deepEqual(serviceAddresses(service(["fd00:10::7", "fd00:10::8"]), four), ["fd00:10::7"]);
});

test("made-up addresses count only where the proxy answers DNS", () => {
  const made = service([], ["240.240.0.1", "2001:2::1"]);
  assert.deepEqual(serviceAddresses(made, four), []);
  assert.deepEqual(serviceAddresses(made, { ...four, dnsCapture: true }), ["240.240.0.1"]);
});

test("the unspecified address is none", () => {
  assert.deepEqual(serviceAddresses(service(["0.0.0.0"]), four), []);
});
