// A protobuf message that somebody wrote as YAML or JSON. What is wrong is said with its field and its place in the text, all of it at once.
import { createRequire } from "node:module";
import { fromJson } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonValue, MessageShape, Registry } from "@bufbuild/protobuf";
import type { Document, LineCounter } from "yaml";
import { nameOf } from "#envoy/any";
import { Violations } from "./field-check.ts";

type Step = string | number;

const require = createRequire(import.meta.url);

/** A proxy that gets everything over xDS reads no text: loaded with the first one. */
function yaml(): typeof import("yaml") {
  return require("yaml") as typeof import("yaml");
}

export class MessageText {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #document: Document;

  constructor(file: string, text: string) {
    this.#file = file;
    const { LineCounter, parseDocument } = yaml();
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, merge: true, prettyErrors: false });
  }

  /** @throws ConfigError, whose paths begin with the place in the file */
  read<Desc extends DescMessage>(schema: Desc, registry: Registry): MessageShape<Desc> {
    const violations = new Violations();
    for (const { message, pos } of this.#document.errors) violations.add(`${this.#file}:${this.#position(pos[0])}`, message);
    violations.throwIfAny(schema.name);
    const json = (this.#document.toJS() ?? {}) as JsonValue;
    walk(schema, json, [], registry, (path, message) => violations.add(`${this.#file}:${this.#line(path)}: ${pathText(path)}`, message));
    violations.throwIfAny(schema.name);
    try {
      return fromJson(schema, json, { registry });
    } catch (error) {
      violations.add(this.#file, messageOf(error));
      violations.throwIfAny(schema.name);
      throw error;
    }
  }

  /** `file:line:column` of a field by its path, `a.b[0].c`, or of the deepest one above it that was written. */
  place(path: string): string {
    const steps = [...path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|([^.[\]]+)/g)].map(([, index, key, name]) =>
      index === undefined ? (key ?? name ?? "") : Number(index),
    );
    return `${this.#file}:${this.#line(steps)}`;
  }

  #line(path: readonly Step[]): string {
    const { isMap, isNode, isScalar, isSeq } = yaml();
    let node: unknown = this.#document.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const step of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && sameName(String(key.value), String(step)));
        if (pair === undefined) break;
        if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node) && typeof step === "number") {
        node = node.items[step];
        if (isNode(node)) offset = node.range?.[0] ?? offset;
      } else break;
    }
    return this.#position(offset);
  }

  #position(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${line}:${col}`;
  }
}

/** Proto JSON takes a field's proto name and its lowerCamelCase name. */
function sameName(a: string, b: string): boolean {
  return a === b || camel(a) === camel(b);
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** As `place` reads it; keys of maps that are no plain names stand in brackets. */
function pathText(path: readonly Step[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[\w@]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

type Report = (path: readonly Step[], message: string) => void;

function walk(schema: DescMessage, json: JsonValue, path: readonly Step[], registry: Registry, report: Report): void {
  if (schema.typeName === "google.protobuf.Any") return walkAny(json, path, registry, report);
  if (schema.typeName.startsWith("google.protobuf.")) return tryJson(schema, json, path, registry, report);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return report(path, `must be a ${schema.name}`);
  const oneofs = new Map<unknown, string>();
  for (const [key, value] of Object.entries(json)) {
    const field = schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) {
      report([...path, key], `no such field in ${schema.typeName}`);
      continue;
    }
    if (value === null) continue;
    const other = field.oneof === undefined ? undefined : oneofs.get(field.oneof);
    if (other !== undefined) report([...path, key], `cannot be set beside ${other}`);
    if (field.oneof !== undefined) oneofs.set(field.oneof, key);
    walkField(schema, field, value, [...path, key], registry, report);
  }
}

function walkField(
  schema: DescMessage,
  field: DescField,
  json: JsonValue,
  path: readonly Step[],
  registry: Registry,
  report: Report,
): void {
  if (field.fieldKind === "message") return walk(field.message, json, path, registry, report);
  if (field.fieldKind === "list" && field.listKind === "message") {
    if (!Array.isArray(json)) return report(path, "must be a list");
    for (const [index, item] of json.entries()) walk(field.message, item, [...path, index], registry, report);
    return;
  }
  if (field.fieldKind === "map" && field.mapKind === "message") {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return report(path, "must be a map");
    for (const [key, item] of Object.entries(json)) walk(field.message, item, [...path, key], registry, report);
    return;
  }
  tryJson(schema, { [field.name]: json }, path, registry, report);
}

function walkAny(json: JsonValue, path: readonly Step[], registry: Registry, report: Report): void {
  const type = typeof json === "object" && json !== null && !Array.isArray(json) ? json["@type"] : undefined;
  if (typeof type !== "string") return report(path, '"@type" must be set');
  const schema = registry.getMessage(nameOf(type));
  if (schema === undefined) return report(path, `type ${nameOf(type)} is not known to this proxy`);
  const { "@type": _, ...fields } = json as Record<string, JsonValue>;
  if (schema.typeName.startsWith("google.protobuf.")) return tryJson(schema, fields["value"] ?? {}, path, registry, report);
  walk(schema, fields, path, registry, report);
}

function tryJson(schema: DescMessage, json: JsonValue, path: readonly Step[], registry: Registry, report: Report): void {
  try {
    fromJson(schema, json, { registry });
  } catch (error) {
    report(path, messageOf(error));
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^cannot decode (field|message) \S+ from JSON: /, "");
}
