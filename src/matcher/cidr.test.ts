import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAddressRanges } from "./cidr.ts";

test("addresses of both versions stand in their ranges, mapped IPv4 too", () => {
  const contains = compileAddressRanges([
    { addressPrefix: "10.0.0.0", prefixLen: 8 },
    { addressPrefix: "fd00::", prefixLen: 8 },
  ]);
  for (const [address, expected] of [
    ["10.1.2.3", true],
    ["11.0.0.1", false],
    ["fd12::1", true],
    ["fe80::1", false],
    ["::ffff:10.0.0.1", true],
    ["x", false],
  ] as const) {
    assert.equal(contains(address), expected, address);
  }
});

test("a range that is none is refused by name", () => {
  assert.throws(() => compileAddressRanges([{ addressPrefix: "10.0.0", prefixLen: 8 }]), /"10.0.0" is not an IP address/);
  assert.throws(() => compileAddressRanges([{ addressPrefix: "10.0.0.0", prefixLen: 33 }]), /too long/);
});
