// Messages as Envoy's admin endpoint prints them: proto field names. A dump never fails: what this build does not know stays bytes.
import type { DescMessage, JsonObject, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { anyOf, anyToJson, messageToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";

const NAMES = { useProtoFieldName: true } as const;

export function dumpMessage<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject {
  return redacted(messageToJson(configRegistry, schema, message, NAMES));
}

/** The bytes of a resource as `{"@type": ..., fields}`. */
export function dumpResource(typeUrl: string, bytes: Uint8Array): JsonObject {
  return redacted(anyToJson(configRegistry, anyOf(typeUrl, bytes), NAMES));
}

/** Fields that the API marks as sensitive and that hold a DataSource, or a list of them. */
const SENSITIVE: ReadonlySet<string> = new Set(["private_key", "password", "pkcs12", "session_ticket_keys", "users"]);

const REDACTED = "[redacted]";

/** As Envoy: that there is a key may be read, and nothing of it, not even the name of its file. */
function redacted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, SENSITIVE.has(key) ? withoutData(value) : visit(value)]));
}

function visit(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(visit);
  return typeof value === "object" && value !== null ? redacted(value) : value;
}

function withoutData(value: JsonValue): JsonValue {
  if (typeof value === "string") return REDACTED;
  if (Array.isArray(value)) return value.map(withoutData);
  if (typeof value !== "object" || value === null) return value;
  const hide = (key: string, inner: JsonValue): JsonValue =>
    key === "inline_bytes" ? Buffer.from(REDACTED).toString("base64") : withoutData(inner);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(key, inner)]));
}
