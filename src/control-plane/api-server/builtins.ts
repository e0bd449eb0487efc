// What a cluster has from its first moment: its namespaces, and the definitions of the kinds that are built in. Created where they are
// missing, never changed: a definition that somebody applied stays. Their schemas are in OpenAPI, made of the declarations; here they would
// be read at every start for nobody.
import type { ObjectStore, ObjectWrite } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName } from "#control-plane/config/stored-object";
import { definitionStatus } from "./admission/definition-status.ts";
import { textAt, type JsonObject } from "./json.ts";
import { asJson, asStored } from "./operations/answer.ts";
import type { Resource } from "./resources/resource.ts";
import type { ResourceTable } from "./resources/resource-table.ts";

const NAMESPACES = ["default", "istio-system", "kube-node-lease", "kube-public", "kube-system"];
const AUTHOR = "mizzen";
/** Another control plane on the same store may create them at the same time. */
const MAX_ATTEMPTS = 5;

export async function ensureBuiltins(store: ObjectStore, table: ResourceTable, nowMs: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const writes = [...(await missingNamespaces(store)), ...(await missingDefinitions(store, table, nowMs))];
    if (writes.length === 0) return;
    try {
      await store.write(writes, { author: AUTHOR });
      return;
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !(error instanceof StatusError) || error.reason !== "AlreadyExists") throw error;
    }
  }
}

async function namesIn(store: ObjectStore, group: string, resource: string): Promise<ReadonlySet<string>> {
  const { items } = await store.list({ group, resource });
  return new Set(items.map(({ metadata }) => metadata.name ?? ""));
}

async function missingNamespaces(store: ObjectStore): Promise<readonly ObjectWrite[]> {
  const present = await namesIn(store, "", "namespaces");
  return NAMESPACES.filter((name) => !present.has(name)).map((name) => ({
    verb: "create",
    name: { group: "", resource: "namespaces", namespace: "", name },
    object: asStored({ apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  }));
}

async function missingDefinitions(store: ObjectStore, table: ResourceTable, nowMs: number): Promise<readonly ObjectWrite[]> {
  const place = { group: "apiextensions.k8s.io", resource: "customresourcedefinitions", namespace: "" } as const;
  const present = await namesIn(store, place.group, place.resource);
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/u, "Z");
  const definitions = table.all.filter(({ isCustom }) => isCustom).map(definitionOf);
  return definitions.flatMap((definition): readonly ObjectWrite[] => {
    const name: ObjectName = { ...place, name: textAt(definition, "metadata", "name") };
    if (present.has(name.name)) return [];
    return [
      { verb: "create", name, object: asStored(definition) },
      {
        verb: "modify",
        name,
        subresource: "status",
        change: (current) => ({
          ...(current ?? asStored(definition)),
          status: definitionStatus(asJson(current ?? asStored(definition)), table, now),
        }),
      },
    ];
  });
}

function definitionOf(resource: Resource): JsonObject {
  const { group, plural, kind, singular, listKind, shortNames, categories, versions, namespaced } = resource;
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { categories, kind, listKind, plural, singular, ...(shortNames.length === 0 ? {} : { shortNames }) },
      scope: namespaced ? "Namespaced" : "Cluster",
      versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema, subresources: { status: {} } })),
    },
  };
}
