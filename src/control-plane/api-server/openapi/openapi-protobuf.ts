// The definitions of OpenAPI version 2 in protobuf (gnostic's openapi.v2.Document): the one form that kubectl takes them in, for lists
// that it validates itself. Paths are left out: what they say, clients read in version 3.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { entriesOf, isList, isObject, plainText, textAt, type Json, type JsonObject } from "#control-plane/api-server/json";

export const OPENAPI_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** As clients ask for it; the @ stands in no media type, so answers are called otherwise. */
const ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

export function asksForProtobuf(accept: string): boolean {
  return accept.includes(ASKED) || accept.includes(OPENAPI_PROTOBUF);
}

type Write = (writer: BinaryWriter) => void;

export function openApiProtobuf(document: JsonObject): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, textAt(document, "swagger"));
  nested(writer, 2, (info) => {
    text(info, 1, textAt(document, "info", "title"));
    text(info, 2, textAt(document, "info", "version"));
  });
  nested(writer, 8, () => undefined);
  nested(writer, 9, named(document["definitions"]));
  return writer.finish();
}

function text(writer: BinaryWriter, number: number, value: string): void {
  if (value !== "") writer.tag(number, WireType.LengthDelimited).string(value);
}

function nested(writer: BinaryWriter, number: number, write: Write): void {
  writer.tag(number, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

/** Schemas by name, as Definitions and Properties have them. */
function named(schemas: Json | undefined): Write {
  return (writer) => {
    for (const [name, schema] of isObject(schemas) ? entriesOf(schemas) : []) {
      nested(writer, 1, (entry) => {
        text(entry, 1, name);
        if (isObject(schema)) nested(entry, 2, schemaOf(schema));
      });
    }
  };
}

const TEXTS: Readonly<Record<string, number>> = { $ref: 1, format: 2, title: 3, description: 4, pattern: 13 };
const DOUBLES: Readonly<Record<string, number>> = { maximum: 7, minimum: 9 };
const INTEGERS: Readonly<Record<string, number>> = {
  maxLength: 11,
  minLength: 12,
  maxItems: 14,
  minItems: 15,
  maxProperties: 17,
  minProperties: 18,
};

function schemaOf(schema: JsonObject): Write {
  return (writer) => {
    for (const [key, value] of entriesOf(schema)) {
      const [asText, asDouble, asInteger] = [TEXTS, DOUBLES, INTEGERS].map((table) => (Object.hasOwn(table, key) ? table[key] : undefined));
      if (asText !== undefined && typeof value === "string") text(writer, asText, value);
      else if (asDouble !== undefined && typeof value === "number") writer.tag(asDouble, WireType.Bit64).double(value);
      else if (asInteger !== undefined && typeof value === "number") writer.tag(asInteger, WireType.Varint).int64(value);
      else writeMember(writer, key, value);
    }
  };
}

function writeMember(writer: BinaryWriter, key: string, value: Json): void {
  switch (key) {
    case "required":
      for (const name of isList(value) ? value : []) text(writer, 19, plainText(name));
      return;
    case "enum":
      for (const name of isList(value) ? value : []) nested(writer, 20, yaml(name));
      return;
    case "additionalProperties":
      if (isObject(value)) nested(writer, 21, (item) => nested(item, 1, schemaOf(value)));
      return;
    case "type":
      nested(writer, 22, (item) => text(item, 1, plainText(value)));
      return;
    case "items":
      if (isObject(value)) nested(writer, 23, (item) => nested(item, 1, schemaOf(value)));
      return;
    case "properties":
      nested(writer, 25, named(value));
      return;
    default:
      if (!key.startsWith("x-")) return;
      nested(writer, 31, (extension) => {
        text(extension, 1, key);
        nested(extension, 2, yaml(value));
      });
  }
}

/** Any value as YAML, which JSON is. */
function yaml(value: Json): Write {
  return (writer) => text(writer, 2, JSON.stringify(value));
}
