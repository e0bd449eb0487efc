// From a YAML node to a decoded value, by the declaration of its kind: strict proto3 JSON. Unknown fields, wrong types and values
// out of range are findings with the place, the path and a likely fix; all of them are gathered, not the first one only.
import type { Field, Limits, Message, Shape } from "./declaration.ts";
import type { FieldPath } from "./field-path.ts";
import { parseDuration } from "./go-duration.ts";
import { didYouMean } from "./suggestion.ts";
import type { SourceEntry, SourceList, SourceMap, SourceNode, SourceScalar } from "./yaml-node.ts";

/** What the decoder says about one place; the caller makes a Finding of it. */
export interface DecodeReport {
  readonly level: "error" | "warning" | "info";
  readonly code: "MZ0002" | "MZ0004";
  readonly path: FieldPath;
  readonly offset: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type Report = (report: DecodeReport) => void;

/** The decoded value; undefined when it was left out, is null, or is wrong (and reported). */
export function decode(shape: Shape, node: SourceNode, path: FieldPath, report: Report): unknown {
  if (isNull(node)) return undefined;
  const value = decodeShape(shape, node, path, report);
  if (shape.limits !== undefined && value !== undefined) checkLimits(value, shape.limits, node, path, report);
  return value;
}

function decodeShape(shape: Shape, node: SourceNode, path: FieldPath, report: Report): unknown {
  switch (shape.kind) {
    case "message":
      return decodeMessage(shape.message, node, path, report);
    case "repeated":
      return decodeList(shape.element, node, path, report);
    case "map":
      return decodeMap(shape.value, node, path, report);
    case "json":
      return plainValue(node);
    default:
      if (node.kind !== "scalar") return wrong(node, path, report, `must be ${nameOf(shape)}, is a ${node.kind}`);
      return decodeScalar(shape, node, path, report);
  }
}

function checkLimits(value: unknown, limits: Limits, node: SourceNode, path: FieldPath, report: Report): void {
  if (typeof value === "string") {
    const { minLength = 0, maxLength, pattern, says } = limits;
    if (value.length < minLength) {
      wrong(node, path, report, minLength === 1 ? "must not be empty" : `must have at least ${minLength} characters, has ${value.length}`);
    } else if (maxLength !== undefined && value.length > maxLength) {
      wrong(node, path, report, `must have at most ${maxLength} characters, has ${value.length}`);
    } else if (pattern !== undefined && !patternOf(pattern).test(value)) {
      wrong(node, path, report, `${described(node)} must ${says === undefined ? `match ${pattern}` : `be ${says}`}`);
    }
  } else if (typeof value === "number") {
    const { minimum, maximum } = limits;
    if (minimum !== undefined && value < minimum) wrong(node, path, report, `must be ${minimum} or more, is ${value}`);
    else if (maximum !== undefined && value > maximum) wrong(node, path, report, `must be ${maximum} or less, is ${value}`);
  } else if (Array.isArray(value)) {
    const { minItems = 0, maxItems } = limits;
    if (value.length < minItems) wrong(node, path, report, minItems === 1 ? "must not be empty" : `must have at least ${minItems} items`);
    else if (maxItems !== undefined && value.length > maxItems) wrong(node, path, report, `must have at most ${maxItems} items`);
    if (limits.listKeys !== undefined && node.kind === "list") checkListKeys(value, limits.listKeys, node, path, report);
  } else if (typeof value === "object") {
    const { minProperties = 0, maxProperties } = limits;
    const count = Object.keys(value as object).length;
    if (count < minProperties)
      wrong(node, path, report, minProperties === 1 ? "must not be empty" : `must have at least ${minProperties} entries`);
    else if (maxProperties !== undefined && count > maxProperties) wrong(node, path, report, `must have at most ${maxProperties} entries`);
  }
}

/** The API server's lists that are maps or sets. */
function checkListKeys(values: readonly unknown[], keys: readonly string[], node: SourceList, path: FieldPath, report: Report): void {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    const item = node.items[index];
    // A wrong item has been reported.
    if (value === undefined || item === undefined) continue;
    const key = keys.length === 0 ? value : keys.map((name) => (value as Readonly<Record<string, unknown>>)[name]);
    const text = JSON.stringify(key);
    if (seen.has(text))
      wrong(item, [...path, index], report, keys.length === 0 ? `${text} stands twice` : `the same ${keys.join(", ")} stands twice`);
    seen.add(text);
  }
}

const patterns = new Map<string, RegExp>();

/** Patterns come from declarations alone, so their number is bounded and their cost known. */
function patternOf(source: string): RegExp {
  const known = patterns.get(source);
  if (known !== undefined) return known;
  const made = new RegExp(source, "u");
  patterns.set(source, made);
  return made;
}

type ScalarShape = Exclude<Shape, { readonly kind: "message" | "repeated" | "map" | "json" }>;

