import assert from "node:assert/strict";
import { test } from "node:test";
import { cidrRange, networkKey } from "./cidr-range.ts";
import { conditionsKey, filterChain, matchesAll } from "./filter-chain.ts";

test("an address is a network of one, and what is written stays", () => {
  const shown = (text: string) => {
    const range = cidrRange(text);
    return range === undefined ? undefined : `${range.addressPrefix}/${range.prefixLen}`;
  };
  assert.equal(shown("10.0.0.1"), "10.0.0.1/32");
  assert.equal(shown("192.192.192.192/24"), "192.192.192.192/24");
  assert.equal(shown("fd00::1"), "fd00::1/128");
  assert.equal(shown("::ffff:10.0.0.1/104"), "::ffff:10.0.0.1/104");
  for (const nonsense of ["", "a.b", "10.0.0", "10.0.0.256", "10.0.0.0/33", "1:2:3", "::1::2", "1:2:3:4:5:6:7:8:9", "g::"]) {
    assert.equal(shown(nonsense), undefined, nonsense);
  }
});

test("networks are the same when their bits are", () => {
  const key = (text: string) => networkKey(cidrRange(text) ?? assert.fail(text));
  assert.equal(key("1.2.3.4/8"), key("1.5.6.7/8"));
  assert.notEqual(key("1.2.3.4/8"), key("1.2.3.4/9"));
  assert.equal(key("fd00:0:0::1/64"), key("fd00::2/64"));
  assert.notEqual(key("0.0.0.0/0"), key("::/0"));
});

test("chains collide when they would be asked under the same conditions, however these are written", () => {
  const same = (a: Parameters<typeof conditionsKey>[0], b: Parameters<typeof conditionsKey>[0]) => conditionsKey(a) === conditionsKey(b);
  assert.ok(same({ serverNames: ["a", "b"] }, { serverNames: ["b", "a"] }));
  assert.ok(same({ serverNames: ["*"] }, {}));
  assert.ok(same({ destinations: ["10.1.1.1/8"] }, { destinations: ["10.0.0.0/8"] }));
  assert.ok(same({ destinations: ["0.0.0.0/0"] }, {}));
  assert.ok(!same({ transportProtocol: "raw_buffer" }, {}));
  assert.ok(!same({ applicationProtocols: ["h2"] }, { applicationProtocols: ["h2", "http/1.1"] }));
});

test("a chain that asks for any server name or nothing takes everything", () => {
  assert.ok(matchesAll({}));
  assert.ok(matchesAll({ serverNames: ["a.com", "*"] }));
  assert.ok(!matchesAll({ serverNames: ["*.com"] }));
  assert.equal(filterChain({ filters: [], serverNames: ["*"] }).filterChainMatch, undefined);
  const match = filterChain({ filters: [], serverNames: ["b", "a"], destinations: ["10.0.0.0/8", "0.0.0.0/0"] }).filterChainMatch;
  assert.deepEqual(match?.serverNames, ["a", "b"]);
  assert.deepEqual(
    match?.prefixRanges.map(({ addressPrefix, prefixLen }) => [addressPrefix, prefixLen]),
    [["10.0.0.0", 8]],
  );
});
