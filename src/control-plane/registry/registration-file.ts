// Where registered workloads survive a restart: one JSON file, mode 0600, replaced as a whole. A damaged file is set aside and
// named, never half believed.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "#runtime/log";
import type { HealthStatus } from "./service.ts";
import type { RegisteredWorkload } from "./workload-registrations.ts";

export interface RegistrationFile {
  load(): readonly RegisteredWorkload[];
  save(workloads: readonly RegisteredWorkload[]): void;
}

const HEALTH: ReadonlySet<unknown> = new Set<HealthStatus>(["HEALTHY", "UNHEALTHY", "DRAINING"]);

export function registrationFile(path: string, log: Log): RegistrationFile {
  return {
    load: () => {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
          log.error("cannot read the registered workloads, starting without them", { path, error: (error as Error).message });
        }
        return [];
      }
      try {
        return decodeRegistrations(JSON.parse(text));
      } catch (error) {
        const aside = `${path}.damaged`;
        log.error("the registered workloads on disk are damaged, starting without them", { path, aside, error: (error as Error).message });
        renameSync(path, aside);
        return [];
      }
    },
    save: (workloads) => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const next = `${path}.tmp`;
      writeFileSync(next, `${JSON.stringify({ workloads }, undefined, 1)}\n`, { mode: 0o600 });
      renameSync(next, path);
    },
  };
}

/** @throws Error naming what is wrong. */
export function decodeRegistrations(value: unknown): readonly RegisteredWorkload[] {
  const workloads = isRecord(value) ? value["workloads"] : undefined;
  if (!Array.isArray(workloads)) throw new Error("workloads: a list is missing");
  return workloads.map((entry: unknown, index) => {
    if (!isRecord(entry)) throw new Error(`workloads[${index}]: not an object`);
    const text = (field: string): string => {
      const found = entry[field];
      if (typeof found !== "string") throw new Error(`workloads[${index}].${field}: not a string`);
      return found;
    };
    const health = entry["health"];
    if (health !== undefined && !HEALTH.has(health)) throw new Error(`workloads[${index}].health: unknown`);
    const listening = entry["listening"];
    if (!Array.isArray(listening) || !listening.every(isPort)) throw new Error(`workloads[${index}].listening: not a list of ports`);
    return {
      group: text("group"),
      namespace: text("namespace"),
      workload: text("workload"),
      address: text("address"),
      serviceAccount: text("serviceAccount"),
      locality: text("locality"),
      network: text("network"),
      labels: mapOf(entry["labels"], (item): item is string => typeof item === "string", `workloads[${index}].labels`),
      ports: mapOf(entry["ports"], isPort, `workloads[${index}].ports`),
      listening,
      health: health as HealthStatus | undefined,
    };
  });
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapOf<T>(value: unknown, accepts: (item: unknown) => item is T, field: string): Readonly<Record<string, T>> {
  if (!isRecord(value)) throw new Error(`${field}: not an object`);
  const result: [string, T][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (!accepts(item)) throw new Error(`${field}: a value is of the wrong type`);
    result.push([key, item]);
  }
  return Object.fromEntries(result);
}
