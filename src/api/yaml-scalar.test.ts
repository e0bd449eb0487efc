import assert from "node:assert/strict";
import { test } from "node:test";
import { resolvePlain } from "./yaml-scalar.ts";

test("plain scalars mean what they mean to Kubernetes", () => {
  const cases: readonly (readonly [string, string | number | boolean | null])[] = [
    ["", null],
    ["~", null],
    ["Null", null],
    ["yes", true],
    ["On", true],
    ["OFF", false],
    ["n", false],
    ["yEs", "yEs"],
    ["12", 12],
    ["-3", -3],
    ["1_000", 1000],
    ["0777", 511],
    ["0o17", 15],
    ["0x1F", 31],
    ["0b101", 5],
    ["1.5", 1.5],
    [".5", 0.5],
    ["1e3", 1000],
    ["08", 8],
    ["1.2.3", "1.2.3"],
    ["v1", "v1"],
    ["-", "-"],
    ["10.0.0.1", "10.0.0.1"],
    ["12:30", "12:30"],
    ["5s", "5s"],
    ["__proto__", "__proto__"],
  ];
  for (const [text, value] of cases) assert.equal(resolvePlain(text), value, text);
  assert.equal(resolvePlain("-.inf"), -Infinity);
  assert.ok(Number.isNaN(resolvePlain(".nan")));
});
