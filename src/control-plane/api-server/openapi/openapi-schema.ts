// Schemas as OpenAPI has them, version 2 and 3. What has a definition of its own is referred to; the rest stands in its place.
import { objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";
import { listMetaSchema } from "#control-plane/api-server/schema/object-meta";
import type { Resource } from "#control-plane/api-server/resources/resource";
import type { Schema } from "#control-plane/api-server/schema/schema";

export type OpenApiVersion = 2 | 3;

/** `io.k8s.api.apps.v1.Deployment` */
export function definitionName(resource: Resource, version: string): string {
  return `${resource.definitionPrefix(version)}.${resource.kind}`;
}

export class OpenApiSchemas {
  readonly #version: OpenApiVersion;
  readonly #definitions = new Map<string, JsonObject>();

  constructor(version: OpenApiVersion) {
    this.#version = version;
  }

  get definitions(): JsonObject {
    return objectOf([...this.#definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  reference(name: string): JsonObject {
    return { $ref: `${this.#version === 2 ? "#/definitions" : "#/components/schemas"}/${name}` };
  }

  /** The definitions of a resource's object and of its list. */
  addResource(resource: Resource, version: string): void {
    const name = definitionName(resource, version);
    if (this.#definitions.has(name)) return;
    const { group, kind, listKind } = resource;
    this.#definitions.set(name, {
      ...this.#inPlace(resource.schema(version)),
      "x-kubernetes-group-version-kind": [{ group, kind, version }],
    });
    this.#definitions.set(`${name}List`, {
      type: "object",
      description: `A list of ${kind}`,
      required: ["items"],
      properties: {
        apiVersion: { type: "string" },
        items: { type: "array", items: this.reference(name) },
        kind: { type: "string" },
        metadata: this.of(listMetaSchema),
      },
      "x-kubernetes-group-version-kind": [{ group, kind: listKind, version }],
    });
  }

  of(schema: Schema): JsonObject {
    const { definition, description } = schema;
    if (definition === undefined) return this.#inPlace(schema);
    if (!this.#definitions.has(definition)) {
      // Set first: what is within may refer to it.
      this.#definitions.set(definition, {});
      this.#definitions.set(definition, this.#inPlace(schema));
    }
    const reference = this.reference(definition);
    if (description === undefined) return reference;
    // In version 3 nothing counts that stands beside a reference.
    return this.#version === 2 ? { description, ...reference } : { description, allOf: [reference] };
  }

  #inPlace(schema: Schema): JsonObject {
    const { description, properties, values, items, required, limits, merge, patchMergeKey } = schema;
    return {
      ...(description === undefined ? {} : { description }),
      ...this.#type(schema),
      ...limits,
      ...(properties === undefined
        ? {}
        : { properties: objectOf([...properties].map(([name, field]): [string, Json] => [name, this.of(field)])) }),
      ...(values === undefined ? {} : { additionalProperties: this.of(values) }),
      ...(items === undefined ? {} : { items: this.of(items) }),
      ...(required === undefined ? {} : { required }),
      ...(schema.enum === undefined ? {} : { enum: schema.enum }),
      ...(schema.open === true ? { "x-kubernetes-preserve-unknown-fields": true } : {}),
      ...mergeWords(schema.type, merge),
      ...(patchMergeKey === undefined ? {} : { "x-kubernetes-patch-strategy": "merge" }),
      ...(patchMergeKey === undefined || patchMergeKey === "" ? {} : { "x-kubernetes-patch-merge-key": patchMergeKey }),
    };
  }

  #type({ type, format }: Schema): JsonObject {
    switch (type) {
      case "any":
        return {};
      case "int-or-string":
        if (this.#version === 2) return { type: "string", format: "int-or-string" };
        return { "x-kubernetes-int-or-string": true, oneOf: [{ type: "integer" }, { type: "string" }], format: "int-or-string" };
      default:
        return format === undefined ? { type } : { type, format };
    }
  }
}

function mergeWords(type: Schema["type"], merge: Schema["merge"]): JsonObject {
  if (merge === undefined) return {};
  if (merge === "atomic") return type === "array" ? { "x-kubernetes-list-type": "atomic" } : { "x-kubernetes-map-type": "atomic" };
  if (merge === "set") return { "x-kubernetes-list-type": "set" };
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": merge.keys };
}
