// A resource out of its bytes.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { decodeMessage } from "#envoy/decode";
import { ConfigError } from "./config-error.ts";

/** @throws ConfigError */
export function decodeResource<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return decodeMessage(schema, bytes);
  } catch (error) {
    throw notAMessage(schema, error);
  }
}

export function notAMessage(schema: DescMessage, cause: unknown): ConfigError {
  return new ConfigError(schema.name, [{ path: "", message: `is not a valid message: ${String(cause)}` }]);
}
