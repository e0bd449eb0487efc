// Packing and unpacking of google.protobuf.Any, and the JSON form of messages that contain some.
// A type that this build does not know stays opaque bytes: its JSON form is {"@type", "value": base64}, and a dump never fails.
import { create, createRegistry, toBinary, toJson } from "@bufbuild/protobuf";
import type { DescFile, DescMessage, JsonObject, MessageShape, Registry } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { decodeMessage } from "./decode.ts";
import { TYPE_URL_PREFIX } from "./type-urls.ts";

export function pack<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Any {
  return anyPack(schema, message);
}

/** The message when `any` holds one of this type, else undefined. @throws Error when the bytes are not a valid message */
export function unpack<Desc extends DescMessage>(any: Any | undefined, schema: Desc): MessageShape<Desc> | undefined {
  if (any === undefined || nameOf(any.typeUrl) !== schema.typeName) return undefined;
  return decodeMessage(schema, any.value);
}

/** The full message name behind a type URL, whatever host stands in front of it. */
export function nameOf(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

/** An Any around bytes that are encoded already. */
export function anyOf(url: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: url, value });
}

/** A registry of everything in these files and in what they import. */
export function registryOf(...files: readonly DescFile[]): Registry {
  return createRegistry(...files);
}

/** How a dump spells field names: proto JSON's lowerCamel, or as in the .proto file. */
interface FieldNames {
  readonly useProtoFieldName?: boolean;
}

/** Proto JSON with every Any inside resolved. With a type inside that `registry` does not know the whole is opaque bytes. */
export function messageToJson<Desc extends DescMessage>(
  registry: Registry,
  schema: Desc,
  message: MessageShape<Desc>,
  names: FieldNames = {},
): JsonObject {
  try {
    return toJson(schema, message, { registry, ...names }) as JsonObject;
  } catch (error) {
    return { "@type": TYPE_URL_PREFIX + schema.typeName, value: base64(toBinary(schema, message)), error: String(error) };
  }
}

/** A packed resource as `{"@type": ..., ...fields}` or the opaque form. */
export function anyToJson(registry: Registry, any: Any, names: FieldNames = {}): JsonObject {
  const opaque = { "@type": any.typeUrl, value: base64(any.value) };
  const schema = registry.getMessage(nameOf(any.typeUrl));
  if (schema === undefined) return opaque;
  try {
    return { "@type": any.typeUrl, ...messageToJson(registry, schema, decodeMessage(schema, any.value), names) };
  } catch (error) {
    return { ...opaque, error: String(error) };
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