function decodeScalar(shape: ScalarShape, node: SourceScalar, path: FieldPath, report: Report): unknown {
  const { value } = node;
  switch (shape.kind) {
    case "string":
      if (typeof value === "string") return value;
      return wrong(node, path, report, `must be a string, is a ${typeof value}`, `write "${shorten(node.text)}" in quotes`);
    case "bool":
      if (typeof value === "boolean") return value;
      return wrong(node, path, report, `must be true or false, is ${described(node)}`, boolHint(value));
    case "integer":
      return decodeInteger(shape, node, path, report);
    case "number": {
      const read = typeof value === "string" ? numberOf(value) : value;
      if (typeof read === "number" && Number.isFinite(read)) return read;
      return wrong(node, path, report, `must be a number, is ${described(node)}`);
    }
    case "duration": {
      const readable = typeof value === "string" && (shape.pattern === undefined || patternOf(shape.pattern).test(value));
      const ms = readable ? parseDuration(value) : undefined;
      if (ms !== undefined) return ms;
      const hint = typeof value === "number" ? `write ${node.text}s for seconds` : "write it like 5s, 100ms or 1m30s";
      return wrong(node, path, report, `must be a duration, is ${described(node)}`, hint);
    }
    case "enum":
      return decodeEnum(shape, node, path, report);
    case "integer-or-string":
      if (typeof value === "string" || (typeof value === "number" && Number.isInteger(value))) return value;
      return wrong(node, path, report, `must be a number or a name, is ${described(node)}`);
  }
}

function decodeInteger(shape: Shape & { kind: "integer" }, node: SourceScalar, path: FieldPath, report: Report): number | undefined {
  const { value } = node;
  // proto3 JSON allows numbers in quotes, and 64-bit ones are written so.
  const read = typeof value === "string" && shape.unquoted !== true ? numberOf(value) : value;
  if (typeof read !== "number" || !Number.isInteger(read)) {
    return wrong(node, path, report, `must be a whole number, is ${described(node)}`);
  }
  if (read >= shape.min && read <= shape.max) return read;
  const rule = shape.min === 0 && read < 0 ? "must be 0 or more" : `must be between ${shape.min} and ${shape.max}`;
  return wrong(node, path, report, `${rule}, is ${described(node)}`);
}

/** The number that a string spells, whole; undefined otherwise. */
function numberOf(text: string): number | undefined {
  return /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/u.test(text) ? Number(text) : undefined;
}

function decodeEnum(shape: Shape & { kind: "enum" }, node: SourceScalar, path: FieldPath, report: Report): string | undefined {
  const name = enumName(shape.numbers, node);
  if (name === undefined) {
    const names = [...shape.numbers.keys()];
    const known = names.length > 8 ? `${names.slice(0, 8).join(", ")}, ...` : names.join(", ");
    wrong(node, path, report, `must be one of ${known}, is ${described(node)}`, didYouMean(node.text, names));
    // The object is refused; analysis still sees what was meant.
    return typeof node.value === "string" ? node.value : undefined;
  }
  return name;
}

function enumName(numbers: ReadonlyMap<string, number>, node: SourceScalar): string | undefined {
  // Text also where a name spells like a boolean (ON, NO).
  if (typeof node.value !== "number" && numbers.has(node.text)) return node.text;
  for (const [name, number] of numbers) if (number === node.value) return name;
  return undefined;
}

function decodeList(element: Shape, node: SourceNode, path: FieldPath, report: Report): unknown {
  if (node.kind !== "list") {
    return wrong(node, path, report, `must be a list, is ${described(node)}`, "begin each item with a dash");
  }
  const values: unknown[] = [];
  for (const [index, item] of node.items.entries()) {
    const itemPath = [...path, index];
    if (isNull(item)) wrong(item, itemPath, report, "must not be empty", "remove the dash or write the item");
    else values.push(decode(element, item, itemPath, report));
  }
  return values;
}

function decodeMap(valueShape: Shape, node: SourceNode, path: FieldPath, report: Report): unknown {
  if (node.kind !== "map") return wrong(node, path, report, `must be a map, is ${described(node)}`);
  const values: Record<string, unknown> = {};
  for (const { key, value } of node.entries) {
    const entryPath = [...path, key];
    if (isNull(value)) wrong(value, entryPath, report, "must not be empty", emptyHint(valueShape));
    else set(values, key, decode(valueShape, value, entryPath, report));
  }
  return values;
}

