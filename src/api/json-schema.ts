// The JSON schema of a kind, for editors and for the API server's OpenAPI, from the same declaration as the decoder.
import type { Field, Limits, Message, Shape } from "./declaration.ts";
import { decodedKind, decodedKindNames } from "./kinds.ts";

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Undefined for kinds that are not decoded. */
export function jsonSchema(kind: string): JsonSchema | undefined {
  const declaration = decodedKind(kind);
  if (declaration === undefined) return undefined;
  const spec = messageSchema(declaration.spec);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: declaration.writtenAs,
    type: "object",
    properties: {
      apiVersion: { type: "string", enum: declaration.apiVersions },
      kind: { type: "string", const: declaration.writtenAs },
      metadata: { type: "object" },
      ...(declaration.body === "spec" ? { spec, status: { type: "object" } } : (spec["properties"] as JsonSchema)),
    },
    required: ["apiVersion", "kind", "metadata", ...(declaration.body === "spec" && !declaration.specMayBeMissing ? ["spec"] : [])],
  };
}

/** One schema for whatever a file holds: apiVersion and kind choose. For editors. */
export function schemaOfFile(): JsonSchema {
  const definitions: Record<string, JsonSchema> = {};
  const choices: JsonSchema[] = [];
  for (const name of decodedKindNames()) {
    const declaration = decodedKind(name);
    const schema = jsonSchema(name);
    // Those are files of their own form.
    if (declaration === undefined || schema === undefined || declaration.apiVersions[0]?.startsWith("mesh.istio.io/") === true) continue;
    definitions[name] = schema;
    choices.push({
      if: {
        properties: { apiVersion: { enum: declaration.apiVersions }, kind: { const: declaration.writtenAs } },
        required: ["apiVersion", "kind"],
      },
      // eslint-disable-next-line unicorn/no-thenable -- JSON schema's own word
      then: { $ref: `#/$defs/${name}` },
    });
  }
  const kinds = new Set(Object.values(definitions).map((definition) => definition["title"]));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of the mesh",
    type: "object",
    properties: { apiVersion: { type: "string" }, kind: { type: "string", examples: [...kinds] } },
    required: ["apiVersion", "kind"],
    allOf: choices,
    $defs: definitions,
  };
}

function messageSchema(message: Message): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [name, field] of message.fields) {
    properties[name] = fieldSchema(field);
    if (field.required) required.push(name);
  }
  return {
    title: message.name,
    type: "object",
    properties,
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    ...(message.oneofs.length === 0 ? {} : { allOf: message.oneofs.map(atMostOne) }),
  };
}

function fieldSchema(field: Field): JsonSchema {
  const description = field.effect === "none" ? `${field.doc} (no effect yet)` : field.doc;
  return { description, ...shapeSchema(field.type.shape) };
}

function shapeSchema(shape: Shape): JsonSchema {
  const schema = typeSchema(shape);
  return shape.limits === undefined ? schema : { ...schema, ...limitKeywords(shape.limits) };
}

/** The limits that JSON schema has words for; keys of lists and CEL are for whoever reads those. */
function limitKeywords(limits: Limits): JsonSchema {
  const { minLength, maxLength, pattern, minimum, maximum, minItems, maxItems, minProperties, maxProperties, listKeys } = limits;
  const keywords = { minLength, maxLength, pattern, minimum, maximum, minItems, maxItems, minProperties, maxProperties };
  const written = Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined));
  return listKeys?.length === 0 ? { ...written, uniqueItems: true } : written;
}

function typeSchema(shape: Shape): JsonSchema {
  switch (shape.kind) {
    case "string":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "integer":
      return { type: "integer", minimum: shape.min, maximum: shape.max };
    case "number":
      return { type: "number" };
    case "duration":
      return {
        type: "string",
        format: "duration",
        pattern: shape.pattern ?? "^[-+]?(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h))+$",
      };
    case "enum":
      return { type: "string", enum: [...shape.numbers.keys()] };
    case "integer-or-string":
      return { type: ["integer", "string"], "x-kubernetes-int-or-string": true };
    case "json":
      return { "x-kubernetes-preserve-unknown-fields": true };
    case "repeated":
      return { type: "array", items: shapeSchema(shape.element) };
    case "map":
      return { type: "object", additionalProperties: shapeSchema(shape.value) };
    case "message":
      return messageSchema(shape.message);
  }
}

/** No two of the names together. */
function atMostOne(names: readonly string[]): JsonSchema {
  const pairs: JsonSchema[] = [];
  for (const [index, first] of names.entries()) {
    for (const second of names.slice(index + 1)) pairs.push({ required: [first, second] });
  }
  return { not: { anyOf: pairs } };
}
