// Fields that the schema does not know: named (fieldValidation Strict, Warn) and left out, as the API server does.
import { entriesOf, isList, isObject, objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";
import { memberSchema, type Schema } from "./schema.ts";

/** The object as far as it is known; `report` gets the path of each field that is not: `spec.http[0].rout`. */
export function knownPart(object: JsonObject, schema: Schema, report: (path: string) => void): JsonObject {
  return prunedMembers(object, schema, "", report);
}

function prunedMembers(object: JsonObject, schema: Schema, path: string, report: (path: string) => void): JsonObject {
  const kept: [string, Json][] = [];
  for (const [key, value] of entriesOf(object)) {
    const inner = path === "" ? key : `${path}.${key}`;
    const known = memberSchema(schema, key);
    if (known === undefined) report(inner);
    else kept.push([key, pruned(value, known, inner, report)]);
  }
  return objectOf(kept);
}

function pruned(value: Json, schema: Schema, path: string, report: (path: string) => void): Json {
  // Where no object should be, no member of one is known, as in Kubernetes' structural schemas; the type is for validation to say.
  if (isObject(value)) return schema.type === "any" ? value : prunedMembers(value, schema, path, report);
  const { items } = schema;
  if (!isList(value) || items === undefined) return value;
  return value.map((item, index) => pruned(item, items, `${path}[${index}]`, report));
}
