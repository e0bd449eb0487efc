// What a Kubernetes API server says of an object by the schema of its CustomResourceDefinition: structure first, then the CEL rules.
import { CelScalar, celEnv, celFunc, celMethod, parse, plan } from "@bufbuild/cel";
import type { CelInput } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { isRequestAddress, parseAddress } from "#api/validation/urls";

export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly nullable?: boolean;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly not?: Schema;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
}

type Rules = (rule: string, self: unknown) => boolean;

/** Everything that is wrong: paths with messages. */
export function violations(schema: Schema, value: unknown, rules: Rules): readonly string[] {
  const found: string[] = [];
  checkStructure(schema, value, "spec", found);
  // Rules count on the structure.
  if (found.length === 0) checkRules(schema, value, "spec", rules, found);
  return found;
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function checkStructure(schema: Schema, value: unknown, path: string, found: string[]): void {
  const type = typeOf(value);
  if (value === null && schema.nullable === true) return;
  if (schema.type !== undefined && schema.type !== type && !(schema.type === "number" && type === "integer")) {
    found.push(`${path}: must be ${schema.type}, is ${type}`);
    return;
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${path}: must be one of ${schema.enum.join(", ")}`);
  if (typeof value === "string") {
    // Code points.
    const { length } = Array.from(value);
    if (length < (schema.minLength ?? 0)) found.push(`${path}: should be at least ${schema.minLength} chars long`);
    if (length > (schema.maxLength ?? length)) found.push(`${path}: should be at most ${schema.maxLength} chars long`);
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) found.push(`${path}: should match ${schema.pattern}`);
  } else if (typeof value === "number") {
    if (value < (schema.minimum ?? value)) found.push(`${path}: should be greater than or equal to ${schema.minimum}`);
    if (value > (schema.maximum ?? value)) found.push(`${path}: should be less than or equal to ${schema.maximum}`);
  } else if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) found.push(`${path}: should have at least ${schema.minItems} items`);
    if (value.length > (schema.maxItems ?? value.length)) found.push(`${path}: must have at most ${schema.maxItems} items`);
    const keys = schema["x-kubernetes-list-map-keys"];
    const names = value.map((item) => JSON.stringify(keys?.map((key) => (item as Readonly<Record<string, unknown>>)[key])));
    if (keys !== undefined && new Set(names).size < names.length) found.push(`${path}: Duplicate value`);
    for (const [index, item] of value.entries())
      if (schema.items !== undefined) checkStructure(schema.items, item, `${path}[${index}]`, found);
  } else if (type === "object") checkObject(schema, value as Readonly<Record<string, unknown>>, path, found);
  checkLogic(schema, value, path, found);
}

function checkObject(schema: Schema, value: Readonly<Record<string, unknown>>, path: string, found: string[]): void {
  const keys = Object.keys(value);
  if (keys.length > (schema.maxProperties ?? keys.length)) found.push(`${path}: must have at most ${schema.maxProperties} properties`);
  if (keys.length < (schema.minProperties ?? 0)) found.push(`${path}: should have at least ${schema.minProperties} properties`);
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) found.push(`${path}.${name}: Required value`);
  for (const [name, part] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known !== undefined) checkStructure(known, part, `${path}.${name}`, found);
    else if (schema.type !== undefined && schema["x-kubernetes-preserve-unknown-fields"] !== true)
      found.push(`${path}: unknown field ${name}`);
  }
}

function checkLogic(schema: Schema, value: unknown, path: string, found: string[]): void {
  const fits = (part: Schema): boolean => {
    const inner: string[] = [];
    checkStructure(part, value, path, inner);
    return inner.length === 0;
  };
  if (schema.oneOf !== undefined && schema.oneOf.filter(fits).length !== 1)
    found.push(`${path}: must validate one and only one schema (oneOf)`);
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) found.push(`${path}: must validate at least one schema (anyOf)`);
  for (const part of schema.allOf ?? []) checkStructure(part, value, path, found);
  if (schema.not !== undefined && fits(schema.not)) found.push(`${path}: must not validate the schema (not)`);
}

function checkRules(schema: Schema, value: unknown, path: string, rules: Rules, found: string[]): void {
  for (const { rule, message } of schema["x-kubernetes-validations"] ?? []) {
    if (!rules(rule, forCel(schema, value))) found.push(`${path}: ${message}`);
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      if (schema.items !== undefined) checkRules(schema.items, item, `${path}[${index}]`, rules, found);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      if (known !== undefined) checkRules(known, part, `${path}.${name}`, rules, found);
    }
  }
}

/** Integers are CEL's int, objects its maps. */
function forCel(schema: Schema, value: unknown): unknown {
  if (typeof value === "number") return schema.type === "integer" ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => forCel(schema.items ?? {}, item));
  if (typeof value !== "object" || value === null) return value;
  return new Map(
    Object.entries(value).map(([name, part]) => [name, forCel(schema.properties?.[name] ?? schema.additionalProperties ?? {}, part)]),
  );
}

/** The rules of CEL with what Kubernetes adds: url() and its scheme. */
export function celRules(): Rules {
  const { STRING, BOOL } = CelScalar;
  const env = celEnv({
    funcs: [
      ...strings,
      celFunc("isURL", [STRING], BOOL, (text) => isRequestAddress(text)),
      celFunc("url", [STRING], STRING, (text) => {
        if (!isRequestAddress(text)) throw new Error(`${text} is no URL`);
        return text;
      }),
      celMethod("getScheme", STRING, [], STRING, function scheme() {
        return parseAddress(this)?.scheme ?? "";
      }),
    ],
  });
  const planned = new Map<string, ReturnType<typeof plan>>();
  return (rule, self) => {
    const known = planned.get(rule) ?? plan(env, parse(rule));
    planned.set(rule, known);
    // An error is no success, as for the API server.
    return known({ self: self as CelInput }) === true;
  };
}
