import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { celFault } from "./cel-syntax.ts";

test("expressions of the language are such", () => {
  const good = [
    "response.code >= 400",
    "connection.mtls && request.url_path.contains('v1beta3')",
    "!has(response.code) || response.code in [1, 2u, 0x3, -4.5e6]",
    'a["b"].c(1, "x") ? {"k": v, "l": [1, 2,]} : T{f: 1}',
    "xs.all(x, x > 0) && xs.map(x, x * 2).exists_one(y, y == 4)",
    'r"\\d+" + b"\\x00" + """multi\nline""" + \'\\u00e9\'',
    "-1 - -x % .a.b // comment",
    "null == true",
  ];
  for (const text of good) assert.equal(celFault(text), undefined, text);
});

test("what is none is refused with a place", () => {
  const bad = [
    "",
    ")++++",
    "a b",
    "a ==",
    "1 +* 2",
    "'open",
    "a.1",
    "f(1,)",
    "[1 2]",
    "for",
    '"\\q"',
    "has(a)",
    "x.all(1, true)",
    "a ? b",
    "@",
  ];
  for (const text of bad) assert.notEqual(celFault(text), undefined, text);
  assert.equal(celFault("a ~ b"), '"~" at character 3 begins nothing');
});

test("nesting is bounded, and any text is read", () => {
  assert.match(celFault(`${"(".repeat(10_000)}1`) ?? "", /nests more than/u);
  assert.match(celFault("!".repeat(50_000)) ?? "", /too early/u);
  fc.assert(fc.property(fc.string(), (text) => void celFault(text)));
  const symbols = fc.constantFrom("(", ")", "[", "]", "{", "}", ".", ",", "a", "1", "'x'", "+", "-", "!", "?", ":", " ", "in", "&&");
  fc.assert(fc.property(fc.array(symbols), (parts) => void celFault(parts.join(""))));
});
