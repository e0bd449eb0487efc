// A runtime value that somebody wrote as text, in a file or to the admin endpoint: it is YAML, read as Envoy reads it. Its numbers are the
// whole ones of 32 bits; any other is a text that looks like one.
import { createRequire } from "node:module";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { runtimeValue } from "./runtime-value.ts";
import type { RuntimeValue } from "./runtime-value.ts";

const require = createRequire(import.meta.url);

/** Loaded with the first value: most proxies never read one. */
function yaml(): typeof import("yaml") {
  return require("yaml") as typeof import("yaml");
}

/** @throws Error when it is no YAML */
export function runtimeValueOfText(text: string): RuntimeValue {
  const { parseDocument } = yaml();
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw new Error(error.message);
  return runtimeValue(jsonOf(document.contents), text);
}

const FLAG = /^(y|yes|true|on|n|no|false|off)$/i;
const YES = /^(y|yes|true|on)$/i;
const INTEGER = /^[+-]?(0x[\da-f]+|\d+)$/i;

function jsonOf(node: unknown): JsonValue {
  const { isMap, isScalar, isSeq } = yaml();
  if (isSeq(node)) return node.items.map(jsonOf);
  if (isMap(node)) {
    const fields: JsonObject = {};
    for (const { key, value } of node.items) fields[String(isScalar(key) ? key.value : key)] = jsonOf(value);
    return fields;
  }
  if (!isScalar(node)) return null;
  const text = String(node.value);
  if (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE") return text;
  if (text === "" || text === "~" || /^null$/i.test(text)) return null;
  if (FLAG.test(text)) return YES.test(text);
  const number = INTEGER.test(text) ? Number(text.replace(/^\+/, "")) : Number.NaN;
  return number >= -(2 ** 31) && number < 2 ** 31 ? number : text;
}
