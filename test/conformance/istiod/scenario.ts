// One recorded scenario: what the user wrote, the proxies that asked a real istiod, and what it told them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { textOf } from "./list-meaning.ts";

/** The resource types that are compared, by the names of the recorded files. */
export const RESOURCE_TYPES = { listeners: LISTENER_TYPE, routes: ROUTE_TYPE, clusters: CLUSTER_TYPE, endpoints: ENDPOINT_TYPE } as const;
export type ResourceType = keyof typeof RESOURCE_TYPES;
export const TYPE_NAMES = Object.keys(RESOURCE_TYPES) as readonly ResourceType[];

/** By name. */
export type Resources = ReadonlyMap<string, JsonObject>;

export interface RecordedProxy {
  readonly name: string;
  readonly type: string;
  readonly ip: string;
  /** All addresses, where there are several. */
  readonly ips?: readonly string[];
  readonly id: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** `region/zone/sub-zone`, where the recording's proxy said where it is. */
  readonly locality?: string;
}

export interface Scenario {
  readonly name: string;
  readonly directory: string;
  /** YAML: the objects, and MeshConfig over Istio's defaults. */
  readonly input: string;
  readonly mesh: string;
  readonly proxies: readonly RecordedProxy[];
}

export function scenarioNames(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export function readScenario(directory: string, name: string): Scenario {
  const folder = join(directory, name);
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  return {
    name,
    directory: folder,
    input: read("input.yaml"),
    mesh: read("mesh.yaml"),
    proxies: JSON.parse(read("proxies.json")) as readonly RecordedProxy[],
  };
}

export function recordedResources(scenario: Scenario, proxy: string, type: ResourceType): Resources {
  const list = JSON.parse(readFileSync(join(scenario.directory, "out", proxy, `${type}.json`), "utf8")) as readonly JsonObject[];
  return new Map(list.map((resource) => [textOf(resource[type === "endpoints" ? "clusterName" : "name"]), resource]));
}
