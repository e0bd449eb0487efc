import assert from "node:assert/strict";
import { test } from "node:test";
import { addressText, isPipe, pipePathFault } from "./socket-address.ts";

test("addresses are printed as Envoy prints them", () => {
  assert.equal(addressText({ address: "10.0.0.1", port: 80 }), "10.0.0.1:80");
  assert.equal(addressText({ address: "fd00::1", port: 80 }), "[fd00::1]:80");
  assert.equal(addressText({ address: "/run/a:b.sock", port: 0 }), "/run/a:b.sock");
  assert.equal(addressText({ address: "", port: 0 }), "");
});

test("a path, an abstract name and no name are pipes; addresses are not", () => {
  for (const address of ["/run/x.sock", "@x", ""]) assert.equal(isPipe({ address, port: 0 }), true, address);
  for (const address of ["10.0.0.1", "::1"]) assert.equal(isPipe({ address, port: 0 }), false, address);
});

test("a path that depends on the folder of the process, or does not fit, is told", () => {
  assert.equal(pipePathFault("/run/x.sock"), undefined);
  assert.equal(pipePathFault("@x"), undefined);
  assert.match(pipePathFault("x.sock") ?? "", /must be an absolute path/);
  assert.match(pipePathFault(`/${"x".repeat(103)}`) ?? "", /longer than 103 bytes/);
});