function decodeMessage(message: Message, node: SourceNode, path: FieldPath, report: Report): unknown {
  if (node.kind !== "map") return wrong(node, path, report, `must be a map with the fields of ${message.name}, is ${described(node)}`);
  const values: Record<string, unknown> = {};
  const written = new Map<string, SourceEntry>();
  for (const entry of node.entries) {
    const name = fieldName(message, entry.key);
    const field = name === undefined ? undefined : message.fields.get(name);
    if (name === undefined || field === undefined) {
      reportUnknown(message, entry, path, report);
      continue;
    }
    if (isNull(entry.value)) continue;
    const fieldPath = [...path, name];
    if (written.has(name)) {
      report({
        level: "error",
        code: "MZ0002",
        path: fieldPath,
        offset: entry.keyOffset,
        message: `is written twice, as ${name} and as ${entry.key}`,
      });
      continue;
    }
    written.set(name, entry);
    reportWithoutEffect(field, entry, fieldPath, report);
    const value = decode(field.type.shape, entry.value, fieldPath, report);
    if (value !== undefined) values[name] = value;
  }
  reportMissing(message, node, written, path, report);
  for (const group of message.oneofs) {
    const members = group.filter((name) => written.has(name));
    const second = members[1] === undefined ? undefined : written.get(members[1]);
    if (second === undefined) continue;
    report({
      level: "error",
      code: "MZ0002",
      path: [...path, members[1] ?? ""],
      offset: second.keyOffset,
      message: `cannot stand beside ${members[0]}: at most one of ${group.join(", ")} may be written`,
    });
  }
  return values;
}

/** lowerCamel as it is declared, or the proto's own snake_case name. */
function fieldName(message: Message, key: string): string | undefined {
  if (message.fields.has(key)) return key;
  if (message.exactNames === true || !key.includes("_")) return undefined;
  const camel = camelName(key);
  return message.fields.has(camel) ? camel : undefined;
}

/** The JSON name of a proto field: `consecutive_5xx_errors` -> `consecutive5xxErrors`. */
export function camelName(key: string): string {
  return key.replaceAll(/_([a-zA-Z0-9])/gu, (_, letter: string) => letter.toUpperCase());
}

/** For messages whose fields are read one by one elsewhere. */
export function reportUnknownFields(message: Message, node: SourceMap, path: FieldPath, report: Report): void {
  for (const entry of node.entries) if (fieldName(message, entry.key) === undefined) reportUnknown(message, entry, path, report);
}

function reportUnknown(message: Message, entry: SourceEntry, path: FieldPath, report: Report): void {
  const names = [...message.fields.keys()];
  report({
    level: "error",
    code: "MZ0002",
    path: [...path, entry.key],
    offset: entry.keyOffset,
    message: `unknown field "${shorten(entry.key)}" in ${message.name}`,
    hint: didYouMean(entry.key, names) ?? (names.length > 0 && names.length <= 12 ? `known: ${names.join(", ")}` : undefined),
  });
}

function reportWithoutEffect(field: Field, entry: SourceEntry, path: FieldPath, report: Report): void {
  if (field.effect === "full") return;
  report({ level: "info", code: "MZ0004", path, offset: entry.keyOffset, message: "is accepted and has no effect yet" });
}

function reportMissing(
  message: Message,
  node: SourceMap,
  written: ReadonlyMap<string, SourceEntry>,
  path: FieldPath,
  report: Report,
): void {
  for (const [name, field] of message.fields) {
    if (!field.required || written.has(name)) continue;
    report({
      level: "error",
      code: "MZ0002",
      path: [...path, name],
      offset: node.offset,
      message: "is required and missing",
      hint: `add ${name}: ${field.doc.charAt(0).toLowerCase()}${field.doc.slice(1)}`,
    });
  }
}

function isNull(node: SourceNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

function wrong(node: SourceNode, path: FieldPath, report: Report, message: string, hint?: string): undefined {
  report({ level: "error", code: "MZ0002", path, offset: node.offset, message, hint });
}

function emptyHint(shape: Shape): string | undefined {
  if (shape.kind === "string") return 'write "" for an empty text';
  return shape.kind === "message" ? "write {} to set nothing in it" : undefined;
}

function boolHint(value: unknown): string | undefined {
  return value === "true" || value === "false" ? "remove the quotes" : undefined;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function described(node: SourceNode): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  return typeof node.value === "string" ? JSON.stringify(shorten(node.text)) : shorten(node.text);
}

function nameOf(shape: Shape): string {
  switch (shape.kind) {
    case "bool":
      return "true or false";
    case "integer":
      return "a whole number";
    case "enum":
      return "a name";
    case "integer-or-string":
      return "a number or a name";
    default:
      return `a ${shape.kind}`;
  }
}

/** `__proto__` as a key is a key like any other. */
function set(values: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(values, key, { value, enumerable: true, configurable: true, writable: true });
  else values[key] = value;
}

/** The JSON value of a node, for what is not looked into. */
function plainValue(node: SourceNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  const values: Record<string, unknown> = {};
  for (const { key, value } of node.entries) set(values, key, plainValue(value));
  return values;
}
