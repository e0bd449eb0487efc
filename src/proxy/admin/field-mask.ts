// google.protobuf.FieldMask over a dump in JSON with proto names: what the paths name is kept, elements of lists and packed messages included.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** undefined: nothing of it is named. */
export function masked(object: JsonObject, paths: readonly string[]): JsonObject | undefined {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(object)) {
    const own = paths.filter((path) => path === name || path.startsWith(`${name}.`));
    if (own.length === 0) continue;
    const below = own.includes(name) ? undefined : own.map((path) => path.slice(name.length + 1));
    const item = below === undefined ? value : maskedValue(value, below);
    if (item !== undefined) kept[name] = item;
  }
  if (Object.keys(kept).length === 0) return undefined;
  return object["@type"] === undefined ? kept : { "@type": object["@type"], ...kept };
}

function maskedValue(value: JsonValue, paths: readonly string[]): JsonValue | undefined {
  if (Array.isArray(value)) return value.map((item) => maskedValue(item, paths) ?? {});
  return typeof value === "object" && value !== null ? masked(value, paths) : undefined;
}
