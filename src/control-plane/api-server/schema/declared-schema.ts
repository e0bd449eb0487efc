// The schema of a resource from its kind's declaration.
import type { Message, Shape } from "#api/declaration";
import type { DecodedKind } from "#api/decoded-kind";
import { objectEnvelope, objectHead } from "#api/object-envelope";
import { messageOf } from "#api/declaration";
import { listMerging } from "./list-merging.ts";
import { objectMetaSchema } from "./object-meta.ts";
import { ANY, type Schema } from "./schema.ts";

const conditions: Schema = {
  type: "array",
  description: "What is true of it now",
  items: { type: "object", open: true, required: ["type"], properties: new Map([["type", { type: "string" }]]) },
  ...listMerging("Status", "conditions"),
};

/** Status is written by controllers: known by name only, but for its conditions. */
const status: Schema = { type: "object", description: "What is", open: true, properties: new Map([["conditions", conditions]]) };

export interface ObjectSchemaOptions {
  readonly kind: string;
  /** Undefined: a kind that is known by name only. */
  readonly declaration: DecodedKind | undefined;
  readonly specRequired: boolean;
  /** Of Kubernetes' own kinds: what the names of their parts begin with in OpenAPI. */
  readonly definitionPrefix?: string;
}

/** Of an object as a whole. */
export function objectSchema({ kind, declaration, specRequired, definitionPrefix }: ObjectSchemaOptions): Schema {
  const head: [string, Schema][] = [
    ["apiVersion", { type: "string", description: "The API group and version" }],
    ["kind", { type: "string", description: "The kind" }],
    ["metadata", objectMetaSchema],
  ];
  if (declaration === undefined)
    return { type: "object", description: kind, open: true, properties: new Map([...head, ["status", status]]) };
  const specName = declaration.spec.name.endsWith("Spec") ? declaration.spec.name : `${declaration.spec.name}Spec`;
  const names: Names = (name) => (definitionPrefix === undefined ? undefined : `${definitionPrefix}.${name}`);
  const spec = messageSchema(declaration.spec, declaration.body === "spec" ? names(specName) : undefined, names);
  const description = `${kind}: ${declaration.effect === "none" ? "accepted, without an effect yet" : "configuration of the mesh"}`;
  if (declaration.body === "object") {
    const own = [...(spec.properties ?? [])].filter(([name]) => !messageOf(objectHead).fields.has(name));
    return {
      type: "object",
      description,
      properties: new Map([...head, ...own]),
      ...(spec.required === undefined ? {} : { required: spec.required }),
    };
  }
  const doc = messageOf(objectEnvelope).fields.get("spec")?.doc ?? "";
  return {
    type: "object",
    description,
    properties: new Map([...head, ["spec", { ...spec, description: doc }], ["status", status]]),
    ...(specRequired ? { required: ["spec"] } : {}),
  };
}

/** Under which name a message is found in OpenAPI; undefined where it stands in its place. */
type Names = (message: string) => string | undefined;

const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

function messageSchema(message: Message, definition: string | undefined, names: Names): Schema {
  const properties = new Map<string, Schema>();
  const required: string[] = [];
  for (const [name, field] of message.fields) {
    const description = field.effect === "none" ? `${field.doc} (no effect yet)` : field.doc;
    // Metadata of a pod template is ObjectMeta, too.
    const shaped = name === "metadata" && isMetadata(field.type.shape) ? objectMetaSchema : shapeSchema(field.type.shape, names);
    const merging = listMerging(message.name, name);
    const schema: Schema = { ...asList(shaped, merging !== undefined), description, ...merging };
    properties.set(name, schema);
    if (field.alsoWritten !== undefined) properties.set(field.alsoWritten, schema);
    if (field.required) required.push(name);
  }
  return {
    type: "object",
    properties,
    ...(definition === undefined ? {} : { definition }),
    ...(required.length === 0 ? {} : { required }),
  };
}

/** A merged list that is declared without its items. */
function asList(schema: Schema, isMerged: boolean): Schema {
  return isMerged && schema.type === "any" ? { type: "array", items: { type: "object", open: true } } : schema;
}

function isMetadata(shape: Shape): boolean {
  return shape.kind === "message" && shape.message.name === "metadata";
}

function shapeSchema(shape: Shape, names: Names): Schema {
  const limits = shape.limits ?? {};
  const { listKeys } = limits;
  const merge: Pick<Schema, "merge"> = listKeys === undefined ? {} : { merge: listKeys.length === 0 ? "set" : { keys: listKeys } };
  const { minLength, maxLength, pattern, minimum, maximum, minItems, maxItems, minProperties, maxProperties } = limits;
  const words = Object.entries({
    minLength,
    maxLength,
    pattern,
    minimum,
    maximum,
    minItems,
    maxItems,
    minProperties,
    maxProperties,
  }).filter((entry): entry is [string, number | string] => entry[1] !== undefined);
  return { ...typeSchema(shape, names), ...merge, ...(words.length === 0 ? {} : { limits: Object.fromEntries(words) }) };
}

function typeSchema(shape: Shape, names: Names): Schema {
  switch (shape.kind) {
    case "string":
    case "duration":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "integer":
      return { type: "integer", ...(shape.max === 2 ** 31 - 1 ? { format: "int32" } : {}) };
    case "number":
      return { type: "number", format: "double" };
    case "enum":
      return { type: "string", enum: [...shape.numbers.keys()] };
    case "integer-or-string":
      return { type: "int-or-string", ...(names("") === undefined ? {} : { definition: INT_OR_STRING }) };
    case "json":
      return ANY;
    case "repeated":
      return { type: "array", items: shapeSchema(shape.element, names) };
    case "map":
      return { type: "object", values: shapeSchema(shape.value, names) };
    case "message":
      return messageSchema(shape.message, names(shape.message.name), names);
  }
}
