// A body in protobuf: Kubernetes' envelope around one of its own kinds -> the object as JSON. A field that the table does not have is
// refused by number, never left out.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { StatusError } from "#control-plane/config/status-error";
import { entriesOf, isList, isObject, objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";
import { MESSAGES } from "./protobuf-messages.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";
const MAGIC = Buffer.from("k8s\0");
const MAX_DEPTH = 30;

interface Field {
  readonly name: string;
  readonly type: string;
  readonly form: "one" | "list" | "map";
  readonly keepsZero: boolean;
  readonly inline: boolean;
}

const FIELD = /^(\d+) (\w+) (-|\w+)(\[\]|\{\})?(\*)?(~)?$/u;
const tables = new Map<string, ReadonlyMap<number, Field>>();

function tableOf(message: string): ReadonlyMap<number, Field> {
  let table = tables.get(message);
  if (table === undefined) {
    const rows = (Object.hasOwn(MESSAGES, message) ? MESSAGES[message] : undefined) ?? [];
    table = new Map(
      rows.map((row) => {
        const [, number = "", name = "", type = "", form, star, tilde] = FIELD.exec(row) ?? [];
        return [
          Number(number),
          {
            name,
            type,
            form: form === "[]" ? "list" : form === "{}" ? "map" : "one",
            keepsZero: star !== undefined,
            inline: tilde !== undefined,
          },
        ];
      }),
    );
    tables.set(message, table);
  }
  return table;
}

/** @throws StatusError BadRequest, UnsupportedMediaType for kinds that are only read as JSON */
export function readProtobuf(bytes: Buffer): JsonObject {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw StatusError.badRequest("the body of the request is not Kubernetes' protobuf");
  try {
    return unwrap(bytes.subarray(MAGIC.length));
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw StatusError.badRequest(`the body of the request cannot be read as protobuf: ${(error as Error).message}`);
  }
}

/** runtime.Unknown: what kind it is, and its bytes. */
function unwrap(bytes: Uint8Array): JsonObject {
  const reader = new BinaryReader(bytes);
  let raw: Uint8Array = new Uint8Array();
  let [apiVersion, kind] = ["", ""];
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === 1) {
      const inner = new BinaryReader(reader.bytes());
      while (inner.pos < inner.len) {
        const [which, type] = inner.tag();
        if (which === 1) apiVersion = inner.string();
        else if (which === 2) kind = inner.string();
        else inner.skip(type, which);
      }
    } else if (number === 2) raw = reader.bytes();
    else reader.skip(wire, number);
  }
  if (!Object.hasOwn(MESSAGES, kind)) {
    throw new StatusError("UnsupportedMediaType", `a ${kind || "body without a kind"} is read as JSON only; send application/json`);
  }
  return { apiVersion, kind, ...readMessage(raw, kind, 0) };
}

function readMessage(bytes: Uint8Array, message: string, depth: number): JsonObject {
  if (depth > MAX_DEPTH) throw new Error(`nested more than ${MAX_DEPTH} levels deep`);
  const table = tableOf(message);
  const reader = new BinaryReader(bytes);
  const members = new Map<string, Json>();
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = table.get(number);
    if (field === undefined) throw new Error(`field ${number} of ${message} is read from JSON only`);
    if (field.type === "-") {
      reader.skip(wire, number);
      continue;
    }
    const before = members.get(field.name);
    if (field.form === "map") {
      const [key, value] = readEntry(reader.bytes(), field.type, depth);
      members.set(field.name, objectOf([...(isObject(before) ? entriesOf(before) : []), [key, value]]));
      continue;
    }
    const value = readValue(reader, wire, field.type, depth);
    if (field.form === "list") members.set(field.name, [...(isList(before) ? before : []), value]);
    else if (field.inline && isObject(value)) for (const [name, inner] of entriesOf(value)) members.set(name, inner);
    else if (field.keepsZero || !isZero(value)) members.set(field.name, value);
  }
  return objectOf(members);
}

function isZero(value: Json): boolean {
  return value === "" || value === 0 || value === false || value === null || (isObject(value) && entriesOf(value).length === 0);
}

function readEntry(bytes: Uint8Array, type: string, depth: number): readonly [string, Json] {
  const reader = new BinaryReader(bytes);
  let key = "";
  let value: Json = "";
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === 1) key = reader.string();
    else if (number === 2) value = readValue(reader, wire, type, depth);
    else reader.skip(wire, number);
  }
  return [key, value];
}

function readValue(reader: BinaryReader, wire: WireType, type: string, depth: number): Json {
  const wanted = type === "bool" || type === "int" ? WireType.Varint : WireType.LengthDelimited;
  if (wire !== wanted) throw new Error(`a ${type} is of another wire type`);
  switch (type) {
    case "string":
      return reader.string();
    case "bool":
      return reader.bool();
    case "int":
      return Number(reader.int64());
    case "bytes":
      return Buffer.from(reader.bytes()).toString("base64");
    case "quantity":
      return textOf(reader.bytes());
    case "time":
      return timeOf(reader.bytes());
    case "intOrString":
      return intOrStringOf(reader.bytes());
    default:
      return readMessage(reader.bytes(), type, depth + 1);
  }
}

function textOf(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  let text = "";
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === 1) text = reader.string();
    else reader.skip(wire, number);
  }
  return text;
}

function numbersOf(bytes: Uint8Array): ReadonlyMap<number, Json> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, Json>();
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (wire === WireType.Varint) found.set(number, Number(reader.int64()));
    else if (wire === WireType.LengthDelimited) found.set(number, reader.string());
    else reader.skip(wire, number);
  }
  return found;
}

/** Nothing for a time that was not set. */
function timeOf(bytes: Uint8Array): Json {
  const seconds = numbersOf(bytes).get(1);
  if (typeof seconds !== "number" || Math.abs(seconds) > 8.64e12) return null;
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/u, "Z");
}

/** Type 1 is a name or a percentage; a port 0 is one that was not written. */
function intOrStringOf(bytes: Uint8Array): Json {
  const parts = numbersOf(bytes);
  return (parts.get(1) === 1 ? parts.get(3) : parts.get(2)) ?? 0;
}
