// Reading of proto JSON without its schema: what is absent is empty.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

export function object(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** `at(route, "match", "path")`; `{}` where there is nothing. */
export function at(value: JsonValue | undefined, ...keys: readonly string[]): JsonObject {
  return keys.reduce<JsonObject>((inner, key) => object(inner[key]), object(value));
}

export function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(object) : [];
}

export function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function text(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function number(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : typeof value === "string" && value !== "" ? Number(value) : undefined;
}

/** Of a proto JSON duration: `1.500s`. */
export function milliseconds(value: JsonValue | undefined): number | undefined {
  return typeof value === "string" && value.endsWith("s") ? Number(value.slice(0, -1)) * 1000 : undefined;
}
