// The body of a request, as its Content-Type says. What cannot be read is a BadRequest, what is of another type UnsupportedMediaType.
import { StatusError } from "#control-plane/config/status-error";
import { isObject, type JsonObject } from "#control-plane/api-server/json";
import { readJson, readYamlOrJson, type ReadText } from "#control-plane/api-server/json-text";
import { unsupportedMediaType } from "#control-plane/api-server/refusals";
import { PROTOBUF, readProtobuf } from "./protobuf-body.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const OBJECT_TYPES = ["application/json", "application/yaml"];

export interface Body {
  readonly bytes: Buffer;
  readonly contentType: string;
}

export function mediaType(header: string): string {
  return (header.split(";")[0] ?? "").trim().toLowerCase();
}

export interface ReadBody {
  readonly object: JsonObject;
  readonly duplicates: readonly string[];
}

/** An object in JSON, YAML or, of some of Kubernetes' kinds, protobuf. @throws StatusError */
export function readObject({ bytes, contentType }: Body): ReadBody {
  const type = mediaType(contentType);
  if (type === PROTOBUF) return { object: readProtobuf(bytes), duplicates: [] };
  if (type !== "" && !OBJECT_TYPES.includes(type)) throw unsupportedMediaType([...OBJECT_TYPES, PROTOBUF]);
  return objectIn(readText(bytes, type === "application/yaml"));
}

/** @throws StatusError */
export function readText(bytes: Buffer, isYaml: boolean): ReadText {
  try {
    const text = UTF8.decode(bytes);
    return isYaml ? readYamlOrJson(text) : readJson(text);
  } catch (error) {
    throw StatusError.badRequest(`the body of the request cannot be read: ${(error as Error).message}`);
  }
}

/** @throws StatusError */
export function objectIn({ value, duplicates }: ReadText): ReadBody {
  if (!isObject(value)) throw StatusError.badRequest("the body of the request must be an object");
  return { object: value, duplicates };
}
