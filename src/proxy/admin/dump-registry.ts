// Messages as Envoy's admin endpoint prints them: proto field names. A dump never fails: what this build does not know stays bytes.
import type { DescMessage, JsonObject, MessageShape } from "@bufbuild/protobuf";
import { anyOf, anyToJson, messageToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";

const NAMES = { useProtoFieldName: true } as const;

export function dumpMessage<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject {
  return messageToJson(configRegistry, schema, message, NAMES);
}

/** The bytes of a resource as `{"@type": ..., fields}`. */
export function dumpResource(typeUrl: string, bytes: Uint8Array): JsonObject {
  return anyToJson(configRegistry, anyOf(typeUrl, bytes), NAMES);
}
