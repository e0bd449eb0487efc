import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@bufbuild/protobuf";
import { runtimeValueOfText } from "./runtime-text.ts";
import { runtimeValue } from "./runtime-value.ts";

// The texts are what Envoy 1.40 shows for the same values of a bootstrap in JSON.
test("a value is shown as Envoy shows it", () => {
  const shown: readonly (readonly [JsonValue, string])[] = [
    [3, "3"],
    [2.5, "2.5"],
    [-4, "-4"],
    [0, "0"],
    [-0, "-0"],
    [12345678901, "1.23457e+10"],
    [1234567, "1.23457e+06"],
    [123456.789, "123457"],
    [1e20, "1e+20"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1 / 3, "0.333333"],
    [true, "true"],
    [" 7 ", " 7 "],
    ["", ""],
    [{ numerator: 5, denominator: "MILLION" }, denominatorText],
    [{}, ""],
  ];
  for (const [value, text] of shown) assert.equal(runtimeValue(value, "").text, text);
});

const denominatorText = `fields {
  key: "denominator"
  value {
    string_value: "MILLION"
  }
}
fields {
  key: "numerator"
  value {
    number_value: 5
  }
}
`;

test("a number is also a whole number, and a flag where it is whole", () => {
  assert.deepEqual(runtimeValue(7, ""), { text: "7", double: 7, integer: 7, flag: true });
  assert.deepEqual(runtimeValue(0, ""), { text: "0", double: 0, integer: 0, flag: false });
  assert.deepEqual(runtimeValue(3.9, ""), { text: "3.9", double: 3.9, integer: 3 });
  assert.deepEqual(runtimeValue(-4, ""), { text: "-4", double: -4, flag: true });
});

test("a text counts as the number that it looks like, and as nothing else", () => {
  assert.deepEqual(runtimeValue(" 7 ", ""), { text: " 7 ", double: 7, integer: 7, flag: true });
  assert.deepEqual(runtimeValue("1e3", ""), { text: "1e3", double: 1000, integer: 1000, flag: true });
  for (const text of ["true", "seven", "{numerator: 5}", "0x10", ""]) assert.deepEqual(runtimeValue(text, ""), { text });
});

test("a struct counts as a FractionalPercent where it has nothing else in it", () => {
  assert.equal(runtimeValue({ numerator: 5, denominator: "TEN_THOUSAND" }, "").share, 0.0005);
  assert.equal(runtimeValue({ numerator: 500 }, "").share, 1);
  assert.equal(runtimeValue({ denominator: "MILLION" }, "").share, 0);
  assert.equal(runtimeValue({}, "").share, 0);
  for (const value of [
    { numerator: 5, x: 1 },
    { numerator: 5, denominator: "TEN" },
    { numerator: 5, denominator: 2 },
  ])
    assert.equal(runtimeValue(value, "").share, undefined);
});

test("a written text is YAML, and is shown as it was written", () => {
  assert.deepEqual(runtimeValueOfText("9"), { text: "9", double: 9, integer: 9, flag: true });
  assert.deepEqual(runtimeValueOfText("2.50"), { text: "2.50", double: 2.5, integer: 2 });
  assert.deepEqual(runtimeValueOfText("12345678901"), { text: "12345678901", double: 12345678901, integer: 12345678901 });
  assert.deepEqual(runtimeValueOfText("TRUE"), { text: "TRUE", flag: true });
  assert.deepEqual(runtimeValueOfText("off"), { text: "off", flag: false });
  assert.deepEqual(runtimeValueOfText('"off"'), { text: '"off"' });
  const percent = "{numerator: 5, denominator: MILLION}";
  assert.deepEqual(runtimeValueOfText(percent), { text: percent, share: 0.000005 });
  for (const text of ["~", "null", "[1, 2]", "  "]) assert.deepEqual(runtimeValueOfText(text), { text });
  assert.throws(() => runtimeValueOfText("{"));
});
