// The filters of Istio's own build of Envoy, as istiod configures them. Plain Envoy does not know them, so they are taken out of recorded
// configurations before those are served. This is the one list.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** By the type inside: names are free text, types are not. */
const ISTIO_FILTER_TYPES: ReadonlySet<string> = new Set([
  "type.googleapis.com/stats.PluginConfig",
  "type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
  "type.googleapis.com/io.istio.http.peer_metadata.Config",
  "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange",
]);

const FILTER_LISTS: ReadonlySet<string> = new Set(["filters", "httpFilters", "listenerFilters", "upstreamHttpFilters"]);

/** A copy without Istio's own filters; everything else stays as it was recorded. */
export function withoutIstioFilters<T extends JsonValue>(value: T): T {
  return strip(value) as T;
}

function strip(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(strip);
  if (!isObject(value)) return value;
  const copy: Record<string, JsonValue> = {};
  for (const [key, inner] of Object.entries(value)) {
    const kept = FILTER_LISTS.has(key) && Array.isArray(inner) ? inner.filter((filter) => !isIstioFilter(filter)) : inner;
    copy[key] = strip(kept);
  }
  return copy;
}

function isIstioFilter(filter: JsonValue): boolean {
  const config = isObject(filter) ? filter["typedConfig"] : undefined;
  if (!isObject(config)) return false;
  const type = config["@type"] === "type.googleapis.com/udpa.type.v1.TypedStruct" ? config["typeUrl"] : config["@type"];
  return typeof type === "string" && ISTIO_FILTER_TYPES.has(type);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
