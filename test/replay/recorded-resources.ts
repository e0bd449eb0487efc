// Resources as they were recorded (canonical proto JSON, one file a type), made into what goes over the wire.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { globSync } from "node:fs";
import { createRegistry, fromJson, toBinary } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import type { DescFile, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { TypedExtensionConfigSchema } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { ReplayResource } from "./resource-table.ts";

/** One proxy's resources in proto JSON, by type. */
export interface RecordedResources {
  readonly clusters: readonly JsonObject[];
  readonly endpoints: readonly JsonObject[];
  readonly listeners: readonly JsonObject[];
  readonly routes: readonly JsonObject[];
  readonly extensions: readonly JsonObject[];
}

const EXTENSION_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

const TYPES: Readonly<Record<keyof RecordedResources, { typeUrl: string; schema: DescMessage; key: string }>> = {
  clusters: { typeUrl: CLUSTER_TYPE, schema: ClusterSchema, key: "name" },
  endpoints: { typeUrl: ENDPOINT_TYPE, schema: ClusterLoadAssignmentSchema, key: "clusterName" },
  listeners: { typeUrl: LISTENER_TYPE, schema: ListenerSchema, key: "name" },
  routes: { typeUrl: ROUTE_TYPE, schema: RouteConfigurationSchema, key: "name" },
  extensions: { typeUrl: EXTENSION_TYPE, schema: TypedExtensionConfigSchema, key: "name" },
};
const KINDS = Object.keys(TYPES) as readonly (keyof RecordedResources)[];

export function readRecordedResources(folder: string): RecordedResources {
  const read = (kind: string): JsonObject[] => {
    const file = join(folder, `${kind}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as JsonObject[]) : [];
  };
  return {
    clusters: read("clusters"),
    endpoints: read("endpoints"),
    listeners: read("listeners"),
    routes: read("routes"),
    extensions: read("extensions"),
  };
}

/**
 * `unknownTypes`: what becomes of an Any whose type our protobuf code does not have, and of fields that are newer than it; "empty" keeps the
 * type's name and loses fields.
 * @throws Error naming the resource that is no valid message of its type
 */
export async function encodeResources(
  recorded: RecordedResources,
  { unknownTypes = "error" }: { readonly unknownTypes?: "error" | "empty" } = {},
): Promise<ReplayResource[]> {
  const known = await registryFor(recorded as unknown as JsonValue);
  const registry = unknownTypes === "error" ? known : withEmptyTypes(known);
  const resources =
    unknownTypes === "error" ? recorded : (emptied(recorded as unknown as JsonValue, known) as unknown as RecordedResources);
  return KINDS.flatMap((kind) => {
    const { typeUrl, schema, key } = TYPES[kind];
    return resources[kind].map((json) => {
      const given = json[key];
      const name = typeof given === "string" ? given : "";
      try {
        return {
          typeUrl,
          name,
          value: toBinary(schema, fromJson(schema, json, { registry, ignoreUnknownFields: unknownTypes === "empty" })),
        };
      } catch (error) {
        throw new Error(`${kind} ${name} is not valid: ${String(error)}`, { cause: error });
      }
    });
  });
}

const GENERATED = join(dirname(fileURLToPath(import.meta.url)), "../../src/envoy/gen");
const filesOfPackage = new Map<string, Promise<readonly DescFile[]>>();

/** Every type that an Any in `json` names, found by its package: the folder of generated code has the package's path. */
async function registryFor(json: JsonValue): Promise<Registry> {
  const packages = new Set<string>();
  visit(json, (type) => packages.add(type.slice(type.lastIndexOf("/") + 1, type.lastIndexOf("."))));
  const files = await Promise.all([...packages].map(generatedFiles));
  return createRegistry(...files.flat());
}

function withEmptyTypes(known: Registry): Registry {
  return Object.assign(Object.create(known) as Registry, {
    getMessage: (typeName: string) => known.getMessage(typeName) ?? { ...EmptySchema, typeName },
  });
}

function emptied(value: JsonValue, known: Registry): JsonValue {
  if (Array.isArray(value)) return value.map((item) => emptied(item, known));
  if (typeof value !== "object" || value === null) return value;
  const type = value["@type"];
  if (typeof type === "string" && known.getMessage(type.slice(type.lastIndexOf("/") + 1)) === undefined) return { "@type": type };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, emptied(inner, known)]));
}

function visit(value: JsonValue, found: (type: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "@type" && typeof inner === "string") found(inner);
    else visit(inner as JsonValue, found);
  }
}

function generatedFiles(packageName: string): Promise<readonly DescFile[]> {
  let files = filesOfPackage.get(packageName);
  if (files === undefined) {
    files = Promise.all(
      globSync("*_pb.js", { cwd: join(GENERATED, packageName.replaceAll(".", "/")) }).map(async (name) => {
        const module = (await import(join(GENERATED, packageName.replaceAll(".", "/"), name))) as Record<string, unknown>;
        return Object.entries(module)
          .filter(([exported]) => exported.startsWith("file_"))
          .map(([, file]) => file as DescFile);
      }),
    ).then((lists) => lists.flat());
    filesOfPackage.set(packageName, files);
  }
  return files;
}
