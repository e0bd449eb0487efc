// Admin pages about the process and its start: memory, what is waited for, runtime, levels of the log. Texts and JSON are Envoy's.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { fromJson, toJson } from "@bufbuild/protobuf";
import type { AdminSource } from "./admin-source.ts";

/** uint64 in protobuf's JSON is a string. */
export function memory({ rss, heapTotal, heapUsed }: NodeJS.MemoryUsage): JsonObject {
  return {
    allocated: String(heapUsed),
    heap_size: String(heapTotal),
    pageheap_unmapped: "0",
    pageheap_free: String(heapTotal - heapUsed),
    total_thread_cache: "0",
    total_physical_bytes: String(rss),
  };
}

/** Listeners and clusters that are not live yet, with what they wait for. */
export function initDump({ config }: AdminSource, mask: string): JsonObject {
  const dumps: JsonObject[] = [];
  const listeners = mask === "" || mask === "listener" ? config.listeners : [];
  for (const { name, waiting } of listeners) {
    if (waiting === undefined) continue;
    const missing = waiting.facts.routes.filter((need) => config.routes.get(need.name)?.live === undefined);
    dumps.push({
      name: `init manager Listener-local-init-manager ${name}`,
      target_names: missing.map((need) => `target RdsRouteConfigSubscription RDS ${need.name}`),
    });
  }
  const clusters = mask === "" ? [...config.clusters].filter(({ waiting }) => waiting !== undefined) : [];
  if (clusters.length > 0)
    dumps.push({ name: "init manager Cluster manager", target_names: clusters.map(({ name }) => `target Cluster ${name}`) });
  return dumps.length === 0 ? {} : { unready_targets_dumps: dumps };
}

export function runtime({ bootstrap }: AdminSource): JsonObject {
  const layers = bootstrap.layeredRuntime?.layers ?? [];
  const values = layers.map(({ layerSpecifier }) =>
    layerSpecifier.case === "staticLayer"
      ? flat(toJson(StructSchema, fromJson(StructSchema, layerSpecifier.value)))
      : new Map<string, string>(),
  );
  const keys = new Set(values.flatMap((layer) => [...layer.keys()]));
  const entries: Record<string, JsonValue> = {};
  for (const key of [...keys].sort()) {
    const ofLayers = values.map((layer) => layer.get(key) ?? "");
    entries[key] = { layer_values: ofLayers, final_value: ofLayers.findLast((value) => value !== "") ?? "" };
  }
  return { entries, layers: layers.map(({ name }) => name) };
}

function flat(value: JsonValue, prefix = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return new Map([[prefix, typeof value === "string" ? value : JSON.stringify(value)]]);
  return new Map(Object.entries(value).flatMap(([key, item]) => [...flat(item, prefix === "" ? key : `${prefix}.${key}`)]));
}

interface TextAnswer {
  readonly status?: number;
  readonly body: string;
}

export function modifyRuntime({ bootstrap }: AdminSource, query: URLSearchParams): TextAnswer {
  if (query.size === 0) {
    const usage = "usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n       or send the parameters as form values\n";
    return { status: 400, body: `${usage}use an empty value to remove a previously added override` };
  }
  const hasAdminLayer = bootstrap.layeredRuntime?.layers.some(({ layerSpecifier }) => layerSpecifier.case === "adminLayer") === true;
  return { status: 503, body: hasAdminLayer ? "no runtime key is read by this proxy" : "No admin layer specified" };
}
