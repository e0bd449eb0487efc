import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "#api/finding";
import { plainFlags } from "./boolean-flags.ts";
import { isSuppressed, parseSuppression } from "./suppression.ts";

function suppresses(text: string, kind: string, namespace: string, name: string): boolean {
  const suppression = parseSuppression(text);
  assert.ok(suppression !== undefined, text);
  const finding: Finding = { level: "error", code: "IST0101", message: "", object: { kind, namespace, name } };
  return isSuppressed(finding, [suppression]);
}

test("a suppression names a resource in either form, or many with *", () => {
  assert.ok(suppresses("IST0101=VirtualService reviews.default", "VirtualService", "default", "reviews"));
  assert.ok(suppresses("IST0101=VirtualService default/reviews", "VirtualService", "default", "reviews"));
  assert.ok(suppresses("IST0101=VirtualService *.default", "VirtualService", "default", "reviews"));
  assert.ok(suppresses("IST0101=*", "Namespace", "", "x"));
  assert.ok(!suppresses("IST0101=VirtualService *.other", "VirtualService", "default", "reviews"));
  assert.ok(!suppresses("IST0102=*", "VirtualService", "default", "reviews"));
  // A dot is a dot.
  assert.ok(!suppresses("IST0101=VirtualService a.default", "VirtualService", "default", "axdefault"));
});

test("what is no suppression is refused", () => {
  for (const text of ["", "IST0101", "=x", "IST0101=", "IST0101=a=b"]) assert.equal(parseSuppression(text), undefined, text);
});

test("switches may be written with their value", () => {
  const plain = (...args: readonly string[]): readonly string[] => plainFlags(args, ["verbose", "use-kube"], ["color"]);
  assert.deepEqual(plain("analyze", "--use-kube=false", "--verbose=true", "--color=false", "a.yaml"), [
    "analyze",
    "--verbose",
    "--no-color",
    "a.yaml",
  ]);
  assert.deepEqual(plain("--output=true", "--color=true"), ["--output=true"]);
});
