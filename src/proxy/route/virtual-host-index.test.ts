import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { VirtualHostIndex, withoutPort } from "./virtual-host-index.ts";

function index(domains: readonly string[], ignorePort = false): VirtualHostIndex<string> {
  return new VirtualHostIndex(
    domains.map((domain, i) => ({ domain, path: `d[${i}]`, host: domain })),
    ignorePort,
    (path, message) => {
      throw new Error(`${path}: ${message}`);
    },
  );
}

test("exact beats suffix wildcard beats prefix wildcard beats the default, longest first, without regard to case", () => {
  const hosts = index(["a.foo.com", "*.foo.com", "*.com", "*-x.foo.com", "a.*", "a.foo.*", "*"]);
  for (const [authority, expected] of [
    ["A.Foo.com", "a.foo.com"],
    ["b.foo.com", "*.foo.com"],
    ["b-x.foo.com", "*-x.foo.com"],
    ["foo.com", "*.com"],
    [".foo.com", "*.com"],
    ["a.foo.org", "a.foo.*"],
    ["a.bar", "a.*"],
    ["a.", "*"],
    ["z", "*"],
    ["a.foo.com:80", "a.foo.*"],
    ["", undefined],
  ] as const) {
    assert.equal(hosts.find(authority), expected, authority);
  }
});

test("a table with only the default takes a request without authority", () => {
  assert.equal(index(["*"]).find(""), "*");
});

test("ports are ignored where the table says so", () => {
  const hosts = index(["reviews", "[::1]", "10.0.0.1"], true);
  for (const authority of ["reviews:9080", "reviews", "[::1]:80", "[::1]", "10.0.0.1:1"])
    assert.notEqual(hosts.find(authority), undefined, authority);
  assert.equal(hosts.find("reviews:x"), undefined);
  assert.equal(withoutPort("::1"), "::1");
  assert.equal(withoutPort("host:"), "host");
});

test("a domain may stand once only", () => {
  for (const domains of [
    ["a", "A"],
    ["*.a", "*.a"],
    ["a.*", "A.*"],
    ["*", "*"],
  ])
    assert.throws(() => index(domains), /d\[1\]: /);
  assert.throws(() => index(["a*b"]), /wildcard/);
});

test("the lookup equals a naive walk over all domains", () => {
  const label = fc.constantFrom("a", "b", "foo", "bar", "com");
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const domain = fc.oneof(
    name,
    name.map((n) => `*.${n}`),
    name.map((n) => `${n}.*`),
    name.map((n) => `*-${n}`),
    fc.constant("*"),
  );
  fc.assert(
    fc.property(fc.uniqueArray(domain, { maxLength: 12 }), name, (domains, authority) => {
      assert.equal(index(domains).find(authority), naive(domains, authority));
    }),
  );
});

function naive(domains: readonly string[], authority: string): string | undefined {
  if (domains.includes(authority)) return authority;
  const byLength = [...domains].sort((a, b) => b.length - a.length);
  return (
    byLength.find((d) => d !== "*" && d.startsWith("*") && authority.length >= d.length && authority.endsWith(d.slice(1))) ??
    byLength.find((d) => d !== "*" && d.endsWith("*") && authority.length >= d.length && authority.startsWith(d.slice(0, -1))) ??
    domains.find((d) => d === "*")
  );
}
