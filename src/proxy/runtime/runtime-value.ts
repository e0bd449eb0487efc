// One value of a runtime layer, read once into everything that a decision may ask of it. What counts as what is Envoy's
// (Runtime::SnapshotImpl): numbers are also whole numbers, and flags when they are whole; texts are numbers when they look like one.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

export interface RuntimeValue {
  /** As `/runtime` shows it. */
  readonly text: string;
  readonly double?: number;
  /** Rounded down; only of numbers that are not below 0. */
  readonly integer?: number;
  readonly flag?: boolean;
  /** Of a FractionalPercent, in [0, 1]. */
  readonly share?: number;
}

const MAX_INT32 = 2 ** 31 - 1;
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

/** `text`: as somebody wrote it; "": the value says it itself. Lists and null have a text and nothing else. */
export function runtimeValue(value: JsonValue, text: string): RuntimeValue {
  if (typeof value === "number") return { text: text || sixDigits(value), ...ofNumber(value) };
  if (typeof value === "boolean") return { text: text || String(value), flag: value };
  if (typeof value === "string") {
    const shown = text || value;
    return NUMBER.test(shown) ? { text: shown, ...ofNumber(Number(shown)) } : { text: shown };
  }
  if (value === null || Array.isArray(value)) return { text };
  const share = shareOf(value);
  return { text: text || structText(value), ...(share === undefined ? {} : { share }) };
}

/** A struct that is a value, and no folder of further keys. */
export function isLeaf(value: JsonObject): boolean {
  return Object.keys(value).length === 0 || "numerator" in value || "denominator" in value;
}

function ofNumber(value: number): Pick<RuntimeValue, "double" | "integer" | "flag"> {
  return {
    double: value,
    ...(value >= 0 ? { integer: Math.floor(value) } : {}),
    ...(Number.isInteger(value) && Math.abs(value) < MAX_INT32 ? { flag: value !== 0 } : {}),
  };
}

const DENOMINATORS: ReadonlyMap<JsonValue | undefined, number> = new Map([
  ["HUNDRED", 100],
  ["TEN_THOUSAND", 10_000],
  ["MILLION", 1_000_000],
]);

function shareOf({ numerator = 0, denominator = "HUNDRED", ...others }: JsonObject): number | undefined {
  const whole = DENOMINATORS.get(denominator);
  if (whole === undefined || Object.keys(others).length > 0) return undefined;
  return typeof numerator === "number" ? Math.min(1, Math.floor(numerator) / whole) : 0;
}

/** A number as Envoy's absl::StrCat writes it: six digits, an exponent of at least two. */
function sixDigits(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const rounded = Number(value.toPrecision(6));
  const exponent = Math.floor(Math.log10(Math.abs(rounded)));
  if (rounded === 0 || (exponent >= -5 + 1 && exponent < 6)) return String(rounded);
  const [digits, power = ""] = rounded.toExponential().split("e");
  return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** As protobuf's text format writes a Struct. */
function structText(value: JsonObject, indent = ""): string {
  return Object.keys(value)
    .sort()
    .map((key) => {
      const inner = valueText(value[key] ?? null, `${indent}    `);
      return `${indent}fields {\n${indent}  key: ${JSON.stringify(key)}\n${indent}  value {\n${inner}${indent}  }\n${indent}}\n`;
    })
    .join("");
}

function valueText(value: JsonValue, indent: string): string {
  if (typeof value === "number") return `${indent}number_value: ${value}\n`;
  if (typeof value === "boolean") return `${indent}bool_value: ${value}\n`;
  if (typeof value === "string") return `${indent}string_value: ${JSON.stringify(value)}\n`;
  if (value === null) return `${indent}null_value: NULL_VALUE\n`;
  if (Array.isArray(value)) {
    const items = value.map((item) => `${indent}  values {\n${valueText(item, `${indent}    `)}${indent}  }\n`);
    return `${indent}list_value {\n${items.join("")}${indent}}\n`;
  }
  return `${indent}struct_value {\n${structText(value, `${indent}  `)}${indent}}\n`;
}
