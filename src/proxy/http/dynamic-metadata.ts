// Dynamic metadata: what filters say of a stream, for routes, access logs and other filters. Structs by namespace, never changed in place.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { StreamInfo } from "./stream-info.ts";

/** Keys that are there already are replaced, as Envoy's setDynamicMetadata does. */
export function setDynamicMetadata(info: StreamInfo, namespace: string, values: JsonObject): void {
  const all = info.dynamicMetadata;
  const old = all !== undefined && Object.hasOwn(all, namespace) ? all[namespace] : undefined;
  info.dynamicMetadata = { ...all, [namespace]: { ...old, ...values } };
}

/** The value at a path of keys; without keys the whole struct. */
export function valueAt(struct: JsonObject, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = struct;
  for (const key of keys) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}
