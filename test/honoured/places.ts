// Where messages stand in a resource's JSON form, those in Anys included, and what one of their fields may be changed to.
import { isDeepStrictEqual } from "node:util";
import { ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { nameOf } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";

export interface Place {
  readonly desc: DescMessage;
  /** The live object: changing it changes the resource. */
  readonly json: JsonObject;
  /** As a NACK names it. */
  readonly path: string;
}

const ANY = "google.protobuf.Any";

export function isLeaf({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.") && typeName !== ANY;
}

export function messageOf(field: DescField): DescMessage | undefined {
  return field.fieldKind === "message" || field.fieldKind === "list" || field.fieldKind === "map" ? field.message : undefined;
}

export function* placesIn(desc: DescMessage, json: JsonObject, path = ""): Generator<Place> {
  yield { desc, json, path };
  for (const field of desc.fields) {
    const value = json[field.name];
    const type = messageOf(field);
    if (value === undefined || value === null || type === undefined || isLeaf(type)) continue;
    const at = path === "" ? field.name : `${path}.${field.name}`;
    if (field.fieldKind === "list")
      for (const [index, item] of (value as JsonValue[]).entries()) yield* placesOf(type, item, `${at}[${index}]`);
    else if (field.fieldKind === "map")
      for (const [key, item] of Object.entries(value as JsonObject)) yield* placesOf(type, item, `${at}[${JSON.stringify(key)}]`);
    else yield* placesOf(type, value, at);
  }
}

function* placesOf(desc: DescMessage, value: JsonValue, path: string): Generator<Place> {
  const json = value as JsonObject;
  if (desc.typeName !== ANY) return yield* placesIn(desc, json, path);
  const held = configRegistry.getMessage(nameOf(json["@type"] as string));
  if (held !== undefined) yield* placesIn(held, json, path);
}

/** Values that other configurations have in the same field or in one of the same type. */
export class Examples {
  readonly #ofFields = new Map<string, JsonValue[]>();
  readonly #ofTypes = new Map<string, JsonValue[]>();

  add({ desc, json }: Place): void {
    for (const field of desc.fields) {
      const value = json[field.name];
      if (value === undefined || value === null) continue;
      push(this.#ofFields, `${desc.typeName}.${field.name}`, value);
      const type = messageOf(field);
      if (type === undefined) continue;
      for (const item of field.fieldKind === "list" ? (value as JsonValue[]) : field.fieldKind === "map" ? Object.values(value) : [value])
        push(this.#ofTypes, type.typeName, item as JsonValue);
    }
  }

  /** What a field may be set to, the most telling first; undefined: unset. */
  *valuesFor(desc: DescMessage, field: DescField, now: JsonValue | undefined): Generator<JsonValue | undefined> {
    if (field.fieldKind === "list") {
      yield* this.#ofFields.get(`${desc.typeName}.${field.name}`) ?? [];
      if (Array.isArray(now) && now.length > 0) {
        yield now.slice(0, -1);
        yield [...now, ...now.slice(0, 1)];
      }
      for (const item of this.#items(field)) yield [item];
      return;
    }
    if (field.fieldKind === "map") {
      yield* this.#ofFields.get(`${desc.typeName}.${field.name}`) ?? [];
      yield {};
      for (const item of this.#items(field)) {
        yield { x: item };
        // What Envoy reads of an endpoint's and of a route's metadata.
        yield { "envoy.lb": item };
      }
      return;
    }
    if (field.fieldKind === "message") {
      if (now !== undefined) yield undefined;
      yield* this.#ofFields.get(`${desc.typeName}.${field.name}`) ?? [];
    }
    yield* this.#items(field, now);
  }

  *#items(field: DescField, now?: JsonValue): Generator<JsonValue> {
    const type = messageOf(field);
    if (type !== undefined) {
      yield* leafValues(type, now);
      yield* this.#ofTypes.get(type.typeName) ?? [];
      if (!isLeaf(type)) yield {};
    } else if (field.enum !== undefined) for (const { name } of field.enum.values) yield name;
    else yield* scalarValues(field, now);
  }
}

function push(map: Map<string, JsonValue[]>, key: string, value: JsonValue): void {
  const list = map.get(key) ?? [];
  map.set(key, list);
  // Of a value that stands there once there is no need of more; a copy, because places change under way.
  if (!list.some((known) => isDeepStrictEqual(known, value))) list.push(structuredClone(value));
}

const TEXTS = [
  "x",
  "/x",
  "/a/{x}",
  "10.9.8.7",
  "::9",
  "POST",
  "package.json",
  "tsconfig.json",
  "HOME",
  "%PROTOCOL%",
  "UF",
  "envoy.string",
  "11".repeat(32),
];
// Of all sizes, among them primes and such as are in reach of every limit.
const NUMBERS = [1, 2, 3, 4, 7, 10, 20, 50, 101, 150, 200, 301, 503, 1000, 5003, 70_000, 100_003, 1_000_003];

function* scalarValues({ scalar }: DescField, now: JsonValue | undefined): Generator<JsonValue> {
  switch (scalar) {
    case ScalarType.BOOL:
      yield now !== true;
      return;
    case ScalarType.STRING:
      yield* texts(now);
      return;
    case ScalarType.BYTES:
      yield "eHl6";
      return;
    default:
      yield* numbers(now);
  }
}

function* texts(now: JsonValue | undefined): Generator<JsonValue> {
  if (typeof now === "string") {
    yield `${now}x`;
    yield `x${now}`;
    yield now.slice(0, -1);
  }
  yield* TEXTS;
}

function* numbers(now: JsonValue | undefined): Generator<JsonValue> {
  if (now !== undefined) {
    yield Number(now) + 1;
    yield Number(now) - 1;
  }
  yield* NUMBERS;
}

/** Of well-known types. */
function* leafValues({ typeName }: DescMessage, now: JsonValue | undefined): Generator<JsonValue> {
  switch (typeName) {
    case "google.protobuf.Duration":
      yield* ["0.5s", "1.5s", "7.5s", "77s", "0.1s"];
      return;
    case "google.protobuf.BoolValue":
      yield* [true, false];
      return;
    case "google.protobuf.StringValue":
      yield* texts(now);
      return;
    case "google.protobuf.Struct":
      yield* [{}, { a: "x" }, { "envoy.lb": { a: "x" } }];
      return;
    default:
      if (/^google\.protobuf\.(U?Int(32|64)|Double|Float)Value$/.test(typeName)) yield* numbers(now);
  }
}
