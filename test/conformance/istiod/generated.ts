// The resources that our control plane makes for a proxy, as canonical proto JSON.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { generateResources } from "#control-plane/generate/resources";
import type { Mesh } from "#control-plane/mesh/mesh";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { anyToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { textOf } from "./list-meaning.ts";
import { RESOURCE_TYPES, type ResourceType, type Resources } from "./scenario.ts";

export function generatedResources(mesh: Mesh, node: ProxyNode): Readonly<Record<ResourceType, Resources>> {
  const set = generateResources(mesh.view(node));
  const of = (type: ResourceType): Resources => {
    const typeUrl = RESOURCE_TYPES[type];
    return new Map([...(set.get(typeUrl)?.values() ?? [])].map(({ name, value }) => [name, resourceJson(typeUrl, value)]));
  };
  return { listeners: of("listeners"), routes: of("routes"), clusters: of("clusters"), endpoints: of("endpoints") };
}

function resourceJson(typeUrl: string, value: Uint8Array): JsonObject {
  const { "@type": _, ...json } = anyToJson(configRegistry, create(AnySchema, { typeUrl, value }));
  if ("error" in json)
    throw new Error(`a resource cannot be shown as JSON (is a type missing in #envoy/config-registry?): ${textOf(json["error"])}`);
  return json;
}
