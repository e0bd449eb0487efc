import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { RE2JS } from "re2js";
import { checkSubstitution, compileRegex, enableLinearRegexEngine } from "./regex.ts";

const before = compileRegex("a+b");
enableLinearRegexEngine();

test("without V8's linear engine every pattern runs in re2js", () => {
  assert.equal(before.engine, "re2");
  assert.equal(compileRegex("a+b").engine, "v8");
});

test("a regex matches whole values only", () => {
  for (const regex of [compileRegex("/users/\\d+"), compileRegex("(?i)/users/\\d+")]) {
    assert.equal(regex.matches("/users/12"), true);
    assert.equal(regex.matches("/users/12/x"), false);
    assert.equal(regex.matches("x/users/12"), false);
  }
  assert.equal(compileRegex("a|bc").matches("ac"), false);
});

test("what means something else in V8 runs in re2js with RE2's meaning", () => {
  for (const pattern of ["(?i)abc", "[[:alpha:]]+", "\\pL+", "\\Qa.b\\E", "(?P<n>a)", "\\x41", "[]a]+", "a\\z"]) {
    assert.equal(compileRegex(pattern).engine, "re2", pattern);
  }
  assert.equal(compileRegex("(?i)abc").matches("AbC"), true);
  assert.equal(compileRegex("\\Qa.b\\E").matches("axb"), false);
  assert.equal(compileRegex("[]a]+").matches("]a]"), true);
});

test("dot and \\s keep RE2's meaning in V8", () => {
  const dot = compileRegex("a.b");
  assert.equal(dot.engine, "v8");
  assert.equal(dot.matches("a\rb"), true);
  assert.equal(dot.matches("a\nb"), false);
  const space = compileRegex("a[\\sx]b");
  assert.equal(space.engine, "v8");
  assert.equal(space.matches("a\u00a0b"), false);
  assert.equal(space.matches("a b"), true);
});

test("what RE2 does not have is refused by name", () => {
  for (const pattern of ["(?=a)", "(?<!a)b", "(a)\\1", "a**", "(", "[z-a]", "a{1001}"]) {
    assert.throws(() => compileRegex(pattern), /is not valid RE2/, pattern);
  }
  assert.throws(() => compileRegex("a".repeat(20_000)), /longer than/);
  assert.throws(() => compileRegex("([a-z]{900}){30}"), /RE2|too complex/);
});

test("hostile patterns end at once in either engine", () => {
  const text = `${"a".repeat(5_000)}!`;
  for (const pattern of ["(a+)+", "(a|a)*", "(.*a){12}", "(a*)*b", "(?i)(a+)+", "([a-zA-Z]+)*", "(a|aa)+", "(x+x+)+y", "(.*)*=(.*)"]) {
    const regex = compileRegex(pattern);
    const started = performance.now();
    assert.equal(regex.matches(text), false);
    regex.replaceAll(text.slice(0, 500), "x");
    assert.ok(performance.now() - started < 1_500, `${pattern} took ${performance.now() - started} ms`);
  }
});

test("substitution names groups as RE2 does", () => {
  for (const pattern of ["^/service/([^/]+)(/.*)$", "^/service/(?P<v>[^/]+)(/.*)$"]) {
    assert.equal(compileRegex(pattern).replaceAll("/service/foo/v1/api", "\\2/instance/\\1"), "/v1/api/instance/foo");
  }
  assert.equal(compileRegex("one").replaceAll("/one/two/one", "$&\\\\"), "/$&\\/two/$&\\");
  assert.equal(compileRegex("x*").replaceAll("abc", "-"), "-a-b-c-");
  for (const pattern of [".*", "(?s).*"]) assert.equal(compileRegex(pattern).replaceAll("/a/b", "/all"), "/all");
  assert.equal(compileRegex("b*").replaceAll("abbc", "-"), "-a-c-");
  checkSubstitution("(a)", "\\0\\1\\\\");
  assert.throws(() => checkSubstitution("(a)", "\\2"), /names group 2/);
  assert.throws(() => checkSubstitution("(a)", "a\\"), /lone backslash/);
});

test("both engines agree on random patterns over a small alphabet", () => {
  const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "\\s", "(a|b)", "(?:ab)", "\\.", "^", "$", "\\b", "/");
  const piece = fc
    .tuple(atom, fc.constantFrom("", "*", "+", "?", "{1,2}", "*?"))
    .map(([a, q]) => (/[\^$]|\\b/.test(a) && a !== "[^a]" ? a : a + q));
  const pattern = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
  const text = fc.array(fc.constantFrom("a", "b", "1", " ", ".", "\n", "/"), { maxLength: 8 }).map((chars) => chars.join(""));
  fc.assert(
    fc.property(pattern, text, (source, value) => {
      const regex = compileRegex(source);
      assert.equal(regex.matches(value), RE2JS.compile(source).testExact(value), `${regex.engine}: ${source}`);
    }),
    { numRuns: 500 },
  );
});

test("random text is either a regex or an error, never a crash", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (source) => {
      try {
        compileRegex(source).matches(source);
      } catch (error) {
        assert.match((error as Error).message, /^regex /);
      }
    }),
    { numRuns: 500 },
  );
});
