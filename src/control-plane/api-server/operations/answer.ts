// What an operation answers, before it is text.
import type { JsonObject } from "#control-plane/api-server/json";
import type { StoredObject } from "#control-plane/config/stored-object";

export interface Answer {
  readonly code: number;
  readonly body: JsonObject;
  readonly warnings: readonly string[];
}

/** The store's objects are JSON; only their types are looser. */
export function asJson(object: StoredObject): JsonObject {
  return object as unknown as JsonObject;
}

export function asStored(object: JsonObject): StoredObject {
  return object as unknown as StoredObject;
}
