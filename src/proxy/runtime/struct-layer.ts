// A layer that is one struct, of the bootstrap or of a Runtime resource: nested structs are keys with dots.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isLeaf, runtimeValue } from "./runtime-value.ts";
import type { RuntimeValue } from "./runtime-value.ts";

/** `report` names a key that cannot be one. */
export function flattenStruct(struct: JsonObject, report: (key: string, message: string) => void): ReadonlyMap<string, RuntimeValue> {
  const values = new Map<string, RuntimeValue>();
  const walk = (value: JsonValue, key: string): void => {
    if (value === null || Array.isArray(value)) report(key, "is neither a number, nor a flag, a text or a FractionalPercent");
    else if (typeof value === "object" && !isLeaf(value)) walkFields(value, `${key}.`);
    // A key that is written twice, with dots and nested, counts once.
    else if (!values.has(key)) values.set(key, runtimeValue(value, ""));
  };
  const walkFields = (fields: JsonObject, prefix: string): void => {
    for (const field of Object.keys(fields).sort()) walk(fields[field] ?? null, prefix + field);
  };
  walkFields(struct, "");
  return values;
}
