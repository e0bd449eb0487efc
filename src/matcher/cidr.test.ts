import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAddressMask, compileAddressRanges } from "./cidr.ts";

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

test("no range of IPv6 holds an IPv4 address", () => {
  const everything = compileAddressRanges([{ addressPrefix: "::", prefixLen: 0 }]);
  assert.deepEqual([everything("127.0.0.1"), everything("::1"), everything("::ffff:127.0.0.1")], [false, true, true]);
});

test("a range that is none is refused by name", () => {
  assert.throws(() => compileAddressRanges([{ addressPrefix: "10.0.0", prefixLen: 8 }]), /"10.0.0" is not an IP address/);
  assert.throws(() => compileAddressRanges([{ addressPrefix: "10.0.0.0", prefixLen: 33 }]), /too long/);
});

test("an address is written as the range of its first bits", () => {
  const mask = compileAddressMask(20, 52);
  assert.equal(mask("10.1.255.3"), "10.1.240.0/20");
  assert.equal(mask("2001:db8:1:ffff::7"), "2001:db8:1:f000::/52");
  assert.equal(compileAddressMask(32, 128)("::ffff:10.0.0.1"), "::ffff:10.0.0.1/128");
  assert.equal(compileAddressMask(0, 0)("fe80::1"), "::/0");
});
