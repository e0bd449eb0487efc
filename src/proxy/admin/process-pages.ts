// Admin pages about the process and its start: memory, what is waited for. The JSON is Envoy's.
import type { JsonObject } from "@bufbuild/protobuf";
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
