import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { fullHost, hostsOverlap, HostTable, isHostWithin } from "./host.ts";

const overlaps: readonly [string, string, boolean][] = [
  ["", "", true],
  ["a.facebook.com", "*.facebook.COM", false],
  ["", "foo.com", false],
  ["foo.com", "foo.com", true],
  ["bar.com", "foo.com", false],
  ["bar.foo.com", "foo.com", false],
  ["*.com", "foo.com", true],
  ["*.foo.com", "bar.foo.com", true],
  ["*", "foo.com", true],
  ["*", "*.com", true],
  ["*", "*", true],
  ["*", "", true],
  ["*.com", "*.foo.com", true],
  ["foo.com", "*.foo.com", false],
  ["*.foo.com", "foo.com", false],
  ["*.foo.bar.baz", "baz", false],
  ["*.foo.bar.baz", "*.baz", true],
  ["foo.bar.baz", "*.baz", true],
];

for (const [a, b, expected] of overlaps) {
  test(`"${a}" and "${b}" ${expected ? "overlap" : "do not overlap"}`, () => {
    assert.equal(hostsOverlap(a, b), expected);
    assert.equal(hostsOverlap(b, a), expected);
  });
}

const within: readonly [string, string, boolean][] = [
  ["", "", true],
  ["", "foo.com", false],
  ["foo.com", "*.com", true],
  ["bar.foo.com", "*.foo.com", true],
  ["*.com", "*", true],
  ["*", "*", true],
  ["", "*", true],
  ["*.foo.com", "*.com", true],
  ["*.foo.com", "foo.com", false],
  ["*.foo.bar.baz", "baz", false],
  ["*.baz", "*.foo.bar.baz", false],
];

for (const [a, b, expected] of within) {
  test(`"${a}" is ${expected ? "" : "not "}within "${b}"`, () => assert.equal(isHostWithin(a, b), expected));
}

test("short names are completed with the namespace, everything else stays", () => {
  assert.equal(fullHost("reviews", "default", "cluster.local"), "reviews.default.svc.cluster.local");
  for (const host of ["reviews.default", "*", "*.com", "a.b.c", "", "::1"]) assert.equal(fullHost(host, "default", "cluster.local"), host);
});

test("a table finds the exact host, else the longest wildcard", () => {
  const table = new HostTable<string>();
  for (const host of ["*", "*.com", "*.foo.com", "a.foo.com"]) table.set(host, host);
  assert.equal(table.find("a.foo.com"), "a.foo.com");
  assert.equal(table.find("b.foo.com"), "*.foo.com");
  assert.equal(table.find("foo.com"), "*.com");
  assert.equal(table.find("x.org"), "*");
  assert.equal(table.find("*.foo.com"), "*.foo.com");
  assert.equal(table.find("*.x.foo.com"), "*.foo.com");
  assert.equal(table.get("*.org"), undefined);
});

test("a table's answer is a host that the name is within, and no longer one is", () => {
  const name = fc.array(fc.constantFrom("a", "b", "."), { maxLength: 5 }).map((parts) => parts.join(""));
  const host = fc.tuple(fc.constantFrom("", "*"), name).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(host, { maxLength: 8 }), host, (hosts, wanted) => {
      const table = new HostTable<string>();
      for (const entry of hosts) table.set(entry, entry);
      const candidates = hosts
        .filter((entry) => isHostWithin(wanted, entry))
        .sort((a, b) => Number(b === wanted) - Number(a === wanted) || b.length - a.length);
      assert.equal(table.find(wanted)?.length, candidates[0]?.length);
    }),
  );
});
