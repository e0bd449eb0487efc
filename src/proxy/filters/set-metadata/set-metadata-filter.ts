// envoy.filters.http.set_metadata: says fixed things of every request, as dynamic metadata.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb";
import type { HttpFilter, HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import type { StreamInfo } from "#proxy/http/stream-info";
import { unpackConfig } from "#proxy/unpack-config";
import type { Counter } from "#telemetry/stats/store";

interface Entry {
  readonly namespace: string;
  readonly allowOverwrite: boolean;
  readonly value: JsonObject;
}

export const setMetadataFilterCompiler: HttpFilterCompiler = {
  configTypes: [ConfigSchema.typeName],
  compile(name, any, path) {
    const wire = unpackConfig(any, ConfigSchema, path, ({ metadata }, refuse) => {
      for (const [index, entry] of metadata.entries()) {
        const at = `metadata[${index}]`;
        if (entry.metadataNamespace === "") refuse(`${at}.metadata_namespace`, "must not be empty");
        // Nothing in this proxy reads typed metadata.
        if (entry.typedValue !== undefined) refuse(`${at}.typed_value`, "not served by this proxy");
      }
    });
    const entries: Entry[] = wire.metadata.map(({ metadataNamespace, allowOverwrite, value }) => ({
      namespace: metadataNamespace,
      allowOverwrite,
      value: value ?? {},
    }));
    // The deprecated fields come first and always overwrite.
    if (wire.metadataNamespace !== "" && wire.value !== undefined)
      entries.unshift({ namespace: wire.metadataNamespace, allowOverwrite: true, value: wire.value });
    return factory(name, entries, undefined);
  },
};

function factory(name: string, entries: readonly Entry[], denied: Counter | undefined): HttpFilterFactory {
  return {
    name,
    create(stream): HttpFilter {
      return {
        onRequestHeaders() {
          for (const entry of entries) if (!write(stream.info, entry)) denied?.inc();
          return undefined;
        },
      };
    },
    withStats: (scope) => factory(name, entries, scope.counter("set_metadata", "overwrite_denied")),
  };
}

/** False: the namespace is taken and must not be overwritten. */
function write(info: StreamInfo, { namespace, allowOverwrite, value }: Entry): boolean {
  const all = info.dynamicMetadata;
  const old = all !== undefined && Object.hasOwn(all, namespace) ? all[namespace] : undefined;
  if (old !== undefined && !allowOverwrite) return false;
  info.dynamicMetadata = { ...all, [namespace]: old === undefined ? value : merged(old, value) };
  return true;
}

/** Envoy's StructUtil::update: structs are merged, lists joined, everything else replaced. */
function merged(into: JsonObject, from: JsonObject): JsonObject {
  const result = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const old = Object.hasOwn(into, key) ? into[key] : undefined;
    if (Array.isArray(old) && Array.isArray(value)) result[key] = [...old, ...value];
    else if (isStruct(old) && isStruct(value)) result[key] = merged(old, value);
    else result[key] = value;
  }
  return result;
}

function isStruct(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
